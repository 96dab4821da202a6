"""Intervals, exact tests and Holm, against references that share no code with them."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from weakspot.stats.interval import quantile, score_interval, score_statistic, wilson
from weakspot.stats.multiplicity import holm, weighted_holm
from weakspot.stats.paired import least_p, mcnemar_exact, paired, sign_flip
from weakspot.stats.tally import tally

outcomes = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.sampled_from([None, "g", "h", "i"])), min_size=1, max_size=40
)
p_values = st.one_of(st.none(), st.floats(0, 1))


def pairs(only_a: int, only_b: int, n: int, both: int = 0) -> tuple[list[bool], list[bool]]:
    """Outcomes with so many discordant items of each kind."""
    rest = n - only_a - only_b - both
    a = [True] * only_a + [False] * only_b + [True] * both + [False] * rest
    b = [False] * only_a + [True] * only_b + [True] * both + [False] * rest
    return a, b


def split(items: Sequence[tuple[bool, bool, str | None]]) -> tuple[list[bool], list[bool], list[str | None]]:
    """Outcomes of a, outcomes of b, groups."""
    return [i[0] for i in items], [i[1] for i in items], [i[2] for i in items]


class TestWilson:
    @pytest.mark.parametrize(("failed", "n"), [(0, 10), (1, 10), (7, 30), (30, 30), (1, 1), (500, 1200)])
    @pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
    def test_against_scipy(self, failed: int, n: int, confidence: float) -> None:
        """Wilson's interval is scipy's."""
        expected = binomtest(failed, n).proportion_ci(confidence, method="wilson")
        found = wilson(failed, n, confidence)
        assert found is not None
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)

    def test_without_items_there_is_none(self) -> None:
        """No items is no interval, not 0 to 1."""
        assert wilson(0, 0) is None

    @pytest.mark.parametrize(("failed", "n", "confidence"), [(3, 2, 0.95), (-1, 5, 0.95), (1, 5, 1.0), (1, 5, 0.0)])
    def test_nonsense_is_refused(self, failed: int, n: int, confidence: float) -> None:
        """Counts and confidences that cannot be raise ValueError."""
        with pytest.raises(ValueError, match=r"must be between|cannot have failed"):
            wilson(failed, n, confidence)

    @settings(deadline=None)  # the machine may be busy
    @given(st.integers(0, 60), st.integers(1, 60))
    def test_holds_the_rate_and_stays_within_bounds(self, failed: int, n: int) -> None:
        """The interval holds the seen rate and never leaves 0 to 1."""
        failed = min(failed, n)
        found = wilson(failed, n)
        assert found is not None
        assert 0 <= found.low <= failed / n <= found.high <= 1


class TestScoreInterval:
    @pytest.mark.parametrize(
        ("only_a", "only_b", "n", "confidence", "low", "high"),
        [
            (1, 7, 21, 0.95, -0.517, -0.026),  # Fagerland, Lydersen and Laake 2014: airway hyper-responsiveness
            (28, 25, 618, 0.90, -0.0148, 0.0247),  # R, PropCIs::scoreci.mp(25, 28, 618, 0.90)
        ],
    )
    def test_against_published_values(
        self, only_a: int, only_b: int, n: int, confidence: float, low: float, high: float
    ) -> None:
        """Tango's interval is the published one."""
        found = score_interval(tally(*pairs(only_a, only_b, n)), confidence)
        places = len(str(high).rstrip("0").split(".")[1])
        assert (round(found.low, places), round(found.high, places)) == (low, high)

    @pytest.mark.parametrize(("only_a", "only_b", "n"), [(6, 2, 20), (0, 5, 30), (0, 0, 12), (9, 9, 18)])
    @pytest.mark.parametrize("difference", [-0.4, -0.05, 0.0, 0.2])
    def test_variance_is_that_of_the_constrained_likelihood(
        self, only_a: int, only_b: int, n: int, difference: float
    ) -> None:
        """The closed form agrees with maximising the constrained likelihood by search."""

        def loss(q: float) -> float:
            chances = (q + difference, q, 1 - 2 * q - difference)
            counts = (only_a, only_b, n - only_a - only_b)
            return -sum(k * math.log(max(p, 1e-300)) for k, p in zip(counts, chances, strict=True) if k)

        edges = (max(0.0, -difference), (1 - difference) / 2)
        q = minimize_scalar(loss, bounds=edges, method="bounded", options={"xatol": 1e-12}).x
        variance = n * (2 * q + difference - difference**2)
        expected = (only_a - only_b - n * difference) / math.sqrt(variance)
        assert score_statistic(tally(*pairs(only_a, only_b, n)), difference) == pytest.approx(expected, abs=1e-3)

    @settings(deadline=None)  # the machine may be busy
    @given(outcomes)
    def test_no_difference_outside_fits(self, items: list[tuple[bool, bool, str | None]]) -> None:
        """Every difference whose score is within the quantile is in the interval, and the ends are the last of them."""
        counts = tally(*split(items))
        found = score_interval(counts)
        for difference in np.linspace(-1, 1, 81).tolist():
            fits = abs(score_statistic(counts, difference)) <= quantile(0.95)
            assert not fits or found.low <= difference <= found.high
            assert fits or not counts.alone or not found.low <= difference <= found.high
        for end, step in ((found.low, -1e-6), (found.high, 1e-6)):
            assert abs(score_statistic(counts, end)) <= quantile(0.95)
            assert abs(end) == 1 or abs(score_statistic(counts, end + step)) > quantile(0.95)

    def test_groups_with_equal_rates_by_chance_do_not_narrow_the_interval(self) -> None:
        """Six groups with the same difference give an interval no narrower than their items alone would."""
        a, b = [True, False, False, False, False] * 6, [False] * 30
        grouped = score_interval(tally(a, b, [f"g{i // 5}" for i in range(30)]))
        alone = score_interval(tally(a, b))
        assert grouped.low <= alone.low + 1e-9
        assert grouped.high >= alone.high - 1e-9

    def test_one_group_weighs_as_one_item(self) -> None:
        """Twelve items of one group that the candidates never differ on tell as much as one item does."""
        group, item = score_interval(tally(*pairs(0, 0, 12), groups=["g"] * 12)), score_interval(tally(*pairs(0, 0, 1)))
        assert (group.low, group.high) == pytest.approx((item.low, item.high), abs=1e-9)
        assert group.high > 0.79

    def test_without_items_it_is_refused(self) -> None:
        """There is no interval without items."""
        with pytest.raises(ValueError, match="without items"):
            score_interval(tally([], []))


class TestExactTests:
    @pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (5, 0), (6, 0), (9, 2), (7, 7), (300, 240)])
    def test_mcnemar_against_scipy(self, only_a: int, only_b: int) -> None:
        """McNemar's exact p is scipy's binomial test on the discordant items."""
        expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
        assert mcnemar_exact(only_a, only_b) == pytest.approx(expected, rel=1e-9)

    def test_mcnemar_is_safe_for_large_counts(self) -> None:
        """Tens of thousands of discordant items give scipy's p, and p is never rounded to 0."""
        assert mcnemar_exact(20_400, 20_000) == pytest.approx(binomtest(20_400, 40_400).pvalue, rel=1e-6)
        assert 0 < mcnemar_exact(5000, 0) < 1e-300

    @settings(deadline=None)  # the machine may be busy
    @given(st.lists(st.integers(-5, 5), max_size=11))
    def test_sign_flip_against_enumeration(self, sums: list[int]) -> None:
        """The sign-flip p is the share of all sign patterns that are at least as extreme."""
        patterns = list(itertools.product((1, -1), repeat=len(sums)))
        extreme = sum(abs(sum(s * d for s, d in zip(signs, sums, strict=True))) >= abs(sum(sums)) for signs in patterns)
        assert sign_flip(sums) == pytest.approx(extreme / len(patterns), rel=1e-12)

    @settings(deadline=None)  # the machine may be busy
    @given(st.integers(0, 40), st.integers(0, 40))
    def test_sign_flip_of_single_items_is_mcnemar(self, only_a: int, only_b: int) -> None:
        """With one discordant item in each group the sign-flip test is McNemar's."""
        assert sign_flip([1] * only_a + [-1] * only_b) == pytest.approx(mcnemar_exact(only_a, only_b), rel=1e-9)

    @settings(deadline=None)  # the machine may be busy
    @given(st.integers(0, 60))
    def test_least_p_is_all_one_way(self, differing: int) -> None:
        """The least possible p is reached when all groups point one way."""
        assert least_p(differing) == pytest.approx(mcnemar_exact(differing, 0), rel=1e-12)
        assert least_p(differing) == pytest.approx(sign_flip([3] * differing), rel=1e-9)


class TestPaired:
    def test_test_is_named_after_the_layout(self) -> None:
        """Items that all stand alone take McNemar's test, one shared group the sign-flip, no items none."""
        a, b = pairs(3, 1, 10)
        assert paired(a, b).test == "McNemar exact"
        assert paired(a, b, [str(i) for i in range(10)]).test == "McNemar exact"
        assert paired(a, b, ["g", "g", *([None] * 8)]).test == "cluster sign-flip"
        assert paired([], []).test == "none"

    def test_no_items_is_missing_not_zero(self) -> None:
        """Without items every figure is None."""
        none = paired([], [])
        assert (none.difference, none.low, none.high, none.p, none.smallest_detectable) == (None,) * 5

    def test_missing_verdicts_and_uneven_lengths_are_refused(self) -> None:
        """None, 0 or 1 as an outcome raise TypeError, uneven lengths ValueError."""
        for bad in (None, 0, 1, "no"):
            with pytest.raises(TypeError, match="true or false"):
                paired([True, bad], [True, False])  # type: ignore[list-item]
        with pytest.raises(ValueError, match="equally many"):
            paired([True], [True, False])
        with pytest.raises(ValueError, match="equally many"):
            paired([True], [True], ["g", "h"])

    @settings(deadline=None)  # the machine may be busy
    @given(outcomes)
    def test_swapping_the_candidates_mirrors_everything(self, items: list[tuple[bool, bool, str | None]]) -> None:
        """With a and b swapped the difference and its interval change sign and p stays."""
        a, b, groups = split(items)
        one, other = paired(a, b, groups), paired(b, a, groups)
        assert one.difference is not None
        assert other.difference == -one.difference
        assert one.low is not None
        assert one.high is not None
        assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-9)
        assert other.p == one.p
        assert (other.items_needed, other.smallest_detectable) == (one.items_needed, one.smallest_detectable)

    @settings(deadline=None)  # the machine may be busy
    @given(outcomes)
    def test_order_and_group_names_do_not_matter(self, items: list[tuple[bool, bool, str | None]]) -> None:
        """Reversed items with renamed groups give the same comparison."""
        renamed = [(a, b, None if g is None else f"<{g}>") for a, b, g in reversed(items)]
        assert paired(*split(items)) == paired(*split(renamed))

    @settings(deadline=None)  # the machine may be busy
    @given(outcomes, st.booleans(), st.sampled_from([None, "g", "new"]))
    def test_a_concordant_item_never_lowers_p(
        self, items: list[tuple[bool, bool, str | None]], failed: bool, group: str | None
    ) -> None:
        """An item on which both do the same tells nothing: p stays."""
        before = paired(*split(items)).p
        after = paired(*split([*items, (failed, failed, group)])).p
        assert before == pytest.approx(after, rel=1e-9)

    @settings(deadline=None)  # the machine may be busy
    @given(outcomes)
    def test_interval_and_test_agree_about_zero(self, items: list[tuple[bool, bool, str | None]]) -> None:
        """The interval leaves 0 out exactly where p is at most 0.05, and always holds the seen difference."""
        found = paired(*split(items))
        assert found.p is not None
        assert found.low is not None
        assert found.high is not None
        assert found.difference is not None
        assert 0 < found.p <= 1
        assert -1 <= found.low <= found.difference <= found.high <= 1
        assert (found.low > 0 or found.high < 0) == (found.p <= 0.05)

    def test_interval_is_drawn_in_where_only_the_exact_test_rejects(self) -> None:
        """Group sums of 5, 1, 1, 1, 1, 1 one way are rejected by the test, and the interval starts beyond 0."""
        a, b = pairs(10, 0, 20)
        groups: list[str | None] = ["g"] * 5 + [None] * 15
        assert score_interval(tally(a, b, groups)).low < 0
        found = paired(a, b, groups)
        assert found.p == 2 / 64
        assert found.low is not None
        assert 0 < found.low < 0.02

    def test_interval_is_stretched_where_only_the_score_rejects(self) -> None:
        """Five discordant items one way are not enough for the exact test, and the interval then starts at 0."""
        a, b = pairs(5, 0, 20)
        assert score_interval(tally(a, b)).low > 0
        found = paired(a, b)
        assert (found.p, found.low) == (2 / 32, 0.0)

    def test_items_that_go_together_weigh_less(self) -> None:
        """The same outcomes in groups that fail together give a larger p, a wider interval and a larger plan."""
        a, b = pairs(16, 4, 60)
        groups = [f"g{i // 4}" for i in range(60)]
        alone, together = paired(a, b), paired(a, b, groups)
        assert (together.design_effect, alone.design_effect) == (pytest.approx(4, abs=1e-9), 1.0)
        assert alone.p is not None
        assert together.p is not None
        assert together.p > alone.p
        assert (together.low or 0) < (alone.low or 0)
        assert (together.items_needed or 0) > 3 * (alone.items_needed or 0)


class TestHolm:
    @settings(deadline=None)  # the machine may be busy
    @given(st.lists(st.tuples(p_values, st.floats(0.01, 10)), max_size=6))
    def test_against_the_closure_of_weighted_bonferroni(self, tests: list[tuple[float | None, float]]) -> None:
        """Each adjusted p is the largest weighted Bonferroni p over all sets of tests that hold it."""
        p, weights = [t[0] for t in tests], [t[1] for t in tests]
        present = [i for i, q in enumerate(p) if q is not None]
        expected: list[float | None] = [None] * len(p)
        for size in range(1, len(present) + 1):
            for chosen in itertools.combinations(present, size):
                whole = sum(weights[i] for i in chosen)
                value = min(1.0, *((p[i] or 0.0) * whole / weights[i] for i in chosen))
                for i in chosen:
                    expected[i] = max(expected[i] or 0.0, value)
        found = weighted_holm(p, weights)
        assert [q is None for q in found] == [q is None for q in expected]
        assert [q for q in found if q is not None] == pytest.approx([q for q in expected if q is not None], abs=1e-12)

    @settings(deadline=None)  # the machine may be busy
    @given(st.lists(p_values, max_size=12))
    def test_is_monotone_and_never_below_p(self, p: list[float | None]) -> None:
        """Adjusting keeps the order, never lowers a p, and leaves None alone."""
        found = holm(p)
        assert [q is None for q in found] == [q is None for q in p]
        both = sorted((before, after) for before, after in zip(p, found, strict=True) if before is not None)
        assert all(before <= after <= 1 for before, after in both if after is not None)
        assert [after for _, after in both] == sorted(after for _, after in both if after is not None)

    def test_holm_by_hand(self) -> None:
        """0.01, 0.04, 0.03 adjust to 0.03, 0.06, 0.06."""
        assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])

    def test_weights_share_the_level(self) -> None:
        """A primary test with half of the weight is held against half of the level, whatever the others say."""
        assert weighted_holm([0.02, 0.9, 0.9], [0.5, 0.25, 0.25])[0] == pytest.approx(0.04)

    def test_weight_zero_is_never_shown(self) -> None:
        """A test without weight is adjusted to 1 and takes nothing from the others."""
        assert weighted_holm([0.001, 0.02], [0.0, 1.0]) == [1.0, 0.02]

    @pytest.mark.parametrize(("p", "weights"), [([1.5], [1.0]), ([0.5], [-1.0]), ([0.5], []), ([math.nan], [1.0])])
    def test_nonsense_is_refused(self, p: list[float | None], weights: list[float]) -> None:
        """A p or a weight that cannot be raises ValueError."""
        with pytest.raises(ValueError, match="weight"):
            weighted_holm(p, weights)
