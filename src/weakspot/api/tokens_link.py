"""`weakspot.tokens.link`: which token features of a run go with its failures, and suppositions about single ones."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from weakspot.api.compare import saved_plan
from weakspot.api.tokens_features import features
from weakspot.errors import NotARun, UsageError
from weakspot.findings.hypotheses import Fate, common_terms, shattered_by_both, suppose
from weakspot.records import Probe, Score, from_json, to_json
from weakspot.records.features import (
    CandidateFeatures,
    FeatureLink,
    LeftOut,
    TokenFeatures,
    TokenHypothesis,
    TokenLink,
    TokenMeasures,
)
from weakspot.runs.compare import Sheet
from weakspot.stats.association import PERMUTATIONS, Adjusted, Association, adjust, associate, smallest_shown
from weakspot.store.run import RunStore

ALPHA = 0.05
LABELS: dict[str, str] = {
    "bytes": "length of the text in bytes",
    "tokens": "number of tokens",
    "bytes_per_token": "bytes per token",
    "fertility": "pieces per word",
    "unknown": "unknown tokens",
    "byte_fallback": "tokens that are parts of characters",
    "rarest": "rank of the rarest token",
    "uneven_numbers": "numbers cut in uneven groups",
    "structural_merges": "structural characters merged with others",
    "unstable_boundary": "continuations that change the last tokens",
    "special_ids": "special tokens out of plain text",
    "lossy": "text that does not come back whole",
}
"""What is tested. The length of the text is there to be compared with: what goes with failing only because long texts
do, goes with it no more than the length does."""


class Sample(NamedTuple):
    """One counted item of a candidate: what is needed to join a feature with a verdict."""

    probe: Probe
    failed: bool
    measures: TokenMeasures


def link(run: str | Path, *, tokenizers: Mapping[str, str] | None = None, seed: int = 0) -> TokenLink:
    """Which token features go with failures, within categories; features are measured first where they are not saved.

    Only counted probes with a verdict enter; an item whose own positive control failed does not. The test is
    `weakspot.stats.association`'s, corrected by Holm over all features and candidates. What is shown is association,
    not cause. The result is saved in the run.

    Args:
        run: the folder of a finished run.
        tokenizers: candidate to tokenizer reference; see `weakspot.tokens.features`.
        seed: of random deals, where the exact distribution of a test is not had.

    Raises:
        NotARun: there is no run, or it was stopped before its end.
        UsageError: no candidate has a tokenizer.
        RunSchemaMismatch, RunInUse, UnknownTokenizer, ...: see `weakspot.tokens.features`.
    """
    place = Path(run).expanduser()
    with RunStore.open(place) as store:
        if store.meta("summary") is None:
            raise NotARun(f"The run in {place} was stopped before its end.", hint=f"Go on: weakspot resume {place}")
        _, probes = saved_plan(store)
        scores = {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
    found = features(place, tokenizers=tokenizers)
    measured = [one for one in found if not one.missing]
    if not measured:
        raise UsageError("No candidate of this run has a tokenizer.", hint=" ".join(one.missing for one in found))
    sheet = Sheet(probes, scores)
    samples = {one.candidate: _samples(one, sheet) for one in measured}
    links, tests = _links(samples, seed)
    result = TokenLink(
        links=tuple(links),
        hypotheses=tuple(_hypotheses(measured, samples)),
        left_out={one.candidate: _left_out(one, sheet, probes, samples[one.candidate]) for one in measured},
        notes=tuple(_notes(found, measured, samples)),
        tests=tests,
    )
    with RunStore.open(place, write=True) as store:
        store.set_meta("token-link", to_json(result))
    return result


def _samples(one: CandidateFeatures, sheet: Sheet) -> list[Sample]:
    rows: dict[str, TokenFeatures] = {row.probe: row for row in one.rows}
    found = []
    for probe in sheet.counted:
        passed, row = sheet.passed(probe, one.candidate), rows.get(probe.id)
        if passed is not None and row is not None and sheet.informative(probe, one.candidate):
            found.append(Sample(probe, not passed, row.user))
    return found


def _left_out(one: CandidateFeatures, sheet: Sheet, probes: Sequence[Probe], used: Sequence[Sample]) -> LeftOut:
    name, known = one.candidate, {row.probe for row in one.rows}
    telling = [probe for probe in sheet.counted if sheet.informative(probe, name)]
    return LeftOut(
        used=len(used),
        unscored=sum(sheet.passed(probe, name) is None for probe in telling if probe.id in known),
        uninformative=len(sheet.counted) - len(telling),
        controls=len(probes) - len(sheet.counted),
        unmeasured=sum(probe.id not in known for probe in telling),
    )


def _links(samples: Mapping[str, Sequence[Sample]], seed: int) -> tuple[list[FeatureLink], int]:
    keys = [(candidate, feature) for candidate in samples for feature in LABELS]
    found = [_associate(samples[candidate], feature, seed) for candidate, feature in keys]
    adjusted = adjust(found, ALPHA)
    links = [
        _link(candidate, feature, one, held)
        for (candidate, feature), one, held in zip(keys, found, adjusted, strict=True)
    ]
    links.sort(key=lambda one: 2.0 if one.p is None else one.p)
    return links, sum(held.able for held in adjusted)


def _associate(samples: Sequence[Sample], feature: str, seed: int) -> Association:
    there = [(s, float(value)) for s in samples if (value := getattr(s.measures, feature)) is not None]
    return associate(
        [value for _, value in there],
        [s.failed for s, _ in there],
        [s.probe.category for s, _ in there],
        [s.probe.group for s, _ in there],
        confidence=1 - ALPHA,
        seed=seed,
    )


def _link(candidate: str, feature: str, one: Association, held: Adjusted) -> FeatureLink:
    smallest = smallest_shown(one, held.level) if held.able else None
    test = "exact within categories" if one.exact else f"{PERMUTATIONS:,} random deals within categories, seeded"
    return FeatureLink(
        candidate=candidate,
        feature=feature,
        label=LABELS[feature],
        n=one.n,
        failed=one.failed,
        effect=one.effect,
        low=one.low,
        high=one.high,
        test="none" if one.p is None else test,
        p=one.p,
        p_adjusted=held.p,
        smallest_detectable=smallest,
        shown=held.shown,
        verdict=_verdict(candidate, feature, one, held, smallest),
    )


def _verdict(candidate: str, feature: str, one: Association, held: Adjusted, smallest: float | None) -> str:
    label = LABELS[feature]
    if one.effect is None:
        return f"No association shown: no category has both a failed and a passed item of {candidate}."
    if one.p is None:
        return f"No association shown: {label} never varies within a category here."
    if held.shown:
        word = "larger" if one.effect > 0 else "smaller"
        return (
            f"Failures of {candidate} go with a {word} value of: {label} (effect {one.effect:+.2f}, 95% interval "
            f"{one.low:+.2f} to {one.high:+.2f}, corrected p {held.p:.2g})."
        )
    if not held.able:
        return f"No association shown: {label} varies on too few of these items to show any."
    ends = f"effect {one.effect:+.2f} ({one.low:+.2f} to {one.high:+.2f})"
    if smallest is None:
        return f"No association shown: {ends}; no effect, however large, would have been found in 80% of such runs."
    return f"No association shown: {ends}; one of {smallest:.2f} would have been found in 80% of such runs."


def _hypotheses(
    measured: Sequence[CandidateFeatures], samples: Mapping[str, Sequence[Sample]]
) -> Iterator[TokenHypothesis]:
    for one in measured:
        others = [other for other in measured if other.fingerprint != one.fingerprint]
        if others:
            for other in others:
                yield from suppose(one.candidate, _fates(samples, one), other.candidate, _fates(samples, other))
        else:
            yield from suppose(one.candidate, _fates(samples, one))


def _fates(samples: Mapping[str, Sequence[Sample]], one: CandidateFeatures) -> dict[str, Fate]:
    return {s.probe.id: Fate(s.failed, s.measures.pieces) for s in samples[one.candidate]}


def _notes(
    found: Sequence[CandidateFeatures],
    measured: Sequence[CandidateFeatures],
    samples: Mapping[str, Sequence[Sample]],
) -> Iterator[str]:
    for one in found:
        if one.missing:
            yield one.missing
        yield from (f"{one.candidate}: {remark}" for remark in one.remarks)
    for number, one in enumerate(measured):
        for other in measured[number + 1 :]:
            if one.fingerprint == other.fingerprint:
                yield (
                    f"{one.candidate} and {other.candidate} have one tokenizer: how a text is cut can't be why they "
                    "differ."
                )
            else:
                pair = one.candidate, _fates(samples, one), other.candidate, _fates(samples, other)
                yield from common_terms(*pair)
                if said := shattered_by_both(*pair):
                    yield said
