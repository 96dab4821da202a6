"""The frame of all importers: what is seen of a file before it is read, which tool wrote it, and the common checks."""

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from weakspot import registry
from weakspot.errors import ImportFailed
from weakspot.exchange.reading import check_kind, decoded, shown
from weakspot.records import Imported

HEAD = 1 << 16
"""Bytes of a file that are looked at to tell which tool wrote it."""

MOST_NAMES = 10_000


class Asked(msgspec.Struct, frozen=True):
    """What the user said beside the path; an importer ignores what it has no use for.

    Attributes:
        data: a local file of the task's data (lm-eval tasks whose data set lies on a hub).
        columns: our name of a column -> the file's (plain tables): prompt, reference, response, model, passed, ...
        model: what to call the model where the file does not say, or which one of several to take.
        task: which of several tasks in the file to take; empty for all.
        metric: which of the tool's metrics is the verdict; empty for the importer's own choice, which it notes.
        threshold: from which value of a graded metric on an item has passed; None: only the ends of the scale are
            verdicts.
        few_shot: how many solved examples stand before each item (lm-eval tasks); None: as the task says.
    """

    data: str = ""
    columns: dict[str, str] = {}
    model: str = ""
    task: str = ""
    metric: str = ""
    threshold: float | None = None
    few_shot: int | None = None


class Sighting:
    """What is seen at a path before anything is parsed; everything here is cheap and never raises on content.

    Attributes:
        path: the file or folder.
        folder: whether it is a folder.
        names: the names in the folder, sorted; empty for a file.
        head: the first 64 KiB of the file; empty for a folder.
        whole: whether `head` is the whole file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.is_dir()
        self.names = (
            tuple(sorted(p.name for p, _ in zip(path.iterdir(), range(MOST_NAMES), strict=False)))
            if (self.folder)
            else ()
        )
        self.head = b""
        self.whole = False
        if not self.folder:
            with path.open("rb") as file:
                self.head = file.read(HEAD + 1)
            self.whole = len(self.head) <= HEAD
            self.head = self.head[:HEAD]

    @property
    def suffix(self) -> str:
        """The last suffix in lower case, with the dot; empty where there is none."""
        return self.path.suffix.lower()

    @cached_property
    def text(self) -> str:
        """The head as text; bytes that are none become U+FFFD."""
        return self.head.decode("utf-8", "replace").removeprefix("\ufeff")

    @cached_property
    def first(self) -> dict[str, Any]:
        """The first line's JSON object, or the whole small file's; empty where there is none."""
        stripped = self.text.strip()
        for candidate in (stripped.partition("\n")[0], stripped if self.whole else ""):
            try:
                value = json.loads(candidate)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                return value
        return {}

    @property
    def lines(self) -> bool:
        """Whether the file is JSON lines: its first line alone is an object."""
        try:
            return isinstance(json.loads(self.text.strip().partition("\n")[0]), dict)
        except (ValueError, RecursionError):
            return False

    def mentions(self, *keys: str) -> bool:
        """Whether all of these JSON keys stand in the head, at whatever depth: for documents larger than the head."""
        return all(f'"{key}"' in self.text for key in keys)


class Importer(msgspec.Struct, frozen=True):
    """One format: what it is called in messages, how it is recognised, and how it is read."""

    title: str
    matches: Callable[[Sighting], bool]
    read: Callable[[Path, Asked], Imported]


def detect(path: Path) -> str:
    """The name of the importer that a file or folder is for.

    Raises:
        ImportFailed: nothing is there, or it is of no kind that is known.
    """
    seen = _sighted(path)
    for name in registry.names("importers"):
        try:
            importer: Importer = registry.load("importers", name)
        except ImportError:  # a third party's, or one that needs a package: no reason to lose the others
            continue
        if importer.matches(seen):
            return name
    raise ImportFailed(
        f"{shown(path)} is of no kind that is known.",
        hint=f"Name the tool by --from: {', '.join(registry.names('importers'))}.",
    )


def read_foreign(path: Path, tool: str = "", asked: Asked | None = None) -> Imported:
    """The content of another tool's file or folder.

    Args:
        path: the file or folder.
        tool: the importer's name; empty to tell it by the content.
        asked: what the user said beside the path.

    Raises:
        ImportFailed: it can't be taken over; the sentence says why.
        UsageError: there is no such importer.
    """
    name = tool or detect(path)
    importer: Importer = registry.load("importers", name)
    _sighted(path)
    try:
        found = importer.read(path, asked or Asked())
    except RecursionError:
        raise ImportFailed(f"{shown(path)} is nested too deeply.", hint="No tool writes such a file.") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        # The shape of foreign files is theirs to break: what an importer did not foresee is still one sentence.
        raise ImportFailed(
            f"{shown(path)} does not have the form of {importer.title}: {type(error).__name__}: {error}.",
            hint="It may be of another version, or damaged.",
        ) from error
    return _checked(found, path, importer)


def _sighted(path: Path) -> Sighting:
    """What is seen at a path; raises for what no importer could read."""
    try:
        if not path.exists():
            raise ImportFailed(f"There is no file or folder {shown(path)}.", hint="Name one that another tool wrote.")
        seen = Sighting(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImportFailed(f"{shown(path)} can't be read: {reason}.", hint="Check the path and its rights.") from None
    if not seen.folder:
        check_kind(path, seen.head)
        if not seen.head.startswith(b"PK"):
            decoded(seen.head[:1024], path, cut=True)
    return seen


def _checked(found: Imported, path: Path, importer: Importer) -> Imported:
    if not found.probes:
        raise ImportFailed(f"{shown(path)} holds no items.", hint=f"It was read as {importer.title}.")
    seen: set[str] = set()
    for probe in found.probes:
        if probe.id in seen:
            raise ImportFailed(f"{shown(path)} holds two items {probe.id!r}.", hint="It may be two files in one.")
        seen.add(probe.id)
    return found
