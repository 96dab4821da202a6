"""`weakspot.tokens.glitch`: the under-trained and the unreachable tokens of a model."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import numpy as np

from weakspot.api.opening import contenders
from weakspot.artifacts.embeddings import Embeddings, read_embeddings
from weakspot.artifacts.locate import gguf_path, make_ready
from weakspot.artifacts.reference import parse
from weakspot.contracts import Model
from weakspot.errors import CorruptFile, UsageError
from weakspot.records import Candidate
from weakspot.records.glitch import GlitchReport, GlitchToken, Group, PhrasingAbility
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer
from weakspot.tokens.text import without_surrogates
from weakspot.vocabularies.reachability import unreachable_tokens
from weakspot.vocabularies.repeating import CONTEXT, Asked, abilities, ask_to_repeat, outcome, pick_controls
from weakspot.vocabularies.undertrained import Suspicion, groups_of, suspect

Progress = Callable[[str, int, int], None]
T = TypeVar("T")

MOST: Final = 30
MOST_CONTROLS: Final = 24


class _Asking(NamedTuple):
    """What to ask: suspicious tokens and well-trained ones."""

    suspicious: list[int]
    controls: list[int]


def glitch(
    model: str,
    *,
    verify: bool = True,
    most: int = MOST,
    accept_licence: bool = False,
    progress: Progress | None = None,
) -> GlitchReport:
    """Find the under-trained tokens of a model, and the tokens that no text becomes.

    Three looks: every row of the embeddings is measured against where untrained rows lie; every token is looked for in
    what its own text and its neighbours encode to; and the model is asked to repeat the most suspicious tokens, beside
    well-trained ones of the same lengths.

    Args:
        model: a reference to a GGUF file or a Hugging Face folder with safetensors; a bundled model is fetched.
        verify: ask the model (needs its backend); without, every verdict is `not-asked`.
        most: how many suspicious tokens to ask for, the most suspicious first.
        accept_licence: accept a bundled model's own terms.
        progress: told what is being done, and how many of how many steps of it are.

    Raises:
        UnknownModel, UsageError: the reference names no weights that lie here.
        CorruptFile: a damaged file, or a tokenizer with more tokens than the matrix has rows.
        MissingExtra, ModelError: the model cannot be opened, or answers nothing.
    """
    if most < 1:
        raise UsageError("At least one token has to be asked for.", hint="To ask nothing, leave verification out.")
    candidate = parse(model)
    path = _weights(candidate, accept_licence=accept_licence, progress=progress)
    tokenizer = load_tokenizer(str(path), accept_licence=accept_licence)
    embeddings = read_embeddings(path)
    rows = embeddings.input.shape[0]
    if tokenizer.vocabulary.size > rows:
        raise CorruptFile(
            f"{path.name!r} has {rows:,} embeddings, but a tokenizer of {tokenizer.vocabulary.size:,} ids.",
            hint="The tokenizer is another model's, or tokens were added without resizing the embeddings.",
        )
    unreachable = unreachable_tokens(tokenizer, progress)
    groups = groups_of(tokenizer.vocabulary, rows, frozenset(token.id for token in unreachable))
    found = suspect(embeddings, groups, tokenizer.vocabulary, progress)
    report = _report(candidate, tokenizer, embeddings, groups, found)
    report = msgspec.structs.replace(report, unreachable=unreachable)
    if not verify or not report.flagged:
        return report
    return _verified(report, candidate, tokenizer, _asking(report, tokenizer, groups, found, most), progress)


def _weights(candidate: Candidate, *, accept_licence: bool, progress: Progress | None) -> Path:
    if candidate.kind == "gguf":
        tell = progress or (lambda _what, _done, _total: None)
        make_ready(candidate, accept_licence=accept_licence, progress=tell)
        return gguf_path(candidate)
    if candidate.kind == "hf" and not candidate.location.startswith("hf:"):
        return Path(candidate.location)
    raise UsageError(
        f"{candidate.reference!r} names no weights that lie on this machine.",
        hint="The embeddings are read: name a GGUF file, a folder with safetensors or a bundled model.",
    )


def _report(
    candidate: Candidate, tokenizer: Tokenizer, embeddings: Embeddings, groups: Sequence[Group], found: Suspicion
) -> GlitchReport:
    order = [int(row) for row in np.argsort(found.scores, kind="stable") if found.flagged[row]]
    tokens = [_token(tokenizer, groups, found, row) for row in order]
    notes = list(tokenizer.remarks)
    if found.reference == 0:
        notes.append(
            "No known-unused tokens agree on a place, so only norms and the distance to the mean were measured: "
            "tokens that collapsed onto one another elsewhere are not seen."
        )
    return GlitchReport(
        model=candidate.reference,
        fingerprint=tokenizer.fingerprint,
        tied=embeddings.tied,
        dtype=embeddings.input.type,
        rows=embeddings.input.shape[0],
        width=embeddings.input.shape[1],
        ordinary=groups.count("ordinary"),
        reference=found.reference,
        rule=found.rule,
        indicators=tuple(one.indicator for one in found.measured),
        groups=dict(Counter(groups)),
        flagged=tuple(token for token in tokens if token.group == "ordinary"),
        aside=tuple(token for token in tokens if token.group != "ordinary"),
        unreachable=(),
        notes=tuple(notes),
    )


def _token(tokenizer: Tokenizer, groups: Sequence[Group], found: Suspicion, row: int) -> GlitchToken:
    lowest = min(found.measured, key=lambda one: float(one.scores[row])).indicator
    return GlitchToken(
        id=row,
        text=without_surrogates(tokenizer.vocabulary[row].text),
        group=groups[row],
        score=round(float(found.scores[row]), 2),
        indicator=f"{lowest.matrix} {lowest.name}",
        values={
            f"{one.indicator.matrix} {one.indicator.name}": round(float(one.values[row]) / one.indicator.median, 4)
            for one in found.measured
            if one.indicator.median > 0
        },
    )


def _asking(
    report: GlitchReport, tokenizer: Tokenizer, groups: Sequence[Group], found: Suspicion, most: int
) -> _Asking:
    """The most suspicious, and controls out of the middle half of the ordinary tokens by score."""
    suspicious = [token.id for token in report.flagged[:most]]
    ordinary = np.array([group == "ordinary" for group in groups]) & ~found.flagged
    low, high = np.quantile(found.scores[ordinary], (0.25, 0.75)) if ordinary.any() else (0.0, 0.0)
    usual = np.flatnonzero(ordinary & (found.scores >= low) & (found.scores <= high))
    return _Asking(suspicious, pick_controls(tokenizer, suspicious, usual.tolist(), MOST_CONTROLS))


def _verified(
    report: GlitchReport, candidate: Candidate, tokenizer: Tokenizer, asking: _Asking, progress: Progress | None
) -> GlitchReport:
    model = contenders([candidate])[0].model
    asked = _finished(_ask(model, tokenizer, [*asking.suspicious, *asking.controls], progress))
    by_token = {one.token: one for one in asked}
    controls = [by_token[token] for token in asking.controls]
    able = abilities(controls)
    usable = frozenset(one.phrasing for one in able if one.usable)
    verdicts = [outcome(one.trials, usable).verdict for one in controls]
    return msgspec.structs.replace(
        report,
        flagged=tuple(_judged(token, by_token.get(token.id), usable) for token in report.flagged),
        abilities=able,
        controls=len(controls),
        controls_failed=verdicts.count("verified"),
        notes=(*report.notes, *_remarks(able)),
    )


def _judged(token: GlitchToken, asked: Asked | None, usable: frozenset[str]) -> GlitchToken:
    if asked is None:
        return token
    verdict, probability = outcome(asked.trials, usable)
    return msgspec.structs.replace(
        token, verdict=verdict, probability=probability, repetitions=tuple(asked.trials.values())
    )


def _remarks(able: Sequence[PhrasingAbility]) -> list[str]:
    out = []
    if not any(one.usable for one in able):
        out.append("The model repeats too few well-trained tokens in any phrasing: asking it shows nothing.")
    if all(one.probability is None for one in able):
        out.append("The backend gives no log-probabilities: a verdict stands on the replies' text alone.")
    return out


async def _ask(model: Model, tokenizer: Tokenizer, tokens: Sequence[int], progress: Progress | None) -> list[Asked]:
    try:
        await model.open(CONTEXT)
        return await ask_to_repeat(model, tokenizer, tokens, progress)
    finally:
        await model.close()


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, also inside a notebook, whose own event loop can't be entered twice."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
