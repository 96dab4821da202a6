"""`weakspot.gate`: a finished run held against limits and against an older run, for a CI."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from weakspot.api.effective import Which, effective_scores
from weakspot.api.evidence import saved
from weakspot.errors import NotARun, UsageError
from weakspot.exchange.gate import GateResult, Limits, check_baseline, check_limits, lost_verdicts, shared_probes
from weakspot.records import Probe, Score, from_json
from weakspot.runs.compare import Scores, Sheet
from weakspot.runs.plan import Plan
from weakspot.store.run import RunStore


class _Run(NamedTuple):
    """What a gate needs of a run folder."""

    folder: Path
    probes: list[Probe]
    scores: Scores
    candidates: list[str]


def gate(
    run: str | Path,
    *,
    max_rate: Mapping[str, float] | None = None,
    max_overall: float | None = None,
    baseline: str | Path | None = None,
    candidate: str | None = None,
    strict: bool = False,
    scores: Which = "automatic",
) -> GateResult:
    """Whether a run is shown to fail more than is allowed, or more than an older run did on the same items.

    Args:
        run: the run folder.
        max_rate: the highest failure rate (0 to 1) by category.
        max_overall: the highest failure rate over all categories.
        baseline: an older run folder; candidates of equal names are compared, or the only one of each.
        candidate: look at this candidate only; by default at all.
        strict: close on the point estimate, and take items without a verdict as failures.
        scores: "effective" counts a hand's verdict before the rule's, and a believed judge's where the rule has none.

    Raises:
        UsageError: nothing is asked for, no such category or candidate, or nothing that could be held against it.
        NotARun, RunSchemaMismatch: a folder holds no finished run.
    """
    limits = Limits(dict(max_rate or {}), max_overall, strict)
    if not limits.rates and max_overall is None and baseline is None:
        raise UsageError(
            "Nothing is asked of the run.", hint="Name a limit (--max-rate, --max-overall) or --baseline OLD_RUN."
        )
    now = _opened(run, scores)
    names = _chosen(now, candidate)
    checks = check_limits(Sheet(now.probes, now.scores), names, limits)
    notes: list[str] = []
    if baseline is not None:
        before = _opened(baseline, scores)
        pairs, left = _pairs(before, names)
        same, changed = shared_probes(now.probes, before.probes)
        notes += [*left, *_unshared(now, before, len(same), changed)]
        if not any(probe.counted for probe in same):
            raise UsageError(
                "The run and its baseline have no item in common: none has the same id, question and expectation.",
                hint="Both must have been put to the same suite.",
            )
        for pair in pairs:
            if lost := lost_verdicts(same, now.scores, before.scores, pair):
                notes.append(f"{pair[0]}: {lost} items had a verdict in the baseline and have none now.")
        checks += check_baseline(same, now.scores, before.scores, pairs, strict=strict)
    return GateResult(
        run=str(now.folder),
        passed=not any(check.closes for check in checks),
        strict=strict,
        checks=tuple(checks),
        baseline="" if baseline is None else str(baseline),
        notes=tuple(notes),
    )


def _opened(run: str | Path, which: Which) -> _Run:
    folder = Path(run).expanduser()
    with RunStore.open(folder) as store:
        if store.meta("summary") is None:
            raise NotARun(f"The run in {folder} was stopped before its end.", hint=f"Go on: weakspot resume {folder}")
        plan = saved(store, "plan", Plan)
        rules = {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
        return _Run(
            folder,
            [from_json(row, Probe) for row in store.probes()],
            effective_scores(store) if which == "effective" else rules,
            [candidate.name for candidate in plan.candidates],
        )


def _chosen(run: _Run, wanted: str | None) -> list[str]:
    if wanted is None:
        return run.candidates
    if wanted not in run.candidates:
        raise UsageError(f"The run has no candidate {wanted!r}.", hint=f"It has: {', '.join(run.candidates)}.")
    return [wanted]


def _pairs(before: _Run, names: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Who is held against whom: equal names; the only ones of both runs, whatever they are called."""
    pairs = [(name, name) for name in names if name in before.candidates]
    if not pairs and len(names) == len(before.candidates) == 1:
        pairs = [(names[0], before.candidates[0])]
        return pairs, [f"{names[0]} is held against {before.candidates[0]}, the only candidate of the baseline."]
    if not pairs:
        raise UsageError(
            f"The baseline has no candidate named {', '.join(names)}.",
            hint=f"It has: {', '.join(before.candidates)}. Choose one by --candidate NAME.",
        )
    alone = [name for name in names if name not in before.candidates]
    return pairs, [f"The baseline has no candidate {name!r}: it is not compared." for name in alone]


def _unshared(now: _Run, before: _Run, same: int, changed: int) -> list[str]:
    said = []
    if changed:
        said.append(f"{changed} items have the same id but another question or expectation; they are left out.")
    if new := len(now.probes) - same - changed:
        said.append(f"{new} items are not in the baseline; they are left out of the comparison.")
    if gone := len(before.probes) - same - changed:
        said.append(f"{gone} items of the baseline are not in this run.")
    return said
