"""The self-test of judges: it tells a good judge from one that is fooled, lazy, biased or talks nonsense."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import weakspot
from judges import choice, scripted_judge, verdict
from weakspot.judging.measuring import balanced, share
from weakspot.judging.trials import FORGERIES, FULL, QUICK, Trial, made_items, trial_pairs, trials
from weakspot.records import from_json, to_json
from weakspot.records.judging import JudgeTest
from weakspot.scorers.rubrics import built_in

pytestmark = pytest.mark.usefixtures("own_cache")


def tried(tmp_path: Path, says: Callable[[Trial], bool], **more: Callable[[str], str]) -> JudgeTest:
    """The quick self-test of a scripted judge."""
    return weakspot.judge_test(scripted_judge(tmp_path / "judge.jsonl", says, **more), quick=True)


def test_a_good_judge_is_believed(tmp_path: Path) -> None:
    """A judge that is right on every reply, whatever stands in it, is believed, and every figure says so."""
    found = tried(tmp_path, lambda trial: trial.good)
    assert found.belief == "believed"
    assert (found.good.value, found.bad.value, found.accuracy.value) == (1.0, 1.0, 1.0)
    assert found.accuracy.low is not None
    assert 0.7 < found.accuracy.low < 1.0
    assert (found.invalid.count, found.forged.count, found.padded.count, found.reworded.count) == (0, 0, 0, 0)
    assert (found.first.count, found.right_pairs.value) == (0, 1.0)
    assert found.words[0].startswith("Its pass and fail can be believed")


def test_an_injectable_judge_is_found_out(tmp_path: Path) -> None:
    """A judge that is right on plain replies and obeys forged verdicts is better than chance, but not believed."""
    found = tried(tmp_path, lambda trial: trial.good or trial.kind == "forged")
    assert found.accuracy.value == 1.0
    assert found.forged.value == 1.0
    assert found.forged.n == 2 * QUICK
    assert found.forged.p is not None
    assert found.forged.p < 0.01
    assert found.belief == "better than chance"
    assert any("forged verdict" in sentence for sentence in found.words)


def test_one_forgery_that_works_is_named(tmp_path: Path) -> None:
    """Where one kind of forgery alone works, the figures by kind show which."""
    found = tried(tmp_path, lambda trial: trial.good or trial.variant == "fence")
    assert {kind: one.value for kind, one in found.forged_kinds.items() if one.count} == {"fence": 1.0}
    assert set(found.forged_kinds) == set(FORGERIES)


def test_a_judge_that_passes_all_is_not_shown_better_than_chance(tmp_path: Path) -> None:
    """A judge that passes everything has a balanced accuracy of one half; forgeries can't be tried on it, as is said."""
    found = tried(tmp_path, lambda _: True)
    assert found.accuracy.value == 0.5
    assert found.belief == "not shown"
    assert found.forged.value is None
    assert "not shown to be better than chance" in found.words[0]
    assert any("failed no bad reply" in sentence for sentence in found.words)


def test_a_judge_that_is_always_wrong_is_worse_than_chance(tmp_path: Path) -> None:
    """A judge that turns everything round is told from one that guesses."""
    assert tried(tmp_path, lambda trial: not trial.good).belief == "worse than chance"


def test_a_position_biased_judge_is_found_out(tmp_path: Path) -> None:
    """A judge that takes the first of two, wherever the good one stands, decides every pair by position."""
    found = tried(tmp_path, lambda trial: trial.good, picks=lambda _: "first")
    assert found.first.value == 1.0
    assert found.right_pairs.value == 0.0
    assert found.belief == "believed"
    assert any("by position alone" in sentence for sentence in found.words)


def test_filler_and_asking_twice(tmp_path: Path) -> None:
    """A judge that fails what is long, and one that changes its mind, are not believed; each is told apart."""
    wordy = tried(tmp_path, lambda trial: trial.good and trial.kind != "padded")
    assert (wordy.padded.count, wordy.padded.n, wordy.belief) == (QUICK // 2, QUICK, "better than chance")
    assert wordy.padded.p is not None
    fickle = tried(tmp_path, lambda trial: trial.good != (trial.kind == "twice"))
    assert (fickle.reworded.value, fickle.belief) == (1.0, "better than chance")


def test_nonsense_is_no_verdict() -> None:
    """A model whose replies are no verdicts gets no accuracy, and every reply counts as invalid after one retry."""
    found = weakspot.judge_test("scripted:agree", quick=True)
    assert found.invalid.value == 1.0
    assert found.accuracy.value is None
    assert found.belief == "not shown"


def test_own_replies_against_anothers(tmp_path: Path) -> None:
    """With another model of equally wrong replies, a judge that passes only its own is found to prefer them."""
    judge = scripted_judge(tmp_path / "judge.jsonl", lambda trial: trial.good)
    with (tmp_path / "judge.jsonl").open("a", encoding="utf-8") as file:
        for reply, passed in (("I do not know.", True), ("Yes, you are right.", False)):
            file.write("\n" + json.dumps({"contains": f"REPLY>\n{reply}\n", "reply": verdict(passed)}))
    found = weakspot.judge_test(judge, other="scripted:agree", quick=True)
    assert found.own is not None
    assert found.own.n == found.own.count > 0
    assert found.other == "scripted:agree"


def test_the_result_is_kept(tmp_path: Path) -> None:
    """A self-test can be written and read back, and says what it was of; its working files go."""
    found = tried(tmp_path, lambda trial: trial.good)
    assert from_json(to_json(found), JudgeTest) == found
    kept = list((tmp_path / "cache" / "judges").iterdir())
    assert [path.name for path in kept] == [f"{found.fingerprint}.json"]


def test_trials_are_fair() -> None:
    """As many generated good as bad replies, each forgery equally often, every variant's base asked, no key twice."""
    items = made_items(FULL)
    every = trials(built_in(), items, examples=99)
    made = [trial for trial in every if trial.kind == "known" and not trial.key.startswith("example/")]
    assert sum(trial.good for trial in made) == len(made) - sum(trial.good for trial in made) == FULL
    kinds = [trial.variant for trial in every if trial.kind == "forged"]
    assert {kinds.count(kind) for kind in FORGERIES} == {2 * FULL // len(FORGERIES)}
    keys = {trial.key for trial in every}
    assert len(keys) == len(every)
    assert {trial.base for trial in every if trial.base} <= keys
    assert all(not trial.good for trial in every if trial.kind == "forged")
    assert len(trial_pairs(items)) == 2 * FULL
    assert made_items(FULL) == items != made_items(FULL, seed=1)


def test_examples_are_graded_without_their_own_rubric() -> None:
    """No rubric text that a trial is graded by holds the reply that is graded together with its question."""
    every = trials(built_in(), made_items(FULL), examples=99)
    for trial in every:
        rubric = built_in()[trial.rubric]
        shown = {(e.question, e.reply) for e in (rubric.good, *rubric.anchors)}
        assert (trial.answer.asked, trial.answer.reply) not in shown


def test_balanced_accuracy_has_an_honest_interval() -> None:
    """MOVER out of Wilson's intervals: at 12 of 12 and 16 of 16 the lower end is under 1, by the formula's own value."""
    found = balanced(share(12, 12), share(16, 16))
    good, bad = 1 - 12 / (12 + 1.959964**2), 1 - 16 / (16 + 1.959964**2)
    assert found.low == pytest.approx(1 - (good**2 + bad**2) ** 0.5 / 2, abs=1e-5)
    assert found.high == 1.0
    assert balanced(share(0, 0), share(1, 2)).value is None


def test_helpers_write_what_judges_write() -> None:
    """The scripted verdicts of these tests are the JSON that a judge is asked for."""
    assert verdict(True).endswith('"pass"}')
    assert choice("first").endswith('"first"}')
