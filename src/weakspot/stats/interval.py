"""Confidence intervals: of one failure rate, and of the difference between two on the same items.

It knows counts only. Intervals here are not adjusted for how many of them are shown.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from weakspot.stats.tally import Tally

_STEPS = 32
_BISECTIONS = 52  # halves the interval -1..1 down to a double's last bit


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends belong to the interval; rates are 0 to 1, differences -1 to 1."""

    low: float
    high: float


def quantile(confidence: float) -> float:
    """The normal quantile that leaves half of 1 - `confidence` above it.

    Raises:
        ValueError: `confidence` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence must be between 0 and 1, not {confidence}.")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(failed: int, n: int, confidence: float = 0.95) -> Interval | None:
    """Wilson's (1927) score interval of a failure rate; None where there are no items.

    Raises:
        ValueError: `failed` is not between 0 and `n`, or `confidence` not between 0 and 1.
    """
    if not 0 <= failed <= n:
        raise ValueError(f"Of {n} items {failed} cannot have failed.")
    z2 = quantile(confidence) ** 2
    if n == 0:
        return None
    centre = (failed + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (failed * (n - failed) / n + z2 / 4)) / (n + z2)
    # With no failure, or nothing but failures, the end is exactly 0 or 1; rounding would leave 1e-17.
    return Interval(0.0 if failed == 0 else centre - half, 1.0 if failed == n else centre + half)


def score_statistic(counts: Tally, difference: float) -> float:
    """How many standard errors the seen difference lies above a supposed true one (infinite where it cannot be).

    Tango (1998), Statistics in Medicine 17, 891-908, eq. 18 and 19: the variance is that of the constrained maximum
    likelihood. Where items share groups it is multiplied by the design effect about the supposed difference, as
    Rao and Scott (1992), Biometrics 48, 577-585, do for rates and Yang, Sun and Hardin (2012), Pharmaceutical
    Statistics 11, 386-393, for matched pairs; at a difference of 0 that makes it net / sqrt(sum of squared group
    sums), the sign-flip test's own standard score. The effect is never taken as less than 1: a few groups that happen
    to have equal rates would otherwise give an interval of no width.
    """
    n, b, c = counts.n, counts.only_a, counts.only_b
    gap = b - c - n * difference
    linear = -b - c + (2 * n - b + c) * difference
    constant = -c * difference * (1 - difference)
    q = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * q + difference * (1 - difference)) * max(1.0, counts.design_effect(difference))
    if variance <= 1e-12:
        return 0.0 if abs(gap) < 1e-9 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def score_interval(counts: Tally, confidence: float = 0.95) -> Interval:
    """All true differences (a's failure rate minus b's) whose score statistic is within the normal quantile.

    Tango's interval where every item stands alone; his with a design effect where items share groups
    (see `score_statistic`). It stays honest where the two candidates never differ: a group then weighs as one item.
    Measured coverage: `weakspot.stats.paired`.

    Raises:
        ValueError: no items.
    """
    if counts.n == 0:
        raise ValueError("There is no interval without items.")
    z = quantile(confidence)
    return Interval(bound(counts, z, -1.0), bound(counts, z, 1.0))


def bound(counts: Tally, z: float, far: float) -> float:
    """The end of the score interval with critical value `z` on the side of `far`, which is the end it cannot pass."""
    if abs(score_statistic(counts, far)) <= z:
        return far
    seen = counts.net / counts.n
    inside, outside = seen, far
    # With few groups the score can fall again further out: the end is the outermost, so the scan comes from outside.
    for step in range(1, _STEPS):
        inside = far + (seen - far) * step / _STEPS
        if abs(score_statistic(counts, inside)) <= z:
            break
        outside = inside
    else:
        inside = seen
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        if abs(score_statistic(counts, middle)) <= z:
            inside = middle
        else:
            outside = middle
    return inside
