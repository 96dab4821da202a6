import msgspec
import pytest

from rendering_fixture import A, B, report, summary
from weakspot.records import Comparison, Difference, Summary
from weakspot.rendering import ReportInput
from weakspot.rendering.anchors import Anchors
from weakspot.rendering.sentences import cautions, headline, verdict


def swapped(numbers: Summary) -> Summary:
    """The same run with the two candidates' results exchanged."""
    (comparison,) = numbers.comparisons
    models = {A: numbers.models[B], B: numbers.models[A]}
    turned = {c: turn(d) for c, d in comparison.categories.items()}
    return msgspec.structs.replace(
        numbers, models=models, comparisons=(Comparison(A, B, turn(comparison.pooled), turned),)
    )


def turn(difference: Difference) -> Difference:
    """A difference seen from the other side."""
    value = None if difference.difference is None else -difference.difference
    words = difference.verdict.replace(A, "?").replace(B, A).replace("?", B)
    return msgspec.structs.replace(difference, difference=value, verdict=words)


def told(numbers: Summary) -> list[str]:
    """The verdict's sentences as plain text."""
    anchors = Anchors(ReportInput(numbers))
    return [
        " ".join(
            part for part in (said.lead, said.text, ", ".join(link.label for link in said.links), said.after) if part
        )
        for said in verdict(numbers, anchors)
    ]


def test_swapping_the_models_swaps_the_text() -> None:
    """With the results exchanged, every sentence names the other candidate."""
    before, after = summary(), swapped(summary())
    assert headline(before) == f"{A} fails less than {B} overall"
    assert headline(after) == f"{B} fails less than {A} overall"
    assert [line for line in told(before) if line.startswith(f"{A} fails less in")] == [
        f"{A} fails less in Hallucination"
    ]
    assert f"{B} fails less in Hallucination" in told(after)
    assert f"{A} fails less in Prompt injection" in told(after)


def test_no_difference_is_said_aloud() -> None:
    """Where nothing is shown, headline and sentences say so, and that it is not the same as equal."""
    (comparison,) = summary().comparisons
    nothing = {c: msgspec.structs.replace(d, shown=False) for c, d in comparison.categories.items()}
    pooled = msgspec.structs.replace(comparison.pooled, shown=False, verdict="No difference shown.")
    numbers = msgspec.structs.replace(summary(), comparisons=(Comparison(A, B, pooled, nothing),))
    assert headline(numbers) == f"No difference shown between {A} and {B}"
    last = told(numbers)[-1]
    assert last.startswith("No difference shown in Hallucination, Factual recall")
    assert "not the same as equal" in last


def test_a_difference_in_one_category_only_is_in_the_headline() -> None:
    """A pooled difference that is not shown does not hide one that is shown in a category."""
    (comparison,) = summary().comparisons
    pooled = msgspec.structs.replace(comparison.pooled, shown=False)
    numbers = msgspec.structs.replace(summary(), comparisons=(msgspec.structs.replace(comparison, pooled=pooled),))
    assert headline(numbers) == f"No overall difference shown between {A} and {B}, but one in 2 categories"


def test_categories_without_a_common_verdict_are_not_called_equal() -> None:
    """A category that could not be tested is called not compared, apart from those without a difference."""
    (comparison,) = summary().comparisons
    none = Difference(0, None, None, None, "", None, None, None, False, "No items.")
    numbers = msgspec.structs.replace(
        summary(),
        comparisons=(msgspec.structs.replace(comparison, categories={**comparison.categories, "bias": none}),),
    )
    assert "Not compared in Bias No item has a verdict from both candidates." in told(numbers)


def test_many_candidates_need_no_pair_by_pair_reading() -> None:
    """With several pairs there is one sentence per candidate that is shown to fail less, and one for the rest."""
    names = [A, B, "c", "d"]
    lines = told(summary(names))
    assert headline(summary(names)) == "None of the 4 candidates is shown to fail less than all others"
    assert lines[0] == f"{A} (53.3%) fails less than {B}, d"
    assert lines[-1].startswith(f"No difference shown between {A} – c")


def test_the_best_of_many_is_named_only_where_it_beats_all() -> None:
    """A candidate is called best of three when both of its pairs are shown."""
    numbers = summary([A, "b", B])
    wins = [c for c in numbers.comparisons if A in (c.a, c.b)]
    assert all(c.pooled.shown for c in wins)
    assert headline(numbers) == f"{A} fails less than each of the other 2 candidates overall"


@pytest.mark.parametrize(
    ("names", "words"), [([], "Nothing was measured"), ([A], f"{A} failed 49 of 92 items")], ids=["none", "one"]
)
def test_fewer_than_two_candidates_compare_nothing(names: list[str], words: str) -> None:
    """Without a pair the headline only says what was measured."""
    assert headline(summary(names)) == words


def test_what_weakens_the_numbers_is_said() -> None:
    """An unfinished run, a quick one, floors, few items, missing verdicts and uninformative items are all named."""
    numbers = msgspec.structs.replace(summary(), complete=False)
    leads = [said.lead for said in cautions(numbers, Anchors(ReportInput(numbers)))]
    assert leads == [
        "Unfinished.",
        "Quick run.",
        "Floor:",
        "Under 10 items:",
        "Without a verdict:",
        "Left out as uninformative:",
    ]


def test_every_sentence_stands_on_something() -> None:
    """Each sentence of the verdict and each caution about numbers links to a statistic or to items."""
    whole = report()
    anchors = Anchors(whole)
    assert all(said.links for said in [*verdict(whole.summary, anchors), *cautions(whole.summary, anchors)])
