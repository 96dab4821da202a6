"""Coefficients of agreement, against the libraries that people check with."""

import math
import random

import krippendorff
import numpy as np
import pytest

from weakspot.stats.agreement import (
    balanced_accuracy,
    cohen_kappa,
    coincidences,
    estimate,
    gwet_ac1,
    krippendorff_alpha,
    pair_tables,
    percent_agreement,
)

FIRST = [1, 2, 0, 3, 3, 1, 0, 0, 0, 3, 4, 2, 0, 1, 4, 4, 2, 2, 1, 0, 2, 1, 0, 2, 2, 1, 1, 2, 2, 2, 0, 4, 2, 3, 4, 1, 1, 1, 3, 2]  # fmt: skip
SECOND = [1, 4, 0, 4, 2, 4, 0, 0, 0, 3, 4, 2, 0, 1, 2, 4, 2, 2, 0, 0, 2, 2, 0, 2, 2, 1, 0, 1, 2, 2, 0, 4, 2, 3, 4, 2, 2, 1, 3, 3]  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "value"),
    [("none", 0.6150761828388132), ("linear", 0.729957805907173), ("quadratic", 0.8144844809133072)],
)
def test_kappa_is_scikit_learns(weights: str, value: float) -> None:
    """Kappa, plain and weighted, is what scikit-learn 1.9.1's cohen_kappa_score gives on the same codes."""
    table = pair_tables(FIRST, SECOND, 5).sum(0)
    assert float(cohen_kappa(table, weights)) == pytest.approx(value, abs=1e-12)


def test_balanced_accuracy_is_scikit_learns() -> None:
    """Kappa of two verdicts and balanced accuracy are scikit-learn 1.9.1's (0.677..., 0.85) on `code > 2`."""
    table = pair_tables([int(v > 2) for v in FIRST], [int(v > 2) for v in SECOND], 2).sum(0)
    assert float(cohen_kappa(table)) == pytest.approx(0.6774193548387097, abs=1e-12)
    assert float(balanced_accuracy(table)) == pytest.approx(0.85, abs=1e-12)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("seed", range(6))
def test_alpha_is_the_reference_librarys(level: str, seed: int) -> None:
    """Alpha over 2 to 5 raters with a third of the codes missing is what the krippendorff package computes."""
    rng = random.Random(seed)
    raters = rng.randint(2, 5)
    truth = [rng.randrange(6) for _ in range(25)]
    rows = [
        [None if rng.random() < 0.33 else (t if rng.random() < 0.5 else rng.randrange(6)) for t in truth]
        for _ in range(raters)
    ]
    data = np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=float)
    expected = krippendorff.alpha(data, level_of_measurement=level, value_domain=list(range(6)))
    assert float(krippendorff_alpha(coincidences(rows, 6).sum(0), level)) == pytest.approx(expected, abs=1e-10)


def test_alpha_of_krippendorffs_own_example() -> None:
    """Nominal 0.743, ordinal 0.815 and interval 0.849 on the four-observer example of Krippendorff (2011), section C."""
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    table = coincidences([[None if v is None else v - 1 for v in row] for row in rows], 5).sum(0)
    found = [round(float(krippendorff_alpha(table, level)), 3) for level in ("nominal", "ordinal", "interval")]
    assert found == [0.743, 0.815, 0.849]


def test_ac1_holds_where_kappa_collapses() -> None:
    """118 both yes, 5 and 2 apart, none both no: kappa is below 0 although 94% agree; AC1 is 1 - (1 - pa) / (1 - pe)."""
    table = np.array([[118.0, 5.0], [2.0, 0.0]])
    share = (123 + 120) / 250
    chance = 2 * share * (1 - share)
    agreed = float(percent_agreement(table))
    assert agreed == pytest.approx(0.944)
    assert float(cohen_kappa(table)) < 0
    assert float(gwet_ac1(table)) == pytest.approx((agreed - chance) / (1 - chance), abs=1e-12)
    assert float(gwet_ac1(table)) > 0.9


def test_what_is_not_defined_is_missing() -> None:
    """One and the same verdict everywhere gives no kappa; nothing rated by both gives nothing; perfection no interval."""
    same = estimate(pair_tables([0] * 20, [0] * 20, 2), [str(i) for i in range(20)], cohen_kappa)
    assert (same.value, same.low) == (None, None)
    assert "not defined" in same.note
    nothing = estimate(pair_tables([None, 0], [1, None], 2), ["a", "b"], cohen_kappa)
    assert (nothing.value, nothing.n) == (None, 0)
    codes = [i % 2 for i in range(20)]
    perfect = estimate(pair_tables(codes, codes, 2), [str(i) for i in range(20)], cohen_kappa)
    assert (perfect.value, perfect.low) == (1.0, None)
    assert perfect.note


def test_a_few_items_give_no_interval() -> None:
    """With seven items there is a value, and no interval; with eight there is one."""
    first, second = [0, 1, 0, 1, 0, 1, 0, 1], [0, 1, 1, 1, 0, 0, 0, 1]
    groups = [str(i) for i in range(8)]
    few = estimate(pair_tables(first[:7], second[:7], 2), groups[:7], percent_agreement)
    enough = estimate(pair_tables(first, second, 2), groups, percent_agreement)
    assert few.value is not None
    assert few.low is None
    assert enough.low is not None


def test_answers_to_one_probe_are_drawn_together() -> None:
    """Copies of each answer make no interval narrower as long as they belong to one probe; as items of their own they do."""
    rng = random.Random(1)
    first = [rng.randrange(2) for _ in range(60)]
    second = [v if rng.random() < 0.75 else 1 - v for v in first]
    groups = [str(i) for i in range(60)]
    one = estimate(pair_tables(first, second, 2), groups, cohen_kappa)
    copied = estimate(pair_tables(first * 4, second * 4, 2), groups * 4, cohen_kappa)
    alone = estimate(pair_tables(first * 4, second * 4, 2), [str(i) for i in range(240)], cohen_kappa)
    width = {name: e.high - e.low for name, e in (("one", one), ("copied", copied), ("alone", alone))}  # type: ignore[operator]
    assert width["copied"] == pytest.approx(width["one"], rel=1e-9)
    assert width["alone"] < 0.7 * width["one"]


def test_the_interval_covers() -> None:
    """Over 200 made-up sets of 80 items, the 95% interval of kappa holds the true value 0.5 at least 88% of the time."""
    rng = np.random.default_rng(5)
    hits = 0
    for trial in range(200):
        truth = rng.integers(0, 2, 80)
        # two raters who copy the truth with chance 1/sqrt(2) and else toss a coin: kappa is (1/sqrt 2)^2 = 0.5
        codes = [np.where(rng.random(80) < math.sqrt(0.5), truth, rng.integers(0, 2, 80)) for _ in range(2)]
        tables = pair_tables(codes[0].tolist(), codes[1].tolist(), 2)
        found = estimate(tables, [str(i) for i in range(80)], cohen_kappa, seed=trial, draws=400)
        hits += found.low is not None and found.high is not None and found.low <= 0.5 <= found.high
    assert hits >= 176
