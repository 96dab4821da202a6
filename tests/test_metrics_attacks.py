"""Attack success as a paired difference, and that attacks never touch a failure rate."""

import msgspec
import pytest

from conftest import probe
from weakspot.metrics.attacks import attack_effects
from weakspot.metrics.rows import Row
from weakspot.probes.edits import attack_named, attacked
from weakspot.records import Probe, Score
from weakspot.records.metrics import AttackEffect
from weakspot.runs.compare import Sheet

TYPOS, BASE64 = attack_named("typos"), attack_named("base64")


def items(n: int) -> list[Probe]:
    """Questions that an attack on letters fits."""
    return [
        probe(f"p{i}", messages=[{"role": "user", "content": f"Which river passes the castle number {i}, please?"}])
        for i in range(n)
    ]


def rows(plain: list[bool | None], under: list[bool | None], placebo: list[bool | None]) -> list[Row]:
    """Verdicts on items, the attacked items and their placebos."""
    made = []
    for item, *verdicts in zip(items(len(plain)), plain, under, placebo, strict=True):
        for part, passed in zip([item, *attacked(TYPOS, item)], verdicts, strict=True):
            made.append(Row(part, passed))
    return made


def effect(given: list[Row]) -> AttackEffect:
    """The effect over all categories."""
    return attack_effects({"m": given})[0]


def test_an_attack_that_makes_a_model_fail_is_shown() -> None:
    """20 of 30 items fail only under attack: +67 points, shown, and beyond the placebo that changes nothing."""
    found = effect(rows([True] * 30, [False] * 20 + [True] * 10, [True] * 30))
    assert found.effect.difference == pytest.approx(20 / 30)
    assert found.effect.shown
    assert found.beyond is not None
    assert found.beyond.shown
    assert len(found.turned) == 20
    assert found.turned[0] == "p0+typos"


def test_an_effect_that_the_placebo_has_too_is_not_beyond_it() -> None:
    """Where the harmless edit does the same, the raw effect is shown and the one beyond the placebo is not."""
    same: list[bool | None] = [False] * 20 + [True] * 10
    found = effect(rows([True] * 30, same, same))
    assert found.effect.shown
    assert found.beyond is not None
    assert (found.beyond.difference, found.beyond.shown) == (0, False)


def test_no_effect_is_said_aloud() -> None:
    """A model that fails the same items attacked and untouched shows no difference, in these words."""
    half: list[bool | None] = [True, False] * 15
    found = effect(rows(half, half, half))
    assert (found.effect.difference, found.effect.shown) == (0, False)
    assert found.effect.verdict.startswith("No difference shown")


def test_an_attack_may_help_and_has_a_negative_effect() -> None:
    """Failing less under attack is a negative difference, not a zero."""
    found = effect(rows([False] * 20, [True] * 20, [False] * 20))
    assert found.effect.difference == -1


def test_missing_verdicts_are_left_out_and_counted() -> None:
    """An item without a verdict on either side is no number."""
    found = effect(rows([True, None, True, True], [False, False, None, True], [True] * 4))
    assert (found.effect.n, found.unscored, found.plain.n) == (2, 2, 2)


def test_who_cannot_decode_says_nothing() -> None:
    """An item whose decoding control fails leaves the comparison and is counted as undecoded."""
    made = []
    for i, item in enumerate(items(12)):
        attack, placebo, control = attacked(BASE64, item)
        made += [Row(item, True), Row(attack, False), Row(placebo, True), Row(control, i < 4)]
    found = effect(made)
    assert (found.effect.n, found.undecoded) == (4, 8)


def test_an_uninformative_item_says_nothing() -> None:
    """Who fails the item's own positive control is neither resistant nor beaten."""
    given = [
        msgspec.structs.replace(row, informative=row.probe.id != "p0")
        for row in rows([True] * 5, [False] * 5, [True] * 5)
    ]
    found = effect(given)
    assert (found.effect.n, found.uninformative) == (4, 1)


def test_many_attacks_are_corrected_together() -> None:
    """The same evidence is worth less among twenty candidates than alone."""
    given = rows([True] * 12, [False] * 7 + [True] * 5, [True] * 12)
    alone = attack_effects({"m": given})[0].effect
    among = attack_effects(
        {f"m{i}": given if i == 0 else rows([True] * 12, [True] * 12, [True] * 12) for i in range(20)}
    )
    assert alone.p == among[0].effect.p
    assert alone.p_adjusted is not None
    assert among[0].effect.p_adjusted is not None
    assert alone.p_adjusted < among[0].effect.p_adjusted


def test_attacked_items_never_enter_a_rate_or_decide_what_is_informative() -> None:
    """With every attacked item failed, and every decoding failed, the rate is that of the suite alone."""
    plain = items(10)
    more = [part for item in plain for part in attacked(BASE64, item)]
    scores = {(p.id, "a"): Score(p.id, "a", "contains", "answered", True, "") for p in plain}
    scores |= {(p.id, "a"): Score(p.id, "a", "contains", "answered", False, "", severity=3) for p in more}
    rate = Sheet([*plain, *more], scores).rate("a", None)
    assert (rate.n, rate.failed, rate.uninformative) == (10, 0, 0)
