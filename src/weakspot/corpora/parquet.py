"""Documents out of Parquet: one column, a thousand rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weakspot.corpora.documents import Parts, Row, cut_rows
from weakspot.errors import CorruptFile, MissingExtra, UsageError

ROWS = 1000


def parquet_rows(path: Path, fields: tuple[str, str, str], parts: Parts) -> Iterator[Row]:
    """The texts of a column; what is missing is told and left out.

    Args:
        path: the file.
        fields: the names of the columns of text, group and pair; empty for none.
        parts: hears what was amiss.

    Raises:
        MissingExtra: the package that reads Parquet is missing.
        CorruptFile: the file is no Parquet.
        UsageError: it lacks a column, or the text's column holds no text.
    """
    try:
        import pyarrow as pa  # 0.2 s: only where a file needs it
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra(f"{path.name} needs the package pyarrow.", hint='pip install "weakspot[corpus]"') from None
    try:
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptFile(f"{path.name} is no Parquet file that can be read: {_first_line(error)}.") from None
    with file:
        _check_columns(path, file.schema_arrow, fields, pa)
        try:
            for batch in file.iter_batches(batch_size=ROWS, columns=sorted({name for name in fields if name})):
                yield from _rows(batch, fields, parts)
        except (pa.ArrowException, OSError) as error:
            parts.tell(f"The file is damaged ({_first_line(error)}); what came before was read.")


def _check_columns(path: Path, schema: Any, fields: tuple[str, str, str], pa: Any) -> None:
    for name in fields:
        if name and name not in schema.names:
            raise UsageError(
                f"{path.name} has no column {name!r}; it has: {', '.join(schema.names)[:200]}.",
                hint="Name the text's column with --field, the others with --group and --pair.",
            )
    kind = schema.field(fields[0]).type
    value = getattr(kind, "value_type", kind)  # a column of a dictionary's numbers
    checks = ("is_string", "is_large_string", "is_string_view", "is_binary", "is_large_binary", "is_binary_view")
    if not any(getattr(pa.types, check, lambda _: False)(value) for check in checks):
        raise UsageError(f"The column {fields[0]!r} of {path.name} holds {kind}, not text.", hint="Name another one.")


def _rows(batch: Any, fields: tuple[str, str, str], parts: Parts) -> Iterator[Row]:
    texts, groups, pairs = (batch.column(name).to_pylist() if name else None for name in fields)
    for number, given in enumerate(texts or ()):
        if given is None:
            parts.tell("A row has no text and was left out.")
            continue
        text = parts.text(given, 0) if isinstance(given, bytes) else given
        group = None if groups is None else _said(groups[number])
        yield from cut_rows(Row(text, group, "" if pairs is None else _said(pairs[number])), parts)


def _said(value: object) -> str:
    return "" if value is None else str(value)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
