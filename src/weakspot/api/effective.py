"""A run's scores as they hold once people and judges have spoken, and the numbers that follow from them."""

from typing import Literal

from weakspot.api.conclude import summary_of
from weakspot.api.evidence import report_input, saved
from weakspot.rating.answers import ratings
from weakspot.rating.effective import effective
from weakspot.records import Probe, Score, from_json
from weakspot.records.judging import Judging
from weakspot.rendering.view import ReportInput
from weakspot.runs.plan import Plan
from weakspot.store.run import RunStore

Which = Literal["automatic", "effective"]


def effective_scores(store: RunStore) -> dict[tuple[str, str], Score]:
    """The scores by (probe id, candidate): a hand before the rule, a judge only where the rule gave no verdict.

    A judge that has not passed its self-test decides nothing.
    """
    scores = {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
    raw = store.meta("judging")
    believed = () if raw is None else from_json(raw, Judging).believed
    return effective(scores, [r for r in ratings(store) if r.kind == "hand" or r.rater in believed])


def effective_input(store: RunStore) -> ReportInput:
    """Everything that a report shows, counted anew on the effective scores; the run itself stays as it is."""
    scores = effective_scores(store)
    probes = [from_json(row, Probe) for row in store.probes()]
    summary = summary_of(store, saved(store, "plan", Plan), probes, scores)
    return report_input(store, summary=summary, scores=scores)
