"""Measures of agreement against scipy and by hand, and the coverage of their bootstrap."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, spearmanr

from weakspot.stats.classify_metrics import (
    auc,
    balanced_accuracy,
    f1,
    measured,
    quadratic_kappa,
    spearman,
    weights,
)

ONES = np.ones((1, 8))
FAILING = np.array([True, True, True, True, False, False, False, False])
SAID = np.array([True, True, True, False, True, False, False, False])


def test_counts_by_hand() -> None:
    """Three of four failing and three of four passing rows are rightly told: balanced accuracy and F1 are 3/4."""
    assert balanced_accuracy(FAILING, SAID, ONES).tolist() == [0.75]
    assert f1(FAILING, SAID, ONES).tolist() == [0.75]


def test_rank_measures_equal_scipy() -> None:
    """AUC and Spearman equal scipy's on data with ties."""
    dice = np.random.default_rng(1)
    failing = dice.random(200) < 0.3
    risk = np.round(dice.normal(size=200) + failing, 1)
    ones = np.ones((1, 200))
    area = mannwhitneyu(risk[failing], risk[~failing]).statistic / (failing.sum() * (~failing).sum())
    assert auc(failing, risk, ones)[0] == pytest.approx(area)
    assert spearman(risk, failing.astype(float), ones)[0] == pytest.approx(spearmanr(risk, failing).statistic)


def test_a_weight_is_a_repeat() -> None:
    """A row of weight 2 counts as two rows, in every measure."""
    dice = np.random.default_rng(2)
    risk, grade = np.round(dice.normal(size=12), 0), dice.integers(1, 6, 12)
    failing, counts = grade > 2, dice.integers(1, 3, 12)
    weight, ones = counts[None].astype(float), np.ones((1, int(counts.sum())))
    again = np.repeat(np.arange(12), counts)
    assert auc(failing, risk, weight)[0] == pytest.approx(auc(failing[again], risk[again], ones)[0])
    assert spearman(risk, grade * 1.0, weight)[0] == pytest.approx(spearman(risk[again], grade[again] * 1.0, ones)[0])
    kappa = quadratic_kappa(grade, grade[::-1].copy(), weight)[0]
    assert kappa == pytest.approx(quadratic_kappa(grade[again], grade[::-1][again], ones)[0])


def test_quadratic_kappa_by_hand() -> None:
    """Grades 1, 2, 3 against 1, 2, 2: seen disagreement 1/3, expected 1, so kappa is 2/3... counted from the formula."""
    first, second = np.array([1, 2, 3]), np.array([1, 2, 2])
    expected = np.mean([(a - b) ** 2 for a in first for b in second])
    assert quadratic_kappa(first, second, np.ones((1, 3)))[0] == pytest.approx(1 - (1 / 3) / expected)
    assert quadratic_kappa(first, first, np.ones((1, 3)))[0] == 1


def test_groups_are_drawn_whole() -> None:
    """Rows of one group always have one weight, and a resample's weights name as many groups as there are."""
    groups = [str(i // 3) for i in range(30)]
    drawn = weights(groups, 50)
    assert drawn.shape == (51, 30)
    assert (drawn[0] == 1).all()
    by_group = drawn.reshape(51, 10, 3)
    assert (by_group == by_group[:, :, :1]).all()
    assert (by_group[:, :, 0].sum(axis=1) == 10).all()


def test_too_few_groups_have_no_interval() -> None:
    """With seven groups there is a value and no interval; with one class only there is not even a value."""
    groups = [str(i % 7) for i in range(8)]
    found = measured(balanced_accuracy(FAILING, SAID, weights(groups)))
    assert (found.value, found.low, found.high) == (0.75, None, None)
    alone = measured(balanced_accuracy(np.ones(8, dtype=bool), SAID, weights([str(i) for i in range(8)])))
    assert alone.value is None


def test_the_interval_covers_where_rows_share_groups() -> None:
    """At least 88 of 100 intervals of 95% hold the true balanced accuracy (0.8) where groups of four err together.

    A bootstrap over rows, blind to groups, holds it far less often: the groups are needed.
    """
    dice = np.random.default_rng(3)
    held = blind = 0
    for _ in range(100):
        failing = np.repeat(dice.random(60) < 0.5, 4)
        right = np.repeat(dice.random(60) < 0.8, 4)
        said = np.where(right, failing, ~failing)
        groups = [str(i // 4) for i in range(240)]
        own = measured(balanced_accuracy(failing, said, weights(groups, 300)))
        rows = measured(balanced_accuracy(failing, said, weights([str(i) for i in range(240)], 300)))
        held += bool(own.low is not None and own.high is not None and own.low <= 0.8 <= own.high)
        blind += bool(rows.low is not None and rows.high is not None and rows.low <= 0.8 <= rows.high)
    assert held >= 88
    assert blind < held - 10
