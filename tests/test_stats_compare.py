"""The decision procedure on planted differences, and its adjustments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakspot.errors import UsageError
from weakspot.stats.compare import POOLED, Item, compare_categories
from weakspot.stats.paired import paired

items = st.lists(
    st.builds(Item, st.sampled_from("xyz"), st.sampled_from([None, "g", "h"]), st.booleans(), st.booleans()),
    max_size=60,
)


def plain(category: str, only_a: int, only_b: int, same: int) -> list[Item]:
    """Items that stand alone; the last of them fail under both."""
    return (
        [Item(category, None, True, False)] * only_a
        + [Item(category, None, False, True)] * only_b
        + [Item(category, None, True, True)] * same
    )


def test_opposite_categories_are_found_where_the_pooled_difference_is_nil() -> None:
    """Two categories that differ in opposite directions are both shown though all items together differ by 0."""
    result = compare_categories(plain("x", 14, 0, 10) + plain("y", 0, 14, 10) + plain("z", 1, 1, 20))
    assert list(result) == [POOLED, "x", "y", "z"]
    assert (result[POOLED].paired.difference, result[POOLED].p_adjusted) == (0.0, 1.0)
    for name, sign in (("x", 1), ("y", -1)):
        found = result[name]
        assert found.p_adjusted is not None
        assert found.p_adjusted <= 0.01
        assert found.paired.difference == sign * 14 / 24
    assert result["z"].p_adjusted == 1.0


def test_a_difference_spread_over_all_categories_is_found_pooled() -> None:
    """A difference too small for any category to show is shown by all together."""
    result = compare_categories([i for c in "abcdefgh" for i in plain(c, 4, 1, 7)])
    assert (result[POOLED].p_adjusted or 1) < 0.01
    assert all(result[c].p_adjusted == 1.0 for c in "abcdefgh")


def test_a_category_that_cannot_be_shown_leaves_its_share() -> None:
    """Categories with too few differing items to be shown do not make the one that has enough any weaker."""
    few = [i for c in "bcdefgh" for i in plain(c, 1, 1, 8)]
    with_few = compare_categories(plain("a", 8, 0, 2) + few)["a"]
    assert with_few.p_adjusted == pytest.approx(2 * (with_few.paired.p or 0))
    assert with_few.paired.level == 0.025
    many = [i for c in "bcdefgh" for i in plain(c, 5, 5, 8)]
    assert (compare_categories(plain("a", 8, 0, 2) + many)["a"].p_adjusted or 0) > 2 * (with_few.p_adjusted or 0)


def test_a_share_is_split_only_among_those_it_is_enough_for() -> None:
    """Seven differing items could be shown with a whole share but not with a split one, and so take none."""
    result = compare_categories(plain("a", 10, 0, 2) + plain("b", 4, 3, 5) + plain("c", 3, 4, 5))
    assert [result[c].paired.level for c in "abc"] == [0.025, 0.0125, 0.0125]
    assert result["a"].p_adjusted == pytest.approx(2 * (result["a"].paired.p or 0))


def test_a_single_category_is_not_counted_twice() -> None:
    """With one category that has items the pooled comparison is that category, and p is not adjusted."""
    result = compare_categories(plain("x", 7, 0, 3), categories=["w", "x"])
    assert result["x"] == result[POOLED]
    assert result["x"].p_adjusted == result["x"].paired.p == 2 / 2**7


def test_asked_for_categories_are_there_without_items() -> None:
    """A category without a single verdict on both is in the result, with None for every figure."""
    result = compare_categories(plain("x", 1, 0, 3) + plain("y", 1, 0, 3), categories=["none", "x"])
    assert list(result) == [POOLED, "none", "x", "y"]
    assert (result["none"].paired.n, result["none"].paired.p, result["none"].p_adjusted) == (0, None, None)


def test_no_items_at_all() -> None:
    """Nothing to compare is an answer with nothing in it, not an error."""
    assert compare_categories([])[POOLED].p_adjusted is None


def test_groups_are_flipped_whole_across_categories() -> None:
    """A group that spans two categories counts as one in the pooled test and as one in each of them."""
    shared = [Item(c, f"g{k}", True, False) for c in "xy" for k in range(6)]
    result = compare_categories(shared)
    assert (result[POOLED].paired.groups, result[POOLED].paired.test) == (6, "cluster sign-flip")
    assert result[POOLED].paired.p == 2 / 2**6
    assert (result["x"].paired.groups, result["x"].paired.test) == (6, "McNemar exact")


def test_a_category_called_pooled_is_refused() -> None:
    """The name that stands for all categories cannot be one of them."""
    with pytest.raises(UsageError, match="pooled"):
        compare_categories(plain(POOLED, 1, 0, 1))


@settings(deadline=None)  # the machine may be busy
@given(items)
def test_adjusted_p_is_never_below_p(some: list[Item]) -> None:
    """Every p is within 0 to 1, adjusting never lowers one, and None means no items."""
    for found in compare_categories(some).values():
        assert (found.p_adjusted is None) == (found.paired.p is None) == (found.paired.n == 0)
        if found.p_adjusted is not None and found.paired.p is not None:
            assert found.paired.p <= found.p_adjusted <= 1


@settings(deadline=None)  # the machine may be busy
@given(items)
def test_each_part_is_the_paired_comparison_of_its_items(some: list[Item]) -> None:
    """Pooled and categories give the difference, interval and p that their own items give alone."""
    for name, found in compare_categories(some).items():
        part = [i for i in some if name in (POOLED, i.category)]
        alone = paired([i.failed_a for i in part], [i.failed_b for i in part], [i.group for i in part])
        fields = ("n", "groups", "difference", "low", "high", "test", "p", "only_a", "only_b", "both")
        assert [getattr(found.paired, f) for f in fields] == [getattr(alone, f) for f in fields]


@settings(deadline=None)  # the machine may be busy
@given(items)
def test_swapping_the_candidates_keeps_what_is_shown(some: list[Item]) -> None:
    """With a and b swapped the same differences are shown, with the other sign."""
    swapped = compare_categories([Item(i.category, i.group, i.failed_b, i.failed_a) for i in some])
    for name, found in compare_categories(some).items():
        assert swapped[name].p_adjusted == found.p_adjusted
        if found.paired.difference is not None:
            assert swapped[name].paired.difference == -found.paired.difference


def test_a_true_difference_of_the_detectable_size_is_shown_as_often_as_said() -> None:
    """A pooled difference of the size called detectable is shown in about 80% of simulated runs."""
    rng = np.random.default_rng(11)
    more, fewer, n = 0.26, 0.1, 160
    hits, detectable = 0, []
    for _ in range(150):
        luck = rng.random(n)
        run = [Item("xy"[k % 2], None, bool(u < more), bool(more <= u < more + fewer)) for k, u in enumerate(luck)]
        found = compare_categories(run)[POOLED]
        hits += (found.p_adjusted or 1) <= 0.05
        detectable.append(found.paired.smallest_detectable or 1)
    assert np.mean(detectable) == pytest.approx(more - fewer, abs=0.02)
    assert 0.7 <= hits / 150 <= 0.92
