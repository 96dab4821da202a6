"""Inspected models as one HTML page that loads nothing and runs no script: form, layers, costs, lint, predictions."""

from collections.abc import Sequence
from typing import NamedTuple

from weakspot.records import Inspection, Inspections, KVCache
from weakspot.rendering import formats
from weakspot.rendering.environment import environment
from weakspot.rendering.inspection import CROSS, NOT_STATED, ROWS, flops, result_words
from weakspot.version import __version__

MOST_LAYERS = 400
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 300, 80, 34, 12, 12
"""The chart's size and margins in its own units."""
COLOURS = 5
STEPS = 64
LEAST_TOKENS = 8192
"""The chart reaches at least so far, that windows are seen to end."""


class FormRow(NamedTuple):
    """A property of every model."""

    label: str
    values: tuple[str, ...]
    differs: bool


class Cell(NamedTuple):
    """One layer of the strip: its class, and what stands behind it."""

    kind: str
    title: str


class Line(NamedTuple):
    """One model's cache over the context: which colour, its name, and the points of the line."""

    colour: int
    name: str
    points: str


class Chart(NamedTuple):
    """The lines, and ticks as (place, label) along both axes."""

    lines: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


def inspections_html(found: Inspections) -> str:
    """The page. Every expression of the template passes `markup.plain` and is then escaped."""
    models = found.models
    return (
        environment()
        .get_template("inspect_page.html")
        .render(
            models=models,
            names=[one.model for one in models],
            form=form(models),
            strips=[strip(one) for one in models],
            costs=[cost_rows(one) for one in models],
            chart=chart(models),
            results=[[[result_words(r) for r in risk.results] for risk in one.risks] for one in models],
            unpredicted=[[result_words(r) for r in one.unpredicted] for one in models],
            size={"width": WIDTH, "height": HEIGHT, "left": LEFT, "bottom": HEIGHT - BOTTOM, "right": WIDTH - RIGHT},
            version=__version__,
        )
    )


def inspections_fragment(found: Inspections) -> str:
    """The models side by side for a notebook (`_repr_html_`): their form, cache and findings, no style sheet."""
    return (
        environment()
        .get_template("inspect_fragment.html")
        .render(models=found.models, names=[one.model for one in found.models], form=form(found.models))
    )


def form(models: Sequence[Inspection]) -> list[FormRow]:
    """Every property side by side; a row differs where two models state different values."""
    rows = [(label, tuple(show(model) or NOT_STATED for model in models)) for label, show in ROWS]
    return [
        FormRow(label, values, len({value for value in values if value != NOT_STATED}) > 1)
        for label, values in rows
        if any(value != NOT_STATED for value in values)
    ]


def strip(one: Inspection) -> list[Cell]:
    """One cell a layer, in order."""
    positions = one.positions or (NOT_STATED,) * len(one.attention)
    return [
        Cell(_kind(attention), f"layer {n}: {attention}; positions: {position}")
        for n, (attention, position) in enumerate(zip(one.attention[:MOST_LAYERS], positions, strict=False))
    ]


def _kind(attention: str) -> str:
    if "sliding window" in attention or "chunks of" in attention:
        return "sliding"
    if "not stated" in attention:
        return "unknown"
    return "full" if any(name in attention for name in ("MHA", "GQA", "MQA", "MLA", "attention")) else "recurrent"


def cost_rows(one: Inspection) -> list[tuple[str, str, str]]:
    """What it costs: label, value, formula."""
    rows = [(f"Parameters: {part}", formats.count(n), "") for part, n in one.parameters_by_part.items()]
    rows += [(f"Weights in {name}", formats.size(n), "") for name, n in one.bytes_by_dtype.items()]
    kv = one.kv_cache
    if kv.bytes is not None:
        label = f"KV cache, {formats.plural(kv.context, 'token')}, {formats.plural(kv.batch, 'sequence')}"
        rows.append((label, formats.size(kv.bytes), f"{kv.formula or ''} ({kv.dtype}; n: tokens in the context)"))
    rows += [(f"KV cache at {formats.count(int(n))}", formats.size(size), "") for n, size in kv.at.items()]
    if (work := one.compute) is not None:
        rows.append(("A token generated", flops(work.decode_flops), work.formula))
        rows.append(("Reading the context", flops(work.prefill_flops), ""))
        rows.append(
            ("Bytes read in a step", formats.size(work.decode_bytes), f"{work.intensity:.1f} operations a byte")
        )
    return rows


def chart(models: Sequence[Inspection]) -> Chart | None:
    """The cache over the context; None where no model has one."""
    caches = [(number, one.model, one.kv_cache) for number, one in enumerate(models) if one.kv_cache.bytes]
    if not caches:
        return None
    tokens = max(LEAST_TOKENS, *(kv.context for _, _, kv in caches))
    most = max(_at(kv, tokens) for _, _, kv in caches) or 1
    lines = []
    for number, name, kv in caches:
        bends = {step.from_tokens for step in kv.growth if step.from_tokens <= tokens}
        stops = sorted({tokens * step // STEPS for step in range(STEPS + 1)} | bends)
        points = " ".join(f"{_x(n / tokens):.1f},{_y(_at(kv, n) / most):.1f}" for n in stops)
        lines.append(Line(number % COLOURS, name, points))
    quarters = (0, 0.25, 0.5, 0.75, 1)
    return Chart(
        tuple(lines),
        tuple((_x(part), formats.count(round(tokens * part))) for part in quarters),
        tuple((_y(part), formats.size(round(most * part))) for part in quarters),
    )


def _at(kv: KVCache, tokens: int) -> int:
    """Bytes at so many tokens: what grows, and beside it what is there from the first token on.

    Where an encoder's tokens are kept too, the steps of growth are the decoder's alone: then the line goes through the
    sizes that were counted, straight, for such models have no windows.
    """
    if kv.formula is not None and CROSS.search(kv.formula):
        (first, low), *_, (last, high) = sorted((int(n), size) for n, size in kv.at.items())
        return round(low + (high - low) * (tokens - first) / (last - first))
    return (kv.bytes or 0) - _grown(kv, kv.context) + _grown(kv, tokens)


def _grown(kv: KVCache, tokens: int) -> int:
    ends = [step.from_tokens for step in kv.growth[1:]] + [max(tokens, kv.growth[-1].from_tokens)]
    spans = (max(0, min(tokens, end) - step.from_tokens) for step, end in zip(kv.growth, ends, strict=True))
    return kv.batch * sum(span * step.bytes_per_token for span, step in zip(spans, kv.growth, strict=True))


def _x(part: float) -> float:
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def _y(part: float) -> float:
    return HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)
