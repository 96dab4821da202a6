"""Architecture cards: what is read from headers and configurations, and the arithmetic on it."""

import hashlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_gguf
import make_hf
from weakspot.anatomy.arithmetic import CacheLayer, kv_bytes_at, kv_bytes_per_token, llamacpp_kv_bytes
from weakspot.anatomy.card import NO_TEMPLATE, card_from_gguf, card_from_hf
from weakspot.anatomy.families import FAMILIES, family_of
from weakspot.anatomy.from_gguf import facts_from_gguf
from weakspot.anatomy.shape import shape_of
from weakspot.artifacts.gguf import read_header
from weakspot.errors import CorruptFile, UnknownModel
from weakspot.records import Card, CardLayer, from_json, to_json

MIB = 1 << 20


def gguf(folder: Path, metadata: dict[str, Any], tensors: list[make_gguf.Tensor] | None = None) -> Path:
    """A GGUF file with this header."""
    path = folder / "tiny.gguf"
    path.write_bytes(make_gguf.write(metadata, tensors or []))
    return path


def test_a_card_out_of_a_gguf_file(tmp_path: Path) -> None:
    """Every field of a card comes from the header: counts, shape, cache, tokenizer, template, licence."""
    template = "{{ messages[0]['content'] }} ü"
    metadata = make_gguf.llama(**{"tokenizer.chat_template": template, "general.file_type": 7})
    card = card_from_gguf(gguf(tmp_path, metadata, make_gguf.llama_tensors(kind=8)))
    matrices = 2 * (64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 128) + 2 * 64 * 260
    norms = 64 * 5
    assert card == Card(
        name="tiny",
        architecture="llama",
        kind="decoder-only",
        source="GGUF version 3 header",
        parameters=matrices + norms,
        layer_count=2,
        hidden=64,
        feed_forward=128,
        heads=4,
        kv_heads=2,
        head_size=16,
        attention="GQA",
        position="RoPE (base 10,000)",
        layers=(CardLayer(2, "full", None, 10_000.0),),
        sliding_window=None,
        context=4096,
        vocabulary=260,
        tokenizer="SentencePiece BPE with byte fallback (llama)",
        tied_embeddings=False,
        quantisation="Q8_0",
        weights_bytes=matrices // 32 * 34 + norms * 4,
        kv_dtype="f16",
        kv_bytes_per_token=2 * 2 * (16 + 16) * 2,
        kv_bytes_at={"512": 256 * 512, "2048": 256 * 2048, "4096": 256 * 4096},
        chat_template_sha256=hashlib.sha256(template.encode()).hexdigest(),
        licence="apache-2.0",
        notes=card.notes,
    )
    assert any(note.startswith("stored as 100% Q8_0") for note in card.notes)
    assert from_json(to_json(card), Card) == card


def test_a_given_name_stands_in_for_the_files_own(tmp_path: Path) -> None:
    """A name that is asked for is used; without one and without a name inside, the file's own is."""
    assert card_from_gguf(gguf(tmp_path, make_gguf.llama()), "mine").name == "mine"
    assert card_from_gguf(gguf(tmp_path, make_gguf.llama(**{"general.name": None}))).name == "tiny"


def test_tied_embeddings_and_a_missing_template_are_seen(tmp_path: Path) -> None:
    """A file without an output matrix has tied embeddings; one without a template is noted as a base model."""
    tied = card_from_gguf(gguf(tmp_path, make_gguf.llama(), make_gguf.llama_tensors(tied=True)))
    assert tied.tied_embeddings is True
    assert tied.chat_template_sha256 is None
    assert NO_TEMPLATE in tied.notes


@pytest.mark.parametrize(
    ("heads", "kv_heads", "kind"), [(4, 4, "MHA"), (4, None, "MHA"), (4, 2, "GQA"), (4, 1, "MQA"), (1, 1, "MHA")]
)
def test_the_kind_of_attention_follows_the_heads(tmp_path: Path, heads: int, kv_heads: int | None, kind: str) -> None:
    """As many KV heads as heads is MHA, one is MQA, anything between is GQA; not stated is one each."""
    metadata = make_gguf.llama(**{"llama.attention.head_count": heads, "llama.attention.head_count_kv": kv_heads})
    card = card_from_gguf(gguf(tmp_path, metadata))
    assert (card.attention, card.kv_heads) == (kind, kv_heads or heads)


def test_gemma3s_layers_alternate(tmp_path: Path) -> None:
    """Five layers with a window and their own rotary base, then one without: the pattern's source is in the notes."""
    card = card_from_gguf(gguf(tmp_path, make_gguf.gemma3(), make_gguf.gemma3_tensors()))
    assert card.layers == (
        CardLayer(5, "sliding", 300, 10_000.0),
        CardLayer(1, "full", None, 1_000_000.0),
        CardLayer(1, "sliding", 300, 10_000.0),
    )
    assert card.sliding_window == 300
    assert card.position == "RoPE (base 1,000,000; 10,000 in sliding layers)"
    assert any("Gemma 3 Technical Report, 2025" in note for note in card.notes)
    per_layer = 32 * 2 * 2
    assert card.kv_bytes_per_token == 7 * per_layer
    assert card.kv_bytes_at == {
        "512": per_layer * (512 + 6 * 300),
        "2048": per_layer * (2048 + 6 * 300),
        "8192": per_layer * (8192 + 6 * 300),
    }


def test_a_stated_pattern_goes_before_a_known_one(tmp_path: Path) -> None:
    """Where the file says which layers have a window, by flags or by a period, that is taken and nothing is noted."""
    flags = [True, False, True, False, True, False, False]
    for stated, expected in ((flags, flags), (2, [True, False] * 3 + [True]), (0, [True] * 7), (1, [False] * 7)):
        metadata = make_gguf.gemma3(**{"gemma3.attention.sliding_window_pattern": stated})
        card = card_from_gguf(gguf(tmp_path, metadata))
        windows = [layer.window for layer in card.layers for _ in range(layer.count)]
        assert windows == [300 if slides else None for slides in expected], stated
        assert not any("pattern" in note for note in card.notes)


@pytest.mark.parametrize("architecture", sorted(FAMILIES))
def test_every_known_architecture_gives_a_card(tmp_path: Path, architecture: str) -> None:
    """Each architecture of the table gives its kind and, where it has a cache, one that stops growing at windows."""
    metadata = {
        "general.architecture": architecture,
        **{
            f"{architecture}.{key}": value
            for key, value in {
                "block_count": 12, "context_length": 8192, "embedding_length": 64, "attention.head_count": 4,
                "attention.head_count_kv": 2, "attention.sliding_window": 128, "feed_forward_length": 96,
            }.items()
        },
    }  # fmt: skip
    card = card_from_gguf(gguf(tmp_path, metadata))
    assert card.kind == FAMILIES[architecture].kind
    assert card.head_size == 16
    if card.kv_bytes_per_token is not None:
        assert card.kv_bytes_at["512"] <= 512 * card.kv_bytes_per_token
        windowed = any(layer.window for layer in card.layers)
        assert (card.kv_bytes_at["8192"] < 8192 * card.kv_bytes_per_token) == windowed


def test_an_unknown_architecture_states_what_it_states(tmp_path: Path) -> None:
    """What an unknown architecture does not say is None: no layers, no position, no cache; and the notes say why."""
    metadata = {
        "general.architecture": "zeta9", "zeta9.block_count": 3, "zeta9.embedding_length": 64,
        "zeta9.attention.head_count": 4,
    }  # fmt: skip
    card = card_from_gguf(gguf(tmp_path, metadata))
    assert (card.kind, card.layer_count, card.hidden, card.heads) == ("not stated", 3, 64, 4)
    assert (card.position, card.layers, card.kv_bytes_per_token, card.kv_bytes_at) == (None, (), None, {})
    assert any("'zeta9' is not known here" in note for note in card.notes)


def test_an_empty_header_gives_a_card(tmp_path: Path) -> None:
    """A valid file without any metadata or tensor gives a card that states next to nothing, not an error."""
    card = card_from_gguf(gguf(tmp_path, {}))
    assert card.architecture == "not stated"
    assert card.parameters == 0


def test_other_shapes_in_gguf(tmp_path: Path) -> None:
    """T5 is an encoder-decoder, BERT keeps no cache, hybrids keep one in some layers, MLA one vector per layer."""
    t5 = {
        "general.architecture": "t5", "t5.block_count": 6, "t5.decoder_block_count": 8, "t5.embedding_length": 512,
        "t5.attention.head_count": 8, "t5.attention.key_length": 64, "t5.attention.value_length": 64,
        "t5.attention.relative_buckets_count": 32,
    }  # fmt: skip
    card = card_from_gguf(gguf(tmp_path, t5))
    assert (card.kind, card.layer_count, card.position) == ("encoder-decoder", 14, "T5 relative bias (32 buckets)")
    assert card.kv_bytes_per_token == 8 * 8 * 128 * 2
    assert any("cross-attention" in note for note in card.notes)

    bert = {"general.architecture": "bert", "bert.block_count": 2, "bert.attention.causal": False}
    assert card_from_gguf(gguf(tmp_path, bert)).kv_bytes_per_token is None

    hybrid = {
        "general.architecture": "qwen35", "qwen35.block_count": 8, "qwen35.full_attention_interval": 4,
        "qwen35.attention.head_count": 4, "qwen35.attention.head_count_kv": 1, "qwen35.attention.key_length": 64,
        "qwen35.attention.value_length": 64,
    }  # fmt: skip
    card = card_from_gguf(gguf(tmp_path, hybrid))
    assert [(layer.count, layer.attention) for layer in card.layers] == [(3, "recurrent"), (1, "full")] * 2
    assert card.kv_bytes_per_token == 2 * 128 * 2

    mla = {
        "general.architecture": "deepseek2", "deepseek2.block_count": 27, "deepseek2.attention.head_count": 16,
        "deepseek2.attention.head_count_kv": 1, "deepseek2.attention.key_length": 576,
        "deepseek2.attention.value_length": 512, "deepseek2.attention.key_length_mla": 192,
        "deepseek2.attention.kv_lora_rank": 512, "deepseek2.rope.dimension_count": 64,
    }  # fmt: skip
    card = card_from_gguf(gguf(tmp_path, mla))
    assert (card.attention, card.kv_bytes_per_token) == ("MLA", 27 * (512 + 64) * 2)


def test_a_part_of_a_split_file_is_not_counted(tmp_path: Path) -> None:
    """One part of a split model says nothing of the whole: no parameters, no bytes, no verdict on its embeddings."""
    card = card_from_gguf(gguf(tmp_path, make_gguf.llama(**{"split.count": 3}), make_gguf.llama_tensors()))
    assert (card.parameters, card.weights_bytes, card.tied_embeddings) == (None, None, None)
    assert any("one of 3 parts" in note for note in card.notes)


def test_the_caches_arithmetic() -> None:
    """A window stops a layer's growth; values of two bytes; the engine rounds up and never takes less."""
    cache = (CacheLayer(1, 256, 256, 512),) * 15 + (CacheLayer(1, 256, 256),) * 3
    assert kv_bytes_per_token(cache) == 18 * 512 * 2
    assert kv_bytes_at(cache, 512) == 9 * MIB
    assert kv_bytes_at(cache, 8192) == int(7.5 * MIB) + 24 * MIB
    for context in (1, 511, 512, 513, 1024, 4096, 10_000):
        for slots in (1, 3, 8):
            share = -(-context // slots)
            assert llamacpp_kv_bytes(cache, context, slots) >= slots * kv_bytes_at(cache, share)


ENGINE = """
import sys, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.n_ctx, p.n_parallel = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
p.verbosity, p.n_gpu_layers, p.warmup, p.ui, p.api_keys = 5, 0, False, False, ["k" * 20]
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(p)
"""


def engine_kv_mib(path: Path, context: int, slots: int) -> float:
    """The MiB that llama.cpp itself says it has set aside for the KV cache (it logs them, rounded to 0.01).

    It is ended once it listens: left alone, a server that nobody asked anything can hang at its own end.
    """
    command = [sys.executable, "-c", ENGINE, str(path), str(context), str(slots)]
    lines = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as engine:
        too_long = threading.Timer(120, engine.kill)
        too_long.start()
        assert engine.stderr is not None
        for line in engine.stderr:
            lines.append(line.decode("utf-8", "replace"))
            if "listening on http" in lines[-1]:
                break
        too_long.cancel()
        engine.kill()
    log = "".join(lines)
    assert "listening on http" in log, log[-2000:]
    return sum(float(size) for size in re.findall(r"KV buffer size =\s+([\d.]+) MiB", log))


def card_kv_mib(path: Path, context: int, slots: int) -> float:
    """The same by our arithmetic."""
    facts = facts_from_gguf(read_header(path, skip_arrays=True))
    cache = shape_of(facts, family_of(facts.architecture)).cache
    assert cache is not None
    return llamacpp_kv_bytes(cache, context, slots) / MIB


@pytest.mark.parametrize("shape", ["llama", "gemma3"])
def test_the_engine_sets_aside_what_we_compute(tmp_path: Path, shape: str) -> None:
    """llama.cpp loads the files that these tests write, and its KV cache has the size that ours computes."""
    path = tmp_path / "tiny.gguf"
    metadata, tensors = getattr(make_gguf, shape)(), getattr(make_gguf, f"{shape}_tensors")()
    path.write_bytes(make_gguf.write(metadata, tensors))
    for context, slots in ((512, 1), (4096, 1), (4096, 4)):
        assert engine_kv_mib(path, context, slots) == pytest.approx(card_kv_mib(path, context, slots), abs=0.011)


@pytest.mark.models
@pytest.mark.parametrize(("name", "millions"), [("smollm2", 134.52), ("gemma3-270m", 268.10)])
def test_the_engine_agrees_on_the_real_models(bundled_model: Callable[[str], Path], name: str, millions: float) -> None:
    """Of both bundled models, the KV bytes are what llama.cpp sets aside, and the parameters what it prints."""
    path = bundled_model(name)
    for context, slots in ((2048, 1), (8192, 1), (8192, 4)):
        assert engine_kv_mib(path, context, slots) == pytest.approx(card_kv_mib(path, context, slots), abs=0.011)
    assert round((card_from_gguf(path).parameters or 0) / 1e6, 2) == millions


@pytest.mark.models
def test_the_real_cards(bundled_model: Callable[[str], Path]) -> None:
    """The bundled models are what their makers say: GQA of 9 on 3 heads, and 15 of 18 layers with a window of 512."""
    smollm, gemma = card_from_gguf(bundled_model("smollm2")), card_from_gguf(bundled_model("gemma3-270m"))
    assert (smollm.attention, smollm.heads, smollm.kv_heads, smollm.context) == ("GQA", 9, 3, 8192)
    assert (smollm.quantisation, smollm.tied_embeddings, smollm.kv_bytes_per_token) == ("Q4_1", True, 23_040)
    assert smollm.chat_template_sha256 is not None
    assert (gemma.quantisation, gemma.vocabulary, gemma.attention, gemma.context) == ("Q4_K_M", 262_144, "MQA", 32_768)
    assert sum(layer.count for layer in gemma.layers if layer.window == 512) == 15
    assert gemma.kv_bytes_at["8192"] == 512 * 2 * (15 * 512 + 3 * 8192)
    assert NO_TEMPLATE in gemma.notes


def test_gpt2_out_of_a_hub_folder(tmp_path: Path) -> None:
    """GPT-2 small has 124,439,808 parameters, masks left out, learned positions and a tied head."""
    card = card_from_hf(make_hf.folder(tmp_path / "gpt2", *make_hf.gpt2(), dtype="F32"))
    assert card.parameters == 124_439_808
    assert card.weights_bytes == 4 * 124_439_808
    assert (card.attention, card.position, card.tied_embeddings) == ("MHA", "learned absolute", True)
    assert (card.name, card.quantisation, card.feed_forward, card.context) == ("gpt2", "F32", 3072, 1024)
    assert card.kv_bytes_per_token == 12 * 2 * 768 * 2
    assert set(card.kv_bytes_at) == {"512", "1024"}


def test_shards_are_read_together(tmp_path: Path) -> None:
    """A model spread over three files gives the same card as the same model in one."""
    one = card_from_hf(make_hf.folder(tmp_path / "one", *make_hf.gpt2()), "gpt2")
    three = card_from_hf(make_hf.folder(tmp_path / "three", *make_hf.gpt2(), shards=3), "gpt2")
    assert one == three


CONFIGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "LLaMA 2 7B": (
        {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
         "max_position_embeddings": 4096, "intermediate_size": 11008, "vocab_size": 32000,
         "tie_word_embeddings": False, "torch_dtype": "float16"},
        {"attention": "MHA", "kv_bytes_per_token": 524_288, "position": "RoPE (base 10,000 by default)",
         "tied_embeddings": False, "quantisation": "F16", "head_size": 128},
    ),
    "LLaMA 3.2 1B": (
        {"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
         "num_key_value_heads": 8, "head_dim": 64, "rope_theta": 500000.0,
         "rope_scaling": {"rope_type": "llama3", "factor": 32.0}},
        {"attention": "GQA", "position": "RoPE (base 500,000; llama3 scaling x32)", "kv_bytes_per_token": 32_768},
    ),
    "Mistral 7B 0.1": (
        {"model_type": "mistral", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "sliding_window": 4096, "max_position_embeddings": 32768, "rope_theta": 10000.0},
        {"sliding_window": 4096, "layers": (CardLayer(32, "sliding", 4096, 10_000.0),),
         "kv_bytes_at": {"512": 2**26, "2048": 2**28, "8192": 2**29, "32768": 2**29}},
    ),
    "Mistral 7B 0.2": (
        {"model_type": "mistral", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "sliding_window": None, "rope_theta": 1000000.0},
        {"sliding_window": None, "layers": (CardLayer(32, "full", None, 1_000_000.0),)},
    ),
    "Qwen2 0.5B": (
        {"model_type": "qwen2", "hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14,
         "num_key_value_heads": 2, "sliding_window": 32768, "use_sliding_window": False, "max_window_layers": 21,
         "rope_theta": 1000000.0, "tie_word_embeddings": True},
        {"sliding_window": None, "kv_bytes_per_token": 12_288, "head_size": 64, "tied_embeddings": True},
    ),
    "Qwen2 with a window": (
        {"model_type": "qwen2", "num_hidden_layers": 4, "sliding_window": 4096, "use_sliding_window": True,
         "max_window_layers": 3},
        {"layers": (CardLayer(3, "full", None, 10_000.0), CardLayer(1, "sliding", 4096, 10_000.0))},
    ),
    "Gemma 2B": (
        {"model_type": "gemma", "hidden_size": 2048, "num_hidden_layers": 18, "num_attention_heads": 8,
         "num_key_value_heads": 1, "head_dim": 256},
        {"attention": "MQA", "kv_bytes_per_token": 18_432},
    ),
    "Gemma 2 2B": (
        {"model_type": "gemma2", "hidden_size": 2304, "num_hidden_layers": 26, "num_attention_heads": 8,
         "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 4096, "max_position_embeddings": 8192},
        {"layers": (CardLayer(1, "sliding", 4096, 1e4), CardLayer(1, "full", None, 1e4)) * 13,
         "kv_bytes_at": {str(n): 4 * 512 * 2 * 13 * (n + min(n, 4096)) for n in (512, 2048, 8192)}},
    ),
    "Gemma 3 270M": (
        {"model_type": "gemma3_text", "hidden_size": 640, "num_hidden_layers": 18, "num_attention_heads": 4,
         "num_key_value_heads": 1, "head_dim": 256, "sliding_window": 512, "rope_local_base_freq": 10000.0,
         "rope_theta": 1000000.0, "max_position_embeddings": 32768, "vocab_size": 262144,
         "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 3},
        {"position": "RoPE (base 1,000,000; 10,000 in sliding layers)", "kv_bytes_per_token": 18_432,
         "kv_bytes_at": {"512": 9_437_184, "2048": 14_155_776, "8192": 33_030_144, "32768": 108_527_616}},
    ),
    "transformers 5's rotary parameters": (
        {"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "num_hidden_layers": 6,
         "sliding_window": 512, "rope_parameters": {
             "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
             "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}}},
        {"architecture": "gemma3_text",
         "layers": (CardLayer(5, "sliding", 512, 10_000.0), CardLayer(1, "full", None, 1_000_000.0))},
    ),
    "GPT-NeoX 20B": (
        {"model_type": "gpt_neox", "hidden_size": 6144, "num_hidden_layers": 44, "num_attention_heads": 64,
         "rotary_pct": 0.25, "rotary_emb_base": 10000, "max_position_embeddings": 2048, "tie_word_embeddings": False},
        {"attention": "MHA", "position": "RoPE (base 10,000; on 25% of each head)", "kv_bytes_per_token": 1_081_344},
    ),
    "T5 small": (
        {"model_type": "t5", "is_encoder_decoder": True, "d_model": 512, "num_layers": 6, "num_heads": 8, "d_kv": 64,
         "d_ff": 2048, "relative_attention_num_buckets": 32, "vocab_size": 32128},
        {"kind": "encoder-decoder", "position": "T5 relative bias (32 buckets)", "kv_bytes_per_token": 12_288,
         "layer_count": 12, "feed_forward": 2048},
    ),
    "BART base": (
        {"model_type": "bart", "is_encoder_decoder": True, "d_model": 768, "encoder_layers": 6, "decoder_layers": 6,
         "decoder_attention_heads": 12, "decoder_ffn_dim": 3072, "max_position_embeddings": 1024},
        {"kind": "encoder-decoder", "position": "learned absolute", "kv_bytes_per_token": 18_432, "context": 1024},
    ),
    "BERT base": (
        {"model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
         "position_embedding_type": "absolute", "max_position_embeddings": 512},
        {"kind": "encoder-only", "position": "learned absolute", "kv_bytes_per_token": None, "kv_bytes_at": {},
         "tied_embeddings": None},
    ),
    "BLOOM": ({"model_type": "bloom", "n_layer": 24, "n_head": 16, "hidden_size": 1024},
              {"position": "ALiBi", "kv_bytes_per_token": 98_304}),
    "Falcon 7B": ({"model_type": "falcon", "num_attention_heads": 71, "num_hidden_layers": 32, "hidden_size": 4544,
                   "multi_query": True, "new_decoder_architecture": False}, {"attention": "MQA", "kv_heads": 1}),
    "DeepSeek V2 Lite": (
        {"model_type": "deepseek_v2", "num_hidden_layers": 27, "num_attention_heads": 16, "num_key_value_heads": 16,
         "hidden_size": 2048, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "n_routed_experts": 64},
        {"attention": "MLA", "kv_bytes_per_token": 27 * 576 * 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "expected"), CONFIGS.values(), ids=CONFIGS.keys())
def test_configurations_of_known_models(tmp_path: Path, config: dict[str, Any], expected: dict[str, Any]) -> None:
    """The published configurations of well-known models give the shapes and cache sizes published of them."""
    card = card_from_hf(make_hf.folder(tmp_path / "model", config))
    assert {key: getattr(card, key) for key in expected} == expected


def test_gguf_and_configuration_agree(tmp_path: Path) -> None:
    """One model, read from a GGUF header and from a configuration, has one shape."""
    from_gguf = card_from_gguf(gguf(tmp_path, make_gguf.gemma3()))
    config = {
        "model_type": "gemma3_text", "num_hidden_layers": 7, "hidden_size": 64, "intermediate_size": 128,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "sliding_window": 300,
        "rope_theta": 1000000.0, "max_position_embeddings": 8192, "vocab_size": 260,
    }  # fmt: skip
    from_hf = card_from_hf(make_hf.folder(tmp_path / "hf", config))
    for field in ("kind", "layer_count", "hidden", "feed_forward", "heads", "kv_heads", "head_size", "attention",
                  "position", "layers", "sliding_window", "context", "vocabulary", "kv_bytes_per_token",
                  "kv_bytes_at"):  # fmt: skip
        assert getattr(from_hf, field) == getattr(from_gguf, field), field


def test_what_stands_beside_a_configuration(tmp_path: Path) -> None:
    """Tokenizer, template and licence come from their own files; a damaged one leaves its field unstated."""
    folder = make_hf.folder(tmp_path / "model", {"model_type": "llama"})
    bare = card_from_hf(folder)
    assert (bare.tokenizer, bare.chat_template_sha256, bare.licence) == (None, None, None)
    (folder / "tokenizer.json").write_text(
        json.dumps({"model": {"type": "BPE", "vocab": {"a": 1}}, "pre_tokenizer": {"type": "ByteLevel"}}), "utf-8"
    )
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"chat_template": [{"name": "tools", "template": "t"}, {"name": "default", "template": "d"}]})
    )
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# license: none\n", "utf-8")
    full = card_from_hf(folder)
    assert (full.tokenizer, full.licence) == ("byte-level BPE", "apache-2.0")
    assert full.chat_template_sha256 == hashlib.sha256(b"d").hexdigest()
    (folder / "chat_template.jinja").write_text("newer", "utf-8")
    assert card_from_hf(folder).chat_template_sha256 == hashlib.sha256(b"newer").hexdigest()
    for file in ("tokenizer.json", "tokenizer_config.json", "README.md", "chat_template.jinja"):
        (folder / file).write_bytes(b"\xff{[" * 20)
    damaged = card_from_hf(folder)
    assert (damaged.tokenizer, damaged.licence) == (None, None)


def test_what_cannot_be_counted_is_not(tmp_path: Path) -> None:
    """Pickled, missing and packed weights give no parameter count, and a note that says why."""
    config, tensors = make_hf.gpt2()
    pickled = make_hf.folder(tmp_path / "pickled", config)
    (pickled / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    packed = config | {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    for folder, word, kind in (
        (pickled, "pickle", None),
        (make_hf.folder(tmp_path / "missing", config), "no safetensors", None),
        (make_hf.folder(tmp_path / "packed", packed, tensors, dtype="I32"), "packed", "gptq 4-bit"),
    ):
        card = card_from_hf(folder)
        assert card.parameters is None
        assert card.quantisation == kind
        assert any(word in note for note in card.notes)


def test_a_tied_head_is_counted_once(tmp_path: Path) -> None:
    """A head that is stored though it is tied to the embeddings is no second set of parameters."""
    config, tensors = make_hf.gpt2()
    doubled = tensors | {"lm_head.weight": (50257, 768)}
    for tied, more in ((True, 0), (False, 50257 * 768)):
        folder = make_hf.folder(tmp_path / f"{tied}", config | {"tie_word_embeddings": tied}, doubled)
        assert card_from_hf(folder).parameters == 124_439_808 + more


def test_damaged_folders_are_told(tmp_path: Path) -> None:
    """A missing folder is an unknown model; every kind of damaged folder is told in one sentence with a hint."""
    for path in (tmp_path / "missing", tmp_path, "a\0b"):
        with pytest.raises(UnknownModel) as unknown:
            card_from_hf(path)
        assert unknown.value.hint
    config, tensors = make_hf.gpt2()
    for index, damage in enumerate(FOLDER_DAMAGE):
        folder = make_hf.folder(tmp_path / f"{index}", config, dict(list(tensors.items())[:6]), shards=2)
        damage(folder)
        with pytest.raises(CorruptFile) as corrupt:
            card_from_hf(folder)
        assert corrupt.value.hint
        assert "\n" not in corrupt.value.message


def _header(text: bytes, data: bytes = b"") -> bytes:
    return len(text).to_bytes(8, "little") + text + data


def _write(file: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes(data)


def _shard(data: bytes) -> Callable[[Path], object]:
    return _write("model-00001-of-00002.safetensors", data)


def _index(value: object) -> Callable[[Path], object]:
    return _write("model.safetensors.index.json", json.dumps(value).encode())


FOLDER_DAMAGE: list[Callable[[Path], object]] = [
    _write("config.json", b"not JSON"),
    _write("config.json", b"[1, 2]"),
    _write("config.json", b""),
    _write("config.json", b"\xff\xfe\xff"),
    _write("config.json", b"[" * 200_000),
    _write("config.json", b'{"n_layer": ' + b"9" * 5000 + b"}"),
    _write("config.json", b" " * (9 << 20)),
    _shard(b""),
    _shard(b"\x01\x02"),
    _shard((2**63).to_bytes(8, "little")),
    _shard(_header(b"[]")),
    _shard(_header(b'{"wte.weight": 5}')),
    _shard(_header(b'{"wte.weight": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}')),
    _shard(_header(b'{"wte.weight": {"dtype": "F16", "shape": [2], "data_offsets": [0, 3]}}', bytes(4))),
    _shard(_header(b'{"wte.weight": {"dtype": "X9", "shape": [2], "data_offsets": [0, 4]}}', bytes(4))),
    _shard(_header(b'{"wte.weight": {"dtype": "F16", "shape": [-2], "data_offsets": [0, 4]}}', bytes(4))),
    _shard(_header(b'{"wte.weight": {"dtype": "F16", "shape": [true], "data_offsets": [0, 2]}}', bytes(4))),
    _shard(_header(b'{"wte.weight": {"dtype": "F16", "shape": "ab", "data_offsets": [0, 2]}}', bytes(4))),
    _shard(_header(b'{"wte.weight": {"dtype": [], "shape": [1], "data_offsets": [0, 2]}}', bytes(4))),
    _shard(_header(b"{}")),
    _index({}),
    _index({"weight_map": {"a": 5}}),
    _index({"weight_map": {"a": "../../etc/passwd"}}),
    _index({"weight_map": {"a": "missing.safetensors"}}),
    _index({"weight_map": {str(n): f"{n}.safetensors" for n in range(2000)}}),
    lambda folder: (folder / "model-00002-of-00002.safetensors").unlink(),
]

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8), st.just("\ud800"),
    st.lists(st.one_of(st.integers(-3, 9), st.booleans(), st.text(max_size=3)), max_size=12),
    st.dictionaries(st.sampled_from(["rope_theta", "factor", "type", "alibi", "bits", "quant_method"]),
                    st.one_of(st.integers(), st.text(max_size=4), st.floats())),
)  # fmt: skip
KEYS = st.sampled_from(sorted({key for config, _ in CONFIGS.values() for key in config} | {
    "text_config", "quantization_config", "rope_scaling", "rope_parameters", "attn_config", "sliding_window_pattern",
    "rotary_dim", "alibi", "multi_query", "num_decoder_layers",
}))  # fmt: skip


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder that is written again and again."""
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=400, deadline=2000)
@given(
    base=st.sampled_from([config for config, _ in CONFIGS.values()]),
    changes=st.dictionaries(KEYS, ANYTHING, max_size=5),
)
def test_any_configuration_gives_a_card(scratch: Path, base: dict[str, Any], changes: dict[str, Any]) -> None:
    """Whatever stands in a configuration, there is a card, it can be written and read, and its sizes are positive."""
    card = card_from_hf(make_hf.folder(scratch / "model", base | changes))
    assert from_json(to_json(card), Card).layer_count == card.layer_count
    sizes = (card.layer_count, card.hidden, card.heads, card.head_size, card.context, card.vocabulary)
    assert all(size is None or size > 0 for size in sizes)
    assert all(layer.count > 0 for layer in card.layers)


@settings(max_examples=400, deadline=2000)
@given(
    base=st.sampled_from([make_gguf.llama(), make_gguf.gemma3()]),
    changes=st.dictionaries(
        st.sampled_from([key for key in (*make_gguf.llama(), *make_gguf.gemma3()) if "ggml.t" not in key] + [
            "gemma3.attention.sliding_window_pattern", "llama.full_attention_interval", "llama.attention.kv_lora_rank",
            "llama.attention.key_length_mla", "llama.rope.scaling.type", "llama.rope.scaling.factor", "split.count",
            "tokenizer.chat_template", "gemma3.attention.shared_kv_layers", "llama.attention.causal",
        ]),
        st.one_of(
            st.booleans(), st.tuples(st.just(10), st.integers(0, 2**64 - 1)), st.integers(0, 2**20),
            st.tuples(st.just(11), st.integers(-(2**63), 2**63 - 1)), st.floats(width=32), st.text(max_size=6),
            st.lists(st.integers(0, 2**32 - 1), max_size=9), st.lists(st.booleans(), max_size=9),
            st.lists(st.text(max_size=2), max_size=3),
        ),
        max_size=5,
    ),
)  # fmt: skip
def test_any_metadata_gives_a_card(scratch: Path, base: dict[str, Any], changes: dict[str, Any]) -> None:
    """Whatever stands in the metadata of a sound file, there is a card that can be written and read."""
    changes.pop("general.alignment", None)
    card = card_from_gguf(gguf(scratch, base | changes))
    assert from_json(to_json(card), Card).heads == card.heads
    assert card.kv_bytes_per_token is None or card.kv_bytes_per_token >= 0
