"""Calibration: against values worked out by hand and against a model that is calibrated by construction."""

import random

import pytest

from weakspot.stats.calibration import aurc, brier, ece, ece_interval, reliability, risk_coverage
from weakspot.stats.resampling import mean_interval, resampled


def test_ece_of_two_bins_by_hand() -> None:
    """10 replies at 0.9 of which 6 are right, 10 at 0.5 of which 5 are: (10 * 0.3 + 10 * 0) / 20 = 0.15."""
    sure = [0.9] * 10 + [0.5] * 10
    right = [True] * 6 + [False] * 4 + [True] * 5 + [False] * 5
    assert ece(sure, right) == pytest.approx(0.15)
    assert [(b.n, b.confidence, b.accuracy) for b in reliability(sure, right)] == [
        (10, pytest.approx(0.5), 0.5),
        (10, pytest.approx(0.9), 0.6),
    ]


def test_equal_confidences_are_never_parted() -> None:
    """A model that always says 80% has one bin, whatever number of bins is asked for."""
    right = [i % 4 != 0 for i in range(100)]
    table = reliability([0.8] * 100, right, bins=10)
    assert [(b.n, b.accuracy) for b in table] == [(100, 0.75)]
    assert ece([0.8] * 100, right) == pytest.approx(0.05)


def test_bins_hold_as_many_replies_each() -> None:
    """Distinct confidences fall into bins of equal counts; fewer than 5 in a bin only where there are no more."""
    sure = [i / 100 for i in range(100)]
    assert [b.n for b in reliability(sure, [True] * 100)] == [10] * 10
    assert [b.n for b in reliability(sure[:12], [True] * 12)] == [6, 6]
    assert [b.n for b in reliability(sure[:3], [True] * 3)] == [3]


def test_brier_by_hand() -> None:
    """(0.1² + 0.9² + 0.5²) / 3."""
    assert brier([0.9, 0.9, 0.5], [True, False, True]).value == pytest.approx((0.01 + 0.81 + 0.25) / 3)


def test_risk_coverage_by_hand() -> None:
    """The surest are taken first; ties come in together; the area is the mean of the risks over replies."""
    sure, right = [0.9, 0.8, 0.8, 0.1], [True, True, False, False]
    assert risk_coverage(sure, right) == [(0.25, 0.0), (0.75, pytest.approx(1 / 3)), (1.0, 0.5)]
    assert aurc(sure, right).value == pytest.approx((0 + 1 / 3 + 1 / 3 + 0.5) / 4)


def test_a_constant_confidence_has_the_error_rate_as_its_area() -> None:
    """Confidence that tells nothing is worth no more than the error rate; one that tells all is worth more."""
    right = [True] * 15 + [False] * 5
    assert aurc([0.7] * 20, right).value == pytest.approx(0.25)
    assert aurc([0.9] * 15 + [0.1] * 5, right).value == pytest.approx(5 / 20 * 0.25)
    assert aurc([0.1] * 15 + [0.9] * 5, right).value == pytest.approx((5 * 1 + 15 * 0.25) / 20)


def test_a_calibrated_model_has_a_small_error_and_an_overconfident_one_a_large() -> None:
    """Drawn so that confidence is the chance to be right, 2,000 replies give an ECE under 0.05; 0.2 more shows."""
    dice = random.Random(1)
    true = [dice.uniform(0.3, 0.79) for _ in range(2000)]
    right = [dice.random() < chance for chance in true]
    assert ece(true, right) < 0.05
    assert ece([chance + 0.2 for chance in true], right) == pytest.approx(0.2, abs=0.03)


def test_the_interval_needs_groups_and_widens_with_them() -> None:
    """Under 8 groups there is no interval; replies that share groups tell less than as many that stand alone."""
    dice = random.Random(2)
    sure = [dice.random() for _ in range(80)]
    right = [dice.random() < s for s in sure]
    assert ece_interval(sure[:7], right[:7]).low is None
    same = [dice.random() < 0.5 for _ in range(20) for _ in range(1)]
    values = [float(v) for v in same for _ in range(4)]
    alone, grouped = mean_interval(values), mean_interval(values, [f"g{i // 4}" for i in range(80)])
    assert alone is not None
    assert grouped is not None
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_a_statistic_without_a_value_gives_no_interval() -> None:
    """Where most resamples have no value there is no interval, rather than one of the few that had."""
    assert resampled(lambda _: None, [None] * 20, resamples=50) is None


@pytest.mark.parametrize(
    ("sure", "right"), [([], []), ([0.5], [True, False]), ([1.2], [True]), ([float("nan")], [True])]
)
def test_what_is_no_confidence_is_an_error(sure: list[float], right: list[bool]) -> None:
    """A missing or impossible confidence is never counted as a number."""
    with pytest.raises(ValueError, match=r"wanted|0 to 1"):
        ece(sure, right)
