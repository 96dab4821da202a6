"""Whether confidence means anything: calibration error, Brier score, and risk against coverage.

It knows confidences (0 to 1) and whether each was right, not where a confidence comes from. A missing confidence has to
be left out before: it is no number here.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from weakspot.stats.interval import wilson
from weakspot.stats.resampling import Rows, resampled

Floats = npt.NDArray[np.float64]

BINS = 10
LEAST_PER_BIN = 5


class ReliabilityBin(NamedTuple):
    """`n` replies of similar confidence: their mean confidence, the share that was right, and Wilson's 95% interval."""

    n: int
    confidence: float
    accuracy: float
    low: float
    high: float


class Measured(NamedTuple):
    """A number and the ends of its 95% interval, None where there are too few groups for one."""

    value: float
    low: float | None
    high: float | None


def reliability(confidence: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[ReliabilityBin]:
    """The reliability table in adaptive bins: as many replies in each, none with fewer than 5 where there are so many.

    Equal counts as in Nguyen and O'Connor (2015), Posterior Calibration and Exploratory Analysis, EMNLP; equal widths
    would leave most bins empty, since models state 80 to 100 per cent nearly always. Equal confidences stay in one bin.

    Raises:
        ValueError: the lengths differ, there is nothing, or a confidence is outside 0 to 1.
    """
    sure, correct = _checked(confidence, right)
    table = []
    for rows in _cut(sure, bins):
        ends = wilson(int(correct[rows].sum()), len(rows))
        assert ends is not None  # noqa: S101 - no bin is empty
        table.append(
            ReliabilityBin(len(rows), float(sure[rows].mean()), float(correct[rows].mean()), ends.low, ends.high)
        )
    return table


def ece(confidence: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """The expected calibration error: sum over bins of n_bin / n * |accuracy - mean confidence|.

    Naeini, Cooper and Hauskrecht (2015), Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI; bins of
    equal counts. It is biased upwards where bins hold few replies, which the interval inherits.
    """
    sure, correct = _checked(confidence, right)
    return _ece(sure, correct, bins)


def ece_interval(
    confidence: Sequence[float],
    right: Sequence[bool],
    groups: Sequence[str | None] | None = None,
    *,
    bins: int = BINS,
    seed: int = 0,
) -> Measured:
    """The error with its bootstrap interval; groups are drawn again whole and bins are cut anew each time."""
    sure, correct = _checked(confidence, right)
    ends = resampled(lambda rows: _ece(sure[rows], correct[rows], bins), _named(groups, len(sure)), seed=seed)
    return Measured(_ece(sure, correct, bins), ends.low if ends else None, ends.high if ends else None)


def brier(
    confidence: Sequence[float], right: Sequence[bool], groups: Sequence[str | None] | None = None, *, seed: int = 0
) -> Measured:
    """The mean squared difference of confidence and outcome (Brier 1950), with its bootstrap interval."""
    sure, correct = _checked(confidence, right)
    squares = (sure - correct) ** 2
    ends = resampled(lambda rows: float(squares[rows].mean()), _named(groups, len(sure)), seed=seed)
    return Measured(float(squares.mean()), ends.low if ends else None, ends.high if ends else None)


def risk_coverage(confidence: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """(coverage, error rate) when only the most confident so many are answered, from the surest on.

    Geifman and El-Yaniv (2017), Selective Classification for Deep Neural Networks. Replies of equal confidence cannot
    be told apart by any threshold: they come in together.
    """
    sure, correct = _checked(confidence, right)
    order = np.argsort(-sure, kind="stable")
    wrong = np.cumsum(1 - correct[order])
    last = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True))
    return [(float((i + 1) / len(sure)), float(wrong[i] / (i + 1))) for i in last]


def aurc(
    confidence: Sequence[float], right: Sequence[bool], groups: Sequence[str | None] | None = None, *, seed: int = 0
) -> Measured:
    """The area under the risk-coverage curve, 0 (best) to 1, with its bootstrap interval.

    The mean over replies of the error rate among those at least as confident (Geifman, Uziel and El-Yaniv 2019); ties
    share theirs, so that a constant confidence gives the error rate itself.
    """
    sure, correct = _checked(confidence, right)
    ends = resampled(lambda rows: _aurc(sure[rows], correct[rows]), _named(groups, len(sure)), seed=seed)
    return Measured(_aurc(sure, correct), ends.low if ends else None, ends.high if ends else None)


def _aurc(sure: Floats, correct: Floats) -> float:
    order = np.argsort(-sure, kind="stable")
    wrong = np.cumsum(1 - correct[order])
    last = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True))
    risks = wrong[last] / (last + 1)
    return float((np.diff(np.append(-1, last)) * risks).sum() / len(sure))


def _ece(sure: Floats, correct: Floats, bins: int) -> float:
    gaps = [len(rows) * abs(correct[rows].mean() - sure[rows].mean()) for rows in _cut(sure, bins)]
    return float(sum(gaps) / len(sure))


def _cut(sure: Floats, bins: int) -> list[Rows]:
    """The rows of each bin, the least sure first."""
    order = np.argsort(sure, kind="stable")
    ordered = sure[order]
    wanted = max(1, min(bins, len(sure) // LEAST_PER_BIN))
    edges = [0]
    for part in range(1, wanted):
        edge = int(np.searchsorted(ordered, ordered[len(sure) * part // wanted], side="left"))
        if edge > edges[-1]:
            edges.append(edge)
    return [order[start:end] for start, end in zip(edges, [*edges[1:], len(sure)], strict=True)]


def _named(groups: Sequence[str | None] | None, length: int) -> list[str | None]:
    named: list[str | None] = [None] * length if groups is None else list(groups)
    if len(named) != length:
        raise ValueError("There must be one group for each confidence.")
    return named


def _checked(confidence: Sequence[float], right: Sequence[bool]) -> tuple[Floats, Floats]:
    sure, correct = np.asarray(confidence, np.float64), np.asarray(right, np.float64)
    if sure.shape != correct.shape or sure.ndim != 1 or not sure.size:
        raise ValueError(f"Two columns of one length are wanted, not {sure.shape} and {correct.shape}.")
    if not ((sure >= 0) & (sure <= 1)).all():
        raise ValueError("A confidence lies within 0 to 1; one that is missing has to be left out.")
    return sure, correct
