"""From verdicts to ratings, and to what is counted of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from weakspot.api.judge_asking import fingerprint, own_candidates, saved_test
from weakspot.api.judge_jobs import Job
from weakspot.judging.measuring import caution, share
from weakspot.judging.questions import LONGEST_QUESTION, LONGEST_REPLY
from weakspot.judging.verdicts import Verdict
from weakspot.rating.effective import vote
from weakspot.records import Candidate, ModelInfo, Rating, from_json
from weakspot.records.judging import Estimated, JudgeTally, Judging
from weakspot.stats.agreement import coincidences, estimate, krippendorff_alpha
from weakspot.store.run import RunStore

LONGEST_NOTE = 400
Known = tuple[Mapping[str, Candidate], Mapping[str, ModelInfo]]
"""The run's candidates, and what was opened for them."""


def now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def judge_rating(job: Job, judge: str, verdict: Verdict) -> Rating:
    """A verdict as it is kept; a judge never knows who answered, so it is blind."""
    cut = len(job.graded.reply) > LONGEST_REPLY or len(job.graded.asked) > LONGEST_QUESTION
    note = verdict.note[:LONGEST_NOTE] + (" (It saw a text with its middle left out.)" if cut else "")
    return Rating(
        probe=job.graded.probe,
        candidate=job.graded.candidate,
        rater=f"judge:{judge}",
        kind="judge",
        passed=verdict.passed,
        severity=verdict.severity,
        note=note,
        blind=True,
        at=now(),
    )


def judge_tally(
    judge: Candidate, info: ModelInfo, verdicts: Mapping[str, Verdict], jobs: Mapping[str, Job], known: Known
) -> JudgeTally:
    """One judge's counts, its agreement with the rules, and whether it may be believed."""
    scored = [
        (verdict.passed, score.passed)
        for key, verdict in verdicts.items()
        if (score := jobs[key].answer.score) is not None and None not in (verdict.passed, score.passed)
    ]
    test = saved_test(fingerprint(judge, info))
    return JudgeTally(
        judge=judge.name,
        reference=judge.reference,
        asked=len(verdicts),
        passed=sum(v.passed is True for v in verdicts.values()),
        failed=sum(v.passed is False for v in verdicts.values()),
        invalid=sum(v.invalid for v in verdicts.values()),
        errors=sum(v.passed is None and not v.invalid for v in verdicts.values()),
        own=own_candidates(judge, info, *known),
        rule=share(sum(said == rule for said, rule in scored), len(scored)),
        test=test,
        caution=caution(test, judge.name),
    )


def alpha(found: Sequence[Mapping[str, Verdict]], jobs: Mapping[str, Job]) -> Estimated:
    """Krippendorff's alpha between judges on pass or fail; items are drawn again together with their candidates."""
    codes = [[None if v[key].passed is None else int(bool(v[key].passed)) for key in jobs] for v in found]
    groups = [job.graded.probe for job in jobs.values()]
    value = estimate(coincidences(codes, 2), groups, lambda tables: krippendorff_alpha(tables, "nominal"))
    return Estimated(value.n, value.value, value.low, value.high, value.note)


def majority(by_judge: Sequence[Sequence[Rating]]) -> dict[str, int]:
    """How many answers most judges pass, fail, are even on, or gave no verdict on."""
    counted: Counter[str] = Counter()
    for given in zip(*by_judge, strict=True):
        voted = vote(given)
        word = "none" if voted is None else {True: "passed", False: "failed", None: "even"}[voted.passed]
        counted[word] += 1
    return dict(counted)


def judging_notes(jobs: Mapping[str, Job], tallies: Sequence[JudgeTally]) -> Iterator[str]:
    """What a reader of the verdicts must know, a sentence each."""
    for tally in tallies:
        if tally.caution:
            yield tally.caution
        if tally.own:
            yield f"{tally.judge} judged its own answers: {', '.join(tally.own)} has its weights."
    cut = sum(len(job.graded.reply) > LONGEST_REPLY for job in jobs.values())
    if cut:
        yield f"{cut} of {len(jobs)} replies were longer than {LONGEST_REPLY:,} characters; their middle was left out."


def saved_judging(store: RunStore) -> Judging | None:
    """What judges said of a run; None where none was asked."""
    raw = store.meta("judging")
    return None if raw is None else from_json(raw, Judging)


def with_earlier(made: Judging, before: Judging | None) -> Judging:
    """The judges of earlier calls stay beside those of this one."""
    if before is None:
        return made
    names = {tally.judge for tally in made.judges}
    earlier = tuple(tally for tally in (*before.judges, *before.earlier) if tally.judge not in names)
    return msgspec.structs.replace(made, earlier=earlier)
