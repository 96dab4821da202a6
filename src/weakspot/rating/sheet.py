"""A rater's queue as rows of a spreadsheet, and back: every row checked, all of them taken or none.

Rows are named by opaque ids; which answer stands behind each is kept in the run, so that a blind sheet gives nothing
away. It reads CSV; making a cell harmless is the renderer's business.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from weakspot.errors import ImportFailed
from weakspot.rating.answers import Answer, Key
from weakspot.rating.queue import Wanted
from weakspot.rating.session import LONGEST_NOTE
from weakspot.records import Probe, Rating

COLUMNS = ("id", "category", "asked", "answer", "expected", "verdict", "severity", "note")
OPEN_COLUMNS = ("probe", "candidate")
NEEDED = ("id", "verdict", "severity", "note")
LONGEST_CELL = 30_000
"""Characters of a cell: Excel cuts at 32,767 without a word."""
SHOWN = 8
WORDS: Mapping[str, bool | None] = {
    "passed": True,
    "pass": True,
    "p": True,
    "failed": False,
    "fail": False,
    "f": False,
    "skipped": None,
    "skip": None,
    "s": None,
}
FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


class SavedSheet(msgspec.Struct, frozen=True):
    """A sheet as the run keeps it: what was asked for, and the answer behind each row, in order."""

    wanted: Wanted
    keys: tuple[Key, ...]


def sheet_name(run: bytes, saved: SavedSheet) -> str:
    """Eight signs that name a sheet of a run; the same queue has the same name."""
    digest = hashlib.sha256(run + msgspec.json.encode(saved))
    return digest.hexdigest()[:8]


def rows(
    name: str,
    saved: SavedSheet,
    of_key: Mapping[Key, Answer],
    given: Mapping[Key, Rating],
    expected: Callable[[Probe], str],
) -> Iterator[dict[str, object]]:
    """The rows of a sheet; what this rater gave already stands in them.

    Args:
        name: the sheet's.
        saved: which answers, in which order.
        of_key: the answers.
        given: this rater's ratings.
        expected: what a probe expects, in words.
    """
    for number, key in enumerate(saved.keys, 1):
        answer, rating = of_key[key], given.get(key)
        yield {
            "id": f"{name}-{number:04d}",
            "probe": key[0],
            "candidate": key[1],
            "category": answer.probe.category,
            "asked": _cell("\n".join(f"[{role}] {text}" for role, text in answer.asked())),
            "answer": _cell(answer.text),
            "expected": _cell(expected(answer.probe)),
            "verdict": "" if rating is None else _word(rating.passed),
            "severity": None if rating is None else rating.severity,
            "note": "" if rating is None else rating.note,
        }


def columns(*, blind: bool) -> tuple[str, ...]:
    """The columns of a sheet; a blind one has no names of models or probes."""
    return COLUMNS if blind else (COLUMNS[0], *OPEN_COLUMNS, *COLUMNS[1:])


def read(data: bytes, find: Callable[[str], SavedSheet | None], rater: str | None) -> list[Rating]:
    """The ratings of a filled sheet; rows without a verdict are left out.

    Args:
        data: CSV with commas or semicolons, UTF-8 with or without a byte order mark.
        find: a sheet of this run by its name.
        rater: who filled it; None for whom the sheet was made for.

    Raises:
        ImportFailed: the file is no such sheet, or some rows are wrong: it says which lines, and nothing is taken.
    """
    problems: list[str] = []
    found: dict[tuple[str, Key], tuple[int, Rating]] = {}
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    for line, row in _lines(data):
        try:
            rating = _rating(row, find, rater, at)
        except ValueError as error:
            problems.append(f"line {line}: {error}")
            continue
        if rating is None:
            continue
        key = (rating.rater, (rating.probe, rating.candidate))
        if key in found:
            problems.append(f"line {line}: the same answer as in line {found[key][0]}")
        found[key] = (line, rating)
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise ImportFailed(
            f"Nothing was taken over: {'; '.join(problems[:SHOWN])}{more}.",
            hint="Mend these lines and import the file again.",
        )
    return [rating for _, rating in found.values()]


def _rating(row: dict[str, str], find: Callable[[str], SavedSheet | None], rater: str | None, at: str) -> Rating | None:
    word = row["verdict"].strip().lower()
    if not word:
        if row["severity"].strip():
            raise ValueError("a severity without a verdict")
        return None
    if word not in WORDS:
        raise ValueError(f"the verdict is {word[:40]!r}; it must be passed, failed or skipped, or stay empty")
    passed = WORDS[word]
    saved, key = _behind(row["id"].strip(), find)
    return Rating(
        probe=key[0],
        candidate=key[1],
        rater=rater or saved.wanted.rater,
        kind="hand",
        passed=passed,
        severity=_severity(row["severity"].strip(), passed),
        note=_note(row["note"]),
        blind=saved.wanted.blind,
        at=at,
    )


def _behind(word: str, find: Callable[[str], SavedSheet | None]) -> tuple[SavedSheet, Key]:
    name, _, number = word.rpartition("-")
    saved = find(name) if name.isalnum() else None
    if saved is None or not number.isdecimal() or not 1 <= int(number) <= len(saved.keys):
        raise ValueError(f"the id {word[:40]!r} is none of this run's sheets")
    return saved, saved.keys[int(number) - 1]


def _severity(word: str, passed: bool | None) -> int | None:
    if passed is not False:
        if word:
            raise ValueError(f"a severity ({word[:20]}) on an answer that did not fail")
        return None
    if not word:
        raise ValueError("a failure needs a severity of 1 to 5")
    try:
        number = float(word.replace(",", "."))  # spreadsheets write 3 as 3.0, or 3,0
    except ValueError:
        number = 0.0
    if number not in (1.0, 2.0, 3.0, 4.0, 5.0):
        raise ValueError(f"the severity is {word[:20]!r}; it must be 1 to 5")
    return int(number)


def _note(text: str) -> str:
    """A note without the apostrophe that kept a spreadsheet from running it."""
    shielded = text.startswith("'") and text[1:].lstrip(" ").startswith(FORMULA_STARTS)
    return (text[1:] if shielded else text).strip()[:LONGEST_NOTE]


def _lines(data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows by column, with the line of the file that each begins on."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportFailed("The sheet is not UTF-8.", hint="Save it as CSV, UTF-8.") from error
    head = text.partition("\n")[0]
    mark = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        _check_columns(names)
        begins = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                full = [*cells, *[""] * (len(names) - len(cells))]
                yield begins, dict(zip(names, full, strict=False))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise ImportFailed(f"The sheet is no CSV that can be read: line {reader.line_num}: {error}.") from error


def _check_columns(names: Sequence[str]) -> None:
    if missing := [name for name in NEEDED if name not in names]:
        raise ImportFailed(
            f"The sheet lacks the columns {', '.join(missing)}.",
            hint="Fill in the file that `weakspot rate RUN --export FILE.csv` wrote; keep its first line.",
        )


def _cell(text: str) -> str:
    if len(text) <= LONGEST_CELL:
        return text
    return f"{text[:LONGEST_CELL]}\n[cut: {len(text) - LONGEST_CELL:,} characters more in the run folder]"


def _word(passed: bool | None) -> str:
    return {True: "passed", False: "failed", None: "skipped"}[passed]
