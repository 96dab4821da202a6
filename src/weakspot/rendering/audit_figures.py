"""Numbers of an audit as a reader meets them: shares that never round a few to none, premiums, changes."""

from weakspot.rendering import formats


def share(part: float, whole: float) -> str:
    """A part of a whole as per cent; what is not none is not shown as 0, what is not all not as 100."""
    if not whole or not formats.known(part):
        return formats.NONE
    rate = part / whole
    if 0 < rate < 0.001:
        return "<0.1%"
    if 0.999 < rate < 1:
        return ">99.9%"
    return f"{rate * 100:.0f}%" if rate in (0, 1) else f"{rate * 100:.1f}%"


def times(ratio: float | None) -> str:
    """A ratio as 1.34x, 12.4x, 1,240x with the sign for times."""
    if ratio is None or not formats.known(ratio):
        return formats.NONE
    return f"{ratio:,.{2 if abs(ratio) < 10 else 1 if abs(ratio) < 100 else 0}f}×"


def times_interval(low: float | None, high: float | None) -> str:
    """Two ratios as 1.20–1.45x."""
    if not (formats.known(low) and formats.known(high)):
        return formats.NONE
    return f"{times(low)[:-1]}–{times(high)}"


def change(value: float | None, *, as_times: bool = False) -> str:
    """A relative change (-0.12) as −12.0%, or as 0.88x."""
    if value is None or not formats.known(value):
        return formats.NONE
    if as_times:
        return times(1 + value)
    shown = f"{abs(value) * 100:,.1f}"
    if float(shown.replace(",", "")) == 0:
        return "0.0%" if value == 0 else "<0.1%" if value > 0 else f"{formats.MINUS}<0.1%"
    return f"{formats.MINUS if value < 0 else '+'}{shown}%"


def change_interval(low: float | None, high: float | None, *, as_times: bool = False) -> str:
    """Two changes as −12.9% to −11.0%, or as 0.87–0.89x."""
    if low is None or high is None or not (formats.known(low) and formats.known(high)):
        return formats.NONE
    return times_interval(1 + low, 1 + high) if as_times else f"{change(low)} to {change(high)}"


def money(amount: float | None) -> str:
    """A price in the currency that it was given in: 1.20, 0.0034."""
    if amount is None or not formats.known(amount):
        return formats.NONE
    if amount == 0 or abs(amount) >= 0.1:
        return f"{amount:,.2f}"
    return f"{amount:.3g}"


def speed(size: int, seconds: float) -> str:
    """Bytes in seconds as MB/s; a dash where the time is too short to tell."""
    if not formats.known(seconds) or seconds <= 0 or not size:
        return formats.NONE
    rate = size / seconds / 1e6
    return f"{rate:.1f} MB/s" if rate >= 0.1 else f"{rate * 1000:.1f} kB/s"
