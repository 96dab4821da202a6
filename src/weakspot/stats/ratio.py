"""How much a total changed, paired by document: the change of a ratio of sums with a bootstrap interval.

It knows two columns of numbers that belong together row by row, and nothing of what they count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

LEAST_DOCUMENTS = 8
"""Below this a percentile interval over resampled documents is far too narrow to be shown: there is none."""
RESAMPLES = 2000
_AT_ONCE = 1 << 22

Direction = Literal["less", "more", "no difference shown"]


@dataclass(frozen=True, slots=True)
class RatioChange:
    """sum(after) / sum(before) - 1 with the ends of its interval; `direction` is settled by the interval alone."""

    change: float
    low: float | None
    high: float | None
    direction: Direction
    documents: int


def ratio_change(
    before: Sequence[float] | npt.NDArray[np.float64],
    after: Sequence[float] | npt.NDArray[np.float64],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> RatioChange:
    """The change of a total from `before` to `after`, each of shape (documents,), paired row by row.

    Documents, not tokens, are drawn again, because tokens of one document are not independent: the percentile
    bootstrap of Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13, with 2,000 resamples.
    With fewer than 8 documents there is no interval, and no difference is said to be shown.

    Raises:
        ValueError: the columns differ in length, are empty, hold what is no number, or `before` sums to nothing.
    """
    old, new = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if old.shape != new.shape or old.ndim != 1 or not old.size:
        raise ValueError(f"Two columns of one length are compared, not {old.shape} and {new.shape}.")
    if not (np.isfinite(old).all() and np.isfinite(new).all()):
        raise ValueError("A column holds what is no finite number.")
    if old.sum() <= 0:
        raise ValueError("There is no change from a total of nothing.")
    change = float(new.sum() / old.sum() - 1)
    if old.size < LEAST_DOCUMENTS:
        return RatioChange(change, None, None, "no difference shown", old.size)
    tail = (1 - confidence) / 2
    low, high = np.quantile(_resampled(old, new, seed), [tail, 1 - tail]).tolist()
    direction: Direction = "less" if high < 0 else "more" if low > 0 else "no difference shown"
    return RatioChange(change, low, high, direction, old.size)


def _resampled(old: npt.NDArray[np.float64], new: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    """The change in each resample, shape (RESAMPLES,); a resample without any `before` counts as no change."""
    dice = np.random.default_rng(seed)
    found = []
    rows = max(1, min(RESAMPLES, _AT_ONCE // old.size))
    for begin in range(0, RESAMPLES, rows):
        many = min(rows, RESAMPLES - begin)
        drawn = dice.multinomial(old.size, np.full(old.size, 1 / old.size), size=many)
        below = drawn @ old
        found.append(np.where(below > 0, drawn @ new / np.where(below > 0, below, 1) - 1, 0.0))
    return np.concatenate(found)
