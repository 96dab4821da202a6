"""Many tests at once: the chance that any of them speaks falsely stays at the level.

It knows p-values and weights, not what was tested.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

K = TypeVar("K")


def weighted_holm(p: Sequence[float | None], weights: Sequence[float]) -> list[float | None]:
    """Adjusted p-values by Holm's (1979) weighted step-down, Scandinavian Journal of Statistics 6, 65-70.

    A test with weight w of a sum W is held against w / W of the level; a test that is passed hands its share on to
    the rest. The chance of any false rejection stays at the level however the tests depend on each other.

    Args:
        p: one p-value for each test; None where nothing could be tested, which stays None and weighs nothing.
        weights: a weight for each test, not negative; what has weight 0 can never be shown (adjusted to 1).

    Returns:
        For each test the smallest level at which it is shown, at least its own p and at most 1.

    Raises:
        ValueError: the lengths differ, a p is outside 0 to 1, or a weight is negative or not finite.
    """
    if len(p) != len(weights):
        raise ValueError("There must be one weight for each p.")
    if any(q is not None and not 0 <= q <= 1 for q in p) or not all(w >= 0 and math.isfinite(w) for w in weights):
        raise ValueError("A p lies within 0 to 1, a weight is finite and not negative.")
    adjusted: list[float | None] = [None if q is None else 1.0 for q in p]
    tested = [(q / weights[i], i, q) for i, q in enumerate(p) if q is not None and weights[i] > 0]
    tested.sort()
    largest = 0.0
    for rank, (scaled, i, q) in enumerate(tested):
        remaining = sum(weights[j] for _, j, _ in tested[rank:])
        # At least q: with one test left scaled * remaining is q only up to rounding.
        largest = min(1.0, max(largest, q, scaled * remaining))
        adjusted[i] = largest
    return adjusted


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down with equal weights; see `weighted_holm`."""
    return weighted_holm(p, [1.0] * len(p))


def testable(least: Mapping[K, float], level: float) -> set[K]:
    """Tarone's (1990) choice: the most tests that could each still be shown when the level is split among them.

    Args:
        least: the smallest p that each test can give, by a name.
        level: what they share.
    """
    for parts in range(1, len(least) + 1):
        able = {name for name, smallest in least.items() if smallest <= level / parts}
        if len(able) <= parts:
            return able
    return set()
