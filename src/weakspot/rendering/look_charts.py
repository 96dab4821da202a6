"""The drawings of a look that the page brings along as SVG: lines over layers, and effects beside those of others."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from weakspot.records.look import HeadEffect, Look, Stack
from weakspot.rendering import formats
from weakspot.rendering.look_words import signed

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 210, 64, 12, 14, 34
"""A line chart's size and margins in its own units."""
SIZE = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "bottom": HEIGHT - BOTTOM, "right": WIDTH - RIGHT}
STRIP, EDGE = 300, 10
"""The width of a strip, as the template draws it, and its margin."""


class Line(NamedTuple):
    """One line: which colour, its name, and its points as SVG writes them."""

    colour: int
    name: str
    points: str


class Chart(NamedTuple):
    """Lines over layers, with ticks as (place, label) along both axes."""

    title: str
    note: str
    lines: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


class Strip(NamedTuple):
    """One effect beside the others': places along a common axis; `zero` is where nothing changes."""

    own: float
    others: tuple[float, ...]
    zero: float
    band: tuple[float, float] | None
    label: str


def charts(look: Look) -> dict[str, Chart | None]:
    """Sink by layer; the answer's rank and probability by layer. None where there is nothing to draw."""
    ranks = [(one.layer, math.log10(one.rank + 1)) for one in look.lens]
    likely = [(one.layer, one.probability) for one in look.lens]
    deepest = max(1, math.ceil(max((value for _, value in ranks), default=1)))
    step = math.ceil(deepest / 6)
    decades = [(float(n), _short(10**n)) for n in range(0, deepest + step, step)]
    return {
        "sink": _chart("Attention to the first token", "mean over a layer's heads", _sinks(look), PARTS),
        "rank": _chart(
            "Rank of the answer", "1 is likeliest; logarithmic", [("rank", ranks)], decades, upside_down=True
        ),
        "probability": _chart("Probability of the answer", "its first token", [("probability", likely)], PARTS),
    }


PARTS = [(part, f"{part:.0%}") for part in (0.0, 0.25, 0.5, 0.75, 1.0)]


def sink_means(look: Look) -> dict[Stack, dict[int, float]]:
    """The mean sink of each layer's heads, by stack."""
    found: dict[Stack, dict[int, list[float]]] = {}
    for head in look.heads:
        if formats.known(head.sink):
            found.setdefault(head.stack, {}).setdefault(head.layer, []).append(head.sink)
    return {
        stack: {layer: sum(values) / len(values) for layer, values in sorted(layers.items())}
        for stack, layers in found.items()
    }


def _sinks(look: Look) -> list[tuple[str, list[tuple[int, float]]]]:
    return [(stack, list(layers.items())) for stack, layers in sink_means(look).items()]


def _short(number: int) -> str:
    """1, 10, 100, 1k, 10k, 100k, 1M: an axis has little room."""
    return f"{number // 10**6:,}M" if number >= 10**6 else f"{number // 1000}k" if number >= 1000 else str(number)


def _chart(
    title: str,
    note: str,
    series: Sequence[tuple[str, Sequence[tuple[int, float]]]],
    ticks: Sequence[tuple[float, str]],
    *,
    upside_down: bool = False,
) -> Chart | None:
    kept = [(name, [point for point in points if formats.known(point[1])]) for name, points in series]
    layers = [layer for _, points in kept for layer, _ in points]
    if not layers:
        return None
    low, high = min(layers), max(*layers, min(layers) + 1)
    most = ticks[-1][0]

    def x(layer: int) -> float:
        return round(LEFT + (layer - low) / (high - low) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        part = value / most if upside_down else 1 - value / most
        return round(TOP + min(1.0, max(0.0, part)) * (HEIGHT - TOP - BOTTOM), 1)

    lines = tuple(
        Line(n, name, " ".join(f"{x(layer)},{y(value)}" for layer, value in points))
        for n, (name, points) in enumerate(kept)
    )
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 10_000) if (high - low) / s <= 12)
    across = tuple((x(layer), str(layer)) for layer in range(low, high + 1) if layer % step == 0)
    return Chart(title, note, lines, across, tuple((y(v), label) for v, label in ticks))


def strips(effects: Sequence[HeadEffect]) -> list[Strip]:
    """One strip an effect, all on one axis, so that a long bar is a large effect anywhere in the block."""
    values = [v for one in effects for v in (one.effect, *one.others, one.low, one.high) if v is not None]
    values = [value for value in values if math.isfinite(value)]
    low, high = min(0.0, *values) if values else 0.0, max(0.0, *values) if values else 0.0
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return round(EDGE + (value - low) / span * (STRIP - 2 * EDGE), 1)

    return [
        Strip(
            own=x(one.effect) if math.isfinite(one.effect) else x(0.0),
            others=tuple(x(value) for value in one.others if math.isfinite(value)),
            zero=x(0.0),
            band=_band(one, x),
            label=f"own effect {signed(one.effect)} nats, {formats.plural(len(one.others), 'other')}"
            + (f" from {signed(min(one.others))} to {signed(max(one.others))}" if one.others else ""),
        )
        for one in effects
    ]


def _band(one: HeadEffect, x: Callable[[float], float]) -> tuple[float, float] | None:
    """The interval of an effect: its left end and its width."""
    if one.low is None or one.high is None or not (math.isfinite(one.low) and math.isfinite(one.high)):
        return None
    left, right = sorted((x(one.low), x(one.high)))
    return left, max(1.0, round(right - left, 1))
