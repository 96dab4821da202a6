"""The families of data/architectures.json made small: random models that a CPU runs at once."""

import json
from pathlib import Path
from typing import Any

TABLE = {row["name"]: row for row in json.loads((Path(__file__).parent / "data" / "architectures.json").read_text())}
SMALL: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "n_embd": 32, "d_model": 32, "intermediate_size": 48, "d_ff": 48,
    "moe_intermediate_size": 16, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "head_dim": 8, "d_kv": 8,
    "num_attention_heads": 4, "n_head": 4, "n_heads": 4, "num_heads": 4, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "n_layer": 4, "n_layers": 4, "num_layers": 4, "num_hidden_layers": 8,
    "num_decoder_layers": 3, "encoder_layers": 4, "decoder_layers": 3, "sliding_window": 6, "q_lora_rank": 16,
    "kv_lora_rank": 12, "qk_rope_head_dim": 4, "qk_nope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 4,
    "num_local_experts": 4, "num_experts": 4, "num_experts_per_tok": 2, "time_step_rank": 4, "mamba_dt_rank": 4,
}  # fmt: skip
"""Sizes that a CPU runs at once; whether a field is there, and its ratio of heads, stays the configuration's own."""
GENERATING = [name for name in TABLE if name not in ("BERT base", "ModernBERT base")]


def small(name: str) -> dict[str, Any]:
    """A configuration of the family made small: only fields that it has are changed."""
    config = dict(TABLE[name]["config"])
    shared = {"num_key_value_heads": 4 if config.get("num_key_value_heads") == config.get("num_attention_heads") else 2}
    if config.get("num_key_value_heads") == 1:
        shared = {"num_key_value_heads": 1}
    given = {key: value for key, value in (SMALL | shared).items() if config.get(key) is not None}
    return (
        config | given | ({"n_group": 1, "topk_group": 1} if "n_routed_experts" in config else {}) | {"pad_token_id": 0}
    )


def made(name: str, library: Any, torch: Any) -> Any:
    """A random model of the family, the same every time."""
    fields = small(name)
    config = library.CONFIG_MAPPING[fields.pop("model_type")](**fields)
    torch.manual_seed(0)
    kind = library.AutoModelForSeq2SeqLM if fields.get("is_encoder_decoder") else library.AutoModelForCausalLM
    return kind.from_config(config).eval()
