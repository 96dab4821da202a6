"""Rows out of local files: JSON lines, a JSON list, CSV, TSV, Parquet; each row a dict of column -> value."""

import csv
import io
import re
from pathlib import Path
from typing import Any

from weakspot.errors import ImportFailed, MissingExtra
from weakspot.exchange.reading import MAX_LINES, clean, json_lines, parse_json, read_bytes, read_text, shown

LONGEST_CELL = 16 << 20
Rows = list[dict[str, Any]]


def file_rows(path: Path, *, field: str | None = None) -> Rows:
    """All rows of a file, with the columns of all rows in each (None where a row lacks one).

    Args:
        path: the file; its kind is told by its suffix, and for JSON by its content.
        field: in a JSON object, the key under which the rows lie.

    Raises:
        ImportFailed: it holds no rows, or can't be read.
        MissingExtra: Parquet without pyarrow.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        found = _parquet(path)
    elif suffix in (".csv", ".tsv"):
        found = _typed(csv_rows(path, "\t" if suffix == ".tsv" else None))
    else:
        found = _json(path, field)
    if not found:
        raise ImportFailed(f"{shown(path)} holds no rows.", hint="One object per line, or one row, is wanted.")
    columns = list(dict.fromkeys(key for row in found for key in row))
    return [{column: row.get(column) for column in columns} for row in found]


def csv_rows(path: Path, delimiter: str | None = None) -> list[dict[str, str]]:
    """The rows of a CSV file under its header line, every cell a text; the delimiter is told by the header.

    Raises:
        ImportFailed: no header, two columns of one name, a row of more cells than the header, or a broken quote.
    """
    text = read_text(path)
    given = delimiter or _delimiter(text)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=given, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if len(set(header)) < len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise ImportFailed(f"{shown(path)} has two columns {shown(twice)!r}.", hint="Rename one.")
        rows: list[dict[str, str]] = []
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) > len(header) or len(rows) >= MAX_LINES:
                raise ImportFailed(
                    f"{shown(path)}, line {reader.line_num}: {len(cells)} cells under {len(header)} columns.",
                    hint="A cell with the delimiter in it must stand in quotes.",
                )
            rows.append(dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True)))
    except csv.Error as error:
        raise ImportFailed(
            f"{shown(path)}, line {reader.line_num}: {error}.", hint="It is no CSV, or was cut off."
        ) from None
    return rows


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t|", key=header.count)


def _json(path: Path, field: str | None) -> Rows:
    text = read_text(path) if path.suffix.lower() != ".jsonl" or field else ""
    if text and (field or text.lstrip()[:1] == "[" or _is_document(text)):
        value = parse_json(text, path)
        rows = value.get(field) if field and isinstance(value, dict) else value
        if isinstance(rows, dict):
            rows = _from_columns(rows)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ImportFailed(f"{shown(path)} holds no list of objects.", hint="One object per row is wanted.")
        return rows
    return [row for _, row in json_lines(path)]


def _is_document(text: str) -> bool:
    """Whether an object spans lines, so that the file is one document and no JSON lines."""
    return text.lstrip().partition("\n")[0].strip() in ("{", "{ ")


def _from_columns(value: dict[str, Any]) -> Any:
    """`{"column": [..], ...}` as rows; another object is itself the one row."""
    lists = [one for one in value.values() if isinstance(one, list)]
    if value and len(lists) == len(value) and len({len(one) for one in lists}) == 1:
        return [dict(zip(value, cells, strict=True)) for cells in zip(*lists, strict=True)]
    return [value]


def _parquet(path: Path) -> Rows:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtra(f"{path.name} needs the package pyarrow.", hint='pip install "weakspot[corpus]"') from None
    data = read_bytes(path)
    try:
        table = parquet.read_table(io.BytesIO(data))
        if table.num_rows > MAX_LINES:
            raise ImportFailed(f"{shown(path)} has more than {MAX_LINES:,} rows.", hint="Split it.")
        rows: Rows = clean(table.to_pylist())
    except (ArrowException, OSError, ValueError, RecursionError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0][:120].rstrip(".")
        raise ImportFailed(
            f"{shown(path)} is no Parquet that can be read: {reason}.", hint="Export it again."
        ) from None
    return rows


def _typed(rows: list[dict[str, str]]) -> Rows:
    """Cells as `datasets` gives them: a column of numbers alone as numbers, an empty cell as None."""
    kinds = {column: _kind([row[column] for row in rows if row[column]]) for column in (rows[0] if rows else {})}
    return [{column: kinds[column](cell) if cell else None for column, cell in row.items()} for row in rows]


def _kind(cells: list[str]) -> type[int] | type[float] | type[str]:
    if cells and all(re.fullmatch(r"[+-]?\d{1,18}", cell, re.ASCII) for cell in cells):
        return int
    number = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
    return float if cells and all(re.fullmatch(number, cell, re.ASCII) for cell in cells) else str
