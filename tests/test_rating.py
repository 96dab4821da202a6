"""Grading by hand: the queue, a session that survives, several raters, the verdict that holds."""

import random
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

import weakspot
from rating_fixture import make_run
from weakspot.errors import NotARun, UsageError
from weakspot.rating.answers import answers, ratings
from weakspot.rating.effective import effective
from weakspot.rating.queue import Wanted, queue
from weakspot.records import Rating, Score
from weakspot.store.run import RunStore


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run, only read."""
    return make_run(tmp_path_factory.mktemp("rating"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smaller run, to be copied."""
    return make_run(tmp_path_factory.mktemp("small"), number=12)


@pytest.fixture
def run(small: Path, tmp_path: Path) -> Path:
    """A run of one's own."""
    return Path(shutil.copytree(small, tmp_path / "run"))


def kept(run: Path) -> dict[tuple[str, str, str], Rating]:
    """What the run holds."""
    with RunStore.open(run) as store:
        return {(r.rater, r.probe, r.candidate): r for r in ratings(store)}


def test_a_sample_has_equally_many_of_each_stratum(made: Path) -> None:
    """A sample of 12 of 5 strata takes 2 or 3 of each that has as many, and the only one of a rare one."""
    with RunStore.open(made) as store:
        every = answers(store)
    keys = set(queue(every, [], Wanted(sample=12)))
    strata: dict[tuple[str, str], int] = {}
    for answer in every:
        if answer.key in keys:
            strata[answer.stratum] = strata.get(answer.stratum, 0) + 1
    assert sorted(strata.values()) == [1, 2, 3, 3, 3]
    assert strata["letters", "failed"] == 1


def test_two_raters_get_the_same_sample_in_another_order(made: Path) -> None:
    """The seed decides the sample, the rater the order of a blind one, and another seed another sample."""
    with RunStore.open(made) as store:
        every = answers(store)
    ada, ben = (queue(every, [], Wanted(rater=name, blind=True, sample=20)) for name in ("ada", "ben"))
    other = queue(every, [], Wanted(rater="ada", blind=True, sample=20, seed=1))
    assert set(ada) == set(ben)
    assert ada != ben
    assert set(ada) != set(other)


def test_a_blind_order_mixes_the_candidates(made: Path) -> None:
    """Nothing in the order tells who answered: of all neighbours about half are by the same candidate."""
    with RunStore.open(made) as store:
        keys = queue(answers(store), [], Wanted(blind=True))
    same = sum(a[1] == b[1] for a, b in pairwise(keys))
    assert 0.3 < same / (len(keys) - 1) < 0.7


@pytest.mark.parametrize(
    ("only", "count"), [((), 60), (("failed",), 31), (("category=bias", "failed"), 10), (("candidate=good",), 30)]
)
def test_filters_hold_together(made: Path, only: tuple[str, ...], count: int) -> None:
    """Filters are joined by and; verdicts, categories and candidates can be asked for."""
    with RunStore.open(made) as store:
        every = answers(store)
    assert len(queue(every, [], Wanted(only=only))) == count


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(rater=""),
        Wanted(rater="judge:x"),
        Wanted(rater="a\x1b[2J"),
        Wanted(sample=0),
        Wanted(only=("nonsense",)),
        Wanted(only=("category=none",)),
        Wanted(only=("unscored",)),
    ],
)
def test_what_makes_no_sense_is_refused(made: Path, wanted: Wanted) -> None:
    """A name that is none, an empty sample, an unknown filter or one that leaves nothing is an error in words."""
    with RunStore.open(made) as store, pytest.raises(UsageError):
        queue(answers(store), [], wanted)


def test_every_grade_is_kept_at_once_and_the_session_goes_on(run: Path) -> None:
    """A grade is in the run before the next answer is shown; a session that was never closed costs nothing."""
    session = weakspot.rate(run, rater="ada", blind=True)
    first = session.current
    assert first is not None
    session.note = "cites nothing"
    session.rate(passed=False, severity=4)
    found = kept(run)["ada", *first.key]
    assert (found.passed, found.severity, found.note, found.blind, found.kind) == (
        False,
        4,
        "cites nothing",
        True,
        "hand",
    )
    with weakspot.rate(run, rater="ada", blind=True) as again:
        assert (again.rated, again.total) == (1, 24)
        assert again.current is not None
        assert again.current.key == session.current.key  # type: ignore[union-attr]
    session.close()


def test_undo_reaches_into_an_earlier_session(run: Path) -> None:
    """Undo takes grades back one by one, the last first, also those of a session before, and gives the note back."""
    with weakspot.rate(run, rater="ada") as session:
        keys = []
        for number in range(3):
            assert session.current is not None
            keys.append(session.current.key)
            session.note = f"note {number}"
            session.rate(passed=True)
    with weakspot.rate(run, rater="ada") as session:
        assert session.undo().key == keys[2]  # type: ignore[union-attr]
        assert session.note == "note 2"
        assert session.undo().key == keys[1]  # type: ignore[union-attr]
        session.rate(passed=False, severity=2)
        assert session.current.key == keys[2]  # type: ignore[union-attr]
    found = kept(run)
    assert {key[1:] for key in found} == set(keys[:2])
    assert found["ada", *keys[1]].severity == 2


def test_nothing_to_undo_is_no_error(run: Path) -> None:
    """Undo at the very beginning does nothing."""
    with weakspot.rate(run, rater="ada") as session:
        assert session.undo() is None


def test_a_skipped_answer_comes_again_at_the_end(run: Path) -> None:
    """A skip is kept as no verdict, and the answer stands last when the rater starts again."""
    with weakspot.rate(run, rater="ada", sample=3) as session:
        skipped = session.current.key  # type: ignore[union-attr]
        session.skip()
        session.rate(passed=True)
    assert kept(run)["ada", *skipped].passed is None
    with weakspot.rate(run, rater="ada", sample=3) as session:
        assert session.current.key != skipped  # type: ignore[union-attr]
        session.rate(passed=True)
        assert session.current.key == skipped  # type: ignore[union-attr]
        session.rate(passed=True)
        assert session.current is None
        assert (session.rated, session.skipped) == (3, 0)


def test_two_people_rate_one_run_at_the_same_time(run: Path) -> None:
    """Two open sessions write into one run, and neither's grades are lost."""
    with weakspot.rate(run, rater="ada") as ada, weakspot.rate(run, rater="ben") as ben:
        for _ in range(5):
            ada.rate(passed=True)
            ben.rate(passed=False, severity=3)
    assert [sum(key[0] == name for key in kept(run)) for name in ("ada", "ben")] == [5, 5]


def test_a_severity_must_fit_the_verdict(run: Path) -> None:
    """A pass with a severity, a failure without one, or a level of 6 is refused, and nothing is written."""
    with weakspot.rate(run) as session:
        for passed, severity in ((True, 3), (False, None), (False, 6)):
            with pytest.raises(UsageError):
                session.rate(passed=passed, severity=severity)
    assert kept(run) == {}


def test_only_disagree_finds_what_two_raters_see_otherwise(run: Path) -> None:
    """After two raters differ on one answer and one differs from the rule on another, these two are asked again."""
    with RunStore.open(run) as store:
        every = answers(store)
    wrong, split = every[0], every[3]
    assert wrong.score is not None
    given = [
        Rating(*wrong.key, "ada", "hand", not wrong.score.passed, 3 if wrong.score.passed else None),
        Rating(*split.key, "ada", "hand", True),
        Rating(*split.key, "ben", "hand", False, 2),
    ]
    assert set(queue(every, given, Wanted(only=("disagree",)))) == {wrong.key, split.key}


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    """A folder without a run says so."""
    with pytest.raises(NotARun):
        weakspot.rate(tmp_path)


def score(passed: bool | None, reply_class: str = "answered") -> Score:
    """An automatic score."""
    return Score("q", "m", "contains", reply_class, passed, "by rule", 3 if passed is False else None)  # type: ignore[arg-type]


def by(rater: str, passed: bool | None, severity: int | None = None, kind: str = "hand") -> Rating:
    """A rating of the one answer."""
    return Rating("q", "m", rater, kind, passed, severity)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        (True, [by("ada", False, 4)], (False, 4, "hand")),
        (False, [by("ada", True)], (True, None, "hand")),
        (True, [by("ada", None)], (True, None, "contains")),
        (True, [by("ada", True), by("ben", False, 2)], (None, None, "hand")),
        (True, [by("a", False, 5), by("b", False, 2), by("c", True)], (False, 2, "hand")),
        (True, [by("judge:x", False, 3, "judge")], (True, None, "contains")),
        (None, [by("judge:x", False, 3, "judge")], (False, 3, "judge")),
        (None, [by("judge:x", False, 3, "judge"), by("ada", True)], (True, None, "hand")),
        (None, [by("judge:x", None, None, "judge")], (None, None, "contains")),
    ],
)
def test_who_decides(rule: bool | None, given: list[Rating], expected: tuple[bool | None, int | None, str]) -> None:
    """A hand overrides, a majority decides, an even vote is no verdict, and a judge fills only what the rule left open."""
    found = effective({("q", "m"): score(rule)}, given)["q", "m"]
    assert (found.passed, found.severity, found.scorer) == expected


def test_an_even_vote_says_so() -> None:
    """The reason of a tie names the raters' number and what the rule had said."""
    found = effective({("q", "m"): score(True)}, [by("ada", True), by("ben", False, 2)])["q", "m"]
    assert "2 raters are even" in found.reason
    assert "contains said: passed" in found.reason


def test_whoever_is_not_rated_keeps_its_score() -> None:
    """Scores without ratings come back as they were, and ratings without scores add nothing."""
    scores = {("q", "m"): score(True), ("q2", "m"): score(None)}
    assert effective(scores, [Rating("q9", "m", "ada", "hand", True)]) == scores


def test_the_order_of_ratings_does_not_matter() -> None:
    """Any order of the same ratings gives the same verdict."""
    given = [by("a", False, 5), by("b", False, 2), by("c", True), by("judge:x", True, None, "judge")]
    rng = random.Random(2)
    found = set()
    for _ in range(20):
        rng.shuffle(given)
        one = effective({("q", "m"): score(True)}, given)["q", "m"]
        found.add((one.passed, one.severity, one.reason))
    assert len(found) == 1
