"""Whether a failure rate lies above a limit: an exact one-sided test, and the lower bound that goes with it.

Clopper and Pearson (1934), Biometrika 26, 404-413: the tail of the binomial, which is an incomplete beta function and
so takes fractions too. Where items share groups, the count of items is divided by the design effect (Korn and Graubard
1998, Survey Methodology 24, 193-201), never taken as less than 1; with under 10 groups the effect can't be estimated,
and the items of a group count as one.

It knows booleans and groups, not what they stand for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from weakspot.stats.tally import Tally, tally

FEW_GROUPS = 10
_BISECTIONS = 60
_TERMS = 10_000


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures out of `n` items; `effective` is how many items that stand alone would say as much."""

    failed: int
    n: int
    effective: float


def failures(failed: Sequence[bool], groups: Sequence[str | None]) -> Failures:
    """Count failures; an item whose group is None stands alone."""
    counts = tally(failed, [False] * len(failed), groups)
    return Failures(counts.only_a, counts.n, counts.n / _design_effect(counts) if counts.n else 0.0)


def _design_effect(counts: Tally) -> float:
    if counts.alone:
        return 1.0
    if counts.groups < FEW_GROUPS or counts.only_a in (0, counts.n):
        return counts.sizes_squared / counts.n  # as if the items of a group all went one way
    rate = counts.only_a / counts.n
    over_items = counts.only_a - 2 * rate * counts.only_a + rate**2 * counts.n
    over_groups = counts.squares - 2 * rate * counts.crossed + rate**2 * counts.sizes_squared
    return max(1.0, counts.groups / (counts.groups - 1) * over_groups / over_items)


def p_above(counts: Failures, limit: float) -> float:
    """The chance of so many failures or more where the true rate is `limit`; 0 where that cannot be.

    Raises:
        ValueError: the limit is not between 0 and 1, or there are no items.
    """
    if not 0 <= limit <= 1 or counts.n == 0:
        raise ValueError("A limit lies within 0 to 1, and there must be items.")
    if counts.failed == 0 or limit == 1:
        return 1.0
    if limit == 0:
        return 0.0
    failed = counts.failed / counts.n * counts.effective
    return incomplete_beta(failed, counts.effective - failed + 1, limit)


def lower_bound(counts: Failures, confidence: float = 0.95) -> float:
    """The least true rate that is not shown to be too low, one-sided: the rate is at least this.

    Raises:
        ValueError: there are no items.
    """
    if counts.failed == 0:
        return 0.0
    low, high = 0.0, counts.failed / counts.n
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if p_above(counts, middle) <= 1 - confidence:
            low = middle
        else:
            high = middle
    return low


def upper_bound(counts: Failures, confidence: float = 0.95) -> float:
    """The highest true rate that is not shown to be too high, one-sided.

    Raises:
        ValueError: there are no items.
    """
    passed = Failures(counts.n - counts.failed, counts.n, counts.effective)
    return 1.0 - lower_bound(passed, confidence)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), a and b above 0, by Lentz's continued fraction.

    Abramowitz and Stegun (1964), 26.5.8; held against scipy in the tests.
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    tiny = 1e-300
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    fraction = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d, tiny)
            c = _away(1 + term / c, tiny)
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return min(1.0, math.exp(log_front) * fraction / a)


def _away(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
