"""Correct and incorrect reference answers of a question: in the row itself, or joined from TruthfulQA's own table.

It does not know which answer a reply is near to.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from weakspot.errors import UsageError
from weakspot.validation.labelled import Row

Pair = tuple[tuple[str, ...], tuple[str, ...]]
_PLACES: Final = ("truthfulqa.csv", "hallucination/truthfulqa.csv")
_COLUMNS: Final = frozenset(("Question", "Correct Answers", "Incorrect Answers"))


class References:
    """Looks a row's references up; `source` says where the table was found."""

    def __init__(self, table: Mapping[str, Pair], source: Path | None = None) -> None:
        self._table = table
        self.source = source

    def of(self, row: Row) -> Pair | None:
        """The correct and the incorrect answers, or None where one of them is missing."""
        own = row.columns.get("reference")
        if isinstance(own, Mapping):
            pair = _texts(own.get("correct")), _texts(own.get("incorrect"))
            if all(pair):
                return pair
        return self._table.get(_key(row.text("prompt")))


def find_references(data: Path, given: Path | None = None) -> References:
    """The table that is given, else truthfulqa.csv in or beside the data (also in a folder `hallucination`), else none.

    Raises:
        UsageError: the table can't be read, or has other columns.
    """
    base = data if data.is_dir() else data.parent
    for path in [given] if given else [folder / place for folder in (base, base.parent) for place in _PLACES]:
        if given or path.is_file():
            return References(_read(path), path)
    return References({})


def _read(path: Path) -> dict[str, Pair]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not set(reader.fieldnames or ()) >= _COLUMNS:
                wanted = ", ".join(sorted(_COLUMNS))
                raise UsageError(f"{path} is no table of references.", hint=f"It needs the columns {wanted}.")
            return {_key(r["Question"] or ""): _row(r) for r in reader if _row(r)[0] and _row(r)[1]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} can't be read: {error}.", hint="Give TruthfulQA's table as CSV.") from None


def _row(found: Mapping[str, str | None]) -> Pair:
    true = [*_split(found.get("Correct Answers")), *_split(found.get("Best Answer"))]
    false = [*_split(found.get("Incorrect Answers")), *_split(found.get("Best Incorrect Answer"))]
    return tuple(dict.fromkeys(true)), tuple(dict.fromkeys(false))


def _split(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(";") if part.strip()]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(t for t in value if isinstance(t, str) and t.strip()) if isinstance(value, list | tuple) else ()


def _key(question: str) -> str:
    return " ".join(question.casefold().split())
