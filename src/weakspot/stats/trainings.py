"""Rates of a few repeated trainings: what they say of the next one, and whether two kinds of training differ.

It knows counts and rates by training, not what was trained. A training is one draw; the items it is tested on are not
independent draws of the same thing, so an interval over items alone is far too narrow.

With three trainings a side no test that only deals labels anew can reach 0.05 (its smallest p is 0.1), so a difference
of means is held against Student's t, which takes trainings as normal about their mean. That is an assumption, and three
numbers that happen to agree would make it overconfident. Two floors hold against that: the spread between trainings is
never taken smaller than the spread within all kinds that are compared together, nor than `LEAST_SPREAD`. Measured rate
of false claims in families of 15 comparisons (Holm), trainings drawn alike for all kinds: see tests/test_lab_claims.py.

Student (1908), Biometrika 6, 1-25; Wilson's interval with a design effect and t: Korn and Graubard (1998), Survey
Methodology 24, 193-201.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from weakspot.stats.exceeding import incomplete_beta
from weakspot.stats.interval import Interval, quantile

LEAST_SPREAD = 0.05
"""Standard deviation between trainings that is assumed at least, as a rate: five points."""
FEWEST = 3
"""Under so many trainings a rate's interval is over its items alone."""
_BISECTIONS = 80


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """Second mean minus first, with its interval and a two-sided p that is not adjusted; all None without a spread."""

    difference: float | None
    low: float | None
    high: float | None
    p: float | None


def student_p(t: float, freedom: int) -> float:
    """Two-sided: the chance of so large a Student's t with so many degrees of freedom."""
    return 1.0 if t == 0 else incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


@cache
def student_quantile(confidence: float, freedom: int) -> float:
    """The t that leaves half of 1 - `confidence` above it.

    Raises:
        ValueError: no degree of freedom, or a confidence that is not between 0 and 1.
    """
    if freedom < 1 or not 0 < confidence < 1:
        raise ValueError(f"No t of {freedom} degrees of freedom at {confidence}.")
    low, high = 0.0, 1e7
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if student_p(middle, freedom) > 1 - confidence else (low, middle)
    return high


def rate_interval(right: Sequence[int], n: Sequence[int], confidence: float = 0.95) -> Interval | None:
    """The interval of the mean rate over trainings, `right[i]` of `n[i]` items each; None without items.

    Wilson's interval with items divided by the design effect (the variance between trainings over that which items
    alone would give, at least 1) and t for the normal quantile. With fewer than three trainings it is Wilson's over
    items, which says nothing of another training. Where all trainings are at 0 or at 1 no spread can be seen, and the
    interval rests on t alone.

    Raises:
        ValueError: counts that cannot be.
    """
    if len(right) != len(n) or any(not 0 <= r <= m for r, m in zip(right, n, strict=True)):
        raise ValueError("Each training has as many right as it has items, at most.")
    used = [(r, m) for r, m in zip(right, n, strict=True) if m]
    if not used:
        return None
    hits, items = sum(r for r, _ in used), sum(m for _, m in used)
    rate, count = hits / items, len(used)
    z = quantile(confidence) if count < FEWEST else student_quantile(confidence, count - 1)
    effect = 1.0
    if count >= FEWEST and 0 < hits < items:
        # variance of a ratio of sums over clusters, as a multiple of the binomial one
        between = count / (count - 1) * sum((r - rate * m) ** 2 for r, m in used)
        effect = max(1.0, between / (items * rate * (1 - rate)))
    size, z2 = items / effect, z * z
    centre = (rate * size + z2 / 2) / (size + z2)
    half = z * math.sqrt(size * rate * (1 - rate) + z2 / 4) / (size + z2)
    return Interval(0.0 if hits == 0 else max(0.0, centre - half), 1.0 if hits == items else min(1.0, centre + half))


def spread(groups: Sequence[Sequence[float]]) -> float | None:
    """The pooled variance within groups of rates; None where no group has two."""
    freedom = sum(len(group) - 1 for group in groups if len(group) > 1)
    if not freedom:
        return None
    return sum(sum((x - sum(group) / len(group)) ** 2 for x in group) for group in groups) / freedom


def mean_difference(
    first: Sequence[float], second: Sequence[float], variance: float = 0.0, confidence: float = 0.95
) -> MeanDifference:
    """Whether the means of two kinds of training differ.

    Args:
        first: a rate for each training of the first kind.
        second: the same of the second.
        variance: within all kinds that are compared together (`spread`): a floor.
        confidence: of the interval.
    """
    if not first or not second:
        return MeanDifference(None, None, None, None)
    difference = sum(second) / len(second) - sum(first) / len(first)
    own = spread((first, second))
    if own is None:
        return MeanDifference(difference, None, None, None)
    floor = max(own, variance, LEAST_SPREAD**2)
    error = math.sqrt(floor * (1 / len(first) + 1 / len(second)))
    freedom = len(first) + len(second) - 2
    reach = student_quantile(confidence, freedom) * error
    p = student_p(difference / error, freedom)
    return MeanDifference(difference, max(-1.0, difference - reach), min(1.0, difference + reach), p)
