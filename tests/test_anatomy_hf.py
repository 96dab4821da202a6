"""Architecture cards out of Hugging Face folders: known configurations, hostile ones, and what stands beside them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_hf
from weakspot.anatomy.card import card_from_hf
from weakspot.errors import CorruptFile, UnknownModel
from weakspot.records import Card, CardLayer, from_json, to_json


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
