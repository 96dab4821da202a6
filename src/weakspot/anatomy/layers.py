"""What each layer does, one entry per layer: its attention, its positions, and all that it keeps between tokens."""

from typing import Final

from weakspot.anatomy.arithmetic import CacheLayer
from weakspot.anatomy.shape import Facts, Shape
from weakspot.records import CardLayer

RECURRENT: Final = {
    "mamba": "SSM (Mamba)",
    "falcon_mamba": "SSM (Mamba)",
    "mamba2": "SSM (Mamba-2)",
    "jamba": "SSM (Mamba)",
    "rwkv": "linear (RWKV)",
    "rwkv6": "linear (RWKV)",
    "rwkv7": "linear (RWKV)",
    "qwen35": "linear (gated DeltaNet)",
    "qwen3_next": "linear (gated DeltaNet)",
    "qwen3next": "linear (gated DeltaNet)",
    "lfm2": "short convolution",
}
"""What stands in place of attention in a family's layers without keys and values."""
UNKNOWN_REACH: Final = "reach not stated"


def attention_by_layer(facts: Facts, shape: Shape) -> tuple[str, ...]:
    """The attention of every layer; where windows are not known, the sharing of heads alone; () where nothing is."""
    if not shape.layers:
        share = _sharing(facts, 0)
        return (f"{share}, {UNKNOWN_REACH}",) * facts.layers if facts.layers and share else ()
    if shape.kind == "encoder-decoder":
        share = _sharing(facts, 0) or "attention"
        encoder, decoder = (layer.count for layer in shape.layers)
        return (f"encoder {share}",) * encoder + (f"decoder {share} + cross-attention",) * decoder
    each = [layer for layer in shape.layers for _ in range(layer.count)]
    return tuple(_attention(facts, layer, index) for index, layer in enumerate(each))


def _attention(facts: Facts, layer: CardLayer, index: int) -> str:
    if layer.attention == "recurrent":
        return RECURRENT.get(facts.architecture, "recurrent")
    share = _sharing(facts, index) or "attention"
    if layer.window is None:
        return share
    return f"{share}, {'chunks of' if layer.attention == 'chunked' else 'sliding window'} {layer.window}"


def _sharing(facts: Facts, index: int) -> str | None:
    """How query heads share keys and values: MHA, GQA, MQA, or one latent vector for all (MLA)."""
    if facts.latent is not None:
        return "MLA"
    if facts.kv_heads is None or facts.heads is None or index >= len(facts.kv_heads):
        return None
    kept = facts.kv_heads[index]
    if kept >= facts.heads:
        return "MHA"
    return {0: None, 1: "MQA"}.get(kept, "GQA")


def positions_by_layer(facts: Facts, shape: Shape) -> tuple[str, ...]:
    """The position encoding of every layer; () where it or the number of layers is not known."""
    name = (shape.position or "").partition(" (")[0]
    if not name or not facts.layers:
        return ()
    if not shape.layers:
        return (shape.position or name,) * facts.layers
    each = [layer for layer in shape.layers for _ in range(layer.count)]
    return tuple(_position(facts, name, layer) for layer in each)


def _position(facts: Facts, name: str, layer: CardLayer) -> str:
    if layer.attention == "recurrent":
        return "none"
    if name == "T5 relative bias":
        return f"{name} ({facts.buckets} buckets)" if facts.buckets else name
    if name != "RoPE":
        return name
    if layer.rope_base is None:
        return "none"
    own_base = layer.window is not None and facts.rope_base is not None and layer.rope_base != facts.rope_base
    parts = [f"RoPE base {layer.rope_base:,.0f}"]
    if facts.rope_share is not None and facts.rope_share < 1:
        parts.append(f"on {facts.rope_share:.0%} of each head")
    if facts.rope_scaling is not None and not own_base:  # scaling goes with the base of the whole context
        parts.append(facts.rope_scaling)
    return ", ".join(parts)


def kept_by_layer(facts: Facts, shape: Shape) -> tuple[CacheLayer, ...] | None:
    """All that a sequence keeps: the decoder's keys and values, the encoder's for cross-attention, recurrent states.

    Empty for an encoder, which keeps nothing; None where it is not known.
    """
    if shape.kind == "encoder-only":
        return ()
    if shape.kind == "recurrent":
        known = facts.state is not None and facts.layers is not None
        return (CacheLayer(0, 0, 0, fixed=facts.state or 0),) * (facts.layers or 0) if known else None
    if shape.cache is None:
        return None
    if shape.kind == "encoder-decoder":
        own = shape.cache[0] if shape.cache else CacheLayer(0, 0, 0)
        across = CacheLayer(own.kv_heads, own.key_size, own.value_size, cross=True)
        return shape.cache + (across,) * len(shape.cache)
    linear = facts.linear or (False,) * len(shape.cache)
    return tuple(
        CacheLayer(0, 0, 0, fixed=facts.state or 0) if is_linear else layer
        for layer, is_linear in zip(shape.cache, linear, strict=False)
    )
