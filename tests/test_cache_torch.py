"""Caches by our arithmetic, held against the tensors that transformers really keeps, on tiny random models."""

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from weakspot.anatomy.arithmetic import CacheLayer  # noqa: E402 - behind the skip
from weakspot.anatomy.families import family_of  # noqa: E402
from weakspot.anatomy.from_hf import facts_from_config  # noqa: E402
from weakspot.anatomy.layers import kept_by_layer  # noqa: E402
from weakspot.anatomy.memory import bytes_at  # noqa: E402
from weakspot.anatomy.shape import shape_of  # noqa: E402

pytestmark = pytest.mark.torch
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
TOKENS, READ = 11, 7


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


def tensors_in(value: Any, found: dict[int, Any]) -> None:
    """Every tensor that a cache object holds, once."""
    if isinstance(value, torch.Tensor):
        found[value.data_ptr()] = value
    elif isinstance(value, dict):
        for entry in value.values():
            tensors_in(entry, found)
    elif isinstance(value, list | tuple):
        for entry in value:
            tensors_in(entry, found)
    elif hasattr(value, "__dict__"):
        tensors_in(vars(value), found)


def values_kept(config: dict[str, Any]) -> int:
    """The values in the cache after TOKENS tokens (and READ ones in the encoder), as transformers keeps them."""
    fields = dict(config)
    made = library.CONFIG_MAPPING[fields.pop("model_type")](**fields)
    torch.manual_seed(0)
    ids = torch.randint(3, 60, (1, TOKENS))
    with torch.no_grad():
        if config.get("is_encoder_decoder"):
            model = library.AutoModelForSeq2SeqLM.from_config(made).eval()
            out = model(input_ids=torch.randint(3, 60, (1, READ)), decoder_input_ids=ids, use_cache=True)
        else:
            out = library.AutoModelForCausalLM.from_config(made).eval()(input_ids=ids, use_cache=True)
    cache = out.cache_params if "cache_params" in out else out.past_key_values
    found: dict[int, Any] = {}
    tensors_in(cache, found)
    return sum(tensor.numel() for tensor in found.values() if tensor.is_floating_point())


def by_layer(config: dict[str, Any]) -> tuple[CacheLayer, ...]:
    """What we say that each layer keeps."""
    facts = facts_from_config(config)
    kept = kept_by_layer(facts, shape_of(facts, family_of(facts.architecture)))
    assert kept is not None
    return kept


@pytest.mark.parametrize("name", GENERATING)
def test_the_cache_is_what_transformers_keeps(name: str) -> None:
    """Of every family that generates, our values are those in transformers' cache object.

    One thing is otherwise there: it keeps one token less than a window, which the next one fills. Of MLA, version 5.23
    keeps the latent vector alone; older ones wrote keys and values out for every head.
    """
    config = small(name)
    kept = by_layer(config)
    window = config.get("sliding_window") if any(layer.window for layer in kept) else None
    ours = bytes_at(kept, "bf16", TOKENS, source=READ) // 2
    theirs = values_kept(config)
    if window is not None:
        theirs += sum(layer.values for layer in kept if layer.window == window)
    assert ours == theirs
