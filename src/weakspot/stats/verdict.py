"""A comparison in one sentence, and the words for rates at the edge.

It knows numbers and two names. Names are put into the sentence as they are: who shows it escapes them.
"""

import math
from typing import Literal

from weakspot.stats.paired import Paired, least_p

Edge = Literal["", "floor", "ceiling", "few"]

FEW = 10
EDGE = 0.9  # at 90% one way, ten points are left to differ in on that side: as little as quick runs can show


def edge(failed: int, n: int) -> Edge:
    """Whether a rate says little: "few" items (under 10), "floor" (90% or more fail) or "ceiling" (90% or more pass).

    Floor and ceiling are what the model reaches: at the floor it can nearly nothing, at the ceiling nearly all.
    """
    if n < FEW:
        return "few"
    if failed >= EDGE * n:
        return "floor"
    return "ceiling" if n - failed >= EDGE * n else ""


def verdict(
    paired: Paired, p_adjusted: float | None, name_a: str, name_b: str, alpha: float = 0.05
) -> tuple[bool, str]:
    """Whether a difference is shown, and the sentence that says so.

    Shown is what `p_adjusted` is at most `alpha` for; the interval in the sentence is not adjusted. Points are
    percentage points of the failure rate.
    """
    if paired.n == 0 or p_adjusted is None or paired.difference is None:
        return False, "No items: there is nothing to compare."
    if p_adjusted <= alpha:
        return True, _shown(paired, name_a if paired.difference < 0 else name_b)
    return False, f"No difference shown{_edge_reason(paired) or _outlook(paired, alpha)}."


def _shown(paired: Paired, better: str) -> str:
    low, high = paired.low or 0.0, paired.high or 0.0
    if (paired.difference or 0.0) < 0:
        low, high = -high, -low
    # An end that the exact test drew in to just beyond 0 (see `weakspot.stats.paired`) must not read as 0.
    start = "just above 0" if 0 < low < 0.0005 else _points(low)
    interval = f"{100 * paired.confidence:g}% interval {start} to {_points(high)}"
    return f"{better} fails less: {_points(abs(paired.difference or 0.0))} points fewer failures ({interval}), shown."


def _edge_reason(paired: Paired) -> str:
    """Why nothing could be shown where the items are too hard, too easy or too alike; else empty."""
    items = _items(paired.n)
    failed = paired.both + paired.only_a, paired.both + paired.only_b
    at = {edge(count, paired.n) for count in failed}
    if paired.only_a + paired.only_b == 0:
        if paired.both == paired.n:
            return f": floor, both failed all of these {items}"
        if paired.both == 0:
            return f": ceiling, both passed all of these {items}"
        return f": the two never differed on these {items}"
    counts = f"{failed[0]} and {failed[1]}"
    if at == {"floor"}:
        return f": floor, both fail nearly all of these {items} ({counts}); easier ones would tell more"
    if at == {"ceiling"}:
        return f": ceiling, both pass nearly all of these {items} ({counts} failed); harder ones would tell more"
    return ""


def _outlook(paired: Paired, alpha: float) -> str:
    """What stood in the way, how many items it would take, and what this run could have shown."""
    parts = []
    could = ""
    if least_p(paired.differing) > paired.level:
        unit = _items(paired.n) if paired.groups == paired.n else f"{paired.groups} groups"
        parts.append(f": the two differ on only {paired.differing} of these {unit}, too few to show any")
    elif paired.p is not None and paired.p <= alpha:
        # Where p alone, and with it the interval, says otherwise, the reason must be named.
        parts.append(" once every comparison is counted")
    if paired.smallest_detectable is not None:
        could = f" (this run could have shown {_whole_points(paired.smallest_detectable)})"
    if paired.items_needed is None:
        parts.append(f"{';' if parts else ':'} each failed {_items(paired.only_a)} that the other passed")
    elif paired.items_needed > paired.n:
        needed = _about(paired.items_needed)
        parts.append(f"; {needed} items would be needed to show one of {_points(abs(paired.difference or 0.0))} points")
    return "".join(parts) + could


def _points(difference: float) -> str:
    return f"{100 * difference:.1f}"


def _whole_points(difference: float) -> str:
    """Whole points where there are ten or more, rounded up: a plan has no more digits."""
    return f"{math.ceil(100 * difference)} points" if difference >= 0.1 else f"{_points(difference)} points"


def _items(n: int) -> str:
    return "1 item" if n == 1 else f"{n} items"


def _about(n: int) -> str:
    """Two digits, rounded up."""
    if n > 1_000_000:
        return "more than a million"
    unit = 10 ** max(0, len(str(n)) - 2)
    return f"about {-(-n // unit) * unit:,}"
