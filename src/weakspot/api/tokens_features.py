"""`weakspot.tokens.features`: the token features of every response of a run, measured once and kept with it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from weakspot.api.compare import saved_plan
from weakspot.artifacts.locate import gguf_path
from weakspot.errors import UsageError, WeakspotError
from weakspot.findings.measures import Measurer
from weakspot.records import Candidate, Probe, Response, from_json, to_json
from weakspot.records.features import FEATURES_VERSION, CandidateFeatures, TokenFeatures, TokenMeasures
from weakspot.rendering import write_csv
from weakspot.store.run import RunStore
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer

NUMBERS = [field for field in TokenMeasures.__struct_fields__ if field != "pieces"]
NAME_ONE = "Name one: --tokenizer '{}=REFERENCE'."


def features(
    run: str | Path,
    *,
    tokenizers: Mapping[str, str] | None = None,
    again: bool = False,
    csv: str | Path | None = None,
) -> list[CandidateFeatures]:
    """The token features of every response of a run: of what the user says, and of the whole prompt where ids are kept.

    What was measured is saved in the run, so that the next call, and a report, need no tokenizer.

    Args:
        run: the run folder.
        tokenizers: candidate to tokenizer reference, for a candidate without a tokenizer of its own here (an endpoint,
            a scripted model), or to measure with another one.
        again: measure again what was saved.
        csv: a file for one flat row a response, replaced if it is there.

    Returns:
        One record a candidate; where no tokenizer is to be had, its `missing` says why.

    Raises:
        NotARun, RunSchemaMismatch, RunInUse: the folder.
        UsageError: a tokenizer is named for a candidate that the run does not have.
        UnknownTokenizer, CorruptFile, ...: a tokenizer that was named can't be opened.
        DiskFull: no room for the file.
    """
    place, named = Path(run).expanduser(), dict(tokenizers or {})
    with RunStore.open(place) as store:
        plan, probes = saved_plan(store)
        _check_names(named, plan.candidates)
        found = {c.name: None if again or c.name in named else _saved(store, c.name) for c in plan.candidates}
    if any(one is None for one in found.values()):
        with RunStore.open(place, write=True) as store:
            for candidate in plan.candidates:
                if found[candidate.name] is None:
                    measured = _measured(store, candidate, probes, named.get(candidate.name))
                    store.set_meta(_key(candidate.name), to_json(measured))
                    found[candidate.name] = measured
    result = [one for one in found.values() if one is not None]
    if csv is not None:
        write_csv(feature_rows(result), Path(csv).expanduser(), _columns())
    return result


def feature_rows(found: Sequence[CandidateFeatures]) -> Iterator[dict[str, object]]:
    """One flat row a response, for a table: probe, candidate, tokenizer, then `user_...` and `prompt_...` measures."""
    for one in found:
        for row in one.rows:
            flat: dict[str, object] = {"probe": row.probe, "candidate": row.candidate, "tokenizer": one.tokenizer}
            for part, measures in (("user", row.user), ("prompt", row.prompt)):
                flat.update({f"{part}_{name}": getattr(measures, name, None) for name in NUMBERS})
            yield {**flat, "same_ids": row.same_ids}


def _columns() -> list[str]:
    measured = [f"{part}_{name}" for part in ("user", "prompt") for name in NUMBERS]
    return ["probe", "candidate", "tokenizer", *measured, "same_ids"]


def said_by_user(probe: Probe) -> str:
    """What a probe says as the user, one turn a line; of a raw prompt, that."""
    if probe.prompt is not None:
        return probe.prompt
    return "\n".join(m.content or "" for m in probe.messages or () if m.role == "user")


def _key(candidate: str) -> str:
    return f"features/{candidate}"


def _saved(store: RunStore, candidate: str) -> CandidateFeatures | None:
    """What was saved, if it is of this version, whole, and covers every response that has come since."""
    raw = store.meta(_key(candidate))
    if raw is None:
        return None
    try:
        found = from_json(raw, CandidateFeatures)
    except msgspec.MsgspecError:
        return None  # damaged, or of another version: measured again
    answered = [from_json(row, Response).probe for row in store.responses(candidate)]
    whole = found.version == FEATURES_VERSION and [row.probe for row in found.rows] == answered
    return found if whole and not found.missing else None


def _measured(store: RunStore, candidate: Candidate, probes: Sequence[Probe], named: str | None) -> CandidateFeatures:
    try:
        tokenizer = _tokenizer(candidate, named)
    except WeakspotError as error:
        if named is not None:
            raise
        return CandidateFeatures(
            candidate=candidate.name,
            missing=f"{candidate.name} has no token features: {error.message} {NAME_ONE.format(candidate.name)}",
        )
    by_id = {probe.id: probe for probe in probes}
    measurer = Measurer(tokenizer)
    rows = []
    for raw in store.responses(candidate.name):
        response = from_json(raw, Response)
        rows.append(_row(measurer, by_id[response.probe], response))
    return CandidateFeatures(
        candidate=candidate.name,
        tokenizer=named or tokenizer.name,
        fingerprint=tokenizer.fingerprint,
        rows=tuple(rows),
        remarks=(*tokenizer.remarks, *_disagreement(candidate.name, tokenizer, rows)),
    )


def _tokenizer(candidate: Candidate, named: str | None) -> Tokenizer:
    if named is not None:
        return load_tokenizer(named)
    if candidate.kind == "gguf":
        found = load_tokenizer(str(gguf_path(candidate)))
        found.name = candidate.location  # a path into a cache says less
        return found
    if candidate.kind == "hf":
        return load_tokenizer(candidate.location)
    kind = "An endpoint" if candidate.kind == "endpoint" else "A scripted model"
    raise UsageError(f"{kind} has no tokenizer that lies here.")


def _row(measurer: Measurer, probe: Probe, response: Response) -> TokenFeatures:
    final = response.final
    fed = None if final is None or not final.prompt_ids or final.prompt_text is None else final.prompt_text
    same = None
    if final is not None and fed is not None:
        same = _same(measurer.tokenizer.ids(fed, parse_special=True), final.prompt_ids or ())
    return TokenFeatures(
        probe=probe.id,
        candidate=response.candidate,
        user=measurer.measure(said_by_user(probe)),
        prompt=None if fed is None else measurer.measure(fed, words=False),
        same_ids=same,
    )


def _same(ours: Sequence[int], recorded: Sequence[int]) -> bool:
    """Whether two rows of ids are one, but for a BOS that the engine set before its own."""
    return list(ours) in (list(recorded), list(recorded[1:]))


def _disagreement(name: str, tokenizer: Tokenizer, rows: Sequence[TokenFeatures]) -> Iterator[str]:
    told = [row.same_ids for row in rows if row.same_ids is not None]
    if other := told.count(False):
        yield (
            f"{tokenizer.name} makes other ids than {name} was fed for {other} of {len(told)} prompts: it may be "
            "another tokenizer than the model's."
        )


def _check_names(named: Mapping[str, str], candidates: Sequence[Candidate]) -> None:
    known = [candidate.name for candidate in candidates]
    for name in named:
        if name not in known:
            raise UsageError(f"The run has no candidate {name!r}.", hint=f"It has: {', '.join(known)}.")
