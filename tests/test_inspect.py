"""`weakspot inspect` and `weakspot.inspect`: layers, positions and the cache as a function of the context."""

import ast
import json
import operator
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import make_gguf
import make_hf
import weakspot
from weakspot.errors import CorruptFile, UnknownModel, UsageError
from weakspot.records import Growth, Inspection

Run = Callable[..., "subprocess.CompletedProcess[str]"]
OPERATIONS: dict[type[ast.AST], Callable[[int, int], int]] = {ast.Add: operator.add, ast.Mult: operator.mul}


def value_of(formula: str, n: int, m: int) -> int:
    """A formula's value by an evaluator of its own: numbers, n, m, +, * and min."""

    def walk(node: ast.AST) -> int:
        match node:
            case ast.Expression(body=body):
                return walk(body)
            case ast.Constant(value=int(value)):
                return value
            case ast.Name(id=name):
                return {"n": n, "m": m}[name]
            case ast.BinOp(left=left, op=op, right=right):
                return OPERATIONS[type(op)](walk(left), walk(right))
            case ast.Call(func=ast.Name(id="min"), args=[one, other]):
                return min(walk(one), walk(other))
        raise AssertionError(ast.dump(node))

    return walk(ast.parse(formula, mode="eval"))


def inspected(folder: Path, config: dict[str, Any], **asked: Any) -> Inspection:
    """The inspection of a configuration alone."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return weakspot.inspect([folder], **asked).models[0]


@pytest.mark.models
def test_the_bundled_models(bundled_model: Callable[[str], Path], weakspot_command: Run) -> None:
    """SmolLM2 keeps 23,040 bytes a token; Gemma 18,432 up to 512 tokens and 3,072 for each further one."""
    bundled_model("smollm2"), bundled_model("gemma3-270m")
    done = weakspot_command("inspect", "smollm2", "gemma3-270m", "--context", "8192", "--json")
    assert done.returncode == 0, done.stderr
    smollm, gemma = json.loads(done.stdout)["models"]
    assert (smollm["model"], smollm["family"], smollm["kind"]) == ("smollm2", "llama", "decoder-only")
    assert (smollm["layers"], smollm["heads"], smollm["kv_heads"], smollm["head_dim"]) == (30, 9, 3, 64)
    assert smollm["attention"] == ["GQA"] * 30
    assert smollm["positions"] == ["RoPE base 100,000"] * 30
    assert smollm["parameters"] == 134_515_008
    kept = smollm["kv_cache"]
    assert (kept["dtype"], kept["context"], kept["bytes"]) == ("bf16", 8192, 23_040 * 8192)
    assert kept["formula"] == "2 * (30 * 3 * (64 + 64) * n)"
    assert gemma["attention"] == (["MQA, sliding window 512"] * 5 + ["MQA"]) * 3
    assert gemma["positions"] == (["RoPE base 10,000"] * 5 + ["RoPE base 1,000,000"]) * 3
    assert gemma["kv_cache"]["growth"] == [
        {"from_tokens": 0, "bytes_per_token": 18_432}, {"from_tokens": 512, "bytes_per_token": 3_072},
    ]  # fmt: skip
    at = gemma["kv_cache"]["at"]
    assert at == {str(n): 18_432 * 512 + 3_072 * (n - 512) for n in (1024, 8192, 32768)}


SHAPES: dict[str, tuple[dict[str, Any], dict[str, int], tuple[str, ...]]] = {
    "MLA": (
        {"model_type": "deepseek_v2", "num_hidden_layers": 27, "num_attention_heads": 16, "num_key_value_heads": 16,
         "hidden_size": 2048, "kv_lora_rank": 512, "qk_rope_head_dim": 64},
        {str(n): 2 * 27 * (512 + 64) * n for n in (1024, 8192, 32768)}, ("MLA",) * 27,
    ),
    "chunks": (
        {"model_type": "llama4_text", "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2,
         "hidden_size": 512, "head_dim": 64, "attention_chunk_size": 8192},
        {"1024": 2 * 4 * 256 * 1024, "8192": 2 * 4 * 256 * 8192, "32768": 2 * 256 * (3 * 8192 + 32768)},
        ("GQA, chunks of 8192",) * 3 + ("GQA",),
    ),
    "cross-attention": (
        {"model_type": "t5", "is_encoder_decoder": True, "d_model": 512, "num_layers": 6, "num_heads": 8, "d_kv": 64},
        {str(n): 2 * (6 * 8 * 128 * n + 6 * 8 * 128 * n) for n in (1024, 8192, 32768)},
        ("encoder MHA",) * 6 + ("decoder MHA + cross-attention",) * 6,
    ),
    "states beside attention": (
        {"model_type": "jamba", "num_hidden_layers": 8, "num_attention_heads": 32, "num_key_value_heads": 8,
         "hidden_size": 4096, "attn_layer_period": 8, "attn_layer_offset": 4, "mamba_d_state": 16, "mamba_d_conv": 4,
         "mamba_expand": 2},
        {str(n): 2 * (8 * 256 * n + 7 * 8192 * (16 + 4)) for n in (1024, 8192, 32768)},
        ("SSM (Mamba)",) * 4 + ("GQA",) + ("SSM (Mamba)",) * 3,
    ),
    "states alone": (
        {"model_type": "mamba", "num_hidden_layers": 24, "hidden_size": 768, "state_size": 16, "conv_kernel": 4,
         "expand": 2},
        dict.fromkeys(("1024", "8192", "32768"), 2 * 24 * 1536 * 20), ("SSM (Mamba)",) * 24,
    ),
    "an encoder": (
        {"model_type": "modernbert", "num_hidden_layers": 4, "num_attention_heads": 12, "hidden_size": 768,
         "local_attention": 128, "global_attn_every_n_layers": 3},
        dict.fromkeys(("1024", "8192", "32768"), 0),
        ("MHA", "MHA, sliding window 128", "MHA, sliding window 128", "MHA"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "at", "attention"), SHAPES.values(), ids=SHAPES.keys())
def test_every_kind_of_layer(
    tmp_path: Path, config: dict[str, Any], at: dict[str, int], attention: tuple[str, ...]
) -> None:
    """Each kind of attention keeps what its definition says, and the formula evaluates to the bytes at any length."""
    found = inspected(tmp_path / "model", config, context=8192)
    assert found.attention == attention
    assert found.kv_cache.at == at
    assert found.kv_cache.bytes == at["8192"]
    assert found.kv_cache.formula is not None
    for tokens, size in at.items():
        assert value_of(found.kv_cache.formula, int(tokens), int(tokens)) == size


def test_batch_and_type_multiply(tmp_path: Path) -> None:
    """Eight sequences keep eight times as much; a q8_0 cache takes 34 bytes for 32 values; growth is per sequence."""
    config = SHAPES["chunks"][0]
    one, many = (inspected(tmp_path / "m", config, context=9000, batch=batch).kv_cache for batch in (1, 8))
    assert one.bytes is not None
    assert many.bytes == 8 * one.bytes
    assert value_of(many.formula or "", 9000, 0) == many.bytes
    assert many.growth == one.growth == (Growth(0, 2048), Growth(8192, 512))
    eight = inspected(tmp_path / "m", config, context=9000, kv_dtype="q8_0").kv_cache
    assert eight.bytes == one.bytes // 2 * 34 // 32


def test_layers_without_positions(tmp_path: Path) -> None:
    """SmolLM3 leaves the rotation out in every fourth layer: the list in its configuration has a 0 there."""
    config = {
        "model_type": "smollm3", "num_hidden_layers": 8, "num_attention_heads": 16, "num_key_value_heads": 4,
        "hidden_size": 2048, "rope_theta": 5000000.0, "no_rope_layers": [1, 1, 1, 0] * 2,
    }  # fmt: skip
    found = inspected(tmp_path / "m", config)
    assert found.positions == (("RoPE base 5,000,000",) * 3 + ("none",)) * 2
    assert found.attention == ("GQA",) * 8


def test_an_unknown_family_says_what_it_could_not_tell(tmp_path: Path) -> None:
    """The fields of an unknown family are shown; what follows only from its code is None, and named as such."""
    config = {"model_type": "zeta9", "num_hidden_layers": 3, "num_attention_heads": 8, "num_key_value_heads": 2,
              "hidden_size": 64, "auto_map": {"AutoModel": "zeta.Model"}}  # fmt: skip
    found = inspected(tmp_path / "m", config)
    assert (found.layers, found.heads, found.kv_heads, found.head_dim) == (3, 8, 2, 8)
    assert found.attention == ("GQA, reach not stated",) * 3
    assert (found.kv_cache.bytes, found.kv_cache.formula, found.positions) == (None, None, ())
    assert {"the KV cache", "the positions of each layer", "which layers see the whole context"} <= set(found.unknown)
    assert any("code of its own" in note and "never run" in note for note in found.notes)


def test_a_configuration_by_itself_and_the_terminal(tmp_path: Path, weakspot_command: Run) -> None:
    """A lone JSON file is inspected; escape sequences in its text do nothing, and the formula is shown."""
    file = tmp_path / "by-hand.json"
    file.write_text(json.dumps(SHAPES["MLA"][0] | {"hidden_act": "silu\x1b[31m"}), "utf-8")
    done = weakspot_command("inspect", str(file), "--context", "4096")
    assert done.returncode == 0, done.stderr
    assert "by-hand" in done.stdout
    assert "2 * (27 * 576 * n)" in done.stdout
    assert "27 × MLA" in done.stdout
    assert "\x1b[31m" not in done.stdout


def test_bad_calls_are_told(tmp_path: Path, weakspot_command: Run) -> None:
    """What has no files, makes no sense or is damaged is one clear sentence and the error's exit code."""
    broken = tmp_path / "broken.json"
    broken.write_text("{", "utf-8")
    calls: list[tuple[type[Exception], dict[str, Any]]] = [
        (UsageError, {"models": "smollm2"}),
        (UsageError, {"models": []}),
        (UsageError, {"models": ["scripted:echo"]}),
        (UsageError, {"models": ["http://localhost:1/v1#m"]}),
        (UnknownModel, {"models": [tmp_path / "missing.json"]}),
        (CorruptFile, {"models": [broken]}),
        (UsageError, {"models": [broken], "context": 0}),
        (UsageError, {"models": [broken], "batch": 0}),
        (UsageError, {"models": [broken], "kv_dtype": "int3"}),
    ]
    for error, words in calls:
        with pytest.raises(error):
            weakspot.inspect(**words)
    done = weakspot_command("inspect", "scripted:echo", "--memory", "lots")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no size" in done.stderr


def test_gguf_states_are_counted(tmp_path: Path) -> None:
    """A Mamba file's state comes from its ssm.* keys: inner size times state and convolution."""
    metadata = {
        "general.architecture": "mamba", "mamba.block_count": 4, "mamba.embedding_length": 64,
        "mamba.ssm.inner_size": 128, "mamba.ssm.state_size": 16, "mamba.ssm.conv_kernel": 4,
    }  # fmt: skip
    path = tmp_path / "m.gguf"
    path.write_bytes(make_gguf.write(metadata))
    found = weakspot.inspect([path]).models[0]
    assert found.kv_cache.bytes == 2 * 4 * 128 * 20
    assert found.kv_cache.growth == (Growth(0, 0),)


def test_folders_with_weights_count_their_tensors(tmp_path: Path) -> None:
    """GPT-2's folder gives the true sum of its tensors, and says that it comes from the headers."""
    found = weakspot.inspect([make_hf.folder(tmp_path / "gpt2", *make_hf.gpt2(), dtype="F32")]).models[0]
    assert (found.parameters, found.parameters_from) == (124_439_808, "tensor headers")
    assert found.positions == ("learned absolute",) * 12
