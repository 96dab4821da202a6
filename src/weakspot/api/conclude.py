"""From responses to conclusions: scores, cards, token pieces and the summary, all saved into the run."""

from collections.abc import Callable, Sequence

import msgspec

from weakspot.anatomy.card import card_from_gguf, card_from_hf
from weakspot.anatomy.confounds import confounds
from weakspot.api.metrics import measured
from weakspot.artifacts.locate import gguf_path
from weakspot.artifacts.zoo import ZOO
from weakspot.errors import WeakspotError
from weakspot.records import Candidate, Card, ModelInfo, Probe, Reply, Response, Score, Summary, from_json, to_json
from weakspot.runs.compare import Cost, Scores, summarise
from weakspot.runs.plan import Plan
from weakspot.runs.sensitivity import Sensitivity
from weakspot.scorers import score_error, score_reply
from weakspot.store.run import RunStore
from weakspot.tokens.gguf_vocabulary import read_vocabulary
from weakspot.tokens.loading import load_tokenizer
from weakspot.tokens.vocabulary import Vocabulary


def conclude(store: RunStore, plan: Plan, probes: Sequence[Probe]) -> Summary:
    """Score every response, look at the models' headers, count, and save it all."""
    for candidate in plan.candidates:
        responses = {r.probe: r for r in (from_json(row, Response) for row in store.responses(candidate.name))}
        found = score_all(probes, candidate.name, responses)
        store.set_scores([(probe, candidate.name, to_json(score)) for probe, score in found.items()])
        save_anatomy(store, candidate)
    return count_up(store, plan, probes)


def count_up(store: RunStore, plan: Plan, probes: Sequence[Probe]) -> Summary:
    """The summary of what is saved: verdicts are taken as they stand, so that those of other tools stay theirs."""
    scores = {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
    summary = summary_of(store, plan, probes, scores)
    store.set_meta("summary", to_json(summary))
    return summary


def summary_of(store: RunStore, plan: Plan, probes: Sequence[Probe], scores: Scores) -> Summary:
    """The summary that these scores give; nothing is saved."""
    infos: dict[str, ModelInfo] = {}
    costs: dict[str, Cost] = {}
    for candidate in plan.candidates:
        info = store.meta(f"info/{candidate.name}")
        if info is not None:
            infos[candidate.name] = from_json(info, ModelInfo)
        costs[candidate.name] = _cost(store, candidate.name)
    summary = _with_confounds(store, summarise(plan, probes, scores, infos, costs))
    return msgspec.structs.replace(summary, metrics=measured(store, list(summary.models), probes, scores))


def _with_confounds(store: RunStore, summary: Summary) -> Summary:
    """List what else differs between the two, so that no difference is laid to one of them alone."""

    def card(name: str) -> Card | None:
        raw = store.meta(f"card/{name}")
        return None if raw is None else from_json(raw, Card)

    infos = {name: model.info for name, model in summary.models.items()}
    named = [
        msgspec.structs.replace(
            pair, confounds=tuple(confounds(card(pair.a), card(pair.b), infos[pair.a], infos[pair.b]))
        )
        for pair in summary.comparisons
    ]
    return msgspec.structs.replace(summary, comparisons=tuple(named))


def score_all(probes: Sequence[Probe], candidate: str, responses: dict[str, Response]) -> dict[str, Score]:
    """A score for every response, by probe; a metamorphic twin is looked up among the same candidate's replies."""

    def twin(probe: str) -> Reply | None:
        other = responses.get(probe)
        return None if other is None else other.final

    return {probe.id: _score(probe, candidate, responses[probe.id], twin) for probe in probes if probe.id in responses}


def _score(probe: Probe, candidate: str, response: Response, twin: Callable[[str], Reply | None]) -> Score:
    if response.error is not None:
        return score_error(probe, candidate, response.error)
    final = response.final
    if final is None:
        raise AssertionError("a response has a final reply or an error")
    return score_reply(probe, candidate, final, twin, response.replies[:-1])


def _cost(store: RunStore, name: str) -> Cost:
    replies = [reply for row in store.responses(name) for reply in from_json(row, Response).replies]
    raw = store.meta(f"sensitivity/{name}")
    timed = sorted(reply.timings.total_s for reply in replies if not reply.cached and reply.timings.total_s > 0)
    return Cost(
        prompt_tokens=sum(reply.usage.prompt_tokens or 0 for reply in replies),
        completion_tokens=sum(reply.usage.completion_tokens or 0 for reply in replies),
        wall_s=float(store.meta(f"seconds/{name}") or b"0"),
        batch_sensitivity=None if raw is None else from_json(raw, Sensitivity).rate,
        latency_p50_s=timed[(len(timed) - 1) // 2] if timed else None,
        latency_p95_s=timed[(len(timed) - 1) * 19 // 20] if timed else None,
    )


def save_anatomy(store: RunStore, candidate: Candidate) -> None:
    """Keep the architecture card, and what stands behind every token id of the run, so that a report needs no model.

    A file that can't be read any more is no reason to lose a finished run: the report says "not stated" then.
    """
    try:
        if (card := card_of(candidate)) is not None:
            store.set_meta(f"card/{candidate.name}", to_json(card))
        if candidate.kind in ("gguf", "hf"):
            _save_pieces(store, candidate)
    except WeakspotError as error:
        store.set_meta(f"card-missing/{candidate.name}", f"{error.message} {error.hint}".strip().encode())


def card_of(candidate: Candidate) -> Card | None:
    """The architecture card of a candidate whose files lie here; None for endpoints and scripted models."""
    if candidate.kind == "gguf":
        title = ZOO[candidate.location].title if candidate.location in ZOO else candidate.name
        return card_from_gguf(gguf_path(candidate), title)
    if candidate.kind == "hf" and not candidate.location.startswith("hf:"):
        return card_from_hf(candidate.location, candidate.name)
    return None


def vocabulary_of(candidate: Candidate) -> Vocabulary:
    """What stands behind the ids of a candidate whose files lie here.

    Raises:
        UnknownTokenizer, CorruptFile: the files hold no tokenizer that can be read.
    """
    if candidate.kind == "gguf":
        return read_vocabulary(gguf_path(candidate))
    return load_tokenizer(candidate.location).vocabulary


def _save_pieces(store: RunStore, candidate: Candidate) -> None:
    known = store.pieces(candidate.name)
    seen: set[int] = set()
    for row in store.responses(candidate.name):
        for reply in from_json(row, Response).replies:
            seen.update(reply.prompt_ids or ())
            seen.update(reply.output_ids or ())
    if missing := seen - known.keys():
        vocabulary = vocabulary_of(candidate)
        store.add_pieces(candidate.name, [(token, *vocabulary.piece(token)) for token in sorted(missing)])
