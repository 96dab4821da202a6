"""Attention by head: where it goes, how spread and how far, and its picture in tiles.

Weights are reduced as each layer gives them, so that memory holds one layer's: 9 heads over 2,000 tokens are 144 MB.
Sink: Xiao et al. 2023, arXiv 2309.17453. Induction: Olsson et al. 2022, arXiv 2209.11895.
"""

import base64
import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from weakspot.inside.parts import Attention
from weakspot.inside.passes import Input, Passes, hooked
from weakspot.records.look import AttentionMap, Head, Stack

SIDE = 96
"""Most tiles of a picture's side."""
POINTS = 3_000_000
"""Most points of all pictures together: the page holds them all."""
Weights = Callable[[Attention, Any], None]


def watch(passes: Passes, given: Input, reduce: Weights, keep: int = 0) -> Any:
    """One pass; `reduce` gets each attention's weights (heads, queries, keys). Gives the last `keep` logits (0: all).

    An attention that shows no weights and calls no kernel of torch's is left out: the caller sees which are missing.
    """
    from_kernel: list[Any] = []
    with passes.weights_shown(), _kernel_watched(passes.torch, from_kernel.append), contextlib.ExitStack() as hooks:
        for one in passes.parts.attentions:

            def begin(_module: Any, _arguments: Any) -> None:
                from_kernel.clear()

            def hook(_module: Any, _arguments: Any, result: Any, one: Attention = one) -> None:
                shown = _weights((*(result if isinstance(result, tuple) else (result,)), *from_kernel), one.heads)
                from_kernel.clear()
                if shown is not None:
                    reduce(one, shown)

            hooks.enter_context(hooked(one.module, begin, before=True))
            hooks.enter_context(hooked(one.module, hook))
        return passes.logits(given, cut=False, keep=keep)


@contextlib.contextmanager
def _kernel_watched(torch: Any, told: Callable[[Any], None]) -> Iterator[None]:
    """Within, torch's fused attention also tells its weights, which it never forms: the same formula, written out."""
    functional = torch.nn.functional
    kernel = functional.scaled_dot_product_attention

    def both(query: Any, key: Any, value: Any, attn_mask: Any = None, *more: Any, **named: Any) -> Any:
        keys = key.repeat_interleave(query.shape[1] // key.shape[1], 1) if query.ndim == 4 else key
        scores = query @ keys.transpose(-1, -2) * (named.get("scale") or query.shape[-1] ** -0.5)
        if attn_mask is not None:
            barred = attn_mask.dtype == torch.bool
            scores = scores.masked_fill(~attn_mask, float("-inf")) if barred else scores + attn_mask
        if named.get("is_causal") or (len(more) > 1 and more[1]):
            scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
        told(scores.softmax(-1))
        return kernel(query, key, value, attn_mask, *more, **named)

    functional.scaled_dot_product_attention = both
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = kernel


def _weights(result: Any, heads: int) -> Any:
    """The attention weights among what a module gives back: rows that sum to 1, unlike a position bias beside them."""
    for part in reversed(result if isinstance(result, tuple) else (result,)):
        if getattr(part, "ndim", 0) == 4 and part.shape[0] == 1 and part.shape[1] == heads:
            row = part[0, 0, -1].float()
            if bool((row >= 0).all()) and abs(float(row.sum()) - 1) < 0.05:
                return part[0]
    return None


def side_for(heads: int) -> int:
    """Tiles of a side, so that so many pictures stay small enough for one page."""
    return max(16, min(SIDE, math.isqrt(POINTS // max(1, heads))))


class Seen:
    """Collects measures and pictures of every head of a pass."""

    def __init__(self, torch: Any, side: int) -> None:
        self._torch = torch
        self._side = side
        self.heads: list[Head] = []
        self.maps: list[AttentionMap] = []

    def __call__(self, one: Attention, weights: Any) -> None:
        """Take one attention's weights in."""
        for head in range(one.heads):
            shares = weights[head].float()
            self.heads.append(measure(self._torch, shares, one.stack, one.layer, head))
            self.maps.append(picture(self._torch, shares, (one.stack, one.layer, head), self._side))


def measure(torch: Any, shares: Any, stack: Stack, layer: int, head: int) -> Head:
    """What one head does with (queries, keys). In a causal stack the first query can only see itself: left out."""
    queries, keys = shares.shape
    causal = stack == "decoder" and queries > 1
    seen = torch.arange(1, queries + 1, device=shares.device) if stack == "decoder" else torch.full((queries,), keys)
    skip = 1 if causal else 0
    rows, seen = shares[skip:], seen[skip:].to(shares.device)
    entropy = torch.special.entr(rows).sum(-1)
    possible = seen.float().log()
    spread = torch.where(possible > 0, entropy / possible.clamp_min(1e-9), torch.zeros_like(entropy))
    previous = distance = None
    if stack != "cross":
        here = torch.arange(queries, device=shares.device)[skip:, None]
        there = torch.arange(keys, device=shares.device)[None]
        distance = float((rows * (here - there).abs()).sum(-1).mean())
        previous = float(shares.diagonal(-1).mean()) if queries > 1 else None
    return Head(
        stack,
        layer,
        head,
        entropy=float(entropy.mean()),
        spread=float(spread.clamp(0, 1).mean()),
        sink=float(rows[:, 0].mean()),
        previous=previous,
        distance=distance,
    )


def picture(torch: Any, shares: Any, where: tuple[Stack, int, int], side: int) -> AttentionMap:
    """A head's attention in at most `side` x `side` tiles: the mean over a tile's queries of the sum over its keys."""
    tiles, sizes = shares, []
    for axis, mean in ((0, True), (1, False)):
        length = shares.shape[axis]
        tile = max(1, math.ceil(length / side))
        count = math.ceil(length / tile)
        fill = [0, 0, 0, count * tile - length] if axis == 0 else [0, count * tile - length]
        padded = torch.nn.functional.pad(tiles, fill)
        shape = (count, tile, padded.shape[1]) if axis == 0 else (padded.shape[0], count, tile)
        tiles = padded.reshape(shape).sum(axis + (axis == 0) if axis == 0 else 2)
        if mean:
            there = torch.full((count, 1), float(tile), device=shares.device)
            there[-1] = length - (count - 1) * tile
            tiles = tiles / there
        sizes.append(tile)
    encoded = (tiles.clamp(0, 1).sqrt() * 255).round().to(torch.uint8).cpu().numpy().tobytes()
    stack, layer, head = where
    rows, columns = tiles.shape
    data = base64.b64encode(encoded).decode("ascii")
    return AttentionMap(stack, layer, head, rows, columns, sizes[0], sizes[1], data)


def induction_scores(
    torch: Any, passes: Passes, sequences: Sequence[Input], period: int
) -> dict[tuple[int, int], float]:
    """For each decoder head: the attention of later copies to what followed the same token before, 0 to 1.

    The mean over positions behind the first copy and over sequences of the attention to all positions `period` x k - 1
    back (k = 1, 2, ...) that lie within the copies.
    """
    sums: dict[tuple[int, int], float] = {}
    for given in sequences:
        begin = len(given.ids) % period  # what stands in front of the first copy: BOS

        def reduce(one: Attention, weights: Any, begin: int = begin) -> None:
            if one.stack != "decoder":
                return
            queries = weights.shape[1]
            at = torch.arange(begin + period, queries, device=weights.device)
            found = torch.zeros((one.heads, len(at)), device=weights.device)
            for back in range(period - 1, queries, period):
                there = at - back
                keep = there > begin
                found[:, keep] += weights[:, at[keep], there[keep]].float()
            for head, value in enumerate(found.mean(-1).tolist()):
                key = (one.layer, head)
                sums[key] = sums.get(key, 0.0) + value / len(sequences)

        watch(passes, given, reduce, keep=1)
    return sums
