"""Labelled rows of the common schema, from JSONL and CSV files, checked line by line.

    id, source, task, lang, model, prompt, context, reference, response, label, failure, labeller, detail, group

A file of pairs has response_1 and response_2, one of texts has text, one of BBQ has ans0-ans2. Other columns are kept.
It does not know which scorer fits a row.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from weakspot.errors import ImportFailed, UsageError

Half = Literal["tuned", "held-back"]
_LARGEST: Final = 256 * 2**20


class Row(msgspec.Struct, frozen=True):
    """One labelled row: where it stands, and its columns as they are."""

    line: int
    columns: dict[str, Any]

    def text(self, name: str) -> str:
        """A column as text; "" where it is missing or empty."""
        value = self.columns.get(name)
        return value if isinstance(value, str) else "" if value is None else str(value)

    @property
    def task(self) -> str:
        """The task by its column, or by the columns that only one kind of file has."""
        if self.text("task"):
            return self.text("task")
        return "bias_choice" if {"ans0", "ans1", "ans2", "label"} <= self.columns.keys() else ""

    @property
    def lang(self) -> str:
        """The language tag, "en" where none is given."""
        return (self.text("lang") or "en").casefold()[:2]

    @property
    def group(self) -> str:
        """What rows share that are drawn together: `group`, else the prompt, the text, the question or the id."""
        for name in ("group", "prompt", "text", "question", "id"):
            if self.text(name):
                return self.text(name)
        return f"line {self.line}"

    @property
    def half(self) -> Half:
        """The half that the group's SHA-256 falls into: scorers were made on the tuned one only."""
        return "held-back" if hashlib.sha256(self.group.encode("utf-8", "replace")).digest()[0] % 2 else "tuned"


class Labelled(msgspec.Struct, frozen=True):
    """One file's rows; `name` is the file's name without its ending."""

    name: str
    path: Path
    rows: tuple[Row, ...]


def labelled_files(data: Path) -> list[Path]:
    """The .jsonl and .csv files of `data`: itself, its own, or those in its folder `labelled`.

    Raises:
        UsageError: there are none.
    """
    if data.is_file():
        return [data]
    folder = data / "labelled" if (data / "labelled").is_dir() else data
    found = (
        sorted(p for p in folder.iterdir() if p.suffix in (".jsonl", ".csv") and p.is_file()) if folder.is_dir() else []
    )
    if not found:
        raise UsageError(f"There is no .jsonl or .csv file in {data}.", hint="Give a folder of labelled rows.")
    return found


def read_labelled(path: Path) -> Labelled:
    """The rows of one file.

    Raises:
        ImportFailed: a line is no JSON object, or a column has the wrong type; the sentence names the line.
        UsageError: the file can't be read, or is larger than 256 MiB.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is larger than {_LARGEST >> 20} MiB.", hint="Split the file.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}.", hint="Check the path.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ImportFailed(f"{path}, line {line}: this is no UTF-8 text.", hint="Save the file as UTF-8.") from None
    rows = tuple(_csv(path, text) if path.suffix == ".csv" else _jsonl(path, text))
    return Labelled(path.stem, path, rows)


def _jsonl(path: Path, text: str) -> Iterator[Row]:
    for line, part in enumerate(text.split("\n"), 1):
        if not part.strip():
            continue
        try:
            found = json.loads(part)
        except (ValueError, RecursionError) as error:
            raise ImportFailed(f"{path}, line {line}: this is no JSON ({error}).", hint=_HINT) from None
        if not isinstance(found, dict):
            raise ImportFailed(f"{path}, line {line}: a row is a JSON object, not {type(found).__name__}.", hint=_HINT)
        yield _checked(path, line, found)


def _csv(path: Path, text: str) -> Iterator[Row]:
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
    try:
        for found in reader:
            if None in found:
                raise ImportFailed(f"{path}, line {reader.line_num}: more cells than columns.", hint=_HINT)
            yield _checked(path, reader.line_num, _typed(found))
    except csv.Error as error:
        raise ImportFailed(f"{path}, line {reader.line_num}: this is no CSV ({error}).", hint=_HINT) from None


def _typed(found: dict[str, Any]) -> dict[str, Any]:
    """CSV cells as the schema means them: true and false of `failure`, JSON of `detail` and `reference`."""
    out = dict(found)
    truth = {"true": True, "false": False, "": None, "null": None}
    if isinstance(value := out.get("failure"), str) and value.strip().casefold() in truth:
        out["failure"] = truth[value.strip().casefold()]
    for name in ("detail", "reference"):
        if isinstance(value := out.get(name), str) and value[:1] in ("{", "["):
            try:
                out[name] = json.loads(value)
            except (ValueError, RecursionError):
                continue
    return out


def _checked(path: Path, line: int, found: dict[str, Any]) -> Row:
    for name in ("task", "lang", "prompt", "context", "response", "text", "response_1", "response_2"):
        if not isinstance(found.get(name), str | None):
            raise ImportFailed(f"{path}, line {line}: {name} must be text.", hint=_HINT)
    if not isinstance(found.get("failure"), bool | None):
        raise ImportFailed(f"{path}, line {line}: failure must be true, false or null.", hint=_HINT)
    if not isinstance(found.get("detail"), dict | str | None):
        raise ImportFailed(f"{path}, line {line}: detail must be an object.", hint=_HINT)
    return Row(line, found)


_HINT: Final = "docs/scorers.md shows the columns of a labelled row."
