"""JSON in and out for records."""

import re
from typing import Any, TypeVar

import msgspec

SCHEMA_VERSION = 1
"""Version of every record and of the run folder; raised when an older reader would misread."""

T = TypeVar("T")


def to_json(record: Any) -> bytes:
    """A record as one line of UTF-8 JSON.

    Lone surrogates, which a hostile file can bring in, are not text and cannot be written as UTF-8:
    they come out as U+FFFD.
    """
    try:
        return msgspec.json.encode(record)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(msgspec.to_builtins(record)))


def from_json(data: bytes | str, kind: type[T]) -> T:
    """A record of `kind` out of JSON.

    Raises:
        msgspec.ValidationError: the JSON does not fit the record; the message names the path.
        msgspec.DecodeError: it is no JSON.
    """
    return msgspec.json.decode(data, type=kind)


def to_builtins(record: Any) -> Any:
    """A record as plain dicts, lists and numbers."""
    return msgspec.to_builtins(record)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)  # one for one: spans in the text stay right
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):  # msgspec leaves tuples as they are
        return [_without_surrogates(v) for v in value]
    return value
