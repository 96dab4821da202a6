"""`weakspot.judge`, `weakspot.judge_pairs`, `weakspot.rubrics`: verdicts by judging models on a finished run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from weakspot.api.evidence import saved
from weakspot.api.judge_asking import Asking, ask_twice, fingerprint, ready, saved_test
from weakspot.api.judge_jobs import (
    answer_job,
    answer_key,
    answer_pair,
    chosen_answers,
    drawn,
    drawn_items,
    pair_heading,
    saved_infos,
)
from weakspot.api.judge_tallies import (
    alpha,
    judge_rating,
    judge_tally,
    judging_notes,
    majority,
    now,
    saved_judging,
    with_earlier,
)
from weakspot.contracts import Sink
from weakspot.errors import UsageError
from weakspot.judging.measuring import caution
from weakspot.judging.pairs import both_orders, tally
from weakspot.judging.questions import grade_question, pair_question
from weakspot.judging.verdicts import read_choice, read_verdict, unread
from weakspot.rating.answers import Answer, answers
from weakspot.records import Probe, to_json
from weakspot.records.judging import Judging, Pairwise
from weakspot.records.rubric import FailureRubric
from weakspot.runs.plan import Plan
from weakspot.scorers.rubrics import load_rubrics, rubric_for, rubric_text
from weakspot.store.run import RunStore

Only = Literal["unscored", "failed", "all"]
FOLDER = "judges"


def judge(
    run: str | Path,
    judges: Sequence[str],
    *,
    only: Only = "unscored",
    sample: int | None = None,
    rubrics: str | Path | None = None,
    cache: bool = True,
    accept_licence: bool = False,
    sink: Sink | None = None,
) -> Judging:
    """Let models judge the answers of a finished run by the rubrics; verdicts are kept in the run as ratings.

    Args:
        run: the run folder; an imported run will do.
        judges: model references.
        only: "unscored" (answers without a verdict by rule), "failed", or "all".
        sample: at most so many answers, drawn the same way each time.
        rubrics: a TOML file of own rubrics.
        cache: whether replies of earlier runs may be used (local models only).
        accept_licence: accept the terms of bundled models that have terms of their own.
        sink: told of progress.

    Returns:
        The counts by judge, their agreement, and why they are not to be believed where they are not.

    Raises:
        NotARun, UsageError, ModelError, Interrupted; what was judged before is kept.
    """
    place, known = Path(run).expanduser(), load_rubrics(rubrics)
    with RunStore.open(place) as store:
        chosen = chosen_answers(answers(store), only)
        plan, infos = saved(store, "plan", Plan), saved_infos(store)
    if not chosen:
        raise UsageError(f"The run in {place} has no answer to judge ({only}).", hint="--only all takes every answer.")
    taken = drawn(chosen, sample)
    jobs = {answer_key(given): answer_job(given, known) for given in taken}
    candidates, told = ready(judges, sink, accept_licence=accept_licence)

    def questions(again: bool) -> list[Probe]:
        return [grade_question(key, job.graded, job.rubric, again=again) for key, job in jobs.items()]

    asking = Asking(place / FOLDER, tuple(candidates), told, cache)
    found, opened = ask_twice(asking, questions, read_verdict, lambda verdict: verdict.invalid)
    ratings = {name: [judge_rating(jobs[k], name, v) for k, v in verdicts.items()] for name, verdicts in found.items()}
    people = {candidate.name: candidate for candidate in plan.candidates}
    tallies = tuple(
        judge_tally(candidate, opened[candidate.name], found[candidate.name], jobs, (people, infos))
        for candidate in candidates
    )
    made = Judging(
        created=now(),
        selection=only,
        available=len(chosen),
        asked=len(taken),
        judges=tallies,
        alpha=alpha(list(found.values()), jobs) if len(found) > 1 else None,
        majority=majority(list(ratings.values())),
        notes=tuple(judging_notes(jobs, tallies)),
    )
    with RunStore.open(place, write=True) as store:
        store.add_ratings(
            (r.rater, r.probe, r.candidate, to_json(r)) for by_judge in ratings.values() for r in by_judge
        )
        made = with_earlier(made, saved_judging(store))
        store.set_meta("judging", to_json(made))
    return made


def judge_pairs(
    run: str | Path,
    judge: str,
    a: str,
    b: str,
    *,
    sample: int | None = None,
    rubrics: str | Path | None = None,
    cache: bool = True,
    sink: Sink | None = None,
) -> Pairwise:
    """Let a model say which of two candidates answers better, each pair in both orders.

    Args:
        run: the run folder.
        judge: a model reference.
        a: a candidate of the run.
        b: another one.
        sample: at most so many items.
        rubrics: a TOML file of own rubrics.
        cache: as in `judge`.
        sink: told of progress.

    Raises:
        NotARun, UsageError, ModelError, Interrupted.
    """
    place, known = Path(run).expanduser(), load_rubrics(rubrics)
    with RunStore.open(place) as store:
        every = answers(store)
    of_item: dict[str, dict[str, Answer]] = {}
    for given in every:
        of_item.setdefault(given.probe.id, {})[given.candidate] = given
    names = {given.candidate for given in every}
    for name in (a, b):
        if name not in names:
            raise UsageError(f"The run has no candidate {name!r}.", hint=f"It has: {', '.join(sorted(names))}.")
    both = [found for found in of_item.values() if a in found and b in found]
    pairs = [answer_pair(found[a], found[b]) for found in drawn_items(both, sample, a)]
    if not pairs or a == b:
        raise UsageError(f"{a} and {b} have no answers to the same items.", hint="Name two candidates of one run.")
    texts = {found[a].probe.id: pair_heading(found[a], known) for found in both}
    candidates, told = ready([judge], sink, accept_licence=False)

    def questions(again: bool) -> list[Probe]:
        return [pair_question(v, texts[v.key.rpartition("/")[0]], again=again) for v in both_orders(pairs)]

    asking = Asking(place / FOLDER, tuple(candidates), told, cache)
    found, opened = ask_twice(asking, questions, read_choice, unread)
    name = candidates[0].name
    test = saved_test(fingerprint(candidates[0], opened[name]))
    made = tally(name, a, b, pairs, found[name], caution(test, name))
    with RunStore.open(place, write=True) as store:
        store.set_meta(f"pairwise/{name}/{a}/{b}", to_json(made))
    return made


def rubrics(file: str | Path | None = None) -> dict[str, FailureRubric]:
    """The rubrics by failure mode, and those of a user's file, which win by name.

    Raises:
        UsageError: the file is no file of rubrics; the message says where.
    """
    return load_rubrics(file)


def show_rubric(name: str, file: str | Path | None = None) -> str:
    """A rubric as the judge, the hand and the report have it; the general one for an unknown name."""
    return rubric_text(rubric_for(name, load_rubrics(file)))
