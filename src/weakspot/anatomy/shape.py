"""The normal form of an architecture: stated facts and what is known of the family, brought together.

Readers of one format each (`from_gguf`, `from_hf`) give `Facts`; `shape_of` fills in what the family fixes and says
so in the notes. Nothing is guessed: what neither a file nor a published source says stays None.
"""

from dataclasses import dataclass
from itertools import groupby

from weakspot.anatomy.arithmetic import CacheLayer
from weakspot.anatomy.families import Family
from weakspot.records import CardLayer

NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file states. Per-layer facts are tuples of one entry per layer.

    `sliding` marks layers with a window; `period` n says that every n-th layer sees the whole context; `linear` marks
    layers without a KV cache; `rope_share` is the part of a head that is rotated; `latent` is the size of the one
    compressed vector that a layer caches per token (multi-head latent attention, DeepSeek-V2, 2024). `plain` marks
    layers without a position encoding; `state` is how many values a recurrent layer keeps, whatever the length.
    `decoder_layers` is set for encoder-decoders. `kind` and `position` are set where the file itself says them.
    """

    architecture: str
    kind: str | None = None
    position: str | None = None
    layers: int | None = None
    decoder_layers: int | None = None
    hidden: int | None = None
    feed_forward: int | None = None
    heads: int | None = None
    kv_heads: tuple[int, ...] | None = None
    key_size: int | None = None
    value_size: int | None = None
    local_key_size: int | None = None
    local_value_size: int | None = None
    latent: int | None = None
    shared_kv_layers: int = 0
    rope_base: float | None = None
    local_rope_base: float | None = None
    rope_share: float | None = None
    rope_scaling: str | None = None
    window: int | None = None
    period: int | None = None
    sliding: tuple[bool, ...] | None = None
    linear: tuple[bool, ...] | None = None
    plain: tuple[bool, ...] | None = None
    state: int | None = None
    context: int | None = None
    vocabulary: int | None = None
    tied: bool | None = None
    buckets: int | None = None
    experts: int | None = None
    experts_used: int | None = None
    norm: str | None = None
    activation: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """The normal form. `cache` has one entry per layer that keeps keys and values; None where it is not known."""

    kind: str
    attention: str | None
    position: str | None
    layers: tuple[CardLayer, ...]
    cache: tuple[CacheLayer, ...] | None
    kv_heads: int | None
    head_size: int | None
    window: int | None
    notes: tuple[str, ...]


def shape_of(facts: Facts, family: Family | None) -> Shape:
    """The normal form of stated facts; `family` None where the architecture is not known."""
    notes = list(facts.notes)
    if family is None:
        notes.append(f"the architecture {facts.architecture!r} is not known here: only what the file states is shown")
    kind = facts.kind or (family.kind if family else NOT_STATED)
    sliding = _sliding(facts, family, notes)
    layers = _layers(facts, family, kind, sliding)
    return Shape(
        kind=kind,
        attention=_attention(facts),
        position=_position(facts, family, windowed=sliding is not None and any(sliding)),
        layers=layers,
        cache=_cache(facts, family, kind, sliding, notes),
        kv_heads=max(facts.kv_heads, default=None) if facts.kv_heads else None,
        head_size=facts.key_size,
        window=_window(facts, family) if sliding is None or any(sliding) else None,
        notes=tuple(notes),
    )


def _window(facts: Facts, family: Family | None) -> int | None:
    return facts.window if facts.window is not None else (family.window if family else None)


def _sliding(facts: Facts, family: Family | None, notes: list[str]) -> tuple[bool, ...] | None:
    """Which layers have a window; None where that is not known."""
    if facts.layers is None or (family is None and facts.window is None):
        return None
    window = _window(facts, family)
    if window is None:
        return (False,) * facts.layers
    if facts.sliding is not None or facts.period is not None:
        return facts.sliding or _periodic(facts.period or 1, facts.layers)
    if family is None or family.period is None:
        notes.append(f"a sliding window of {window:,} tokens is stated, but not in which layers")
        return None
    if family.engine_note:
        notes.append(family.engine_note)
    if family.period > 1:
        notes.append(
            f"the pattern of {family.period - 1} {family.local} to 1 whole-context layer is not in the file: "
            f"taken from {family.source}"
        )
    return _periodic(family.period, facts.layers)


def _periodic(period: int, layers: int) -> tuple[bool, ...]:
    """Every `period`-th layer without a window; 1 means that no layer is without one."""
    if period == 1:
        return (True,) * layers
    return tuple(layer % period < period - 1 for layer in range(layers))


def _layers(facts: Facts, family: Family | None, kind: str, sliding: tuple[bool, ...] | None) -> tuple[CardLayer, ...]:
    if kind == "encoder-decoder" and facts.layers is not None:
        decoder = facts.decoder_layers or facts.layers
        return CardLayer(facts.layers, "encoder: full"), CardLayer(decoder, "decoder: full, and cross-attention")
    if sliding is None or family is None:
        return ()
    if kind == "recurrent":
        return (CardLayer(len(sliding), "recurrent"),)
    if kind == "hybrid" and facts.linear is None:
        return ()
    base = _rope_base(facts, family)
    local = CardLayer(1, family.local, _window(facts, family), _local_base(facts, family))
    whole = CardLayer(1, "full", None, None if family.plain_global and any(sliding) else base)
    linear = facts.linear or (False,) * len(sliding)
    plain = facts.plain or (False,) * len(sliding)
    each = [
        CardLayer(1, "recurrent") if is_linear else _without_base(local if slides else whole, is_plain)
        for slides, is_linear, is_plain in zip(sliding, linear, plain, strict=True)
    ]
    return tuple(
        CardLayer(len(list(run)), layer.attention, layer.window, layer.rope_base) for layer, run in groupby(each)
    )


def _without_base(layer: CardLayer, is_plain: bool) -> CardLayer:
    return CardLayer(1, layer.attention, layer.window) if is_plain else layer


def _rope_base(facts: Facts, family: Family | None) -> float | None:
    if not (facts.position or (family.position if family else "")).startswith("RoPE"):
        return None
    return facts.rope_base or 10_000.0  # the value of Su et al. 2021, and the default of every reader of these files


def _local_base(facts: Facts, family: Family | None) -> float | None:
    stated = facts.local_rope_base or (family.local_base if family else None)
    return stated if stated is not None and _rope_base(facts, family) is not None else _rope_base(facts, family)


def _attention(facts: Facts) -> str | None:
    if facts.latent is not None:
        return "MLA"
    kept = [count for count in facts.kv_heads or () if count]
    if not kept or facts.heads is None:
        return None
    if max(kept) >= facts.heads:
        return "MHA"
    return "MQA" if max(kept) == 1 else "GQA"


def _position(facts: Facts, family: Family | None, *, windowed: bool) -> str | None:
    name = facts.position or (family.position if family else None)
    if name == "T5 relative bias" and facts.buckets is not None:
        return f"{name} ({facts.buckets} buckets)"
    base = _rope_base(facts, family)
    if name is None or base is None:
        return name
    parts = [f"base {base:,.0f}" + ("" if facts.rope_base else " by default")]
    local = _local_base(facts, family)
    if windowed and local != base:
        parts.append(f"{local:,.0f} in sliding layers")
    if windowed and family is not None and family.plain_global:
        parts.append("none in the layers with the whole context")
    if facts.plain is not None and any(facts.plain):
        parts.append(f"none in {sum(facts.plain)} layers")
    if facts.rope_share is not None and facts.rope_share < 1:
        parts.append(f"on {facts.rope_share:.0%} of each head")
    if facts.rope_scaling is not None:
        parts.append(facts.rope_scaling)
    return f"{name} ({'; '.join(parts)})"


def _cache(
    facts: Facts, family: Family | None, kind: str, sliding: tuple[bool, ...] | None, notes: list[str]
) -> tuple[CacheLayer, ...] | None:
    if kind == "encoder-only":
        notes.append("no KV cache: an encoder does not generate")
        return None
    if kind == "recurrent":
        notes.append("no KV cache: a state of fixed size takes its place")
        return None
    if facts.layers is None or facts.kv_heads is None or facts.key_size is None or facts.value_size is None:
        return None
    if kind == "encoder-decoder":
        notes.append("the decoder's own KV cache is counted; cross-attention keeps as much again per input token")
        layer = CacheLayer(max(facts.kv_heads), facts.key_size, facts.value_size)
        return (layer,) * (facts.decoder_layers or facts.layers)
    if family is None or sliding is None or (kind == "hybrid" and facts.linear is None):
        notes.append("the KV cache is not computed: which layers keep what is not stated")
        return None
    keeping = max(0, facts.layers - facts.shared_kv_layers)  # the last ones read the cache of an earlier layer
    return tuple(_cache_layer(facts, family, index, slides) for index, slides in enumerate(sliding[:keeping]))


def _cache_layer(facts: Facts, family: Family, index: int, slides: bool) -> CacheLayer:
    window = _window(facts, family) if slides else None
    kv_heads = facts.kv_heads[index] if facts.kv_heads else 0
    if facts.linear is not None and facts.linear[index]:
        return CacheLayer(0, 0, 0)
    if facts.latent is not None:
        return CacheLayer(1, facts.latent, 0, window)
    key, value = facts.key_size or 0, facts.value_size or 0
    if slides:
        key, value = facts.local_key_size or key, facts.local_value_size or value
    return CacheLayer(kv_heads, key, value, window)
