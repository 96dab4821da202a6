"""Probes as the lines of a probe file: what a line leaves out is the default."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from weakspot.errors import UsageError
from weakspot.records import Generation, Message, Probe, to_builtins


def probe_line(probe: Probe) -> str:
    """One line, without its end; non-ASCII as it is, for people read and edit these files."""
    return json.dumps(_written(probe), ensure_ascii=False)


def write_probes(probes: Iterable[Probe], path: str | Path) -> None:
    """Write a probe file, UTF-8, line ends as on Unix on every machine.

    Raises:
        UsageError: the file cannot be written.
    """
    text = "".join(f"{probe_line(probe)}\n" for probe in probes)
    try:
        Path(path).write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}.", hint="Is the folder there?") from None


def _written(value: Any) -> Any:
    """Plain data; of the records' fields only those that are not the default."""
    if isinstance(value, Probe | Message | Generation):
        defaults = dict(zip(reversed(value.__struct_fields__), reversed(value.__struct_defaults__), strict=False))
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return {
            name: _written(field)
            for name, field in fields.items()
            if name not in defaults or not _is_default(field, defaults[name])
        }
    return [_written(inner) for inner in value] if isinstance(value, tuple) else to_builtins(value)


def _is_default(value: Any, default: Any) -> bool:
    factory = getattr(default, "factory", None)  # msgspec keeps an empty dict as a factory
    return bool(value == (factory() if factory else default))
