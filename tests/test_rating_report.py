"""Agreement between raters, hands against rules, and how reports show and use them."""

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import weakspot
from rating_fixture import make_run
from weakspot.api.effective import effective_input
from weakspot.api.evidence import report_input
from weakspot.rating.agreeing import agreement
from weakspot.rating.answers import Answer, answers
from weakspot.records import Probe, Rating, Reply, Score, to_json
from weakspot.rendering import render_markdown
from weakspot.store.run import RunStore

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, to be copied."""
    return make_run(tmp_path_factory.mktemp("agree"), number=12)


@pytest.fixture
def run(small: Path, tmp_path: Path) -> Path:
    """A run of one's own."""
    return Path(shutil.copytree(small, tmp_path / "run"))


def made_up(number: int, rule: Callable[[int], bool | None], category: Callable[[int], str]) -> list[Answer]:
    """Answers with automatic verdicts."""
    return [
        Answer(
            Probe(f"q{i}", category(i), {"type": "contains", "value": "x"}, prompt="?"),
            "m",
            (Reply("x"),),
            Score(f"q{i}", "m", "contains", "answered", rule(i), "", 3 if rule(i) is False else None),
        )
        for i in range(number)
    ]


def by_hand(answer: Answer, passed: bool, rater: str = "ada", severity: int | None = None, note: str = "") -> Rating:
    """A hand's verdict."""
    level = None if passed else severity or 3
    return Rating(*answer.key, rater, "hand", passed, level, note)


def test_a_sample_by_strata_speaks_for_the_run() -> None:
    """With failures sampled ten times as often as passes, the weighed recall is the run's; the plain share is far off."""
    rng = random.Random(3)
    every = made_up(2000, lambda i: i % 10 != 0, lambda _: "facts")  # 10% fail by rule
    # by hand: a fifth of the rule's failures are none, a tenth of its passes are failures
    truth = {a.key: (rng.random() < 0.2) if a.stratum[1] == "failed" else (rng.random() >= 0.1) for a in every}
    sample = [a for a in every if a.stratum[1] == "failed"][:150] + [a for a in every if a.stratum[1] == "passed"][:150]
    whole = agreement(every, [by_hand(a, truth[a.key]) for a in every]).automatic[0]
    part = agreement(every, [by_hand(a, truth[a.key]) for a in sample]).automatic[0]
    plain = part.both_failed / (part.both_failed + part.only_hand_failed)
    assert whole.failure_recall.value is not None
    assert part.failure_recall.value == pytest.approx(whole.failure_recall.value, abs=0.1)
    assert abs(plain - whole.failure_recall.value) > 0.25
    assert part.failure_recall.low <= whole.failure_recall.value <= part.failure_recall.high  # type: ignore[operator]


def test_counts_and_overrides() -> None:
    """The four counts, per category too, and a row for each verdict that was overridden, with its note."""
    every = made_up(8, lambda i: None if i == 7 else i < 4, lambda i: "a" if i % 2 else "b")
    hands = [True, True, True, False, False, False, True, True]
    given = [by_hand(a, h, severity=4, note=f"n{i}") for i, (a, h) in enumerate(zip(every, hands, strict=True))]
    found = agreement(every, given)
    one = found.automatic[0]
    assert (one.both_passed, one.both_failed, one.only_hand_failed, one.only_automatic_failed) == (3, 2, 1, 1)
    assert (one.n, one.decided_by_hand) == (7, 1)
    assert one.balanced_accuracy.value == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert {(o.probe, o.automatic, o.passed, o.note) for o in found.overrides} == {
        ("q3", True, False, "n3"),
        ("q6", False, True, "n6"),
        ("q7", None, True, "n7"),
    }
    assert [(a.of, a.name) for a in found.automatic] == [
        ("all", ""),
        ("category", "b"),
        ("category", "a"),
        ("scorer", "contains"),
    ]


def test_what_was_not_rated_is_said() -> None:
    """A stratum of which nothing was rated is named, and so is a rating with the model's name in sight."""
    every = made_up(20, lambda i: i % 2 == 0, lambda _: "facts")
    found = agreement(every, [by_hand(a, True) for a in every if a.stratum[1] == "failed"])
    assert found.automatic[0].missing == ("facts: passed",)
    assert any("facts (passed)" in note for note in found.notes)
    assert any("in sight" in note for note in found.notes)
    assert found.automatic[0].failure_recall.value is None


def test_pairs_alpha_and_judges() -> None:
    """Three people and a judge make six pairs; alpha is over the people alone; an even vote is counted as tied."""
    every = made_up(24, lambda i: i % 3 != 0, lambda _: "facts")
    given = []
    for rater, flip in (("ada", 7), ("ben", 5), ("cy", 4)):
        given += [by_hand(a, (i % 3 != 0) != (i % flip == 0), rater) for i, a in enumerate(every)]
    judge = [Rating(*a.key, "judge:j", "judge", i % 2 == 0, None if i % 2 == 0 else 2) for i, a in enumerate(every)]
    alone, with_judge = agreement(every, given), agreement(every, given + judge)
    assert (len(alone.pairs), len(with_judge.pairs)) == (3, 6)
    assert alone.alpha == with_judge.alpha
    assert alone.alpha.value is not None
    assert agreement(every, given[:48]).tied == sum((i % 7 == 0) != (i % 5 == 0) for i in range(24))


def test_nothing_rated_is_said() -> None:
    """Without a rating there is no coefficient and no table."""
    found = agreement(made_up(5, lambda _: True, lambda _: "a"), [])
    assert (found.rated, found.automatic, found.alpha.value) == (0, (), None)
    assert found.notes == ("Nobody has rated this run by hand.",)


def rate_all(run: Path, rater: str, flip: int, note: str = "") -> None:
    """Rate a run in a session: as the rule says, but every `flip`th otherwise."""
    with RunStore.open(run) as store:
        every = answers(store)
        rows = []
        for i, answer in enumerate(every):
            passed = (answer.score is not None and answer.score.passed is True) != (i % flip == 0)
            rating = by_hand(answer, passed, rater, note=note)
            rows.append((rater, *answer.key, to_json(rating)))
        store.add_ratings(rows)


def test_the_report_shows_hand_against_automatic(run: Path) -> None:
    """The page and the Markdown have the section once somebody rated, with hostile notes and names as plain text."""
    with RunStore.open(run) as store:
        assert "Hand against automatic" not in render_markdown(report_input(store))
    rate_all(run, "<b>ada</b>", 4, note="<script>alert(1)</script> \x1b[31m | pipe")
    rate_all(run, "ben", 5)
    after = weakspot.report(run)
    page, plain = (after.files[name].read_text("utf-8") for name in ("report.html", "report.md"))
    assert 'id="ratings"' in page
    assert "Hand against automatic" in plain
    assert "<script>alert" not in page
    assert "<script>alert" not in plain
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;ada" in page
    assert "\x1b" not in page + plain
    assert "stand on the automatic verdicts" in page


def test_effective_verdicts_change_the_report_and_not_the_run(run: Path) -> None:
    """Effective scores count the hands' verdicts and say so; the run, and so the automatic report, stay as they were."""
    with RunStore.open(run) as store:
        before = report_input(store).summary
    rate_all(run, "ada", 2)
    with RunStore.open(run) as store:
        told, after = effective_input(store), report_input(store)
    assert after.summary == before
    assert told.summary.models["good"].pooled.failed != before.models["good"].pooled.failed
    overridden = [f for f in told.failures if f.score.scorer == "hand"]
    assert overridden
    assert all("by hand; the rule contains said" in f.score.reason for f in overridden)
    assert "stand on effective verdicts" in render_markdown(told)
    assert "stand on the automatic verdicts" in render_markdown(after)


def test_the_command_line(run: Path, tmp_path: Path, weakspot_command: Run) -> None:
    """Export, import and agreement work as commands; without a terminal the screen says what to do instead."""
    sheet = tmp_path / "s.csv"
    done = weakspot_command(
        "rate", str(run), "--blind", "--sample", "4", "--rater", "ada", "--export", str(sheet), "--json"
    )
    assert (done.returncode, json.loads(done.stdout)["rows"]) == (0, 4)
    filled = sheet.read_text("utf-8-sig").replace(",,,\r\n", ",failed,3,\r\n").replace(",,,\n", ",failed,3,\n")
    sheet.write_text(filled, "utf-8")
    done = weakspot_command("rate", str(run), "--import", str(sheet), "--json")
    assert (done.returncode, json.loads(done.stdout)["taken"]) == (0, 4)
    done = weakspot_command("rate", str(run), "--agreement", "--json")
    assert json.loads(done.stdout)["rated"] == 4
    done = weakspot_command("rate", str(run), "--agreement")
    assert "Hand against automatic" in done.stdout
    done = weakspot_command("rate", str(run))
    assert done.returncode == 2
    assert "--export FILE.csv" in done.stderr
