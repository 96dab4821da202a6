"""The lab's own block: pre-norm attention and feed-forward, alike in all stacks, so that only what is asked differs.

Positions are told in one of these ways: `learned` (a table, added to the embeddings), `learned, random offset` (the
same, begun at a random row in training), `rope` (Su et al. 2021, arXiv:2104.09864), `alibi` (Press et al. 2021,
arXiv:2108.12409), `t5 bias` (Raffel et al. 2019, arXiv:1910.10683, one table for all layers of a stack), `none`.
As in T5, the attention from the decoder to the encoder is told no positions of its own.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

BUCKETS, FARTHEST = 32, 128
ROPE_BASE = 10_000.0


@dataclass(frozen=True)
class Sizes:
    """What a stack is built of; `table` is how many learned positions there are."""

    width: int
    inner: int
    layers: int
    heads: int
    positions: str
    table: int


@dataclass
class Cache:
    """Keys and values (rows, heads, seen, width of a head) of each layer, and those of the encoder's states."""

    own: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    memory: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """Tokens so far."""
        return self.own[0][0].shape[2] if self.own else 0


class Attention(nn.Module):
    """Multi-head attention without biases; the mask is added to the scores, which are scaled as usual."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def split(self, states: Tensor) -> Tensor:
        """(rows, tokens, width) to (rows, heads, tokens, width of a head)."""
        rows, tokens, width = states.shape
        return states.view(rows, tokens, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, states: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, turn: Any = None) -> Tensor:
        """States (rows, tokens, width) attend to keys and values that are split already. `mask` None: to all."""
        query = self.split(self.query(states))
        if turn is not None:
            query = turned(query, turn)
        found = functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
        out: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return out


class Layer(nn.Module):
    """Attention to oneself, to the encoder where there is one, and a feed-forward with GELU; each behind a norm."""

    def __init__(self, sizes: Sizes, *, cross: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(sizes.width)
        self.attention = Attention(sizes.width, sizes.heads)
        self.cross_norm = nn.LayerNorm(sizes.width) if cross else None
        self.cross = Attention(sizes.width, sizes.heads) if cross else None
        self.inner_norm = nn.LayerNorm(sizes.width)
        self.up = nn.Linear(sizes.width, sizes.inner, bias=False)
        self.down = nn.Linear(sizes.inner, sizes.width, bias=False)

    def forward(
        self, states: Tensor, mask: Tensor | None, turn: Any, past: Any, memory: Any
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """States after this layer, and its keys and values so far. `memory`: keys, values and mask of the encoder."""
        fed = self.norm(states)
        keys = self.attention.split(self.attention.key(fed))
        values = self.attention.split(self.attention.value(fed))
        if turn is not None:
            keys = turned(keys, turn)
        if past is not None:
            keys, values = torch.cat((past[0], keys), 2), torch.cat((past[1], values), 2)
        states = states + self.attention(fed, keys, values, mask, turn)
        if self.cross is not None and self.cross_norm is not None:
            states = states + self.cross(self.cross_norm(states), *memory)
        states = states + self.down(functional.gelu(self.up(self.inner_norm(states))))
        return states, (keys, values)

    def of_memory(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of the encoder's states."""
        if self.cross is None:
            raise RuntimeError("this layer reads no encoder")
        return self.cross.split(self.cross.key(memory)), self.cross.split(self.cross.value(memory))


class Stack(nn.Module):
    """Layers with one way of telling positions; `causal` sees only what stands before, `cross` reads an encoder."""

    def __init__(self, sizes: Sizes, *, causal: bool, cross: bool) -> None:
        super().__init__()
        self.sizes, self.causal = sizes, causal
        self.layers = nn.ModuleList(Layer(sizes, cross=cross) for _ in range(sizes.layers))
        self.last_norm = nn.LayerNorm(sizes.width)
        self.table = nn.Embedding(sizes.table, sizes.width) if sizes.positions.startswith("learned") else None
        self.bias = nn.Embedding(BUCKETS, sizes.heads) if sizes.positions == "t5 bias" else None

    def forward(
        self,
        states: Tensor,
        seen: Tensor | None = None,
        memory: tuple[Tensor, Tensor | None] | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """Final states (rows, tokens, width).

        Args:
            states: embeddings of the new tokens (rows, tokens, width).
            seen: 1 where a token counts and 0 where it is padding (rows, tokens); None: all count.
            memory: the encoder's states (rows, tokens, width) and their padding.
            cache: what was computed of the tokens before; it is added to.
        """
        begun = cache.seen if cache is not None else 0
        states = states + self._placed(states, seen, begun) if self.table is not None else states
        mask = self._mask(states, seen, begun)
        turn = None
        if self.sizes.positions == "rope":
            turn = rotation(begun, states.shape[1], self.sizes.width // self.sizes.heads, states)
        read = self._memory(memory, cache)
        for number, layer in enumerate(self.layers):
            past = cache.own[number] if cache is not None and begun else None
            states, kept = layer(states, mask, turn, past, read[number] if read else None)
            if cache is not None:
                cache.own[number : number + 1] = [kept]
        out: Tensor = self.last_norm(states)
        return out

    def _placed(self, states: Tensor, seen: Tensor | None, begun: int) -> Tensor:
        """Rows of the table for the new tokens; a row of padding in front does not count."""
        if self.table is None:
            raise RuntimeError("there is no table")
        tokens = states.shape[1]
        if seen is None:
            places = torch.arange(begun, begun + tokens, device=states.device)[None]
        else:
            places = (seen.long().cumsum(-1) - 1).clamp_min(0)
        if self.training and self.sizes.positions == "learned, random offset":
            most = self.sizes.table - tokens
            places = places + torch.randint(0, most + 1, (states.shape[0], 1), device=states.device)
        found: Tensor = self.table(places)
        return found

    def _mask(self, states: Tensor, seen: Tensor | None, begun: int) -> Tensor | None:
        """What is added to the scores (rows or 1, heads or 1, new tokens, all tokens); None: nothing at all."""
        tokens, reach = states.shape[1], begun + states.shape[1]
        alone = tokens == 1 and seen is None
        told = self.sizes.positions in ("alibi", "t5 bias")
        if not told and (alone or (not self.causal and seen is None)):
            return None
        distance = (
            torch.arange(reach, device=states.device)[None] - torch.arange(begun, reach, device=states.device)[:, None]
        )
        mask = torch.zeros(1, 1, tokens, reach, device=states.device, dtype=states.dtype)
        if self.sizes.positions == "alibi":
            mask = -slopes(self.sizes.heads, states)[None, :, None, None] * distance.abs()
        elif self.bias is not None:
            mask = self.bias(buckets(distance, both=not self.causal)).permute(2, 0, 1)[None]
        lowest = torch.finfo(states.dtype).min
        if self.causal and tokens > 1:
            mask = mask.masked_fill(distance > 0, lowest)
        if seen is not None:
            mask = mask.masked_fill(seen[:, None, None, :] == 0, lowest)
        return mask

    def _memory(self, memory: tuple[Tensor, Tensor | None] | None, cache: Cache | None) -> list[Any]:
        if memory is None:
            return []
        states, seen = memory
        mask = None
        if seen is not None:
            lowest = torch.finfo(states.dtype).min
            mask = torch.zeros_like(seen, dtype=states.dtype).masked_fill(seen == 0, lowest)[:, None, None, :]
        if cache is None:
            return [(*layer.of_memory(states), mask) for layer in self.layers]  # type: ignore[operator]
        if not cache.memory:
            cache.memory = [layer.of_memory(states) for layer in self.layers]  # type: ignore[operator]
        return [(*kept, mask) for kept in cache.memory]


def rotation(begun: int, tokens: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines (tokens, width of a head) of RoPE's angles."""
    rates = ROPE_BASE ** (-torch.arange(0, width, 2, device=like.device, dtype=torch.float32) / width)
    angles = torch.arange(begun, begun + tokens, device=like.device, dtype=torch.float32)[:, None] * rates[None]
    angles = torch.cat((angles, angles), -1)
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def turned(states: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Queries or keys (rows, heads, tokens, width of a head), each pair of numbers turned by its angle."""
    first, second = states.chunk(2, -1)
    return states * turn[0] + torch.cat((-second, first), -1) * turn[1]


def slopes(heads: int, like: Tensor) -> Tensor:
    """ALiBi's slope of each head: 2^(-8 i / heads)."""
    return 2.0 ** (-8.0 * torch.arange(1, heads + 1, device=like.device, dtype=like.dtype) / heads)


def buckets(distance: Tensor, *, both: bool) -> Tensor:
    """T5's bucket of each distance (key's place minus query's): near ones alone, far ones in logarithmic groups."""
    count, found = BUCKETS, torch.zeros_like(distance)
    if both:
        count //= 2
        found = (distance > 0).long() * count
        distance = distance.abs()
    else:
        distance = (-distance).clamp_min(0)
    exact = count // 2
    scale = (count - exact) / math.log(FARTHEST / exact)
    far = exact + (torch.log(distance.clamp_min(1).float() / exact) * scale).long()
    return found + torch.where(distance < exact, distance, far.clamp_max(count - 1))
