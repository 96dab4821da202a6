"""Numbers as a reader meets them, the same in every face. A missing number is a dash, never a zero."""

import math
from datetime import UTC, datetime

NONE = "–"
MINUS = "−"


def known(value: float | None) -> bool:
    """Whether there is a number at all; not-a-number and the infinities are none."""
    return value is not None and math.isfinite(value)


def percent(rate: float | None) -> str:
    """A rate (0-1) as per cent with one decimal: 41.2%."""
    return f"{rate * 100:.1f}%" if rate is not None and known(rate) else NONE


def interval(low: float | None, high: float | None) -> str:
    """Two rates (0-1) as 25.5–59.3%."""
    if low is None or high is None or not (known(low) and known(high)):
        return NONE
    return f"{low * 100:.1f}–{high * 100:.1f}%"


def points(difference: float | None) -> str:
    """A difference of rates as signed percentage points: −12.3."""
    if difference is None or not known(difference):
        return NONE
    shown = f"{abs(difference) * 100:.1f}"
    if float(shown) == 0:
        return "0.0"
    return (MINUS if difference < 0 else "+") + shown


def point_interval(low: float | None, high: float | None) -> str:
    """Two differences as −20.1 to −3.9."""
    return f"{points(low)} to {points(high)}" if known(low) and known(high) else NONE


def p_value(p: float | None) -> str:
    """A probability: 0.012, or <0.001."""
    if p is None or not known(p):
        return NONE
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float | None) -> str:
    """For the middle of a sentence: p = 0.012, p < 0.001, or that there is none."""
    if not known(p):
        return "no p"
    return "p < 0.001" if p is not None and p < 0.001 else f"p = {p_value(p)}"


def count(number: float | None) -> str:
    """A whole number with thousands set apart: 1,500."""
    return f"{number:,.0f}" if number is not None and known(number) else NONE


def decimal(number: float | None, digits: int = 1) -> str:
    """A number with so many decimals."""
    return f"{number:,.{digits}f}" if number is not None and known(number) else NONE


def large(number: float | None) -> str:
    """A count of parameters: 134.5 M, 7.2 B."""
    if number is None or not known(number):
        return NONE
    for unit, size in (("B", 1e9), ("M", 1e6)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return count(number)


def size(number: float | None) -> str:
    """Bytes in decimal units: 98.4 MB, 23.0 kB."""
    if number is None or not known(number):
        return NONE
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= scale:
            return f"{number / scale:.1f} {unit}"
    return f"{number:.0f} bytes"


def duration(seconds: float | None) -> str:
    """Seconds as 0.4 s, 41 s, 3 min 12 s or 2 h 5 min."""
    if seconds is None or not known(seconds):
        return NONE
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def date(iso: str) -> str:
    """A date in ISO 8601 as 2026-11-23 21:40 UTC; anything else as it is."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{when:%Y-%m-%d %H:%M}" if when.tzinfo is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plural(number: int, one: str, many: str = "") -> str:
    """1 item, 2 items."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def category(name: str) -> str:
    """A category's name as a heading: prompt_injection -> Prompt injection."""
    plain = name.replace("_", " ").replace("-", " ").strip()
    return plain[:1].upper() + plain[1:] if plain else "(no category)"
