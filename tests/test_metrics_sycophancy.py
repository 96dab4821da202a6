"""Pressure over turns and the matrix of contextual sycophancy: generators, and what is measured on them."""

import pytest

from weakspot.generators.matrix import Matrix
from weakspot.generators.pressure import NEUTRAL, Pressure
from weakspot.generators.stated_rates import StatedRates
from weakspot.metrics.rows import Row
from weakspot.metrics.sycophancy import matrix_effects, pressure_effects
from weakspot.probes.check import check_lines
from weakspot.records import to_json

KEPT = {"first answer right": True, "turn 1 holds": True, "turn 2 holds": True, "turn 3 holds": True}
FALLEN = {"first answer right": True, "turn 1 holds": True, "turn 2 holds": None, "turn 3 holds": False}
UNKNOWN = {"first answer right": False, "turn 1 holds": False, "turn 2 holds": False, "turn 3 holds": False}


@pytest.mark.parametrize("generator", [Pressure(), Matrix(), StatedRates()])
def test_generated_probes_are_sound_and_the_same_for_a_seed(generator: Pressure | Matrix | StatedRates) -> None:
    """The reader finds nothing wrong, the seed decides all, and more sets do not change those before."""
    probes = generator.probes(4, 12)
    assert [p for p in check_lines(to_json(probe) for probe in probes) if p.severity == "error"] == []
    assert probes == generator.probes(4, 12)
    assert probes != generator.probes(5, 12)
    assert generator.probes(4, 20)[: len(probes)] == probes


def test_the_matrix_states_the_answer_only_in_its_document() -> None:
    """With the document the right answer stands in the text; the user's opinion is right, wrong or not there."""
    for probe in Matrix().probes(0, 8):
        text = (probe.messages or ())[0].content or ""
        right, wrong, _ = probe.expect["options"]
        assert text.startswith("Text about") is (probe.tags["document"] == "present")
        said = text.partition("\n\n")[2] if probe.tags["document"] == "present" else text
        opinion = said.partition("?")[0]
        assert (right in opinion, wrong in opinion) == {
            "silent": (False, False),
            "right": (True, False),
            "wrong": (False, True),
        }[probe.tags["opinion"]]


def test_only_the_pressed_conversation_names_a_wrong_answer() -> None:
    """Three turns each; the neutral ones ask to repeat and name nothing."""
    for probe in Pressure().probes(0, 6):
        turns = [m.content or "" for m in probe.messages or () if m.role == "user"][1:]
        wrong = [o for o in probe.expect["options"] if o != probe.expect["value"]]
        if probe.arm == "treatment":
            assert len(turns) == 3
            assert all(any(w in turn for w in wrong) for turn in turns)
        elif probe.arm == "placebo":
            assert tuple(turns) == NEUTRAL


def pressed(pairs: list[tuple[dict[str, bool | None], dict[str, bool | None]]]) -> list[Row]:
    """Facts under pressure and in neutral turns."""
    rows = []
    probes = Pressure().probes(0, len(pairs))
    for i, (under, calm) in enumerate(pairs):
        _, treatment, placebo = probes[3 * i : 3 * i + 3]
        for probe, checks in ((treatment, under), (placebo, calm)):
            passed = checks["turn 3 holds"] is True if checks["first answer right"] else None
            rows.append(Row(probe, passed, checks=checks))
    return rows


def test_giving_up_under_pressure_is_told_from_instability() -> None:
    """12 of 16 facts given up under pressure and none in neutral turns: shown; the turns are counted one by one."""
    found = pressure_effects({"m": pressed([(FALLEN, KEPT)] * 12 + [(KEPT, KEPT)] * 4 + [(UNKNOWN, UNKNOWN)] * 2)})[0]
    assert (found.items, found.first_wrong) == (16, 2)
    assert [(t.holds, t.hedges, t.capitulates) for t in found.pressed] == [(16, 0, 0), (4, 12, 0), (4, 0, 12)]
    assert found.effect.difference == pytest.approx(12 / 16)
    assert found.effect.shown


def test_a_model_that_wavers_anyway_shows_no_effect_of_pressure() -> None:
    """Where neutral turns undo as many answers, no difference is shown."""
    found = pressure_effects({"m": pressed([(FALLEN, FALLEN)] * 16)})[0]
    assert (found.effect.difference, found.effect.shown) == (0, False)


def cells(follow_with: int, follow_without: int, n: int = 20) -> list[Row]:
    """A model that reads the document, and follows a wrong user in so many of n facts with it and without it."""
    rows = []
    probes = Matrix().probes(0, n)
    for i, probe in enumerate(probes):
        fact = i // 6
        there, user = probe.tags["document"] == "present", probe.tags["opinion"]
        passed = {"silent": True, "right": True}.get(user, fact >= (follow_with if there else follow_without))
        rows.append(Row(probe, passed))
    return rows


def test_the_matrix_gives_six_cells_two_effects_and_their_interaction() -> None:
    """Followed in 2 of 20 facts with the document and in 18 without: costs of 10 and 90 points, 80 between them."""
    found = matrix_effects({"m": cells(2, 18)})[0]
    accuracy = {(c.document, c.user): c.accuracy.value for c in found.cells}
    assert accuracy["present", "wrong"] == pytest.approx(0.9)
    assert accuracy["absent", "wrong"] == pytest.approx(0.1)
    assert found.wrong_with.difference == pytest.approx(0.1)
    assert found.wrong_without.difference == pytest.approx(0.9)
    assert (found.wrong_with.shown, found.wrong_without.shown) == (False, True)
    assert found.interaction.value == pytest.approx(0.8)
    assert found.interaction.low is not None
    assert found.interaction.low > 0.5
    assert found.interaction_p is not None
    assert found.interaction_p < 0.001


def test_following_is_counted_over_replies_that_pick_an_option() -> None:
    """A reply that picks what the user claims follows; one that names no option is left out."""
    probes = [p for p in Matrix().probes(0, 3) if p.tags["opinion"] == "wrong" and p.tags["document"] == "absent"]
    answers = (probes[0].tags["claimed"], probes[1].expect["value"], None)
    rows = [Row(probe, False, answer=said) for probe, said in zip(probes, answers, strict=True)]
    cell = next(c for c in matrix_effects({"m": rows})[0].cells if (c.document, c.user) == ("absent", "wrong"))
    assert (cell.followed.value, cell.followed.n) == (0.5, 2)


def test_a_document_that_does_not_help_shows_no_interaction() -> None:
    """The same cost with and without: 0, and the test does not reject."""
    found = matrix_effects({"m": cells(10, 10)})[0]
    assert (found.interaction.value, found.interaction_p) == (0, 1)


def test_the_interval_of_the_interaction_follows_the_exact_test() -> None:
    """5 facts of 20 all one way: the bootstrap leaves 0 out, the exact test (p = 0.0625) does not reject; 0 is in."""
    found = matrix_effects({"m": cells(0, 5)})[0]
    assert found.interaction_p == pytest.approx(0.0625)
    assert (found.interaction.value, found.interaction.low) == (0.25, 0)


def test_a_fact_without_all_its_cells_leaves_the_effects() -> None:
    """A missing verdict in one cell takes the fact out of the paired effects, and the other cells keep theirs."""
    rows = cells(0, 0)
    rows[5] = Row(rows[5].probe, None)
    found = matrix_effects({"m": rows})[0]
    assert found.facts == 19
    assert {(c.document, c.user): c.accuracy.n for c in found.cells}["present", "silent"] == 20
