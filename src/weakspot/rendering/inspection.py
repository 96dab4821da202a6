"""`weakspot inspect` in a terminal: a table with a column per model, then what is to be said of each."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from weakspot.records import Compute, Inspection, Inspections, KVCache, RiskResult
from weakspot.rendering import formats
from weakspot.rendering.text import one_line

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

NOT_STATED = "not stated"
_LONGEST = 400
CROSS = re.compile(r"\bm\b")


def inspections_renderable(found: Inspections) -> "Group":
    """The models side by side, then each one's cache, findings and notes; all of it plain `rich.text.Text`."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [_side_by_side(found.models)]
    for model in found.models:
        parts += [Text(), Text(one_line(model.model), style="bold")]
        parts += [Text(f"  {one_line(line, _LONGEST)}") for line in _said(model)]
    return Group(*parts)


def lint_renderable(found: Inspections) -> "Group":
    """Each model's findings alone, or that there are none."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for model in found.models:
        said = list(_findings(model)) or ["no findings"]
        parts += [Text(one_line(model.model), style="bold"), *(Text(f"  {one_line(line, _LONGEST)}") for line in said)]
    return Group(*parts)


def _findings(model: Inspection) -> Iterator[str]:
    for finding in model.lint or ():
        yield f"{finding.severity} {finding.rule}: {finding.message}"
        yield f"  {finding.hint}"


def _risks(model: Inspection) -> Iterator[str]:
    if model.risks:
        yield "what the structure predicts (from published mechanisms; no findings, and no causes):"
    for risk in model.risks:
        yield f"  {risk.direction}: {risk.failure}, since {risk.basis}"
        yield f"    {risk.mechanism} ({risk.source})"
        if not risk.results:
            yield f"    would show: {risk.probe}"
        for result in risk.results:
            yield f"    {result_words(result)}"
    for result in model.unpredicted:
        yield f"  {result_words(result)}"


def result_words(result: RiskResult) -> str:
    """What a run showed beside a prediction, in one line."""
    rate = f"{formats.percent(result.rate)} failed ({result.failed}/{result.n})"
    return f"{result.category}: {rate}; {result.verdict}"


def runs(entries: Sequence[str]) -> str:
    """A list with an entry per layer in short: "5 × MQA, sliding window 512; 1 × MQA" repeated as "3 × (...)"."""
    pairs = [(len(list(group)), entry) for entry, group in groupby(entries)]
    for period in range(1, len(pairs) // 2 + 1):
        if len(pairs) % period == 0 and all(pairs[i] == pairs[i % period] for i in range(len(pairs))):
            return f"{len(pairs) // period} × ({_joined(pairs[:period])})"
    return _joined(pairs)


def _joined(pairs: Sequence[tuple[int, str]]) -> str:
    return "; ".join(f"{count} × {entry}" for count, entry in pairs)


def _side_by_side(models: Sequence[Inspection]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("", *(model.model for model in models)):
        table.add_column(Text(one_line(name, 60)), overflow="fold")
    for label, show in ROWS:
        shown = [show(model) for model in models]
        if any(shown):
            table.add_row(Text(label), *(Text(one_line(value or NOT_STATED, _LONGEST)) for value in shown))
    for tokens in sorted({int(key) for model in models for key in model.kv_cache.at}):
        sizes = [model.kv_cache.at.get(str(tokens)) for model in models]
        cells = [Text(NOT_STATED if size is None else formats.size(size)) for size in sizes]
        table.add_row(Text(f"KV cache at {tokens:,}"), *cells)
    return table


def _said(model: Inspection) -> Iterator[str]:
    if model.kv_cache.formula is not None:
        yield f"KV cache in bytes ({model.kv_cache.dtype}): {model.kv_cache.formula}"
        read = ", m = tokens that the encoder read" if CROSS.search(model.kv_cache.formula) else ""
        yield f"  n = tokens in the context{read}"
    if model.compute is not None:
        yield from _costs(model, model.compute)
    yield from _findings(model)
    yield from _risks(model)
    for does in model.template_does:
        yield f"chat template: {does}"
    for said in model.unknown:
        yield f"could not be told: {said}"
    for note in model.notes:
        yield f"note: {note}"


def _costs(model: Inspection, compute: Compute) -> Iterator[str]:
    context, batch = model.kv_cache.context, model.kv_cache.batch
    yield (
        f"operations: {flops(compute.decode_flops)} for a token generated at {context:,} tokens, "
        f"{flops(compute.prefill_flops)} to read {context:,} ({compute.formula})"
    )
    yield (
        f"a step of {formats.plural(batch, 'sequence')} reads {formats.size(compute.decode_bytes)}: "
        f"{compute.intensity:.1f} operations a byte"
    )


def flops(number: int) -> str:
    """Operations with their unit: 835.2 MFLOP."""
    for unit, scale in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if number >= scale:
            return f"{number / scale:.1f} {unit}FLOP"
    return f"{number:,} FLOP"


def _parts(model: Inspection) -> str | None:
    if not model.parameters_by_part or not model.parameters:
        return None
    ordered = sorted(model.parameters_by_part.items(), key=lambda entry: -entry[1])
    return ", ".join(f"{part} {count / model.parameters:.1%}" for part, count in ordered)


def growth(cache: KVCache) -> str | None:
    """How the cache grows: "18,432 bytes a token, from 512 on 3,072"."""
    if cache.bytes is None or not cache.growth:
        return None
    first, *rest = cache.growth
    later = "".join(f", from {step.from_tokens:,} on {step.bytes_per_token:,}" for step in rest)
    return f"{first.bytes_per_token:,} bytes a token{later}"


def _count(value: int | None) -> str | None:
    return None if value is None else formats.count(value)


def _parameters(model: Inspection) -> str | None:
    if model.parameters is None:
        return None
    return f"{formats.large(model.parameters)} ({formats.count(model.parameters)}; {model.parameters_from})"


def _active(model: Inspection) -> str | None:
    if model.active_parameters is None or model.active_parameters == model.parameters:
        return None
    return f"{formats.large(model.active_parameters)} in one token"


def _heads(model: Inspection) -> str | None:
    if model.heads is None:
        return None
    size = f" of {model.head_dim}" if model.head_dim else ""
    return f"{model.heads}{size}, {model.kv_heads if model.kv_heads is not None else NOT_STATED} for keys and values"


def _experts(model: Inspection) -> str | None:
    if model.experts is None:
        return None
    return f"{model.experts}, {model.experts_used if model.experts_used is not None else NOT_STATED} used for a token"


ROWS: tuple[tuple[str, Callable[[Inspection], str | None]], ...] = (
    ("Family", lambda m: m.family),
    ("Kind", lambda m: m.kind),
    ("Parameters", _parameters),
    ("By part", _parts),
    ("Active", _active),
    ("Layers", lambda m: _count(m.layers)),
    ("Hidden size", lambda m: _count(m.hidden)),
    ("Feed-forward size", lambda m: _count(m.feed_forward)),
    ("Heads", _heads),
    ("Experts", _experts),
    ("Attention", lambda m: runs(m.attention) or None),
    ("Positions", lambda m: runs(m.positions) or None),
    ("Norm", lambda m: m.norm),
    ("Activation", lambda m: m.activation),
    ("Vocabulary", lambda m: _count(m.vocabulary)),
    ("Context, declared", lambda m: _count(m.context)),
    ("Tokenizer", lambda m: m.tokenizer),
    ("Tied embeddings", lambda m: None if m.tied_embeddings is None else ("yes" if m.tied_embeddings else "no")),
    ("Stored as", lambda m: m.quantisation),
    ("Weights", lambda m: None if m.weights_bytes is None else formats.size(m.weights_bytes)),
    ("Weights in bf16", lambda m: formats.size(m.bytes_by_dtype["bf16"]) if m.bytes_by_dtype else None),
    ("Largest batch", lambda m: _count(m.largest_batch)),
    ("KV cache grows by", lambda m: growth(m.kv_cache)),
)
