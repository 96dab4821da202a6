"""What a comparison says in words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakspot.stats.paired import Paired, paired
from weakspot.stats.verdict import edge, verdict


def compared(only_a: int, only_b: int, n: int, both: int = 0, level: float | None = None) -> Paired:
    """A comparison with so many discordant items of each kind."""
    rest = n - only_a - only_b - both
    a = [True] * only_a + [False] * only_b + [True] * both + [False] * rest
    b = [False] * only_a + [True] * only_b + [True] * both + [False] * rest
    return paired(a, b, level=level)


def say(found: Paired, p_adjusted: float | None = None) -> tuple[bool, str]:
    """The verdict with p as adjusted, unless told."""
    return verdict(found, found.p if p_adjusted is None else p_adjusted, "A", "B")


def test_shown_names_the_better_one_and_turns_the_interval_its_way() -> None:
    """Whichever candidate fails less is named, with positive points and an interval that holds them."""
    assert say(compared(3, 15, 40, both=5)) == (
        True,
        "A fails less: 30.0 points fewer failures (95% interval 10.1 to 47.9), shown.",
    )
    assert say(compared(15, 3, 40, both=5)) == (
        True,
        "B fails less: 30.0 points fewer failures (95% interval 10.1 to 47.9), shown.",
    )


def test_an_interval_drawn_in_by_the_exact_test_does_not_start_at_zero() -> None:
    """Where only the exact test leaves 0 out, the sentence does not print an interval from 0.0."""
    a, b, groups = [True] * 100 + [False] * 4900, [False] * 5000, ["g"] * 50 + [f"h{i // 10}" for i in range(4950)]
    found = paired(a, b, groups)
    assert found.low is not None
    assert 0 < found.low < 0.0005
    assert "95% interval just above 0 to" in say(found)[1]


def test_not_shown_says_what_it_would_take() -> None:
    """Without a shown difference the sentence names the items needed and what this run could have shown."""
    assert say(compared(9, 5, 60, both=10)) == (
        False,
        (
            "No difference shown; about 440 items would be needed to show one of 6.7 points "
            "(this run could have shown 18 points)."
        ),
    )


def test_adjustment_is_named_where_it_decides() -> None:
    """Where p alone would show a difference and the adjusted p does not, the sentence says why."""
    sentence = say(compared(8, 1, 30, both=5, level=0.01), p_adjusted=0.2)[1]
    assert sentence.startswith("No difference shown once every comparison is counted; about ")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (compared(0, 0, 0), "No items: there is nothing to compare."),
        (compared(0, 0, 30, both=12), "No difference shown: the two never differed on these 30 items."),
        (compared(0, 0, 30, both=30), "No difference shown: floor, both failed all of these 30 items."),
        (compared(0, 0, 1), "No difference shown: ceiling, both passed all of these 1 item."),
        (
            compared(2, 1, 30, both=27),
            (
                "No difference shown: floor, both fail nearly all of these 30 items (29 and 28); "
                "easier ones would tell more."
            ),
        ),
        (
            compared(2, 1, 30),
            (
                "No difference shown: ceiling, both pass nearly all of these 30 items (2 and 1 failed); "
                "harder ones would tell more."
            ),
        ),
    ],
)
def test_edges_are_called_so(found: Paired, sentence: str) -> None:
    """No items, no differing item, floor and ceiling each have their own sentence."""
    assert say(found) == (False, sentence)


def test_too_few_differing_items_are_called_so() -> None:
    """Where not even all differing items one way could show a difference, the sentence says so."""
    assert say(compared(4, 0, 12, both=4))[1] == (
        "No difference shown: the two differ on only 4 of these 12 items, too few to show any; about 22 items would "
        "be needed to show one of 33.3 points (this run could have shown 58 points)."
    )


def test_equal_counts_are_called_so() -> None:
    """A difference of exactly 0 asks for no number of items."""
    sentence = say(compared(8, 8, 40, both=5))[1]
    assert sentence.startswith("No difference shown: each failed 8 items that the other passed (this run could")


def test_names_are_put_in_as_they_are() -> None:
    """Braces and markup in a name neither break the sentence nor change it."""
    found = compared(15, 0, 40, both=5)
    assert verdict(found, found.p, "a", "<b>{0}%s", 0.05)[1].startswith("<b>{0}%s fails less: ")


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from([None, "g", "h"])), max_size=60))
def test_every_comparison_has_a_sentence(items: list[tuple[bool, bool, str | None]]) -> None:
    """Whatever the outcomes, there is one line that ends with a full stop, and it agrees with what is shown."""
    found = paired([i[0] for i in items], [i[1] for i in items], [i[2] for i in items])
    shown, sentence = say(found)
    assert shown == (found.p is not None and found.p <= 0.05) == ("fails less" in sentence)
    assert sentence.endswith(".")
    assert not any(word in sentence for word in ("None", "nan", "inf ", "\n", "-0.0"))


@pytest.mark.parametrize(
    ("failed", "n", "expected"),
    [(0, 0, "few"), (9, 9, "few"), (9, 10, "floor"), (8, 10, ""), (1, 10, "ceiling"), (3, 30, "ceiling"), (4, 30, "")],
)
def test_edge_of_a_rate(failed: int, n: int, expected: str) -> None:
    """Under 10 items is few; from 90% failed on it is the floor, from 90% passed on the ceiling."""
    assert edge(failed, n) == expected
