"""Dealing outcomes anew: which items, or groups of items, may exchange theirs, and what sums of scores that gives.

It knows whole-number scores and booleans. A `Deal` is a set of units that may be exchanged: single items of a stratum,
or whole groups of one make-up. Deals are independent of each other, so their sums add.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_WORK = 200_000_000
"""Additions that an exact distribution may take: about a third of a second."""


@dataclass(frozen=True, slots=True)
class Deal:
    """Units that may exchange their outcomes.

    Attributes:
        scores: shape (units, items of a unit).
        failed: shape (units, items of a unit), as they were seen.
    """

    scores: Ints
    failed: npt.NDArray[np.bool_]

    @property
    def single(self) -> bool:
        """Whether each unit is one item."""
        return bool(self.scores.shape[1] == 1)

    @property
    def seen(self) -> int:
        """The sum of the failed items' scores."""
        return int(self.scores[self.failed].sum())

    def table(self) -> Ints:
        """The sum that unit i gives with the outcomes of unit j, shape (units, units)."""
        return self.scores @ self.failed.T.astype(np.int64)

    def expected(self) -> float:
        """The mean of the sum over all deals."""
        return float(self.scores.mean(0) @ self.failed.sum(0))

    def variance(self) -> float:
        """The variance of the sum over all deals (Hoeffding 1951, Annals of Mathematical Statistics 22, 558-566)."""
        units = len(self.scores)
        if units < 2:
            return 0.0
        table = self.table().astype(np.float64)
        centred = table - table.mean(0) - table.mean(1)[:, None] + table.mean()
        found = float((centred**2).sum()) / (units - 1)
        return found if found > 1e-9 else 0.0

    def extremes(self) -> tuple[float, float]:
        """The largest and the smallest sum less its mean; for groups a bound, as if their items were free."""
        ordered = np.sort(self.scores.ravel())
        bad = int(self.failed.sum())
        middle = self.expected()
        return float(ordered[len(ordered) - bad :].sum()) - middle, float(ordered[:bad].sum()) - middle

    def extreme_shares(self) -> tuple[float, float]:
        """The share of deals that give the largest, and the smallest, sum; for groups one of all that differ."""
        if not self.single:
            share = _alike(self.failed) / math.factorial(len(self.scores))
            return share, share
        ordered = sorted(int(s) for s in self.scores[:, 0])
        bad = int(self.failed.sum())
        if not 0 < bad < len(ordered):
            return 1.0, 1.0
        whole = math.comb(len(ordered), bad)
        found = []
        for side in (ordered[::-1], ordered):
            edge = side[bad - 1]
            found.append(math.comb(side.count(edge), side[:bad].count(edge)) / whole)
        return found[0], found[1]


def _alike(failed: npt.NDArray[np.bool_]) -> int:
    """How many orders of the units give the same outcomes."""
    _, counts = np.unique(failed, axis=0, return_counts=True)
    return math.prod(math.factorial(int(count)) for count in counts)


def doubled_ranks(values: Floats) -> Ints:
    """Twice the rank of each value, ties sharing the mean of theirs: whole numbers from 2 on, shape (n,)."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    found: Ints = (2 * ends - counts + 1)[inverse]
    return found


def deals(
    scores: Ints, failed: npt.NDArray[np.bool_], strata: Sequence[str], groups: Sequence[str | None] | None
) -> list[Deal]:
    """Who may exchange with whom: groups whose items lie in the same strata, equally many; lone items of a stratum.

    A group's items are ordered by stratum and, within it, as they come.
    """
    units: dict[object, list[int]] = {}
    for i in range(len(scores)):
        group = None if groups is None else groups[i]
        units.setdefault(i if group is None else ("group", group), []).append(i)
    kinds: dict[tuple[str, ...], list[list[int]]] = {}
    for members in units.values():
        ordered = sorted(members, key=lambda i: strata[i])
        kinds.setdefault(tuple(strata[i] for i in ordered), []).append(ordered)
    return [Deal(scores[np.array(rows)], failed[np.array(rows)]) for rows in kinds.values()]


def exact_tail(exchange: Sequence[Deal]) -> float | None:
    """P(the sum lies at least as far from its mean as the seen one); None where that is not had in reasonable time.

    The distribution of each deal of single items is counted out (ties included) and they are convolved.
    """
    telling = [deal for deal in exchange if deal.variance() > 0]
    if not all(deal.single for deal in telling) or sum(map(_work, telling)) > MOST_WORK:
        return None
    chance, lowest = np.ones(1), 0
    for deal in telling:
        own, start = _distribution(deal)
        chance, lowest = np.convolve(chance, own), lowest + start
    middle = sum(deal.expected() for deal in telling)
    gap = abs(sum(deal.seen for deal in telling) - middle)
    far = np.abs(np.arange(len(chance)) + lowest - middle) >= gap - 1e-6
    return min(1.0, max(5e-324, float(chance[far].sum())))


def random_tail(exchange: Sequence[Deal], permutations: int, dice: np.random.Generator) -> float:
    """The same share among random deals, the seen one counted in."""
    sums = np.zeros(permutations)
    for deal in exchange:
        if deal.variance() > 0:
            table, units = deal.table(), len(deal.scores)
            orders = dice.permuted(np.tile(np.arange(units), (permutations, 1)), axis=1)
            sums += table[np.arange(units), orders].sum(1) - deal.expected()
    gap = abs(sum(deal.seen - deal.expected() for deal in exchange))
    return (1 + int((np.abs(sums) >= gap - 1e-6).sum())) / (permutations + 1)


def _work(deal: Deal) -> int:
    units = len(deal.scores)
    few = min(int(deal.failed.sum()), units - int(deal.failed.sum()))
    return units * few * (few * int(np.ptp(deal.scores)) + 1)


def _distribution(deal: Deal) -> tuple[Floats, int]:
    """Chances of the sums of as many scores as there are failures, and the sum that the first stands for."""
    scores, bad = deal.scores[:, 0], int(deal.failed.sum())
    total, units = int(scores.sum()), len(scores)
    if flipped := 2 * bad > units:
        bad = units - bad
    least = int(scores.min())
    steps = scores - least
    width = int(np.sort(steps)[units - bad :].sum()) + 1
    ways = np.zeros((bad + 1, width))
    ways[0, 0] = 1.0
    for step in steps.tolist():
        if step < width:
            ways[1:, step:] += ways[:-1, : width - step].copy()
    chance: Floats = ways[bad] / float(math.comb(units, bad))
    if flipped:  # the sum of the failed is the total less that of the passed
        return chance[::-1], total - (bad * least + width - 1)
    return chance, bad * least
