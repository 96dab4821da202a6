"""The family table: configurations of published models, their parameters and their caches, worked out by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import weakspot
from weakspot.records import Inspection

TABLE = {row["name"]: row for row in json.loads((Path(__file__).parent / "data" / "architectures.json").read_text())}
KEPT: dict[str, Callable[[int], int]] = {
    # 2 bytes x layers x KV heads x (key + value) x tokens, where every layer sees the whole context
    "GPT-2 small": lambda n: 2 * 12 * 12 * (64 + 64) * n,  # 768 / 12 heads = 64; one KV head each
    "Pythia 1B": lambda n: 2 * 16 * 8 * (256 + 256) * n,  # 2048 / 8 = 256
    "GPT-NeoX 20B": lambda n: 2 * 44 * 64 * (96 + 96) * n,  # 6144 / 64 = 96
    "LLaMA 2 7B": lambda n: 2 * 32 * 32 * (128 + 128) * n,  # MHA: half a MiB a token
    "Llama 3 8B": lambda n: 2 * 32 * 8 * (128 + 128) * n,  # 32 heads on 8: a quarter of that
    "Mixtral 8x7B": lambda n: 2 * 32 * 8 * (128 + 128) * n,  # experts have no part in the cache
    "Qwen2 0.5B": lambda n: 2 * 24 * 2 * (64 + 64) * n,  # the window is stated but switched off
    "Qwen3 8B": lambda n: 2 * 36 * 8 * (128 + 128) * n,  # head_dim 128 is stated
    "Falcon 7B": lambda n: 2 * 32 * 1 * (64 + 64) * n,  # MQA: one KV head for 71
    "Falcon-RW 1B": lambda n: 2 * 24 * 32 * (64 + 64) * n,  # MHA; ALiBi keeps nothing
    "BLOOM 560M": lambda n: 2 * 24 * 16 * (64 + 64) * n,
    "BLOOM 176B": lambda n: 2 * 70 * 112 * (128 + 128) * n,
    "MPT 7B": lambda n: 2 * 32 * 32 * (128 + 128) * n,
    "Gemma 2B": lambda n: 2 * 18 * 1 * (256 + 256) * n,
    "OLMo 2 7B": lambda n: 2 * 32 * 32 * (128 + 128) * n,
    "SmolLM3 3B": lambda n: 2 * 36 * 4 * (128 + 128) * n,  # layers without positions keep as much
    "OLMo 1B": lambda n: 2 * 16 * 16 * (128 + 128) * n,
    # windows: a layer stops at its own
    "Mistral 7B v0.1": lambda n: 2 * 32 * 8 * (128 + 128) * min(n, 4096),  # every layer
    "Phi-3 mini 4k": lambda n: 2 * 32 * 32 * (96 + 96) * min(n, 2047),  # every layer
    "Gemma 2 2B": lambda n: 2 * 4 * (256 + 256) * (13 * min(n, 4096) + 13 * n),  # every second of 26
    "Gemma 3 1B": lambda n: 2 * 1 * (256 + 256) * (22 * min(n, 512) + 4 * n),  # layers 6, 12, 18 and 24 of 26 are whole
    # MLA: one compressed vector of 512 and one rotated key of 64 for a layer, whatever the heads
    "DeepSeek-V2": lambda n: 2 * 60 * (512 + 64) * n,
    "DeepSeek-V3": lambda n: 2 * 61 * (512 + 64) * n,
    # the decoder's own tokens, and as many of the encoder's under cross-attention
    "T5 small": lambda n: 2 * 6 * 8 * (64 + 64) * (n + n),
    "mT5 small": lambda n: 2 * 8 * 6 * (64 + 64) * (n + n),
    "Flan-T5 base": lambda n: 2 * 12 * 12 * (64 + 64) * (n + n),
    "BART base": lambda n: 2 * 6 * 12 * (64 + 64) * (n + n),
    # encoders generate nothing
    "BERT base": lambda n: 0,
    "ModernBERT base": lambda n: 0,
    # states: twice the width, times 16 of state and 4 of convolution, for a layer; Jamba has 4 layers of attention in 32
    "Mamba 130M": lambda n: 2 * 24 * 1536 * (16 + 4),
    "Jamba v0.1": lambda n: 2 * (4 * 8 * (128 + 128) * n + 28 * 8192 * (16 + 4)),
}  # fmt: skip
POSITIONS = {
    "GPT-2 small": {"learned absolute"},
    "GPT-NeoX 20B": {"RoPE base 10,000, on 25% of each head"},
    "Llama 3 8B": {"RoPE base 500,000"},
    "Gemma 3 1B": {"RoPE base 10,000", "RoPE base 1,000,000"},
    "Falcon 7B": {"RoPE base 10,000"},
    "Falcon-RW 1B": {"ALiBi"},
    "BLOOM 560M": {"ALiBi"},
    "MPT 7B": {"ALiBi"},
    "T5 small": {"T5 relative bias (32 buckets)"},
    "BART base": {"learned absolute"},
    "BERT base": {"learned absolute"},
    "ModernBERT base": {"RoPE base 10,000", "RoPE base 160,000"},
    "Mamba 130M": {"none"},
    "Jamba v0.1": {"none"},
}
NORMS = {
    "GPT-2 small": "LayerNorm, before each part",
    "LLaMA 2 7B": "RMSNorm, before each part",
    "Gemma 2 2B": "RMSNorm, before and after each part",
    "OLMo 2 7B": "RMSNorm, after each part, before the sum",
    "BERT base": "LayerNorm, after each part, on the sum",
    "T5 small": "RMSNorm, before each part",
}
ACTIVE = {"Mixtral 8x7B": 12.9e9, "DeepSeek-V2": 21e9, "DeepSeek-V3": 37e9, "Jamba v0.1": 12e9}
"""Parameters that take part in a token, as the papers round them."""


def inspected(folder: Path, name: str, context: int = 8192, **asked: Any) -> Inspection:
    """The inspection of a row of the table, from its configuration alone."""
    (folder / "config.json").write_text(json.dumps(TABLE[name]["config"]), "utf-8")
    return weakspot.inspect([folder], context=context, **asked).models[0]


def test_the_table_is_whole() -> None:
    """Every row has a source and a cache worked out by hand, and no cache is without its row."""
    assert set(KEPT) == set(TABLE)
    assert all(row["source"] and row["which"] for row in TABLE.values())


@pytest.mark.parametrize("name", TABLE)
def test_parameters_are_the_published_ones(tmp_path: Path, name: str) -> None:
    """From the configuration alone, the parameters are within 0.5% of the published count, and the parts add up."""
    found = inspected(tmp_path, name)
    assert found.parameters == pytest.approx(TABLE[name]["published"], rel=0.005)
    assert found.parameters == sum(found.parameters_by_part.values())
    assert found.parameters_from == "counted from the configuration"
    assert found.bytes_by_dtype["bf16"] == 2 * found.parameters


@pytest.mark.parametrize("name", TABLE)
def test_caches_are_those_worked_out_by_hand(tmp_path: Path, name: str) -> None:
    """At four contexts the cache has exactly the bytes of its derivation."""
    for context in (1, 1024, 8192, 32768):
        assert inspected(tmp_path, name, context).kv_cache.bytes == KEPT[name](context), context


@pytest.mark.parametrize("name", TABLE)
def test_every_layer_is_told(tmp_path: Path, name: str) -> None:
    """There is an attention and a position for each layer, and nothing is left unknown of a family in the table."""
    found = inspected(tmp_path, name)
    assert found.unknown == ()
    assert len(found.attention) == len(found.positions) == found.layers
    if name in POSITIONS:
        assert set(found.positions) == POSITIONS[name]


@pytest.mark.parametrize("name", NORMS)
def test_norms_and_their_place(tmp_path: Path, name: str) -> None:
    """The kind of norm is read from the fields, its place is known of the family."""
    assert inspected(tmp_path, name).norm == NORMS[name]


@pytest.mark.parametrize("name", TABLE)
def test_active_parameters(tmp_path: Path, name: str) -> None:
    """A mixture of experts uses the part of its parameters that its paper states, a dense model all of them."""
    found = inspected(tmp_path, name)
    assert found.active_parameters == (pytest.approx(ACTIVE[name], rel=0.02) if name in ACTIVE else found.parameters)


def test_operations_by_hand(tmp_path: Path) -> None:
    """LLaMA 2 7B at 4,096 tokens: 2 per weight beside the embedding, and 4 x heads x size x tokens in each layer."""
    found = inspected(tmp_path, "LLaMA 2 7B", 4096, batch=8)
    assert found.compute is not None
    weights = 32 * (4 * 4096 * 4096 + 3 * 4096 * 11008) + 32000 * 4096  # norms and the input embedding left out
    attention = 32 * 2 * 32 * (128 + 128)  # for a token and one that it sees
    assert found.compute.flops_per_token == 2 * weights
    assert found.compute.decode_flops == 2 * weights + attention * 4096
    assert found.compute.prefill_flops == 2 * weights * 4096 + attention * 4096 * 4097 // 2
    assert found.compute.decode_bytes == 2 * weights + 8 * 524_288 * 4096
    assert found.compute.intensity == round(8 * found.compute.decode_flops / found.compute.decode_bytes, 3)


def test_windows_spare_operations(tmp_path: Path) -> None:
    """Beyond its window, a token of Mistral costs the same wherever it stands, and one of LLaMA 2 goes on growing."""
    near, far = (inspected(tmp_path, "Mistral 7B v0.1", n).compute for n in (4096, 32768))
    assert near is not None
    assert far is not None
    assert near.decode_flops == far.decode_flops
    pairs = 4096 * 4097 // 2 + (32768 - 4096) * 4096
    assert far.prefill_flops == far.flops_per_token * 32768 + 32 * 2 * 32 * 256 * pairs
    llama = [inspected(tmp_path, "LLaMA 2 7B", n).compute for n in (4096, 32768)]
    assert llama[0] is not None
    assert llama[1] is not None
    assert llama[0].decode_flops < llama[1].decode_flops


def test_an_encoder_reads_once(tmp_path: Path) -> None:
    """T5's decoder pays for cross-attention on every token, and its encoder for the whole input but once."""
    found = inspected(tmp_path, "T5 small", 512).compute
    assert found is not None
    attention, dense, width = 4 * 512 * 512, 2 * 512 * 2048, 8 * (64 + 64)
    decoder = 6 * (attention + 2 * 512 * 512 + dense) + 32128 * 512  # of cross-attention, queries and output alone
    assert found.flops_per_token == 2 * decoder
    assert found.decode_flops == 2 * decoder + 6 * 2 * width * (512 + 512)
    encoder = 6 * (attention + dense) + 6 * 2 * 512 * 512  # and the keys and values for cross-attention
    seen = 6 * 2 * width * (512 * 512 + 512 + 1)  # every pair in the encoder, the first token across and alone
    assert found.prefill_flops == 2 * encoder * 512 + 2 * decoder + seen


def test_the_largest_batch(tmp_path: Path) -> None:
    """As many sequences fit as the memory beside the weights holds caches; none where the weights alone do not fit."""
    weights, cache = 2 * TABLE["LLaMA 2 7B"]["published"], 524_288 * 4096
    for more, fitting in ((5 * cache, 5), (5 * cache - 1, 4), (-1, 0)):
        assert inspected(tmp_path, "LLaMA 2 7B", 4096, memory=weights + more, batch=3).largest_batch == fitting
    assert inspected(tmp_path, "LLaMA 2 7B", 4096).largest_batch is None
