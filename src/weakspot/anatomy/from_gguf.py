"""From a GGUF header's metadata to stated facts (keys as in ggml's docs/gguf.md and llama.cpp's llama-arch.cpp)."""

from collections.abc import Mapping
from typing import Any, Final

from weakspot.anatomy.shape import NOT_STATED, Facts
from weakspot.anatomy.stated import MAX_HEAD_SIZE, MAX_HEADS, MAX_LAYERS, MAX_TOKENS, MAX_WIDTH, Stated
from weakspot.artifacts.gguf import GGUFHeader, SkippedArray

_TOKENIZERS: Final = {
    "gpt2": "byte-level BPE",
    "llama": "SentencePiece BPE with byte fallback",
    "gemma4": "BPE",
    "bert": "WordPiece",
    "t5": "SentencePiece Unigram",
    "rwkv": "RWKV trie",
    "plamo2": "PLaMo 2",
    "none": "none",
}


def facts_from_gguf(header: GGUFHeader) -> Facts:
    """What a GGUF header states of the architecture."""
    general = Stated(header.metadata)
    architecture = general.text("general.architecture") or NOT_STATED
    said = Stated(header.metadata, f"{architecture}.")
    layers = said.whole("block_count", most=MAX_LAYERS)
    heads = said.wholes("attention.head_count", count=layers, most=MAX_HEADS)
    hidden = said.whole("embedding_length")
    key = said.whole("attention.key_length", most=MAX_HEAD_SIZE) or _share(hidden, heads)
    decoder_layers = said.whole("decoder_block_count", most=MAX_LAYERS)
    notes = _notes(said, heads)
    return Facts(
        architecture=architecture,
        kind="encoder-only" if said.flag("attention.causal") is False else None,
        position=_position(said),
        layers=layers,
        decoder_layers=decoder_layers,
        hidden=hidden,
        feed_forward=_largest(said.wholes("feed_forward_length", count=layers, most=MAX_WIDTH)),
        heads=_largest(heads),
        kv_heads=said.wholes("attention.head_count_kv", count=layers, most=MAX_HEADS) or heads,
        key_size=said.whole("attention.key_length_mla", most=MAX_HEAD_SIZE) or key,
        value_size=said.whole("attention.value_length_mla", "attention.value_length", most=MAX_HEAD_SIZE)
        or _share(hidden, heads),
        local_key_size=said.whole("attention.key_length_swa", most=MAX_HEAD_SIZE),
        local_value_size=said.whole("attention.value_length_swa", most=MAX_HEAD_SIZE),
        latent=_latent(said),
        shared_kv_layers=said.whole("attention.shared_kv_layers", most=MAX_LAYERS) or 0,
        rope_base=said.real("rope.freq_base"),
        local_rope_base=said.real("rope.freq_base_swa"),
        rope_share=_rope_share(said, key),
        rope_scaling=_scaling(said),
        window=said.whole("attention.sliding_window", most=MAX_TOKENS),
        sliding=_sliding(said, layers),
        linear=_linear(said, layers),
        context=said.whole("context_length", most=MAX_TOKENS),
        vocabulary=vocabulary_size(header) or said.whole("vocab_size"),
        tied=_tied(header),
        buckets=said.whole("attention.relative_buckets_count"),
        state=_state(said),
        experts=said.whole("expert_count"),
        experts_used=said.whole("expert_used_count"),
        norm=_norm(said),
        notes=(*notes, *said.notes),
    )


def vocabulary_size(header: GGUFHeader) -> int | None:
    """How many tokens the file's tokenizer has."""
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if isinstance(tokens, SkippedArray):
        return tokens.length
    return len(tokens) or None if isinstance(tokens, list) else None


def tokenizer_kind(metadata: Mapping[str, Any]) -> str | None:
    """The tokenizer's algorithm and llama.cpp's names for it and its pre-tokenizer."""
    said = Stated(metadata, "tokenizer.ggml.")
    model, before = said.text("model"), said.text("pre")
    if model is None:
        return None
    names = model if before in (None, "default") else f"{model}, {before}"
    return f"{_TOKENIZERS[model]} ({names})" if model in _TOKENIZERS else names


def _share(hidden: int | None, heads: tuple[int, ...] | None) -> int | None:
    """The size of a head where it is not stated: the width shared out among the heads."""
    most = _largest(heads)
    return hidden // most or None if hidden and most else None


def _largest(values: tuple[int, ...] | None) -> int | None:
    return max(values, default=0) or None if values else None


def _position(said: Stated) -> str | None:
    if said.real("attention.max_alibi_bias") is not None:
        return "ALiBi"
    return "RoPE" if said.any("rope.dimension_count") is not None else None


def _rope_share(said: Stated, key: int | None) -> float | None:
    rotated = said.whole("rope.dimension_count", most=MAX_HEAD_SIZE)
    return rotated / key if rotated and key and said.any("attention.kv_lora_rank") is None else None


def _scaling(said: Stated) -> str | None:
    kind, factor = said.text("rope.scaling.type"), said.real("rope.scaling.factor")
    if kind in (None, "none"):
        return None
    return f"{kind} scaling" + (f" x{factor:g}" if factor else "")


def _latent(said: Stated) -> int | None:
    """DeepSeek-V2's cached vector: the compressed keys and values and the one rotated key."""
    rank = said.whole("attention.kv_lora_rank")
    rotated = said.whole("rope.dimension_count", most=MAX_HEAD_SIZE)
    if said.any("attention.key_length_mla") is None:  # older files are run with whole keys and values
        return None
    return rank + rotated if rank and rotated else None


def _sliding(said: Stated, layers: int | None) -> tuple[bool, ...] | None:
    """The stated pattern: a flag per layer, or a period n (llama.cpp: 0 is every layer, 1 is none)."""
    pattern = said.any("attention.sliding_window_pattern")
    if layers is None or pattern is None:
        return None
    if isinstance(pattern, list):
        known = len(pattern) >= layers and all(type(item) in (bool, int) for item in pattern)
        return tuple(bool(item) for item in pattern[:layers]) if known else None
    period = said.whole("attention.sliding_window_pattern", most=MAX_LAYERS, least=0)
    if period is None:
        return None
    return tuple(period == 0 or layer % period < period - 1 for layer in range(layers))


def _linear(said: Stated, layers: int | None) -> tuple[bool, ...] | None:
    """Layers that keep no keys and values: every one but each n-th, or those that are given no KV heads."""
    if layers is None:
        return None
    if (interval := said.whole("full_attention_interval", most=MAX_LAYERS)) is not None:
        return tuple((layer + 1) % interval != 0 for layer in range(layers))
    listed = said.any("attention.head_count_kv")
    if isinstance(listed, list) and len(listed) >= layers and 0 in listed:
        return tuple(count == 0 for count in listed[:layers])
    return None


def _state(said: Stated) -> int | None:
    """Values that a Mamba layer keeps: its state, and the inputs under its convolution (Gu and Dao, 2023)."""
    inner, state, kernel = said.whole("ssm.inner_size"), said.whole("ssm.state_size"), said.whole("ssm.conv_kernel")
    if inner is None or state is None or kernel is None or said.whole("ssm.group_count") is not None:
        return None
    return inner * (state + kernel)


def _norm(said: Stated) -> str | None:
    if said.real("attention.layer_norm_rms_epsilon") is not None:
        return "RMSNorm"
    return "LayerNorm" if said.real("attention.layer_norm_epsilon") is not None else None


def _tied(header: GGUFHeader) -> bool | None:
    names = {tensor.name for tensor in header.tensors}
    return "output.weight" not in names if "token_embd.weight" in names else None


def _notes(said: Stated, heads: tuple[int, ...] | None) -> list[str]:
    notes = []
    experts, used = said.whole("expert_count"), said.whole("expert_used_count")
    if experts:
        notes.append(f"mixture of {experts} experts" + (f", {used} of them used for a token" if used else ""))
    if heads and len(set(heads)) > 1:
        notes.append("the number of heads varies by layer: the largest is shown")
    return notes
