"""Which files a corpus is made of: named ones and those in folders, in one fixed order, without listing them all first.

It knows names and the first bytes of a file, not what its documents are.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from weakspot.corpora.unpacking import PACKED, head_of
from weakspot.errors import UsageError

Kind = Literal["text", "jsonl", "parquet"]
KINDS: dict[str, Kind] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
LEFT_OUT = frozenset({"CVS", "__pycache__", "node_modules"})
"""Folders that hold no text of their own, beside those whose name begins with a dot."""

LOOKED_AT = 8000
"""Bytes at a file's beginning that are looked through for a NUL, as git does to tell a binary file."""


class Found(NamedTuple):
    """A file of the corpus.

    Attributes:
        path: where it lies.
        name: as the user named it, and inside a folder its path from there.
        kind: how its documents are read.
        packed: `.gz`, `.zst`, or empty.
        folder: the first folder under the one that was named, else the folder that the file lies in.
        named: whether the user named the file itself; one that was met in a folder need not have the text's field.
    """

    path: Path
    name: str
    kind: Kind
    packed: str
    folder: str
    named: bool = True


@dataclass
class LeftOut:
    """What was found in folders and not read, counted by the folder's name as the user gave it."""

    binary: dict[str, int] = field(default_factory=dict)
    hidden: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)

    def remark(self, folder: str) -> str:
        """What was left out of a folder, in one sentence; empty where nothing was."""
        said = [
            f"{many:,} {one if many == 1 else more}"
            for counts, one, more in (
                (self.binary, "binary file", "binary files"),
                (self.hidden, "hidden or version-control entry", "hidden or version-control entries"),
                (self.unreadable, "file that can't be read", "files that can't be read"),
            )
            if (many := counts.get(folder, 0))
        ]
        return f"Left out: {', '.join(said)}." if said else ""


def check_paths(paths: Sequence[str | Path]) -> list[str]:
    """The paths as the user wrote them.

    Raises:
        UsageError: none is named, or nothing is there.
    """
    named = [str(path) for path in paths]
    if not named:
        raise UsageError("No corpus is named.", hint="Name text files, JSONL, Parquet or folders.")
    for name in named:
        if "\0" in name or not Path(name).exists():
            raise UsageError(
                f"There is no file or folder {name!r}.", hint="Name text files, JSONL, Parquet or folders."
            )
    return named


def find_files(paths: Sequence[str], left_out: LeftOut) -> Iterator[Found]:
    """The files, folders in the order of their names; `left_out` is counted up on the way.

    A file that the user names is always read, even one with a NUL in it.
    """
    for name in paths:
        path = Path(name)
        if not path.is_dir():
            yield _found(path, name, path.resolve().parent.name)
            continue
        for file in _walk(path, name, left_out):
            inside = file.relative_to(path)
            try:
                if b"\0" in head_of(file, LOOKED_AT) and file.suffix != ".parquet":
                    _count(left_out.binary, name)
                    continue
            except OSError:
                _count(left_out.unreadable, name)
                continue
            folder = inside.parts[0] if len(inside.parts) > 1 else path.resolve().name
            yield _found(file, f"{name.rstrip('/')}/{inside.as_posix()}", folder)._replace(named=False)


def _walk(folder: Path, name: str, left_out: LeftOut) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        _count(left_out.unreadable, name)
        return
    for entry in entries:
        if entry.name.startswith(".") or (entry.name in LEFT_OUT and entry.is_dir()):
            _count(left_out.hidden, name)
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), name, left_out)
        elif entry.is_file():  # no pipe or device; a link to a folder could lead in circles
            yield Path(entry.path)


def _found(path: Path, name: str, folder: str) -> Found:
    packed = path.suffix if path.suffix in PACKED else ""
    inner = Path(path.stem) if packed else path
    return Found(path, name, KINDS.get(inner.suffix.lower(), "text"), packed, folder)


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1
