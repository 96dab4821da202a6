"""Documents out of JSON lines: one field of each line's object."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from weakspot.corpora.documents import Parts, Row, cut_rows
from weakspot.corpora.files import Found
from weakspot.corpora.unpacking import pieces
from weakspot.errors import UsageError

LONGEST_LINE = 1 << 26
"""Bytes of a line at most: it can only be read as a whole."""

TOO_LONG = f"A line of more than {LONGEST_LINE >> 20} MiB can't be read as JSON and was left out."
NO_JSON = re.compile(r"Line [\d,]+ is no JSON and was left out\.")
Fields = tuple[str, str, str]


def json_rows(found: Found, fields: Fields, parts: Parts, read: Callable[[int], None]) -> Iterator[Row]:
    """The texts of a JSONL file; a line that gives none is told and left out.

    Args:
        found: the file.
        fields: the names of the fields of text, group and pair; empty for none.
        parts: hears what was amiss.
        read: hears how far the file was read.

    Raises:
        UsageError: the first object lacks the field that holds the text.
    """
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    first = True
    for number, (offset, line) in enumerate(_lines(pieces(found.path, found.packed, parts.tell, read), parts), 1):
        if not line.strip():
            continue
        entry: dict[str, Any] | None
        try:
            entry = decode(line)
        except (msgspec.DecodeError, UnicodeError):  # a lone surrogate, a byte that is no UTF-8, or no object at all
            entry = _leniently(parts.text(line, offset), number, parts)
        if entry is None:
            continue
        text = entry.get(fields[0])
        if isinstance(text, str):
            yield from cut_rows(Row(text, _name(entry, fields[1]), _name(entry, fields[2]) or ""), parts)
        elif first:
            raise UsageError(
                f"{found.name} has no text in a field {fields[0]!r}; line {number} has: {', '.join(entry)[:200]}.",
                hint="Name the field with --field.",
            )
        else:
            parts.tell(f"A line has no text in the field {fields[0]!r} and was left out.")
        first = False


def _lines(flow: Iterator[bytes], parts: Parts) -> Iterator[tuple[int, bytes]]:
    """Where each line begins in the unpacked file, and the line, without its end."""
    held: list[bytes] = []
    size = offset = 0
    for piece in flow:
        at = 0
        while (end := piece.find(b"\n", at)) >= 0:
            held.append(piece[at:end])
            size += end - at
            if size <= LONGEST_LINE:
                yield offset, b"".join(held)
            else:
                parts.tell(TOO_LONG)
            offset += size + 1
            held, size, at = [], 0, end + 1
        size += len(piece) - at
        held = [*held, piece[at:]] if size <= LONGEST_LINE else []
    if 0 < size <= LONGEST_LINE:
        yield offset, b"".join(held)
    elif size:
        parts.tell(TOO_LONG)


def _leniently(line: str, number: int, parts: Parts) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        parts.tell(_no_json(number, parts))
        return None
    if isinstance(entry, dict):
        return entry
    parts.tell("A line is no JSON object and was left out.")
    return None


def _no_json(number: int, parts: Parts) -> str:
    """The first such line is named; a file full of them makes no long remark."""
    first = next(filter(NO_JSON.fullmatch, parts.said), None)
    return first or f"Line {number:,} is no JSON and was left out."


def _name(entry: dict[str, Any], field: str) -> str | None:
    if not field:
        return None
    value = entry.get(field)
    return "" if value is None else str(value)
