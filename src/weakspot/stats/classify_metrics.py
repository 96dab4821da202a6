"""How well a verdict agrees with labels: balanced accuracy, F1, AUC, Spearman, quadratic kappa, with group bootstrap.

Every measure takes row weights of shape (resamples, rows) and gives one value per resample, NaN where it has none; a
resample draws whole groups with repeats (Davison and Hinkley 1997, Bootstrap Methods and their Application, section
3.8), and a row's weight is how often its group was drawn. Two measures on the same weights are paired.
It knows booleans, numbers and groups, not what they are of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

RESAMPLES: Final = 2000
LEAST_GROUPS: Final = 8
"""Below this an interval would be far too narrow to be shown: there is none."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with its percentile interval; None where it cannot be told."""

    value: float | None
    low: float | None = None
    high: float | None = None


def weights(groups: Sequence[str], resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Row weights, shape (1 + resamples, rows): first all ones, then each resample's.

    With fewer than 8 groups only the first row comes back: there is no interval.
    """
    names, index = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    ones = np.ones((1, len(groups)))
    if len(names) < LEAST_GROUPS:
        return ones
    dice = np.random.default_rng(seed)
    drawn = dice.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return np.vstack([ones, drawn[:, index].astype(np.float64)])


def balanced_accuracy(failing: Bools, said: Bools, weight: Floats) -> Floats:
    """The mean of the share of failing rows that were said to fail and of passing ones that were said to pass."""
    return (
        _ratio(weight @ (failing & said), weight @ failing) + _ratio(weight @ (~failing & ~said), weight @ ~failing)
    ) / 2


def f1(failing: Bools, said: Bools, weight: Floats) -> Floats:
    """The harmonic mean of precision and recall of the failing class; 0 where nothing is rightly said to fail."""
    return _ratio(2 * (weight @ (failing & said)), weight @ failing + weight @ said)


def auc(failing: Bools, risk: Floats, weight: Floats) -> Floats:
    """The chance that a failing row has the higher risk than a passing one, ties counted half (Mann and Whitney
    1947).
    """
    bins, starts = _binned(risk)
    positive, negative = (np.add.reduceat((weight * part)[:, bins], starts, axis=1) for part in (failing, ~failing))
    below = np.cumsum(negative, axis=1) - negative
    return _ratio((positive * (below + negative / 2)).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))


def spearman(first: Floats, second: Floats, weight: Floats) -> Floats:
    """Spearman's rank correlation, ties by their middle rank."""
    a, b = _ranks(first, weight), _ranks(second, weight)
    total = weight.sum(axis=1, keepdims=True)
    a = a - (weight * a).sum(axis=1, keepdims=True) / total
    b = b - (weight * b).sum(axis=1, keepdims=True) / total
    together = (weight * a * b).sum(axis=1)
    return _ratio(together, np.sqrt((weight * a * a).sum(axis=1) * (weight * b * b).sum(axis=1)))


def quadratic_kappa(first: npt.NDArray[np.intp], second: npt.NDArray[np.intp], weight: Floats) -> Floats:
    """Cohen's kappa with quadratic weights (Cohen 1968, Psychological Bulletin 70, 213-220) of two integer grades."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    total = weight.sum(axis=1)
    seen = (weight @ ((a - b) ** 2)) / total
    mean_a, mean_b = weight @ a / total, weight @ b / total
    expected = weight @ (a * a) / total + weight @ (b * b) / total - 2 * mean_a * mean_b
    return 1 - _ratio(seen, expected)


def measured(values: Floats, confidence: float = 0.95) -> Measured:
    """The first value, with the percentile interval of the others; no interval where most have no value."""
    value = float(values[0]) if np.isfinite(values[0]) else None
    drawn = values[1:][np.isfinite(values[1:])]
    if value is None or len(drawn) == 0 or len(drawn) < (len(values) - 1) / 2:
        return Measured(value)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]).tolist()
    return Measured(value, low, high)


def _ratio(part: Floats, whole: Floats) -> Floats:
    out = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def _binned(values: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The order of the rows by value, and where in it each distinct value starts."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return order, starts


def _ranks(values: Floats, weight: Floats) -> Floats:
    order, starts = _binned(values)
    sums = np.add.reduceat(weight[:, order], starts, axis=1)
    middle = np.cumsum(sums, axis=1) - sums / 2
    which = np.searchsorted(starts, np.arange(len(values)), side="right") - 1
    out = np.empty_like(weight)
    out[:, order] = middle[:, which]
    return out
