"""Whether a number goes with failing, within strata: a test, an effect with its interval, and what could be shown.

It knows floats, booleans, strata and groups; not tokens, models or probes. What it finds is association, not cause.

The effect compares each failed item with each passed item of its own stratum: the share of such pairs in which the
failed one has the larger value, minus the share in which it has the smaller one (Cliff's delta, pooled over strata by
their pairs; 0: the value says nothing, 1: every failed item has more than every passed one of its stratum).

The test asks how often so large an effect, either way, comes about when the outcomes are dealt anew within each
stratum. It conditions on how many items of a stratum failed, so a value and a failure rate that both hang on the
stratum alone are no association. Items of a group keep their outcomes together: whole groups are exchanged, and only
with groups of the same make-up (Winkler et al. 2014, NeuroImage 92, 381-397). Where every item stands alone the test
is the stratified Wilcoxon rank-sum test with its exact distribution, ties included, a stratum weighing as its pairs.
Elsewhere, or where that would take too long, it deals at random, seeded, and counts the seen deal among the deals,
which keeps the level exactly (Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, article 39).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from weakspot.stats.interval import Interval, quantile
from weakspot.stats.multiplicity import testable, weighted_holm
from weakspot.stats.strata import Deal, Floats, deals, doubled_ranks, exact_tail, random_tail

PERMUTATIONS = 9_999
_STEPS = 200
_BISECTIONS = 40
_HAIR = 1e-4


@dataclass(frozen=True, slots=True)
class Association:
    """How a value goes with failing.

    Attributes:
        n: items with a value and a verdict.
        failed: how many of them failed.
        pairs: pairs of a failed and a passed item of one stratum; with none nothing can be said.
        effect: -1 to 1, see the module; None without pairs, as are `low`, `high` and `p`.
        low: lower end of the interval.
        high: upper end.
        p: two-sided, not adjusted; None as well where the value, or the outcome, never varies within a stratum.
        exact: whether p comes from the whole distribution; else from random deals, seeded.
        least_p: no deal of these outcomes could give a smaller p; 1 where there is no p.
        spread: standard deviation of the effect when outcomes are dealt anew.
        most: the largest effect, either way, that these values allow.
        strata: (failed, passed) of each stratum that has both.
        design_effect: how many of these items weigh as much as one that stands alone; at least 1.
        confidence: of the interval.
    """

    n: int
    failed: int
    pairs: int
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    exact: bool
    least_p: float
    spread: float
    most: float
    strata: tuple[tuple[int, int], ...]
    design_effect: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A test among many.

    Attributes:
        p: adjusted; None where there was no test.
        level: the part of the level that it has for certain.
        able: whether it could have been shown at all, and so takes part.
        shown: whether its adjusted p is at most the level.
    """

    p: float | None
    level: float
    able: bool
    shown: bool


def associate(
    values: Sequence[float],
    failed: Sequence[bool],
    strata: Sequence[str],
    groups: Sequence[str | None] | None = None,
    *,
    confidence: float = 0.95,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Association:
    """How a value goes with failing, within strata.

    Args:
        values: a finite number for each item; only their order counts.
        failed: whether each item failed; leave out what has no verdict.
        strata: the stratum of each item.
        groups: the group of each item; None, for all or for one, where it stands alone.
        confidence: of the interval.
        permutations: random deals, where the exact distribution is not had.
        seed: of those deals.

    Raises:
        ValueError: the lengths differ, or a value is not finite.
        TypeError: an outcome that is not a boolean.
    """
    numbers, outcome = _checked(values, failed, strata, groups)
    scores = np.zeros(len(numbers), np.int64)
    sizes: list[tuple[int, int]] = []
    for name in dict.fromkeys(strata):
        where = np.array([i for i, stratum in enumerate(strata) if stratum == name])
        scores[where] = doubled_ranks(numbers[where]) - (len(where) + 1)
        bad = int(outcome[where].sum())
        if 0 < bad < len(where):
            sizes.append((bad, len(where) - bad))
    pairs = sum(m * n for m, n in sizes)
    if not pairs:
        return _nothing(outcome, confidence)
    exchange = deals(scores, outcome, strata, groups)
    effect = float(scores[outcome].sum()) / pairs
    variance = sum(deal.variance() for deal in exchange)
    alone = sum(deal.variance() for deal in deals(scores, outcome, strata, None))
    design = max(1.0, variance / alone) if alone > 0 else 1.0
    p, exact = _test(exchange, variance, permutations, seed)
    ends = score_interval(effect, sizes, design, confidence)
    return Association(
        n=len(numbers),
        failed=int(outcome.sum()),
        pairs=pairs,
        effect=effect,
        low=_follow(ends, effect, p, confidence).low,
        high=_follow(ends, effect, p, confidence).high,
        p=p,
        exact=exact,
        least_p=1.0 if p is None else max(_least(exchange), 0.0 if exact else 1 / (permutations + 1)),
        spread=math.sqrt(variance) / pairs,
        most=_most(exchange) / pairs,
        strata=tuple(sizes),
        design_effect=design,
        confidence=confidence,
    )


def adjust(found: Sequence[Association], alpha: float = 0.05) -> list[Adjusted]:
    """Many tests at once, by Holm's step-down over those that could be shown at all (Tarone 1990).

    A test whose least possible p is too large does not take part, and costs the others nothing; that is fair, since the
    least p rests on the values and on how many failed, never on which.
    """
    least = {number: one.least_p for number, one in enumerate(found) if one.p is not None}
    able = testable(least, alpha)
    weights = [1.0 if number in able else 0.0 for number in range(len(found))]
    adjusted = weighted_holm([one.p for one in found], weights)
    return [
        Adjusted(p, alpha / len(able | {number}), able=number in able, shown=p is not None and p <= alpha)
        for number, p in enumerate(adjusted)
    ]


def smallest_shown(found: Association, level: float, power: float = 0.8) -> float | None:
    """The smallest true effect that such items would have shown with the given power at a level; None where none.

    The effect must pass the test's critical value (normal, by the spread under dealing) in a share `power` of samples,
    whose spread about it is that of `score_interval`.
    """
    if found.p is None or found.least_p > level:
        return None
    normal = NormalDist()
    critical = normal.inv_cdf(1 - level / 2) * found.spread
    reach = normal.inv_cdf(power)

    def shows(effect: float) -> bool:
        return effect - reach * _deviation(effect, found.strata, found.design_effect) >= critical

    step = next((k for k in range(1, _STEPS + 1) if shows(k / _STEPS)), None)
    if step is None or critical > found.most:
        return None
    low, high = (step - 1) / _STEPS, step / _STEPS
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return min(high, 1.0)


def score_interval(
    effect: float, strata: Sequence[tuple[int, int]], design_effect: float = 1.0, confidence: float = 0.95
) -> Interval:
    """All true effects that lie within the normal quantile of the seen one, by the spread at the supposed effect.

    Newcombe's (2006) pseudo-score interval, method 5, Statistics in Medicine 25, 559-573, for the Mann-Whitney measure
    (effect + 1) / 2, with the variances of the strata added up by their pairs and multiplied by the design effect.
    It leaves ties out of account and so errs on the wide side where values are tied.
    """
    z = quantile(confidence)

    def inside(supposed: float) -> bool:
        gap = abs(supposed - effect)
        return gap < 1e-12 or gap <= z * _deviation(supposed, strata, design_effect)

    return Interval(_end(effect, -1.0, inside), _end(effect, 1.0, inside))


def _end(seen: float, far: float, inside: Callable[[float], bool]) -> float:
    """The outermost supposed effect on the side of `far` that is still inside."""
    outside, found = far, seen
    for step in range(_STEPS + 1):
        point = far + (seen - far) * step / _STEPS
        if inside(point):
            found = point
            break
        outside = point
    for _ in range(_BISECTIONS):
        middle = (found + outside) / 2
        found, outside = (middle, outside) if inside(middle) else (found, middle)
    return found


def _deviation(effect: float, strata: Sequence[tuple[int, int]], design_effect: float) -> float:
    """Standard deviation of the pooled effect about a true one, without ties (Hanley and McNeil 1982; Newcombe)."""
    theta = (effect + 1) / 2
    shape = (1 - theta) / (2 - theta) + theta / (1 + theta)
    total = sum(m * n * theta * (1 - theta) * (1 + ((m + n) / 2 - 1) * shape) for m, n in strata)
    return 2 * math.sqrt(max(0.0, total * design_effect)) / sum(m * n for m, n in strata)


def _test(exchange: Sequence[Deal], variance: float, permutations: int, seed: int) -> tuple[float | None, bool]:
    if variance <= 0:
        return None, True
    exact = exact_tail(exchange)
    if exact is not None:
        return exact, True
    return random_tail(exchange, permutations, np.random.default_rng(seed)), False


def _least(exchange: Sequence[Deal]) -> float:
    """A lower bound of the smallest p: all of the failures where the values are largest, or smallest."""
    top = bottom = 1.0
    for deal in exchange:
        largest, smallest = deal.extreme_shares()
        top, bottom = top * largest, bottom * smallest
    return min(1.0, max(min(top, bottom), 5e-324))


def _most(exchange: Sequence[Deal]) -> float:
    return max(abs(sum(deal.extremes()[side] for deal in exchange)) for side in (0, 1))


def _follow(ends: Interval, effect: float, p: float | None, confidence: float) -> Interval:
    """The interval in step with the test, which decides: 0 is in it exactly where p > 1 - confidence."""
    if p is None or p > round(1 - confidence, 12):
        return Interval(min(ends.low, 0.0), max(ends.high, 0.0))
    if not ends.low <= 0 <= ends.high:
        return ends
    return Interval(min(_HAIR, effect), ends.high) if effect > 0 else Interval(ends.low, max(-_HAIR, effect))


def _nothing(outcome: npt.NDArray[np.bool_], confidence: float) -> Association:
    return Association(
        n=len(outcome),
        failed=int(outcome.sum()),
        pairs=0,
        effect=None,
        low=None,
        high=None,
        p=None,
        exact=True,
        least_p=1.0,
        spread=0.0,
        most=0.0,
        strata=(),
        design_effect=1.0,
        confidence=confidence,
    )


def _checked(
    values: Sequence[float], failed: Sequence[bool], strata: Sequence[str], groups: Sequence[str | None] | None
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    if not len(values) == len(failed) == len(strata) or (groups is not None and len(groups) != len(values)):
        raise ValueError("Values, outcomes, strata and groups must be equally many.")
    if not all(isinstance(outcome, bool | np.bool_) for outcome in failed):
        raise TypeError("An outcome must be true or false; leave items without a verdict out.")
    numbers = np.asarray(values, np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("A value must be finite; leave items without one out.")
    return numbers, np.asarray(failed, np.bool_)
