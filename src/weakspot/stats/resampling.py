"""A statistic of rows with its interval by drawing whole groups again: the cluster percentile bootstrap.

Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13; whole groups as in Davison and Hinkley
(1997), Bootstrap Methods and their Application, section 3.8. It knows rows and groups, not what they measure.

A percentile interval has no width where all rows are equal, however few they are; rates are better served by Wilson's
(`weakspot.stats.interval`).
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from weakspot.stats.interval import Interval

LEAST_GROUPS = 8
"""Below this the interval would be far too narrow to be shown: there is none."""
RESAMPLES = 2000

Rows = npt.NDArray[np.intp]


def resampled(
    statistic: Callable[[Rows], float | None],
    groups: Sequence[str | None],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """The interval of a statistic; None with fewer than 8 groups, or where most resamples have no value.

    Args:
        statistic: gets the indexes of the drawn rows (with repeats), shape (drawn,), gives a number or None.
        groups: the group of each row; None where it stands alone.
        confidence: of the interval.
        resamples: how often to draw.
        seed: the draws are the same for the same seed.
    """
    parts = _parts(groups)
    if len(parts) < LEAST_GROUPS:
        return None
    dice = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        drawn = dice.integers(0, len(parts), len(parts))
        value = statistic(np.concatenate([parts[i] for i in drawn]))
        if value is not None and np.isfinite(value):
            found.append(value)
    if len(found) < resamples / 2:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail]).tolist()
    return Interval(low, high)


def mean_interval(
    values: Sequence[float], groups: Sequence[str | None] | None = None, *, confidence: float = 0.95, seed: int = 0
) -> Interval | None:
    """The interval of a mean; see `resampled`.

    Raises:
        ValueError: the lengths differ.
    """
    row = np.asarray(values, np.float64)
    named = [None] * len(row) if groups is None else list(groups)
    if len(named) != len(row):
        raise ValueError("There must be one group for each value.")
    return resampled(lambda drawn: float(row[drawn].mean()), named, confidence=confidence, seed=seed)


def _parts(groups: Sequence[str | None]) -> list[Rows]:
    rows: dict[object, list[int]] = {}
    for index, group in enumerate(groups):
        rows.setdefault(index if group is None else group, []).append(index)
    return [np.asarray(indexes, np.intp) for indexes in rows.values()]
