"""The bricks of the blocks of measures: tables, and numbers with their intervals."""

from collections.abc import Callable
from typing import NamedTuple

from weakspot.records.metrics import Estimate, PairedEffect
from weakspot.rendering import formats
from weakspot.rendering.anchors import Sentence


class Table(NamedTuple):
    """Rows of text under heads; `folded` tables are closed until they are asked for."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False


class Block(NamedTuple):
    """One measure: its title, the id of its place, what its numbers are, the sentences, and the tables behind them."""

    title: str
    anchor: str
    told: str
    sentences: tuple[Sentence, ...]
    tables: tuple[Table, ...]


def estimated(
    estimate: Estimate, shown: Callable[[float | None], str], ends: Callable[[float | None, float | None], str]
) -> str:
    """A number with its interval and how many items stand behind it: 41.2% (25.5–59.3%; 60)."""
    if not formats.known(estimate.value):
        return formats.NONE
    interval = ends(estimate.low, estimate.high) if formats.known(estimate.low) else "no interval"
    return f"{shown(estimate.value)} ({interval}; {estimate.n})"


def percents(estimate: Estimate) -> str:
    """A rate with its interval: 41.2% (25.5–59.3%; 60)."""
    return estimated(estimate, formats.percent, formats.interval)


def number(estimate: Estimate) -> str:
    """A plain number with its interval: +0.12 (−0.01 to 0.25)."""
    if estimate.value is None or not formats.known(estimate.value):
        return formats.NONE
    if estimate.low is None or estimate.high is None:
        return f"{_signed(estimate.value)} (no interval)"
    return f"{_signed(estimate.value)} ({_signed(estimate.low)} to {_signed(estimate.high)})"


def net_points(effect: PairedEffect) -> str:
    """A paired difference in points with its interval: +12.3 (+3.9 to +20.1)."""
    if not formats.known(effect.difference):
        return formats.NONE
    return f"{formats.points(effect.difference)} ({formats.point_interval(effect.low, effect.high)})"


def shares(estimate: Estimate, of: str, what: str) -> str:
    """A share in words: WHAT in 33.3% (95% interval 12.1–64.6%) of the 9 OF."""
    if not formats.known(estimate.value):
        return f"no {of}"
    ends = formats.interval(estimate.low, estimate.high)
    return f"{what} in {formats.percent(estimate.value)} (95% interval {ends}) of the {estimate.n} {of}"


def _signed(value: float) -> str:
    shown = f"{abs(value):.2f}"
    return shown if float(shown) == 0 else f"{formats.MINUS if value < 0 else ''}{shown}"
