"""Many candidates: pairs corrected together, and groups that no test tells apart."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakspot.stats.compare import POOLED, Item, compare_categories, compare_pairs
from weakspot.stats.multiplicity import holm
from weakspot.stats.ranking import groups_not_told_apart

NAMES = "abcdef"
ALL_PAIRS = [frozenset(pair) for pair in combinations(NAMES, 2)]


@settings(max_examples=200)
@given(st.sets(st.sampled_from(ALL_PAIRS)))
def test_candidates_share_a_group_just_where_no_test_told_them_apart(shown: set[frozenset[str]]) -> None:
    """Two candidates are in one group exactly if their pair is not shown, and no group lies inside another."""
    groups = groups_not_told_apart(NAMES, shown)
    for pair in ALL_PAIRS:
        assert any(pair <= set(group) for group in groups) == (pair not in shown)
    assert {name for group in groups for name in group} == set(NAMES)
    assert not any(set(a) < set(b) for a in groups for b in groups)


def test_not_told_apart_is_not_handed_on() -> None:
    """Where a and c differ but neither differs from b, b stands in both groups."""
    assert groups_not_told_apart("abc", {frozenset("ac")}) == [("a", "b"), ("b", "c")]


def test_a_pair_of_strangers_is_a_mistake() -> None:
    """A pair that names someone who is not ranked is told, not passed over."""
    with pytest.raises(ValueError, match="two of the candidates"):
        groups_not_told_apart("ab", {frozenset("az")})


def one_way(only_a: int, same: int = 6) -> list[Item]:
    """Items that stand alone in one category; `only_a` of them only the first fails."""
    return [Item("x", None, True, False)] * only_a + [Item("x", None, True, True)] * same


def test_all_pairs_are_corrected_together_by_holm() -> None:
    """With one category each, the pairs' adjusted p-values are Holm's over the pairs."""
    pairs = {"ab": one_way(12), "ac": one_way(8), "bc": one_way(6)}
    found = compare_pairs(pairs)
    expected = holm([found[key][POOLED].paired.p for key in pairs])
    assert [found[key][POOLED].p_adjusted for key in pairs] == pytest.approx(expected)
    assert found["ac"]["x"].p_adjusted == found["ac"][POOLED].p_adjusted


def test_a_shown_pair_hands_its_share_on() -> None:
    """A pair that stands at the edge is shown beside a clear one, where Bonferroni would have left it open."""
    edge = compare_pairs({"ab": one_way(20), "ac": one_way(6), "bc": []})["ac"][POOLED]
    assert edge.paired.p is not None
    assert edge.p_adjusted == pytest.approx(edge.paired.p)
    assert 2 * edge.paired.p > 0.05


def test_a_pair_alone_is_what_it_was() -> None:
    """One pair among many calls gives the same numbers as a call of its own."""
    items = [Item(c, None, n % 3 == 0, n % 4 == 0) for c in "xyz" for n in range(20)]
    assert compare_pairs({"only": items})["only"] == compare_categories(items)


def test_the_smallest_detectable_difference_knows_of_the_other_pairs() -> None:
    """The level that a pair is planned for falls with the number of pairs."""
    one = compare_pairs({"ab": one_way(12)})["ab"][POOLED].paired
    three = compare_pairs(dict.fromkeys(("ab", "ac", "bc"), one_way(12)))["ab"][POOLED].paired
    assert three.level == pytest.approx(one.level / 3)
    assert (three.smallest_detectable or 0) > (one.smallest_detectable or 1)
