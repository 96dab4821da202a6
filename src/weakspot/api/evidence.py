"""What a report stands on, gathered from a run folder: failures with their token trails, cards, hypotheses, notes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from weakspot.anatomy.explain import differences
from weakspot.api.agreement import agreement_if_rated
from weakspot.errors import NotARun
from weakspot.models.price import estimate_cost
from weakspot.records import Card, Probe, Response, Score, SourceText, Summary, from_json
from weakspot.records.judging import Judging, Pairwise
from weakspot.records.summary import Comparison, ModelSummary
from weakspot.rendering.view import (
    FailureView,
    Hypothesis,
    ItemResult,
    ItemRow,
    ReportInput,
    TrailToken,
    Uninformative,
    trail,
)
from weakspot.runs.compare import Scores, Sheet
from weakspot.runs.plan import Plan
from weakspot.runs.sensitivity import Sensitivity
from weakspot.scorers.rubrics import rubric_for
from weakspot.scorers.severity import ANCHORS
from weakspot.store.run import RunStore

T = TypeVar("T")
Pieces = Mapping[int, tuple[bytes, str]]
CONTROL = frozenset({"control", "unknown"})
LONGEST_REPLY = 2_000
"""Characters of a reply, or of what was asked, in the table of all items; the run folder holds the whole."""
LONGEST_SOURCE, MOST_SOURCES = 300, 10
WORTH_SAYING = 0.1
"""The share of failures that were cut from which a report says so."""
NO_TOKENS = "This backend does not give token ids."


def report_input(store: RunStore, *, summary: Summary | None = None, scores: Scores | None = None) -> ReportInput:
    """Everything that a report shows, out of saved records alone; other scores come with the summary they give."""
    effective = scores is not None
    plan, summary = saved(store, "plan", Plan), summary or saved(store, "summary", Summary)
    probes = [from_json(row, Probe) for row in store.probes()]
    scores = scores or {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
    names = list(summary.models)
    cards = {name: from_json(raw, Card) for name in names if (raw := store.meta(f"card/{name}")) is not None}
    sheet = Sheet(probes, scores)
    return ReportInput(
        summary=summary,
        run_id=(store.meta("id") or b"").decode(),
        created=plan.created,
        command=plan.command,
        cards=cards,
        failures=tuple(failure for name in names for failure in _failures(store, name, sheet, scores)),
        rubric=tuple(sorted(ANCHORS.items())),
        rubrics=tuple({r.name: r for r in map(rubric_for, dict.fromkeys(p.category for p in sheet.counted))}.values()),
        hypotheses=tuple(h for pair in summary.comparisons for h in _hypotheses(pair, cards)),
        environment=saved(store, "environment", dict[str, str]),
        notes=(*_notes(store, summary, probes), *_cut(summary, sheet, scores)),
        licences={name: model.info.licence for name, model in summary.models.items() if model.info.licence},
        costs={name: cost for name, model in summary.models.items() if (cost := _cost(model))},
        items=tuple(_rows(store, names, sheet, scores, probes)),
        uninformative=tuple(_uninformative(names, sheet)),
        ratings=agreement_if_rated(store),
        judging=None if (raw := store.meta("judging")) is None else from_json(raw, Judging),
        pairwise=tuple(from_json(raw, Pairwise) for raw in store.metas("pairwise/")),
        scores="effective" if effective else "automatic",
    )


def saved(store: RunStore, key: str, kind: type[T]) -> T:
    """A record that the run holds under a key.

    Raises:
        NotARun: it holds none.
    """
    raw = store.meta(key)
    if raw is None:
        raise NotARun(f"The run in {store.folder} holds no {key}.", hint=f"Go on: weakspot resume {store.folder}")
    try:
        return from_json(raw, kind)
    except msgspec.MsgspecError as error:
        raise NotARun(f"The run in {store.folder} is damaged: its {key} reads {error}.") from error


def _failures(store: RunStore, name: str, sheet: Sheet, scores: Scores) -> Iterator[FailureView]:
    counted = {probe.id: probe for probe in sheet.counted}
    pieces = store.pieces(name)
    for row in store.responses(name):
        response = from_json(row, Response)
        probe, score = counted.get(response.probe), scores.get((response.probe, name))
        if probe is None or score is None or score.passed is not False or not sheet.informative(probe, name):
            continue
        final = response.final
        yield FailureView(
            probe=probe,
            candidate=name,
            response=response,
            score=score,
            prompt_trail=_trail(final.prompt_ids if final else None, pieces),
            output_trail=_trail(final.output_ids if final else None, pieces),
            trail_note="" if final is not None and final.prompt_ids else NO_TOKENS,
        )


def _trail(ids: Sequence[int] | None, pieces: Pieces) -> tuple[TrailToken, ...]:
    control = {token for token in ids or () if token in pieces and pieces[token][1] in CONTROL}
    return trail(ids or (), {token: data for token, (data, _) in pieces.items()}, control)


def _hypotheses(pair: Comparison, cards: Mapping[str, Card]) -> Iterator[Hypothesis]:
    if pair.a not in cards or pair.b not in cards:
        return
    named = [msgspec.structs.replace(cards[name], name=name) for name in (pair.a, pair.b)]
    for difference in differences(*named):
        yield Hypothesis(
            text=f"{difference.hypothesis} ({difference.source})",
            difference=f"{difference.field}: {pair.a} {difference.value_a}, {pair.b} {difference.value_b}",
            experiment=difference.experiment,
            card_fields=difference.card_fields,
            categories=difference.categories,
        )


def _cost(model: ModelSummary) -> str:
    usd = estimate_cost(model.info.price_in, model.info.price_out, model.prompt_tokens, model.completion_tokens)
    return "" if usd is None else f"{usd:.4f} USD, from the prices given"


def _notes(store: RunStore, summary: Summary, probes: Sequence[Probe]) -> Iterator[str]:
    if (raw := store.meta("import-notes")) is not None:  # another tool asked and judged (api/import_results.py)
        origin = saved(store, "plan", Plan).origin
        yield f"Answers and verdicts were taken over from {origin}; what was scored here instead, a note says."
        yield from from_json(raw, tuple[str, ...])
    for name, model in summary.models.items():
        if model.info.kind == "base":
            yield (
                f"{name} is a base model without a chat template: it continues text, here after the completion "
                f"template '{model.info.provenance.template}', and is stopped at the end of the line where an answer "
                "is one line."
            )
        if (reason := store.meta(f"card-missing/{name}")) is not None:
            yield f"{name} has no architecture card: {reason.decode('utf-8', 'replace')}"
        if (raw := store.meta(f"sensitivity/{name}")) is not None and (measured := from_json(raw, Sensitivity)).asked:
            yield (
                f"Asked again alone, {name} gave another text for {measured.changed} of {measured.asked} replies: "
                "so much hangs on the company that a request is computed in."
            )
        cached = sum(r.cached for row in store.responses(name) for r in from_json(row, Response).replies)
        if cached:
            yield f"{cached} replies of {name} came from the reply cache: the same request had been answered before."
    if (raw := store.meta("notes")) is not None:
        yield from from_json(raw, list[str])
    unread = 0 if summary.origin else sum(not probe.reviewed for probe in probes)
    if unread:
        yield f"{unread} of {len(probes)} probes are not marked as reviewed."


def _cut(summary: Summary, sheet: Sheet, scores: Scores) -> Iterator[str]:
    """Whether failures may come from the limit on a reply rather than from the model."""
    if summary.origin:
        return
    found = []
    for name in summary.models:
        counted = [scores[p.id, name] for p in sheet.counted if (p.id, name) in scores and sheet.informative(p, name)]
        failed = [score for score in counted if score.passed is False]
        cut = sum(score.reply_class == "truncated" for score in failed)
        if failed and cut / len(failed) >= WORTH_SAYING:
            found.append(f"{cut} of {len(failed)} failed replies of {name}")
    if found:
        yield (
            f"{', '.join(found)} were cut at their item's token limit; a candidate with ?max_tokens=128 gets more "
            "room, and comparing the two says whether the limit matters."
        )


def _rows(
    store: RunStore, names: Sequence[str], sheet: Sheet, scores: Scores, probes: Sequence[Probe]
) -> Iterator[ItemRow]:
    """Every item with each candidate's verdict and the beginning of its reply."""
    replies = {
        (response.probe, name): final
        for name in names
        for row in store.responses(name)
        if (final := (response := from_json(row, Response)).final) is not None
    }
    for probe in probes:
        results = {
            name: ItemResult(
                passed=score.passed,
                reply_class=score.reply_class,
                severity=score.severity,
                reason=score.reason,
                uninformative=probe.counted and not sheet.informative(probe, name),
                reply="" if reply is None else reply.text[:LONGEST_REPLY],
                sources=() if reply is None else tuple(map(_source, reply.sources[:MOST_SOURCES])),
            )
            for name in names
            for reply in [replies.get((probe.id, name))]
            if (score := scores.get((probe.id, name))) is not None
        }
        yield ItemRow(probe.id, probe.category, probe.counted, results, probe.arm, probe.group, _asked(probe))


def _source(source: SourceText) -> str:
    return f"{source.name or 'unnamed'}: {source.text[:LONGEST_SOURCE]}"


def _asked(probe: Probe) -> str:
    """The beginning of what is put to a candidate, turn by turn; its own turns are left open."""
    if probe.messages is None:
        return (probe.prompt or "")[:LONGEST_REPLY]
    turns = [f"[{m.role}] {'…' if m.content is None else m.content[:LONGEST_REPLY]}" for m in probe.messages]
    return "\n".join(turns)[:LONGEST_REPLY]


def _uninformative(names: Sequence[str], sheet: Sheet) -> Iterator[Uninformative]:
    for probe in sheet.counted:
        for name in names:
            if not sheet.informative(probe, name):
                controls = ", ".join(sheet.controls(probe))
                yield Uninformative(probe.id, name, controls, "the candidate failed the item's positive control")
