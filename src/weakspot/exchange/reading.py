"""Opens foreign files with every guard: size, Git-LFS pointers, binary, encodings, nesting, zip bombs, stray names.

Everything that is wrong raises `ImportFailed` with one sentence. Texts come out without NUL and lone surrogates, which
no engine and no record can hold: each is U+FFFD then.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from weakspot.errors import ImportFailed

MAX_FILE = 256 << 20
"""Bytes of a file that must be read whole (JSON needs some ten times its size in memory)."""
MAX_LINE = 64 << 20
"""Bytes of one line of JSON lines."""
MAX_LINES = 2_000_000
MAX_RATIO = 200
"""How much a zip member may grow: text of logs packs 5 to 30 times, a bomb 1000 times."""
LFS = b"version https://git-lfs.github.com/spec/"
DAMAGED = "The file was cut off or is damaged; export it again."

_BINARY = {
    b"\x89PNG": "a PNG picture",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"SQLite format 3": "an SQLite database",
    b"GGUF": "a GGUF model",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"\x7fELF": "a program",
}


def shown(path: Path | str) -> str:
    """A path for a sentence: printable, the name alone where it is long."""
    text = str(path)
    text = text if len(text) <= 120 else "…" + text[-119:]
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def check_kind(path: Path, head: bytes) -> None:
    """Raises for a file that can be no tool's export: empty, a Git-LFS pointer, a known binary kind."""
    if not head.strip():
        raise ImportFailed(f"{shown(path)} is empty.", hint=DAMAGED)
    if head.startswith(LFS):
        raise ImportFailed(
            f"{shown(path)} is a Git-LFS pointer, not the file itself.", hint="Fetch it first: git lfs pull"
        )
    for magic, kind in _BINARY.items():
        if head.startswith(magic):
            raise ImportFailed(f"{shown(path)} is {kind}, not a text.", hint="Unpack or export it first.")


def read_bytes(path: Path, limit: int = MAX_FILE) -> bytes:
    """A whole file's bytes.

    Raises:
        ImportFailed: it is missing, too large, empty, a Git-LFS pointer or of a known binary kind.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImportFailed(f"{shown(path)} can't be read: {reason}.", hint="Check the path and its rights.") from None
    if len(data) > limit:
        raise ImportFailed(f"{shown(path)} is larger than {limit >> 20} MiB.", hint="Split it, or export it as JSONL.")
    check_kind(path, data[:1024])
    return data


def read_text(path: Path, limit: int = MAX_FILE) -> str:
    """A whole file's text (UTF-8, or UTF-16 with a byte order mark), as `read_bytes`."""
    return decoded(read_bytes(path, limit), path)


def decoded(data: bytes, path: Path | str, *, cut: bool = False) -> str:
    """Bytes as text; `cut` says that they may end within a character."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if cut and error.start >= len(data) - 3:
            text = data[: error.start].decode(encoding)
        else:
            raise ImportFailed(
                f"{shown(path)} is no UTF-8 text: byte {error.start + 1:,} is 0x{data[error.start]:02x}.",
                hint="If it is a text, save it as UTF-8; if it is packed, unpack it.",
            ) from None
    if "\0" in text:
        where = text.index("\0") + 1
        raise ImportFailed(f"{shown(path)} holds a NUL at character {where:,}: it is binary.", hint=DAMAGED)
    return text


def parse_json(text: str, name: Path | str) -> Any:
    """A JSON document; NaN and infinities, which tools write for what is missing, become None.

    Raises:
        ImportFailed: it is no JSON; the sentence says where.
    """
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ImportFailed(f"{shown(name)} is no JSON: {error.msg} at {place}.", hint=DAMAGED) from None
    except RecursionError:
        raise ImportFailed(f"{shown(name)} is nested too deeply.", hint="No tool writes such a file.") from None
    except ValueError as error:  # an integer of more than 4300 digits
        raise ImportFailed(f"{shown(name)} is no JSON that can be read: {error}.", hint=DAMAGED) from None
    return clean(value) if re.search(r"\\u(?:0000|[dD][89a-fA-F])", text) else value


def read_json(path: Path, limit: int = MAX_FILE) -> Any:
    """A file's JSON document, with the guards of `read_text` and `parse_json`."""
    return parse_json(read_text(path, limit), path)


def read_object(path: Path, limit: int = MAX_FILE) -> dict[str, Any]:
    """As `read_json`, where an object is wanted."""
    value = read_json(path, limit)
    if not isinstance(value, dict):
        raise ImportFailed(f"{shown(path)} holds no JSON object.", hint="It may be a file of another kind.")
    return value


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON lines file with their line numbers (from 1), one line in memory at a time.

    Raises:
        ImportFailed: a line is no JSON object, too long, or there are too many; the sentence names the line.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), start=1):
                if number == 1:
                    check_kind(path, line[:1024])
                if number > MAX_LINES:
                    raise ImportFailed(f"{shown(path)} has more than {MAX_LINES:,} lines.", hint="Split it.")
                if line.strip():
                    yield number, _line(line, number, path)
    except OSError as error:
        raise ImportFailed(f"{shown(path)} can't be read: {error.strerror}.", hint="Check the path.") from None


def _line(line: bytes, number: int, path: Path) -> dict[str, Any]:
    name = f"Line {number} of {shown(path)}"
    if len(line) > MAX_LINE:
        raise ImportFailed(f"{name} is longer than {MAX_LINE >> 20} MiB.", hint="No tool writes such a line.")
    value = parse_json(decoded(line, name), name)
    if not isinstance(value, dict):
        raise ImportFailed(f"{name} is no JSON object.", hint="One object per line is wanted.")
    return value


def clean(value: Any) -> Any:
    """JSON data with NUL and lone surrogates as U+FFFD."""
    if isinstance(value, str):
        return re.sub("[\0\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, dict):
        return {clean(k): clean(v) for k, v in value.items()}
    return [clean(v) for v in value] if isinstance(value, list) else value


def beside(folder: Path, name: str, *, root: Path | None = None) -> Path:
    """The file that a foreign file names, which must lie under `root` (by default the folder it is named in).

    Raises:
        ImportFailed: the name leads out of it, by `..`, a path from the root or a link.
    """
    top = (root or folder).resolve()
    try:
        found = (folder / name).resolve()
    except (OSError, ValueError, RuntimeError):
        found = Path("/")
    if not found.is_relative_to(top):
        raise ImportFailed(
            f"The name {shown(name)!r} leads out of {shown(top)}.", hint="Only files beside the one imported are read."
        )
    return found


class Archive:
    """A zip whose members are read with a limit on each and on all: a bomb is told before it fills the memory."""

    def __init__(self, path: Path, limit: int = 2 * MAX_FILE) -> None:
        self._path = path
        self._left = limit
        try:
            self._zip = zipfile.ZipFile(path)
            members = self._zip.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise ImportFailed(f"{shown(path)} is no zip that can be read: {error}.", hint=DAMAGED) from None
        for member in members:
            parts = PurePosixPath(member.filename.replace("\\", "/")).parts
            if member.filename.startswith(("/", "\\")) or ".." in parts or ":" in member.filename[:2]:
                self._zip.close()
                raise ImportFailed(
                    f"{shown(path)} has a member {shown(member.filename)!r} that leads out of it.",
                    hint="No tool writes such a name; don't unpack this file.",
                )
        self.names = tuple(member.filename for member in members)

    def read(self, name: str) -> bytes:
        """A member's bytes.

        Raises:
            ImportFailed: it is missing, encrypted, damaged, or grows beyond the limits.
        """
        try:
            member = self._zip.getinfo(name)
            most = min(MAX_FILE, self._left, MAX_RATIO * member.compress_size + (1 << 20))
            with self._zip.open(member) as file:
                data = _limited(file, most, f"{shown(name)} in {shown(self._path)}")
        except KeyError:
            raise ImportFailed(f"{shown(self._path)} has no member {shown(name)!r}.", hint=DAMAGED) from None
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
            raise ImportFailed(f"{shown(name)} in {shown(self._path)} can't be read: {error}.", hint=DAMAGED) from None
        self._left -= len(data)
        return data

    def json(self, name: str) -> Any:
        """A member's JSON document."""
        return parse_json(decoded(self.read(name), name), f"{name} in {self._path.name}")

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()


def _limited(file: IO[bytes], most: int, name: str) -> bytes:
    data = file.read(most + 1)
    if len(data) > most:
        raise ImportFailed(f"{name} unpacks to far more than its size: a zip bomb.", hint="Don't unpack this file.")
    return data
