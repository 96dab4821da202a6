"""What a sequence keeps between tokens, as a function of its length: in bytes, as a formula, and as steps of growth.

It does not know where a layer's sizes come from (`weakspot.anatomy.shape`). Sources: keys and values per KV head,
Shazeer 2019 and Ainslie et al. 2023; a window's end of growth, Jiang et al. 2023; the latent of MLA, DeepSeek-AI 2024
(one vector for all heads of a layer); the state of a selective state space, Gu and Dao 2023.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from weakspot.anatomy.arithmetic import LARGEST, VALUE_BYTES, CacheLayer
from weakspot.records import Growth, KVCache

CONTEXTS: Final = (1024, 8192, 32768)
"""Contexts in tokens at which the cache is always shown."""


def kv_cache(cache: Sequence[CacheLayer] | None, dtype: str, context: int, batch: int = 1) -> KVCache:
    """The record of a cache.

    Args:
        cache: what each layer keeps; None where it is not known, and then there are no bytes.
        dtype: a name in `arithmetic.VALUE_BYTES`.
        context: tokens of one sequence; an encoder's input is taken to be as long.
        batch: how many sequences.
    """
    if cache is None:
        return KVCache(dtype, context, batch)
    wanted = {length: bytes_at(cache, dtype, length, batch) for length in sorted({*CONTEXTS, context})}
    if any(size >= LARGEST for size in wanted.values()):
        return KVCache(dtype, context, batch)
    return KVCache(
        dtype,
        context,
        batch,
        bytes=wanted[context],
        formula=formula(cache, dtype, batch),
        growth=growth(cache, dtype),
        at={str(length): size for length, size in wanted.items()},
    )


def bytes_at(cache: Sequence[CacheLayer], dtype: str, context: int, batch: int = 1, source: int | None = None) -> int:
    """The whole cache of `batch` sequences of `context` tokens; `source` tokens were read by the encoder."""
    read = context if source is None else source
    values = sum(
        layer.fixed + layer.values * (read if layer.cross else min(context, layer.window or context)) for layer in cache
    )
    return _whole(values * batch, dtype)


def growth(cache: Sequence[CacheLayer], dtype: str) -> tuple[Growth, ...]:
    """How the cache of one sequence grows by a generated token: a step down where layers reach their window."""
    starts = sorted({0, *(layer.window for layer in cache if layer.window is not None and layer.values)})
    steps = (
        (start, sum(layer.values for layer in cache if not layer.cross and (layer.window or LARGEST) > start))
        for start in starts
    )
    return tuple(Growth(start, _whole(values, dtype)) for start, values in steps)


def formula(cache: Sequence[CacheLayer], dtype: str, batch: int = 1) -> str:
    """The cache in bytes as an expression of n (tokens) and m (tokens that an encoder read): equal layers together."""
    kinds = Counter(cache)
    terms = [_term(layer, count) for layer, count in kinds.items() if layer.values]
    states: Counter[int] = Counter()
    for layer, count in kinds.items():
        if layer.fixed:
            states[layer.fixed] += count
    terms += [f"{count} * {fixed}" for fixed, count in states.items()]
    size = VALUE_BYTES[dtype]
    factor = str(size) if size.denominator == 1 else f"{size.numerator} / {size.denominator}"
    ahead = f"{batch} * {factor}" if batch > 1 else factor
    return f"{ahead} * ({' + '.join(terms)})" if terms else "0"


def _term(layer: CacheLayer, count: int) -> str:
    length = "m" if layer.cross else "n" if layer.window is None else f"min(n, {layer.window})"
    if layer.value_size == 0:  # one vector for all heads
        return f"{count} * {layer.key_size} * {length}"
    return f"{count} * {layer.kv_heads} * ({layer.key_size} + {layer.value_size}) * {length}"


def _whole(values: int, dtype: str) -> int:
    """Values in bytes, rounded up."""
    size = VALUE_BYTES[dtype]
    return -(-values * size.numerator // size.denominator)
