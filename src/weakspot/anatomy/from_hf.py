"""From a Hugging Face config.json to stated facts. Defaults that a class of transformers fixes are named as such."""

from collections.abc import Mapping
from typing import Any, Final

from weakspot.anatomy.shape import NOT_STATED, Facts
from weakspot.anatomy.stated import MAX_HEAD_SIZE, MAX_HEADS, MAX_LAYERS, MAX_TOKENS, Stated

_ONE_KV_HEAD_EACH: Final = (
    "gpt2 gpt_neox gptj opt bloom bert roberta distilbert electra t5 mt5 bart mbart pegasus marian m2m_100 "
    "llama mistral phi stablelm olmo olmo2 cohere falcon mpt modernbert"
)
"""In these transformers classes a configuration without a number of KV heads has one per head."""


def text_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that hold for the text part of a model, which stand apart where there are several parts."""
    text = config.get("text_config")
    return {**config, **text} if isinstance(text, dict) else dict(config)


def facts_from_config(config: Mapping[str, Any]) -> Facts:
    """What a configuration states of the architecture; that of the text part where there are several."""
    text = config.get("text_config")
    nested = isinstance(text, dict) and bool(text)
    said = Stated(text_config(config))
    architecture = said.text("model_type") or NOT_STATED
    layers = said.whole("num_hidden_layers", "n_layer", "num_layers", "encoder_layers", "n_layers", most=MAX_LAYERS)
    heads = said.whole(
        "num_attention_heads", "n_head", "num_heads", "decoder_attention_heads", "n_heads", most=MAX_HEADS
    )
    hidden = said.whole("hidden_size", "n_embd", "d_model", "dim", "n_embed")
    size = said.whole("head_dim", "d_kv", most=MAX_HEAD_SIZE) or (hidden // heads or None if hidden and heads else None)
    window, sliding = _windows(said, architecture, layers)
    notes = ["the text part of a model with several parts"] if nested else []
    experts = said.whole("num_local_experts", "num_experts", "n_routed_experts")
    if experts:
        notes.append(f"mixture of {experts} experts")
    if said.any("auto_map") is not None:
        notes.append("the configuration names code of its own (auto_map): it is never run, only the fields are read")
    return Facts(
        architecture=architecture,
        kind="encoder-decoder" if said.flag("is_encoder_decoder") else None,
        position=_position(said, architecture),
        layers=layers,
        decoder_layers=said.whole("num_decoder_layers", "decoder_layers", most=MAX_LAYERS),
        hidden=hidden,
        feed_forward=_feed_forward(said, architecture, hidden),
        heads=heads,
        kv_heads=_kv_heads(said, architecture, heads, layers),
        key_size=_latent_key(said) or size,
        value_size=said.whole("v_head_dim", most=MAX_HEAD_SIZE) or size,
        latent=_latent(said),
        rope_base=_rope_base(said, "full_attention"),
        local_rope_base=said.real("rope_local_base_freq", "local_rope_theta")
        or _nested_base(said, "sliding_attention"),
        rope_share=_rope_share(said, size),
        rope_scaling=_scaling(said),
        window=window,
        sliding=sliding,
        linear=_linear(said, layers),
        context=said.whole("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", most=MAX_TOKENS),
        vocabulary=said.whole("vocab_size"),
        tied=said.flag("tie_word_embeddings"),
        plain=_plain(said, layers),
        state=_state(said, architecture, hidden),
        buckets=said.whole("relative_attention_num_buckets"),
        experts=experts,
        experts_used=said.whole("num_experts_per_tok", "num_experts_per_token", "moe_topk"),
        norm=_norm(said, architecture),
        activation=said.text("hidden_act", "hidden_activation", "activation_function", "dense_act_fn"),
        notes=(*notes, *said.notes),
    )


def _feed_forward(said: Stated, architecture: str, hidden: int | None) -> int | None:
    stated = said.whole("intermediate_size", "n_inner", "d_ff", "ffn_dim", "decoder_ffn_dim", "hidden_dim")
    if (
        stated is None
        and hidden is not None
        and architecture in ("gpt2", "gpt_bigcode", "gptj", "bloom", "falcon", "mpt")
    ):
        return (said.whole("expansion_ratio") or 4) * hidden  # these classes fix it so
    return stated


def _kv_heads(said: Stated, architecture: str, heads: int | None, layers: int | None) -> tuple[int, ...] | None:
    stated = said.whole("num_key_value_heads", "num_kv_heads", most=MAX_HEADS)
    if said.flag("multi_query") and not said.flag("new_decoder_architecture"):
        stated = 1
    if stated is None and architecture in _ONE_KV_HEAD_EACH.split():
        stated = heads
    return (stated,) * (layers or 1) if stated is not None else None


def _windows(said: Stated, architecture: str, layers: int | None) -> tuple[int | None, tuple[bool, ...] | None]:
    """The window, and the layers that have it where the configuration says so."""
    window = said.whole("sliding_window", "attention_chunk_size", "local_attention", most=MAX_TOKENS)
    if not said.flag("use_sliding_window") and (
        architecture.startswith("qwen") or said.any("use_sliding_window") is False
    ):
        return None, None  # Qwen's classes leave the window off unless this is set
    if layers is None:
        return window, None
    kinds = said.any("layer_types")
    if isinstance(kinds, list) and len(kinds) >= layers:
        return window, tuple(kind in ("sliding_attention", "chunked_attention") for kind in kinds[:layers])
    return window, _pattern(said, architecture, layers)


def _pattern(said: Stated, architecture: str, layers: int) -> tuple[bool, ...] | None:
    """Which layers have the window, by one of the periods that configurations know."""
    every = said.whole("global_attn_every_n_layers", most=MAX_LAYERS)
    if every is not None:  # ModernBERT: the first one too
        return tuple(layer % every != 0 for layer in range(layers))
    period = said.whole("sliding_window_pattern", "_sliding_window_pattern", most=MAX_LAYERS)
    if period is not None:
        return tuple((layer + 1) % period != 0 for layer in range(layers))
    first = said.whole("max_window_layers", most=MAX_LAYERS, least=0)
    if first is not None and architecture.startswith("qwen"):
        return tuple(layer >= first for layer in range(layers))
    return None


def _linear(said: Stated, layers: int | None) -> tuple[bool, ...] | None:
    """Layers that keep no keys and values, by a list of kinds or by the period of those that do (Jamba)."""
    period = said.whole("attn_layer_period", most=MAX_LAYERS)
    if period is not None and layers is not None:
        first = said.whole("attn_layer_offset", most=MAX_LAYERS, least=0) or 0
        return tuple(layer % period != first for layer in range(layers))
    kinds = said.any("layer_types")
    if layers is None or not isinstance(kinds, list) or len(kinds) < layers:
        return None
    linear = tuple(kind in ("linear_attention", "mamba", "conv", "recurrent") for kind in kinds[:layers])
    return linear if any(linear) else None


def _plain(said: Stated, layers: int | None) -> tuple[bool, ...] | None:
    """Layers without positions (SmolLM3, Llama 4): the list has a 1 where they are, whatever its name says."""
    listed = said.any("no_rope_layers")
    if layers is None or not isinstance(listed, list) or len(listed) < layers:
        return None
    return tuple(entry == 0 for entry in listed[:layers])


def _state(said: Stated, architecture: str, hidden: int | None) -> int | None:
    """Values that a recurrent layer keeps: its state, and the inputs under its convolution, as transformers does."""
    state = said.whole("state_size", "mamba_d_state", "ssm_state_size")
    kernel = said.whole("conv_kernel", "mamba_d_conv")
    expand = said.whole("expand", "mamba_expand")
    if state is None or kernel is None or expand is None or hidden is None:
        return None
    if architecture in ("mamba", "falcon_mamba", "jamba"):
        return expand * hidden * (state + kernel)
    groups = said.whole("n_groups", "mamba_n_groups")
    if architecture != "mamba2" or groups is None:
        return None
    return expand * hidden * state + (expand * hidden + 2 * groups * state) * kernel


def _norm(said: Stated, architecture: str) -> str | None:
    if said.real("rms_norm_eps") is not None:
        return "RMSNorm"
    if architecture in ("t5", "mt5", "umt5", "mamba", "mamba2"):
        return "RMSNorm"
    stated = said.real("layer_norm_epsilon", "layer_norm_eps", "norm_eps", "norm_epsilon")
    return "LayerNorm" if stated is not None or architecture in ("gpt2", "bart", "olmo", "mpt") else None


def _latent(said: Stated) -> int | None:
    rank, rotated = said.whole("kv_lora_rank"), said.whole("qk_rope_head_dim", most=MAX_HEAD_SIZE)
    return rank + rotated if rank and rotated else None


def _latent_key(said: Stated) -> int | None:
    """What a head of DeepSeek-V2 compares in: a plain part and a rotated one."""
    plain = said.whole("qk_nope_head_dim", most=MAX_HEAD_SIZE)
    rotated = said.whole("qk_rope_head_dim", most=MAX_HEAD_SIZE)
    return plain + rotated if plain and rotated else None


def _position(said: Stated, architecture: str) -> str | None:
    kind = said.text("position_embedding_type")
    if said.flag("alibi") or kind == "alibi":
        return "ALiBi"
    if architecture == "mpt" and said.part("attn_config").flag("alibi") is False:
        return "learned absolute"
    return "RoPE" if kind in ("rope", "rotary") else None


def _rope_base(said: Stated, layer_type: str) -> float | None:
    return (
        said.real("rope_theta", "rotary_emb_base", "global_rope_theta")
        or said.part("rope_parameters").real("rope_theta")
        or _nested_base(said, layer_type)
    )


def _nested_base(said: Stated, layer_type: str) -> float | None:
    """Since version 5, transformers keeps one set of parameters per kind of layer."""
    return said.part("rope_parameters").part(layer_type).real("rope_theta")


def _rope_share(said: Stated, size: int | None) -> float | None:
    stated = said.real("partial_rotary_factor", "rotary_pct")
    if stated is None and (rotated := said.whole("rotary_dim", most=MAX_HEAD_SIZE)) and size:
        return rotated / size
    return stated


def _scaling(said: Stated) -> str | None:
    for part in (said.part("rope_scaling"), said.part("rope_parameters")):
        kind, factor = part.text("rope_type", "type"), part.real("factor")
        if kind not in (None, "default", "mrope", "proportional"):  # these share out positions and stretch none
            return f"{kind} scaling" + (f" x{factor:g}" if factor else "")
    return None
