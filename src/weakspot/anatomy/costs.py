"""What a token costs: operations, bytes that are read, and how many sequences a memory holds.

Per token and weight two operations, and for attention over a length of n two for each query head, its key and its
value size and n (Kaplan et al., Scaling Laws for Neural Language Models, 2020, table 1; with windows and causal masks
counted as they are). Norms, activations, rotations and the scan of a state space are not counted: together they are
below a hundredth of the rest. A generated token reads every weight it is multiplied with and the whole cache once
(Pope et al., Efficiently Scaling Transformer Inference, 2022).
"""

from collections.abc import Iterator
from typing import Final

from weakspot.anatomy.arithmetic import LARGEST
from weakspot.anatomy.counting import Counted
from weakspot.anatomy.shape import Facts, Shape
from weakspot.records import Compute

WEIGHT_BYTES: Final = {"f32": 4.0, "bf16": 2.0, "int8": 1.0, "int4": 0.5}
"""Plain bytes of a weight; the scales of quantised blocks come on top."""
FORMULA: Final = (
    "2 x weights that a token is multiplied with + 2 x query heads x (key + value size) x tokens seen, over the layers"
)


def bytes_by_dtype(parameters: int | None) -> dict[str, int]:
    """All weights in bytes, by type; empty where their number is not known."""
    if parameters is None:
        return {}
    return {name: int(parameters * size) for name, size in WEIGHT_BYTES.items()}


def compute_of(
    facts: Facts, shape: Shape, counted: Counted | None, context: int, batch: int, cache_bytes: int | None,
    weights_bytes: int | None,
) -> Compute | None:  # fmt: skip
    """The operations and the traffic of one model; None where a size that they need is not known.

    Args:
        facts: as stated by the files.
        shape: the normal form.
        counted: its parameters.
        context: tokens of a sequence; an encoder's input is as long.
        batch: sequences at once.
        cache_bytes: the cache of the whole batch.
        weights_bytes: as stored; None takes two bytes for each.
    """
    if counted is None or cache_bytes is None or not shape.layers:
        return None
    spans = list(_spans(facts, shape))
    if any(per_token is None for per_token, _, _ in spans):
        return None
    attended = [(per_token or 0, reach, attention) for per_token, reach, attention in spans]
    per_token = 2 * counted.multiplied
    decode = per_token + sum(each * _seen(reach, context) for each, reach, kind in attended if kind != "encoder")
    reading = 2 * counted.encoder * context + per_token * (1 if shape.kind == "encoder-decoder" else context)
    prefill = reading + sum(each * _read(reach, context, kind) for each, reach, kind in attended)
    size = weights_bytes / counted.total if weights_bytes and counted.total else WEIGHT_BYTES["bf16"]
    read = int(counted.multiplied * size) + cache_bytes
    if max(prefill, read) >= LARGEST or not read:
        return None
    return Compute(
        flops_per_token=per_token,
        decode_flops=decode,
        prefill_flops=prefill,
        decode_bytes=read,
        intensity=round(batch * decode / read, 3),
        formula=FORMULA,
    )


def largest_batch(memory: int | None, weights: int | None, cache_bytes: int | None, batch: int) -> int | None:
    """How many sequences fit beside the weights; 0 where not one does, None where a size is not known.

    `cache_bytes` is that of `batch` sequences. What an engine needs beside weights and cache is not counted.
    """
    if memory is None or weights is None or not cache_bytes:
        return None
    return max(0, (memory - weights) * batch // cache_bytes)


def _spans(facts: Facts, shape: Shape) -> Iterator[tuple[int | None, int | None, str]]:
    """For each layer that attends: operations for a token and one that it sees, how far it sees, and what it is."""
    known = facts.heads is not None and facts.key_size is not None and facts.value_size is not None
    each = 2 * (facts.heads or 0) * ((facts.key_size or 0) + (facts.value_size or 0)) if known else None
    for layer in shape.layers:
        kind = layer.attention.partition(":")[0]
        if kind == "recurrent":
            continue
        for _ in range(layer.count):
            if kind == "decoder":
                yield each, None, "cross"
            yield each, layer.window, "encoder" if shape.kind == "encoder-only" else kind


def _seen(reach: int | None, context: int) -> int:
    return min(context, reach or context)


def _read(reach: int | None, context: int, kind: str) -> int:
    """Pairs of a token and one that it sees, when the whole context is read at once."""
    if kind == "encoder":
        return context * _seen(reach, context)
    if kind in ("cross", "decoder"):
        return context if kind == "cross" else 1  # the decoder's first token alone
    width = _seen(reach, context)
    if kind == "chunked":
        chunks, rest = divmod(context, width)
        return chunks * (width * (width + 1) // 2) + rest * (rest + 1) // 2
    return width * (width + 1) // 2 + (context - width) * width
