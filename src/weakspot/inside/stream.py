"""The residual stream: its norm by layer and position, massive activations, and what each layer would answer.

The lens reads a layer's stream through the model's own tail - everything that it does behind its last layer - by
putting that stream in place of the last layer's result; so soft caps, scales and norms are the model's, whatever they
are. Logit lens: nostalgebraist 2020, "interpreting GPT". Massive activations: Sun et al. 2024, arXiv 2402.17762.
"""

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from weakspot.inside.passes import Input, Passes, hooked
from weakspot.records.look import LensCell, LensLayer, Massive, Residual, Stack

POSITIONS = 24
"""Positions of the lens's grid: the last ones."""
COLUMNS = 128
ROWS = 64
"""Distributions held at once: 64 of a vocabulary of 262,144 take 67 MB."""
LARGE, TIMES = 100.0, 1000.0
CLOSE = 0.05
"""Nats by which the tail may differ from the pass itself before the lens is refused."""
TOP = 5
Words = Callable[[Sequence[int]], list[str]]


class Stream(NamedTuple):
    """One stack's stream: `tail` is (layers + 1, last positions, hidden), the others (layers + 1, positions)."""

    stack: Stack
    norms: Any
    largest: Any
    where: Any
    median: Any
    tail: Any


def streams(passes: Passes, given: Input, positions: int = POSITIONS) -> tuple[list[Stream], Any]:
    """Every stack's stream in one pass, and the logits of that pass."""
    torch = passes.torch
    kept: dict[Stack, list[tuple[Any, ...]]] = {stack: [] for stack in passes.parts.layers}

    def keep(stack: Stack, stream: Any) -> None:
        values = stream[0].float()
        largest, where = values.abs().max(-1)
        signed = values.gather(1, where[:, None])[:, 0]
        kept[stack].append(
            (values.norm(dim=-1), signed, where, values.abs().median(), stream[0, -positions:].clone(), largest)
        )

    with contextlib.ExitStack() as hooks:
        for stack, layers in passes.parts.layers.items():

            def first(_m: Any, arguments: Any, named: Any, stack: Stack = stack) -> None:
                keep(stack, arguments[0] if arguments else named["hidden_states"])

            def later(_m: Any, _a: Any, result: Any, stack: Stack = stack) -> None:
                keep(stack, result[0] if isinstance(result, tuple) else result)

            handle = layers[0].register_forward_pre_hook(first, with_kwargs=True)
            hooks.callback(handle.remove)
            for layer in layers:
                hooks.enter_context(hooked(layer, later))
        logits = passes.logits(given, cut=False)
    found = []
    for stack, rows in kept.items():
        columns = [torch.stack(list(part)) for part in zip(*rows, strict=True)]
        found.append(Stream(stack, columns[0], columns[1], columns[2], columns[3], columns[4]))
    return found, logits


def residual_of(torch: Any, stream: Stream) -> Residual:
    """The stream's norms and largest magnitudes, tiled where the prompt is long."""
    length = stream.norms.shape[1]
    tile = max(1, math.ceil(length / COLUMNS))

    def tiled(values: Any) -> tuple[tuple[float, ...], ...]:
        count = math.ceil(length / tile)
        padded = torch.nn.functional.pad(values, [0, count * tile - length])
        return tuple(tuple(round(v, 2) for v in row) for row in padded.reshape(-1, count, tile).amax(-1).tolist())

    return Residual(stream.stack, tile, tiled(stream.norms), tiled(stream.largest.abs()))


def massive_of(stream: Stream, tokens: Sequence[str], most: int = 50) -> list[Massive]:
    """The massive activations, those of one position and dimension in consecutive layers as one, largest first."""
    found: dict[tuple[int, int], Massive] = {}
    ended: list[Massive] = []
    many = (stream.largest.abs() > LARGE) & (stream.largest.abs() > TIMES * stream.median[:, None])
    for row, position in many.nonzero().tolist():
        value, dimension = float(stream.largest[row, position]), int(stream.where[row, position])
        ratio = abs(value) / max(float(stream.median[row]), 1e-9)
        layer, key = row - 1, (position, dimension)  # row 0 is what the first layer is given
        old = found.get(key)
        if old is not None and old.last_layer + 1 < layer:  # it was gone in between
            ended.append(old)
            old = None
        first = layer if old is None else old.first_layer
        if old is not None and abs(old.value) >= abs(value):
            value, ratio = old.value, old.ratio
        word = tokens[position] if position < len(tokens) else ""
        found[key] = Massive(stream.stack, first, layer, position, word, dimension, round(value, 1), round(ratio, 0))
    return sorted([*ended, *found.values()], key=lambda one: -abs(one.value))[:most]


def lens(
    passes: Passes, stream: Stream, logits: Any, answer: int, words: Words
) -> tuple[list[LensLayer], list[LensCell], str | None]:
    """What each layer would answer at the last position, the likeliest token at the last few; or why none is shown."""
    torch = passes.torch
    layers, positions, hidden = stream.tail.shape
    length = logits.shape[0]
    flat = stream.tail.reshape(-1, hidden)
    true = logits[-positions:].float().log_softmax(-1)
    tops: list[tuple[Any, Any]] = []
    last: list[Any] = []
    off = 0.0
    for start in range(0, len(flat), ROWS):
        read = _through_tail(passes, flat[start : start + ROWS]).log_softmax(-1)
        tops.append(read.max(-1))
        for number in range(len(read)):
            layer, position = divmod(start + number, positions)
            if layer == layers - 1:
                likely = true[position] > true[position].max() - 10
                off = max(off, float((read[number] - true[position])[likely].abs().max()))
            if position == positions - 1:
                last.append(read[number].clone())
    if off > CLOSE:
        return (
            [],
            [],
            f"The lens is left out: the tail gives another answer ({off:.2f} nats off).",
        )
    found = [_layer(torch, row, number, last[-1], answer, words) for number, row in enumerate(last)]
    values = torch.cat([part[0] for part in tops]).exp().tolist()
    names = words(torch.cat([part[1] for part in tops]).tolist())
    cells = [
        LensCell(n // positions, length - positions + n % positions, name, round(value, 4))
        for n, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    return found, cells, None


def _layer(torch: Any, row: Any, number: int, final: Any, answer: int, words: Words) -> LensLayer:
    likely = row.topk(min(TOP, len(row)))
    names = words(likely.indices.tolist())
    kl = torch.nn.functional.kl_div(row, final, log_target=True, reduction="sum")  # of the last layer's from this one
    return LensLayer(
        layer=number,
        rank=int((row > row[answer]).sum()),
        probability=float(row[answer].exp()),
        kl=max(0.0, float(kl)),
        top=tuple((name, round(p, 4)) for name, p in zip(names, likely.values.exp().tolist(), strict=True)),
    )


def _through_tail(passes: Passes, vectors: Any) -> Any:
    """Logits (rows, vocabulary) of what the last layer is made to give: one token a row goes in, whichever."""
    module = passes.parts.layers[passes.parts.main][-1]

    def hook(_module: Any, _arguments: Any, result: Any) -> Any:
        stream = vectors[:, None]
        return (stream, *result[1:]) if isinstance(result, tuple) else stream

    token = Input((0, 0), (0, 0) if passes.parts.encoder else ())
    with passes.torch.inference_mode(), hooked(module, hook):
        return passes.model(**passes.fed([token] * len(vectors))).logits[:, -1].float()
