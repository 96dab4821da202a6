"""Architecture cards out of GGUF headers, and the arithmetic on them, held against the engine's own."""

import hashlib
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


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder that is written again and again."""
    return tmp_path_factory.mktemp("fuzz")


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
