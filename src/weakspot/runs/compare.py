"""From scores to numbers: rates, paired differences and verdicts.

Controls never enter a rate; an item whose own positive control fails is uninformative for that candidate and enters
neither its rate nor any comparison; an item without a verdict is counted as unscored, never as a number.
"""

from collections.abc import Mapping, Sequence

import msgspec

from weakspot.records import Candidate, Comparison, Difference, ModelInfo, Probe, Rate, Score, Summary
from weakspot.records.summary import ModelSummary, Standing
from weakspot.runs.plan import Plan
from weakspot.stats.compare import POOLED, Compared, Item, compare_pairs
from weakspot.stats.interval import wilson
from weakspot.stats.ranking import groups_not_told_apart
from weakspot.stats.verdict import edge, verdict
from weakspot.version import __version__

Scores = Mapping[tuple[str, str], Score]
"""(probe id, candidate name) -> score."""


class Cost(msgspec.Struct, frozen=True):
    """What a candidate's part of the run took: tokens, wall-clock seconds, and how its replies changed when alone.

    The latencies are quantiles over requests, in seconds; None where none was timed.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    wall_s: float = 0.0
    batch_sensitivity: float | None = None
    latency_p50_s: float | None = None
    latency_p95_s: float | None = None


class Sheet:
    """The verdicts of a run, laid out for counting."""

    def __init__(self, probes: Sequence[Probe], scores: Scores) -> None:
        self._probes = probes
        self._scores = scores
        self._controls = _positive_controls(probes)
        self.counted = [probe for probe in probes if probe.counted]
        self.categories = list(dict.fromkeys(probe.category for probe in self.counted))

    def passed(self, probe: Probe, candidate: str) -> bool | None:
        """The verdict on an item, or None where there is none."""
        score = self._scores.get((probe.id, candidate))
        return None if score is None else score.passed

    def informative(self, probe: Probe, candidate: str) -> bool:
        """Whether the candidate passed the item's own positive control (or there is none)."""
        controls = self._controls.get(probe.id, ())
        return not controls or any(
            (score := self._scores.get((control, candidate))) is not None and score.passed is True
            for control in controls
        )

    def controls(self, probe: Probe) -> tuple[str, ...]:
        """Ids of the positive controls that an item hangs on; empty where it has none."""
        return self._controls.get(probe.id, ())

    def rate(self, candidate: str, category: str | None) -> Rate:
        """The failure rate in a category, or over all where None."""
        items = [probe for probe in self.counted if category in (None, probe.category)]
        telling = [probe for probe in items if self.informative(probe, candidate)]
        verdicts = [self.passed(probe, candidate) for probe in telling]
        failed, n = verdicts.count(False), len(verdicts) - verdicts.count(None)
        unscored = verdicts.count(None)
        interval = wilson(failed, n)
        severities = [
            score.severity
            for probe in telling
            if (score := self._scores.get((probe.id, candidate))) is not None and score.severity is not None
        ]
        return Rate(
            n=n,
            failed=failed,
            rate=failed / n if n else None,
            low=interval.low if interval else None,
            high=interval.high if interval else None,
            unscored=unscored,
            uninformative=len(items) - len(telling),
            lowest=failed / (n + unscored) if n + unscored else None,
            highest=(failed + unscored) / (n + unscored) if n + unscored else None,
            mean_severity=sum(severities) / len(severities) if severities else None,
            classes=self._classes(telling, candidate),
            note=edge(failed, n),
        )

    def _classes(self, probes: Sequence[Probe], candidate: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for probe in probes:
            if (score := self._scores.get((probe.id, candidate))) is not None:
                counts[score.reply_class] = counts.get(score.reply_class, 0) + 1
        return counts

    def pairs(self, a: str, b: str) -> list[Item]:
        """The items that both candidates have a verdict on and that say something about both."""
        items = []
        for probe in self.counted:
            passed_a, passed_b = self.passed(probe, a), self.passed(probe, b)
            if passed_a is None or passed_b is None:
                continue
            if self.informative(probe, a) and self.informative(probe, b):
                items.append(Item(probe.category, probe.group, not passed_a, not passed_b))
        return items

    def common(self, names: Sequence[str], candidate: str) -> list[bool]:
        """Whether a candidate failed each item that all of `names` have a telling verdict on."""
        return [
            self.passed(probe, candidate) is False
            for probe in self.counted
            if all(self.passed(probe, name) is not None and self.informative(probe, name) for name in names)
        ]


def summarise(
    plan: Plan, probes: Sequence[Probe], scores: Scores, infos: Mapping[str, ModelInfo], costs: Mapping[str, Cost]
) -> Summary:
    """Everything the run found, in numbers.

    With more than two candidates every pair is compared, or each with the plan's baseline; all pairs and categories
    are corrected together, so that the chance of any difference shown where there is none stays at 5% for the run.
    """
    sheet = Sheet(probes, scores)
    names = [candidate.name for candidate in plan.candidates if candidate.name in infos]
    comparisons = _comparisons(sheet, _pairs(names, plan.baseline))
    return Summary(
        suite=plan.suite,
        quick=plan.quick,
        probes=len(probes),
        counted=len(sheet.counted),
        probes_sha256=plan.probes_sha256,
        models={c.name: _model(sheet, c, infos[c.name], costs) for c in plan.candidates if c.name in infos},
        comparisons=comparisons,
        batch_sensitivity={name: costs[name].batch_sensitivity for name in names if name in costs},
        complete=all((probe.id, c.name) in scores for probe in probes for c in plan.candidates),
        weakspot=__version__,
        ranking=() if plan.baseline else _ranking(sheet, names, comparisons),
        baseline=plan.baseline,
        origin=plan.origin,
    )


def _pairs(names: Sequence[str], baseline: str) -> list[tuple[str, str]]:
    """All pairs; with a baseline, that one (first) against each of the others."""
    if baseline:
        return [(baseline, name) for name in names if name != baseline and baseline in names]
    return [(a, b) for number, a in enumerate(names) for b in names[number + 1 :]]


def _ranking(sheet: Sheet, names: Sequence[str], comparisons: Sequence[Comparison]) -> tuple[Standing, ...]:
    """Best first, on the items that all have a verdict on; the letters come from the pooled paired tests."""
    if len(names) < 3:
        return ()
    outcomes = {name: sheet.common(names, name) for name in names}
    ordered = sorted(names, key=lambda name: sum(outcomes[name]))
    shown = {frozenset((pair.a, pair.b)) for pair in comparisons if pair.pooled.shown}
    letters = dict.fromkeys(names, "")
    for number, group in enumerate(groups_not_told_apart(ordered, shown)):
        for name in group:
            letters[name] += _letter(number)
    return tuple(Standing(name, len(outcomes[name]), sum(outcomes[name]), letters[name]) for name in ordered)


def _letter(number: int) -> str:
    """a, b, ... z, then a1, b1, ..."""
    return chr(ord("a") + number % 26) + (str(number // 26) if number >= 26 else "")


def _model(sheet: Sheet, candidate: Candidate, info: ModelInfo, costs: Mapping[str, Cost]) -> ModelSummary:
    cost = costs.get(candidate.name, Cost())
    return ModelSummary(
        candidate=candidate,
        info=info,
        pooled=sheet.rate(candidate.name, None),
        categories={category: sheet.rate(candidate.name, category) for category in sheet.categories},
        prompt_tokens=cost.prompt_tokens,
        completion_tokens=cost.completion_tokens,
        wall_s=cost.wall_s,
        latency_p50_s=cost.latency_p50_s,
        latency_p95_s=cost.latency_p95_s,
    )


def _comparisons(sheet: Sheet, pairs: Sequence[tuple[str, str]]) -> tuple[Comparison, ...]:
    found = compare_pairs({pair: sheet.pairs(*pair) for pair in pairs}, categories=sheet.categories)
    return tuple(
        Comparison(
            a=a,
            b=b,
            pooled=_difference(found[a, b][POOLED], a, b),
            categories={category: _difference(found[a, b][category], a, b) for category in sheet.categories},
        )
        for a, b in pairs
    )


def _difference(compared: Compared, a: str, b: str) -> Difference:
    paired = compared.paired
    shown, sentence = verdict(paired, compared.p_adjusted, a, b)
    return Difference(
        n=paired.n,
        difference=paired.difference,
        low=paired.low,
        high=paired.high,
        test=paired.test,
        p=paired.p,
        p_adjusted=compared.p_adjusted,
        smallest_detectable=paired.smallest_detectable,
        shown=shown,
        verdict=sentence,
        only_a_failed=paired.only_a,
        only_b_failed=paired.only_b,
        groups=paired.groups,
        items_needed=paired.items_needed,
    )


def _positive_controls(probes: Sequence[Probe]) -> dict[str, tuple[str, ...]]:
    """Which positive controls each counted item hangs on: the one it names, else those of its own matched set."""
    known = {probe.id for probe in probes}
    by_group: dict[str, list[str]] = {}
    for probe in probes:
        if probe.arm == "positive-control" and probe.group is not None:
            by_group.setdefault(probe.group, []).append(probe.id)
    found: dict[str, tuple[str, ...]] = {}
    for probe in probes:
        if not probe.counted:
            continue
        named = probe.tags.get("control")
        if named in known:
            found[probe.id] = (str(named),)
        elif probe.group in by_group:
            found[probe.id] = tuple(by_group[probe.group])
    return found
