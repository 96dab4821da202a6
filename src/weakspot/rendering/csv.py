"""CSV that a spreadsheet opens without running anything that stands in it."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from weakspot.rendering.files import write_atomic
from weakspot.rendering.text import visible

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # Excel takes the full-width ones too


def write_csv(rows: Iterable[Mapping[str, object]], path: Path, columns: Sequence[str] | None = None) -> None:
    """Write rows as CSV (RFC 4180, UTF-8), in one step: a reader never sees half a file.

    Text that a spreadsheet would take for a formula gets a leading apostrophe; numbers, also negative ones, stay
    numbers. None is an empty cell, a boolean is `true` or `false`; characters that cannot be seen become symbols.

    Args:
        rows: one mapping per row.
        path: the file, replaced if it is there.
        columns: their order; without it the first row's keys. A row may lack some; further keys are left out.

    Raises:
        DiskFull: no room; the old file, if any, is still there.
    """
    write_atomic(path, csv_bytes(rows, columns))


def csv_bytes(rows: Iterable[Mapping[str, object]], columns: Sequence[str] | None = None) -> bytes:
    """The file that `write_csv` writes."""
    listed = list(rows)
    names = list(columns if columns is not None else (listed[0] if listed else ()))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(cell(name) for name in names)
    writer.writerows([cell(row.get(name)) for name in names] for row in listed)
    return out.getvalue().encode("utf-8", "replace")


def cell(value: object) -> str:
    """One cell's text, harmless in a spreadsheet."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    safe = visible(text)
    # A spreadsheet skips leading spaces before it looks for a formula.
    return "'" + safe if text.lstrip(" ").startswith(FORMULA_STARTS) else safe
