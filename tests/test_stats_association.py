"""Association within strata: the test against scipy's, its level, what it is blind to, and what it finds."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from weakspot.stats.association import adjust, associate, score_interval, smallest_shown
from weakspot.stats.strata import doubled_ranks


def draw(dice: np.random.Generator, n: int, tied: bool) -> tuple[list[float], list[bool]]:
    """Values, tied or not, and outcomes with at least two of each."""
    values = dice.integers(0, 4, n) if tied else dice.normal(size=n)
    failed = dice.permutation(np.arange(n) < dice.integers(2, n - 1))
    return values.astype(float).tolist(), failed.tolist()


@pytest.mark.parametrize("seed", range(12))
def test_one_stratum_is_mann_whitney(seed: int) -> None:
    """With one stratum and no ties p equals scipy's exact Mann-Whitney test, and the effect its U."""
    values, failed = draw(np.random.default_rng(seed), 17, tied=False)
    found = associate(values, failed, ["s"] * 17)
    bad = [v for v, f in zip(values, failed, strict=True) if f]
    good = [v for v, f in zip(values, failed, strict=True) if not f]
    reference = stats.mannwhitneyu(bad, good, method="exact")
    assert found.exact
    assert found.p == pytest.approx(reference.pvalue, rel=1e-9)
    assert found.effect == pytest.approx(2 * reference.statistic / (len(bad) * len(good)) - 1)


@pytest.mark.parametrize("seed", range(12))
def test_ties_are_counted_out(seed: int) -> None:
    """With ties p equals that of scipy's full permutation test of the rank sum."""
    values, failed = draw(np.random.default_rng(seed), 9, tied=True)
    found = associate(values, failed, ["s"] * 9)
    ranks, outcome = stats.rankdata(values), np.array(failed)
    if np.ptp(ranks) == 0:
        assert found.p is None
        return
    middle = outcome.sum() * 5.0
    reference = stats.permutation_test(
        (ranks[outcome], ranks[~outcome]),
        lambda bad, _, axis=-1: abs(bad.sum(axis) - middle),
        permutation_type="independent",
        alternative="greater",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert found.p == pytest.approx(reference.pvalue, rel=1e-9)


@pytest.mark.parametrize("groups", [None, ["g", "g", "h", "h", None, None, None, None, None]])
def test_strata_equal_every_deal_counted(groups: list[str | None] | None) -> None:
    """In three strata p equals the share among all deals written out; with groups it does up to the random deals."""
    values = [3.0, 1.0, 2.0, 2.0, 5.0, 4.0, 4.0, 1.0, 9.0]
    failed = [True, True, False, True, True, True, False, False, True]
    strata = ["a", "a", "a", "a", "b", "b", "b", "b", "c"]
    found = associate(values, failed, strata, groups)
    scores = np.concatenate([doubled_ranks(np.array(values[:4])) - 5, doubled_ranks(np.array(values[4:8])) - 5, [0]])
    first = (
        list(set(itertools.permutations(failed[:4])))
        if groups is None
        else [[*failed[:4]], [*failed[2:4], *failed[:2]]]
    )
    second = set(itertools.permutations(failed[4:8]))
    sums = np.array([scores[:8] @ np.array([*a, *b]) for a in first for b in second], float)
    seen = scores @ np.array(failed)
    share = float((np.abs(sums - sums.mean()) >= abs(seen - sums.mean()) - 1e-9).mean())
    assert found.exact == (groups is None)
    assert found.p == pytest.approx(share, abs=1e-9 if groups is None else 0.02)
    assert found.spread * found.pairs == pytest.approx(sums.std())


def test_the_effect_counts_pairs_within_strata() -> None:
    """The effect is the share of pairs within a stratum where the failed item has more, minus where it has less."""
    found = associate([1, 2, 3, 10, 20], [False, True, False, True, False], ["a", "a", "a", "b", "b"])
    assert found.pairs == 3
    assert found.effect == pytest.approx((1 - 1 - 1) / 3)


def test_a_stratum_that_explains_both_is_no_association() -> None:
    """Value and failure both hang on the category alone: at most 5% of 200 runs show anything; unstratified all do."""
    dice = np.random.default_rng(5)
    shown = fooled = 0
    for number in range(200):
        strata = [f"c{i % 4}" for i in range(120)]
        level = np.array([i % 4 for i in range(120)])
        values = (10 * level + dice.normal(size=120)).tolist()
        failed = (dice.random(120) < 0.1 + 0.25 * level).tolist()
        shown += (associate(values, failed, strata).p or 1) <= 0.05
        fooled += number < 20 and (associate(values, failed, ["all"] * 120).p or 1) <= 0.05
    assert shown <= 17  # 95% of runs of an exact 5% test show at most 15 of 200; 98% at most 17
    assert fooled == 20


def test_no_association_is_shown_rarely() -> None:
    """Of 200 runs with 12 features that say nothing, at most 5% show any after correction; items in groups included."""
    dice = np.random.default_rng(11)
    shown = 0
    for number in range(200):
        strata = [f"c{i // 15}" for i in range(60)]
        groups = [f"g{i // 3}" if i < 30 else None for i in range(60)]
        luck = {g: dice.random() for g in groups if g}
        own = {g: dice.random(12) for g in groups if g}
        failed = [bool((luck[g] if g else dice.random()) < 0.4) for g in groups]
        columns = np.array([own[g] if g else dice.random(12) for g in groups])
        columns[:, 6:] = np.floor(3 * columns[:, 6:])
        columns[:, 11] = 0
        found = [
            associate(columns[:, k].tolist(), failed, strata, groups, permutations=999, seed=number) for k in range(12)
        ]
        shown += any(one.shown for one in adjust(found))
    assert shown <= 10


def test_a_planted_association_is_found() -> None:
    """A value that shifts by one deviation where an item fails is found in nearly every one of 50 runs of 80 items."""
    dice = np.random.default_rng(3)
    shown = 0
    for _ in range(50):
        failed = dice.random(80) < 0.4
        values = dice.normal(size=80) + failed
        shown += adjust([associate(values.tolist(), failed.tolist(), [f"c{i % 4}" for i in range(80)])])[0].shown
    assert shown >= 45


def test_the_smallest_effect_is_found_with_the_power_it_states() -> None:
    """An effect as large as `smallest_shown` says is shown in about 80% of 400 runs."""
    dice = np.random.default_rng(8)
    strata = [f"c{i % 3}" for i in range(90)]
    failed = [i % 2 == 0 for i in range(90)]
    smallest = smallest_shown(associate(dice.normal(size=90).tolist(), failed, strata), 0.05)
    assert smallest is not None
    shift = math.sqrt(2) * stats.norm.ppf((smallest + 1) / 2)
    runs = [dice.normal(size=90) + shift * np.array(failed) for _ in range(400)]
    share = np.mean([(associate(run.tolist(), failed, strata).p or 1) <= 0.05 for run in runs])
    assert 0.73 <= share <= 0.9


@pytest.mark.parametrize(("bad", "good", "shift"), [(5, 25, 0.0), (15, 15, 0.8), (4, 8, 1.5), (30, 10, -0.4)])
def test_the_interval_covers(bad: int, good: int, shift: float) -> None:
    """The 95% interval holds the true effect in at least 93% of 400 runs in two strata."""
    dice = np.random.default_rng(4)
    truth = 2 * stats.norm.cdf(shift / math.sqrt(2)) - 1
    failed = ([True] * bad + [False] * good) * 2
    strata = ["a"] * (bad + good) + ["b"] * (bad + good)
    held = 0
    for _ in range(400):
        found = associate((dice.normal(size=len(failed)) + shift * np.array(failed)).tolist(), failed, strata)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 372


def test_the_interval_follows_the_test() -> None:
    """0 lies in the interval exactly where the test does not reject, over many small samples with ties."""
    dice = np.random.default_rng(2)
    for _ in range(300):
        values, failed = draw(dice, int(dice.integers(5, 14)), tied=bool(dice.integers(2)))
        found = associate(values, failed, ["s"] * len(values))
        if found.p is not None and found.low is not None and found.high is not None and found.effect is not None:
            assert (found.low <= 0 <= found.high) == (found.p > 0.05)
            assert -1 <= found.low <= found.effect <= found.high <= 1


def test_the_score_interval_is_newcombes() -> None:
    """One stratum without a design effect gives the interval that solves Newcombe's equation at both ends."""
    ends = score_interval(0.4, [(12, 20)])
    for end in (ends.low, ends.high):
        theta = (end + 1) / 2
        variance = theta * (1 - theta) * (1 + 15 * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / 240
        assert abs(0.7 - theta) == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-5)


def test_what_cannot_be_tested_is_said() -> None:
    """No failure, no pass, or no variation give no p; a lone failure among few gives a least p too large to be shown."""
    assert associate([1, 2, 3], [False] * 3, ["a"] * 3).effect is None
    assert associate([], [], []).p is None
    constant = associate([1, 1, 1], [True, False, False], ["a"] * 3)
    assert (constant.effect, constant.p) == (0.0, None)
    few = associate([1, 2, 3], [False, False, True], ["a"] * 3)
    assert few.least_p == pytest.approx(1 / 3)
    assert smallest_shown(few, 0.05) is None
    assert not adjust([few, constant])[0].able


def test_a_test_that_could_never_be_shown_costs_the_others_nothing() -> None:
    """Ten hopeless tests leave the p of a good one as it is."""
    good = associate(list(range(12)), [i > 5 for i in range(12)], ["a"] * 12)
    hopeless = associate([1, 2, 3], [False, False, True], ["a"] * 3)
    assert adjust([good, *[hopeless] * 10])[0].p == pytest.approx(good.p)


def test_groups_are_not_taken_for_as_many_items() -> None:
    """Ten copies of each item in a group show no more than one of each: p stays large and the interval wide."""
    values, failed = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [False, False, True, False, True, True]
    ten = [v for v in values for _ in range(10)], [f for f in failed for _ in range(10)]
    groups = [f"g{i // 10}" for i in range(60)]
    alone = associate(values, failed, ["a"] * 6)
    kept = associate(*ten, ["a"] * 60, groups)
    fooled = associate(*ten, ["a"] * 60)
    assert kept.p == pytest.approx(alone.p, abs=0.02)
    assert (fooled.p or 1) < 0.001
    assert kept.design_effect > 5


@pytest.mark.parametrize(
    ("values", "failed", "strata"),
    [([1.0], [True, False], ["a", "a"]), ([math.nan, 1], [True, False], ["a", "a"]), ([1, 2], [True, False], ["a"])],
)
def test_nonsense_is_refused(values: list[float], failed: list[bool], strata: list[str]) -> None:
    """Unequal lengths and values that are no finite number raise ValueError."""
    with pytest.raises(ValueError, match=r"equally many|finite"):
        associate(values, failed, strata)


def test_a_missing_verdict_is_refused() -> None:
    """None is not an outcome."""
    with pytest.raises(TypeError):
        associate([1, 2], [True, None], ["a", "a"])  # type: ignore[list-item]


def test_the_same_seed_gives_the_same_p() -> None:
    """Random deals are seeded: the same call gives the same p, another seed one close by."""
    dice = np.random.default_rng(6)
    values, failed = draw(dice, 40, tied=False)
    groups = [f"g{i // 2}" for i in range(40)]
    one, two, other = (associate(values, failed, ["a"] * 40, groups, seed=s) for s in (1, 1, 2))
    assert one == two
    assert not one.exact
    assert one.p == pytest.approx(other.p, abs=0.03)
