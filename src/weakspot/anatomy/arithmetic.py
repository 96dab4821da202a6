"""What a model costs, from its shape alone: parameters, bytes of weights, bytes of KV cache. Sizes are in bytes.

The KV cache of a layer holds, for every token it still sees, a key and a value for each of its KV heads:
KV heads x (key size + value size) values (Shazeer 2019; Ainslie et al. 2023). A sliding-window layer keeps its window.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

F16: Final = 2
"""Bytes of one cached value as llama.cpp keeps it unless told otherwise."""
VALUE_BYTES: Final[dict[str, Fraction]] = {
    "bf16": Fraction(2),
    "f16": Fraction(2),
    "f32": Fraction(4),
    "fp8": Fraction(1),
    "q8_0": Fraction(34, 32),
    "q4_0": Fraction(18, 32),
}
"""Bytes of one value by type; q8_0 and q4_0 are ggml's blocks of 32 values with a scale of two bytes."""
LARGEST: Final = 1 << 62
"""Beyond this a size is no size any more (and no JSON number of the records)."""


class Sized(Protocol):
    """A tensor as far as arithmetic cares."""

    @property
    def elements(self) -> int:
        """How many values it holds."""
        ...

    @property
    def bytes(self) -> int:
        """How many bytes they take."""
        ...


@dataclass(frozen=True, slots=True)
class CacheLayer:
    """What one layer keeps for a token; sizes in values per head, `window` in tokens (None: the whole context).

    `fixed` values are kept whatever the length: the state of a recurrent layer. A `cross` layer keeps keys and values
    of the encoder's tokens, not of the decoder's own.
    """

    kv_heads: int
    key_size: int
    value_size: int
    window: int | None = None
    fixed: int = 0
    cross: bool = False

    @property
    def values(self) -> int:
        """Cached values for one token."""
        return self.kv_heads * (self.key_size + self.value_size)


def parameter_count(tensors: Iterable[Sized]) -> int:
    """All values of all tensors."""
    return sum(tensor.elements for tensor in tensors)


def weight_bytes(tensors: Iterable[Sized]) -> int:
    """All bytes of all tensors, without header and padding."""
    return sum(tensor.bytes for tensor in tensors)


def bits_per_weight(weights_bytes: int | None, parameters: int | None) -> float | None:
    """Mean bits that a parameter takes, scales of quantised blocks included."""
    return weights_bytes * 8 / parameters if weights_bytes and parameters else None


def embedding_parameters(vocabulary: int | None, hidden: int | None, tied: bool | None) -> int | None:
    """Parameters in the input embedding and, where it is not tied to it, the output matrix."""
    if vocabulary is None or hidden is None or tied is None:
        return None
    return vocabulary * hidden * (1 if tied else 2)


def kv_bytes_per_token(cache: Sequence[CacheLayer], value_bytes: int = F16) -> int:
    """How much the cache grows by a token while every layer still grows."""
    return value_bytes * sum(layer.values for layer in cache)


def kv_bytes_at(cache: Sequence[CacheLayer], context: int, value_bytes: int = F16) -> int:
    """The whole cache at `context` tokens of one sequence; a sliding-window layer has stopped at its window."""
    return value_bytes * sum(layer.values * min(context, layer.window or context) for layer in cache)


def llamacpp_kv_bytes(cache: Sequence[CacheLayer], context: int, slots: int = 1, ubatch: int = 512) -> int:
    """What llama.cpp sets aside for the cache, at `context` tokens for all slots together; f16, no unified cache.

    It rounds each slot's share up to 256 cells, and gives a sliding-window layer its window plus one micro-batch
    (llama.cpp, src/llama-kv-cache-iswa.cpp), so this is never less than `kv_bytes_at`.
    """
    per_slot = _round_up(-(-context // slots), 256)
    cells = (
        per_slot if layer.window is None else min(per_slot, _round_up(min(per_slot, layer.window + ubatch), 256))
        for layer in cache
    )
    return F16 * slots * sum(layer.values * count for layer, count in zip(cache, cells, strict=True))


def fits(size: int | None) -> int | None:
    """A size that a record can hold, or None."""
    return size if size is not None and size < LARGEST else None


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
