"""From a run's answers to what is put to a judge: which, in what words, under which rubric."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from weakspot.errors import UsageError
from weakspot.judging.pairs import Pair
from weakspot.judging.questions import Answer as Graded
from weakspot.rating.answers import Answer
from weakspot.records import ModelInfo, Summary, from_json
from weakspot.records.rubric import FailureRubric
from weakspot.rendering.expected import expected
from weakspot.scorers.rubrics import rubric_for, rubric_text
from weakspot.store.run import RunStore

T = TypeVar("T")


class Job(msgspec.Struct, frozen=True):
    """One answer to be judged, and the text of its rubric."""

    answer: Answer
    graded: Graded
    rubric: str


def chosen_answers(every: Sequence[Answer], only: str) -> list[Answer]:
    """The answers whose automatic verdict is missing ("unscored"), is a fail ("failed"), or all.

    Raises:
        UsageError: `only` is none of these.
    """
    wanted: dict[str, bool | None] = {"unscored": None, "failed": False}
    if only == "all":
        return list(every)
    if only not in wanted:
        raise UsageError(f"There is no choice {only!r}.", hint="There are: unscored, failed, all.")
    return [a for a in every if (None if a.score is None else a.score.passed) is wanted[only]]


def answer_key(answer: Answer) -> str:
    """The id of the question about an answer; no two answers have one, whatever their names hold."""
    return json.dumps([answer.probe.id, answer.candidate])


def answer_job(answer: Answer, rubrics: Mapping[str, FailureRubric]) -> Job:
    """What the judge is shown of an answer: never who gave it, nor what the rule said."""
    graded = Graded(
        probe=answer.probe.id,
        candidate=answer.candidate,
        category=answer.probe.category,
        asked=_asked(answer),
        expected=expected(answer.probe.expect),
        reply=answer.text,
    )
    return Job(answer, graded, rubric_text(rubric_for(answer.probe.category, rubrics)))


def answer_pair(a: Answer, b: Answer) -> Pair:
    """Two answers to one item."""
    return Pair(a.probe.id, _asked(a), expected(a.probe.expect), a.text, b.text)


def pair_heading(answer: Answer, rubrics: Mapping[str, FailureRubric]) -> str:
    """What counts in a comparison, from the rubric of the item's failure mode."""
    rubric = rubric_for(answer.probe.category, rubrics)
    return f"What counts: {rubric.title}: {rubric.asks}"


def drawn(some: Sequence[Answer], size: int | None) -> list[Answer]:
    """At most `size` answers, the same ones each time; they keep their order."""
    return _drawn(some, size, answer_key)


def drawn_items(some: Sequence[dict[str, Answer]], size: int | None, of: str) -> list[dict[str, Answer]]:
    """At most `size` items, the same ones each time; `of` is a candidate that each has an answer of."""
    return _drawn(some, size, lambda found: found[of].probe.id)


def saved_infos(store: RunStore) -> dict[str, ModelInfo]:
    """What was opened in a run, by candidate."""
    raw = store.meta("summary")
    return {} if raw is None else {name: model.info for name, model in from_json(raw, Summary).models.items()}


def _asked(answer: Answer) -> str:
    turns = answer.asked()
    return turns[0][1] if len(turns) == 1 else "\n".join(f"[{role}] {text}" for role, text in turns)


def _drawn(some: Sequence[T], size: int | None, key: Callable[[T], str]) -> list[T]:
    """By the hash of the key, so that a larger sample holds the smaller one and nothing is judged twice."""
    if size is None:
        return list(some)
    if size < 1:
        raise UsageError(f"A sample has at least one answer, not {size}.")
    hashes = [hashlib.sha256(key(one).encode("utf-8", "replace")).digest() for one in some]
    taken = set(sorted(hashes)[:size])
    return [one for one, digest in zip(some, hashes, strict=True) if digest in taken]
