"""What a file states, read with distrust: a value of the wrong type or size is left out, and noted."""

import math
from collections.abc import Mapping
from typing import Any, Final

MAX_LAYERS: Final = 10_000
MAX_HEADS: Final = 1 << 16
MAX_HEAD_SIZE: Final = 1 << 16
MAX_WIDTH: Final = 1 << 28
MAX_TOKENS: Final = 1 << 40
_MAX_TEXT: Final = 80


class Stated:
    """Typed look-ups in a mapping from a hostile file; each takes several spellings, and the first one present counts.

    `prefix` stands before every key; `notes` collects what was left out.
    """

    def __init__(self, values: Mapping[str, Any], prefix: str = "") -> None:
        self._values = values
        self._prefix = prefix
        self.notes: list[str] = []

    def any(self, *keys: str) -> Any:
        """The value as it stands, or None."""
        return next((v for key in keys if (v := self._values.get(self._prefix + key)) is not None), None)

    def whole(self, *keys: str, most: int = MAX_WIDTH, least: int = 1) -> int | None:
        """A whole number within bounds, or None."""
        value = self.any(*keys)
        if value is None:
            return None
        if type(value) is float and value.is_integer():  # some configurations write 4096.0
            value = int(value)
        if type(value) is not int or not least <= value <= most:
            self._leave_out(keys, value)
            return None
        return int(value)

    def wholes(self, *keys: str, count: int | None, most: int) -> tuple[int, ...] | None:
        """One whole number from 0 for each of `count` layers; a lone number holds for all of them."""
        value = self.any(*keys)
        if value is None:
            return None
        listed = value if isinstance(value, list) else [value] * (count or 1)
        if (count is not None and len(listed) < count) or not listed or len(listed) > MAX_LAYERS:
            self._leave_out(keys, value)
            return None
        if not all(type(item) is int and 0 <= item <= most for item in listed):
            self._leave_out(keys, value)
            return None
        return tuple(listed[:count])

    def real(self, *keys: str) -> float | None:
        """A positive, finite number, or None."""
        value = self.any(*keys)
        if value is None:
            return None
        if type(value) not in (int, float) or not 0 < value < 1e15 or not math.isfinite(value):
            self._leave_out(keys, value)
            return None
        return float(value)

    def text(self, *keys: str) -> str | None:
        """A short text, or None; a longer one is clipped."""
        value = self.any(*keys)
        return value.strip()[:_MAX_TEXT] or None if isinstance(value, str) else None

    def flag(self, *keys: str) -> bool | None:
        """True, False, or None."""
        value = self.any(*keys)
        return value if isinstance(value, bool) else None

    def part(self, key: str) -> "Stated":
        """The mapping under a key, empty where there is none; its notes are its own."""
        value = self.any(key)
        return Stated(value if isinstance(value, dict) else {})

    def _leave_out(self, keys: tuple[str, ...], value: Any) -> None:
        key = next((key for key in keys if self._values.get(self._prefix + key) is not None), keys[0])
        self.notes.append(f"{key} makes no sense ({type(value).__name__}) and was left out")
