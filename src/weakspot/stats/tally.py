"""Booleans and groups, counted once: all that a paired comparison needs to know of its items.

It knows neither what an item is nor what its group shares.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of a paired comparison. An item's sign is +1 where only `a` failed, -1 where only `b` did, else 0.

    `both` items failed under both candidates. `sums` holds the groups' sums of signs that are not 0;
    `groups` counts all groups. `squares` is the sum over groups of sum², `crossed` of sum * size, `sizes_squared` of
    size². The three are what the variance of a sum over groups takes.
    """

    n: int
    groups: int
    only_a: int
    only_b: int
    both: int
    sums: tuple[int, ...]
    squares: int
    crossed: int
    sizes_squared: int

    @property
    def net(self) -> int:
        """How many more items `a` failed than `b`."""
        return self.only_a - self.only_b

    @property
    def discordant(self) -> int:
        """Items that one of the two failed and the other did not."""
        return self.only_a + self.only_b

    @property
    def alone(self) -> bool:
        """Whether every item stands alone, i.e. no two share a group."""
        return self.groups == self.n

    def design_effect(self, difference: float) -> float:
        """Variance over groups as a multiple of the variance over items, both about `difference` per item.

        1 where every item stands alone; up to sizes_squared / n where the items of a group all go one way, which is
        also what is taken where nothing varies; under 1 where a group's items go opposite ways.
        """
        over_items = self.discordant - 2 * difference * self.net + difference**2 * self.n
        if over_items <= 0:
            return self.sizes_squared / self.n
        over_groups = self.squares - 2 * difference * self.crossed + difference**2 * self.sizes_squared
        return max(0.0, over_groups) / over_items


def tally(failed_a: Sequence[bool], failed_b: Sequence[bool], groups: Sequence[str | None] | None = None) -> Tally:
    """Count a paired comparison.

    Args:
        failed_a: whether candidate `a` failed on each item.
        failed_b: the same of candidate `b`, on the same items in the same order.
        groups: the group of each item; None, for all or for one, where it stands alone.

    Raises:
        ValueError: the lengths differ.
        TypeError: something other than a boolean; a missing verdict is never a number and must be left out before.
    """
    a, b = _booleans(failed_a), _booleans(failed_b)
    if len(a) != len(b) or (groups is not None and len(groups) != len(a)):
        raise ValueError("The outcomes of a and b, and their groups, must be equally many.")
    signs = a.astype(np.int64) - b.astype(np.int64)
    codes, count = _codes(groups, len(a))
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, codes, signs)
    sizes = np.bincount(codes, minlength=count)
    return Tally(
        n=len(a),
        groups=count,
        only_a=int(np.sum(signs > 0)),
        only_b=int(np.sum(signs < 0)),
        both=int(np.sum(a & b)),
        sums=tuple(sums[sums != 0].tolist()),
        squares=int(np.sum(sums * sums)),
        crossed=int(np.sum(sums * sizes)),
        sizes_squared=int(np.sum(sizes * sizes)),
    )


def _booleans(values: Sequence[bool]) -> npt.NDArray[np.bool_]:
    if not all(isinstance(v, bool | np.bool_) for v in values):
        raise TypeError("An outcome must be true or false; leave items without a verdict out.")
    return np.fromiter(values, dtype=np.bool_, count=len(values))


def _codes(groups: Sequence[str | None] | None, n: int) -> tuple[npt.NDArray[np.int64], int]:
    """A number for each item's group, and how many groups there are; None is a group of its own each time."""
    if groups is None:
        return np.arange(n), n
    seen: dict[object, int] = {}
    codes = [seen.setdefault(i if group is None else group, len(seen)) for i, group in enumerate(groups)]
    return np.array(codes, dtype=np.int64), len(seen)
