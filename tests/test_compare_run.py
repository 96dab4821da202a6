"""From scores to numbers."""

import random
from collections.abc import Mapping

import pytest

from conftest import probe
from weakspot.artifacts.reference import parse
from weakspot.records import ModelInfo, Probe, Provenance, Score, Summary
from weakspot.runs.compare import Sheet, summarise
from weakspot.runs.plan import Plan, probes_hash

INFO = ModelInfo(Provenance("scripted", "scripted", "1"))
A, B, C = "scripted:echo?name=a", "scripted:echo?name=b", "scripted:echo?name=c"


def score(item: Probe, candidate: str, passed: bool | None) -> Score:
    """A score with a verdict."""
    return Score(item.id, candidate, "contains", "answered", passed, "", severity=3 if passed is False else None)


def summary(probes: list[Probe], verdicts: Mapping[str, list[bool | None]]) -> Summary:
    """A summary of candidates by their verdicts, in the order of the probes."""
    candidates = [parse(reference) for reference in (A, B, C) if reference[-1] in verdicts]
    plan = Plan("s", False, tuple(candidates), len(probes), probes_hash(probes), True, "now")
    scores = {
        (item.id, name): score(item, name, passed)
        for name, row in verdicts.items()
        for item, passed in zip(probes, row, strict=True)
    }
    return summarise(plan, probes, scores, {c.name: INFO for c in candidates}, {})


def test_missing_is_never_a_number() -> None:
    """An item without a verdict leaves the rate, and the bounds say what it could have been."""
    rate = summary([probe(f"p{i}") for i in range(4)], {"a": [True, False, None, None]}).models["a"].pooled
    assert (rate.n, rate.failed, rate.rate, rate.unscored) == (2, 1, 0.5, 2)
    assert (rate.lowest, rate.highest) == (0.25, 0.75)


def test_nothing_scored_is_no_rate() -> None:
    """With no verdict at all there is no rate, not a rate of 0."""
    rate = summary([probe("p")], {"a": [None]}).models["a"].pooled
    assert (rate.n, rate.rate, rate.low) == (0, None, None)


def test_controls_never_enter_a_rate() -> None:
    """Only plain items and treatments are counted."""
    arms = [None, "treatment", "control", "placebo", "positive-control"]
    items = [probe(f"p{i}", arm=arm) for i, arm in enumerate(arms)]
    rate = summary(items, {"a": [False, False, False, False, True]}).models["a"].pooled
    assert (rate.n, rate.failed) == (2, 2)


def test_a_failed_positive_control_makes_an_item_uninformative() -> None:
    """Who can't do a thing when asked plainly is neither praised nor blamed on that item, in rates and in pairs."""
    items = [
        probe("t1", group="g1", arm="treatment"),
        probe("c1", group="g1", arm="positive-control"),
        probe("t2", group="g2", arm="treatment"),
        probe("c2", group="g2", arm="positive-control"),
    ]
    found = summary(items, {"a": [True, False, False, True], "b": [False, True, True, True]})
    rate = found.models["a"].pooled
    assert (rate.n, rate.failed, rate.uninformative) == (1, 1, 1)
    assert found.models["b"].pooled.n == 2
    assert found.comparisons[0].pooled.n == 1


def test_an_item_names_its_own_control() -> None:
    """`tags.control` decides where one set holds several positive controls."""
    items = [
        probe("t1", group="g", arm="treatment", tags={"control": "c1"}),
        probe("t2", group="g", arm="treatment", tags={"control": "c2"}),
        probe("c1", group="g", arm="positive-control"),
        probe("c2", group="g", arm="positive-control"),
    ]
    scores = {(i.id, "a"): score(i, "a", passed) for i, passed in zip(items, (True, True, False, True), strict=True)}
    sheet = Sheet(items, scores)
    assert [sheet.informative(item, "a") for item in items[:2]] == [False, True]


def test_difference_has_the_sign_of_a_minus_b() -> None:
    """The difference is a's failure rate minus b's, on the same items, with its counts and its sentence."""
    items = [probe(f"p{i}") for i in range(30)]
    pooled = summary(items, {"a": [False] * 20 + [True] * 10, "b": [True] * 30}).comparisons[0].pooled
    assert pooled.difference == pytest.approx(20 / 30)
    assert (pooled.only_a_failed, pooled.only_b_failed, pooled.shown) == (20, 0, True)
    assert pooled.verdict.startswith("b fails less")


def test_swapping_the_models_swaps_the_text() -> None:
    """Names change places in the verdict when the models do, and the difference its sign."""
    items = [probe(f"p{i}") for i in range(30)]
    rows: list[list[bool | None]] = [[False] * 20 + [True] * 10, [True] * 30]
    one = summary(items, {"a": rows[0], "b": rows[1]}).comparisons[0].pooled
    two = summary(items, {"a": rows[1], "b": rows[0]}).comparisons[0].pooled
    assert one.difference == -(two.difference or 0)
    assert one.verdict.replace("b fails", "a fails") == two.verdict


def test_three_candidates_are_compared_in_pairs_and_pay_for_it() -> None:
    """Every pair is compared, and each adjusted p is charged for all the pairs."""
    items = [probe(f"p{i}") for i in range(12)]
    rows: dict[str, list[bool | None]] = {"a": [False] * 6 + [True] * 6, "b": [True] * 12, "c": [True] * 12}
    two = summary(items, {"a": rows["a"], "b": rows["b"]}).comparisons[0].pooled
    three = summary(items, rows)
    assert [(c.a, c.b) for c in three.comparisons] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert three.comparisons[0].pooled.p_adjusted == pytest.approx(min(1.0, 3 * (two.p_adjusted or 0)))


def test_a_model_against_itself() -> None:
    """Of 200 simulated comparisons of a model with itself, at most 5% show any difference, pooled or by category.

    Eight categories as in the core suite, a third of the items in matched sets whose fates hang together.
    """
    dice = random.Random(7)
    items = [
        probe(f"{c}-{i}", category=f"c{c}", group=f"{c}-{i // 3}" if c % 3 == 0 else None)
        for c in range(8)
        for i in range(12 + 3 * c)
    ]
    shown = 0
    for _ in range(200):
        ease = [dice.uniform(0.1, 0.9) for _ in range(8)]
        rows: dict[str, list[bool | None]] = {"a": [], "b": []}
        for row in rows.values():
            luck: dict[str, float] = {}
            for item in items:
                own = luck.setdefault(item.group or item.id, dice.random())
                roll = own if dice.random() < 0.5 else dice.random()
                row.append(roll < ease[int(item.category[1])])
        comparison = summary(items, rows).comparisons[0]
        shown += any(d.shown for d in (comparison.pooled, *comparison.categories.values()))
    assert shown <= 10
