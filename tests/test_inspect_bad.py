"""Hostile and damaged files under `weakspot inspect`: one clear sentence each, nothing run, nothing opened."""

import json
import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import make_gguf
import make_hf
import weakspot
from weakspot.errors import CorruptFile, UnknownModel, UsageError, WeakspotError

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CONFIG: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 260,
}  # fmt: skip


def test_remote_code_is_never_run(tmp_path: Path) -> None:
    """A configuration that names code of its own gives a card and a note; the code beside it leaves no trace."""
    trace = tmp_path / "trace"
    config = CONFIG | {"model_type": "own", "auto_map": {"AutoConfig": "modeling_own.C", "AutoModel": "modeling_own.M"}}
    folder = make_hf.folder(tmp_path / "m", config)
    for name in ("modeling_own.py", "__init__.py", "configuration_own.py"):
        (folder / name).write_text(f"open({str(trace)!r}, 'w').close()\n", "utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"chat_template": "{{ ''.__class__.__mro__[1].__subclasses__() }}"}), "utf-8"
    )
    found = weakspot.inspect([folder]).models[0]
    assert any("never run" in note for note in found.notes)
    assert [finding.rule for finding in found.lint or ()] == ["template-broken"]
    assert not trace.exists()


def test_pickles_are_refused_with_a_hint(tmp_path: Path, weakspot_command: Run) -> None:
    """A pickle by itself is refused and says what it is; beside a configuration it is named and left closed."""
    lone = tmp_path / "pytorch_model.bin"
    lone.write_bytes(b"PK\x03\x04" + bytes(64))
    done = weakspot_command("inspect", str(lone))
    assert done.returncode == CorruptFile.exit_code
    assert "is a pickle" in done.stderr
    old = tmp_path / "old.pt"
    old.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(CorruptFile, match="pickle") as refused:
        weakspot.inspect([old])
    assert "safetensors" in refused.value.hint
    for name in ("pytorch_model.bin", "model.pt", "consolidated.00.pth"):
        folder = make_hf.folder(tmp_path / f"folder-{name}", CONFIG)
        (folder / name).write_bytes(b"\x80\x02cos\nsystem\n(S'exit 1'\ntR.")
        (finding,) = weakspot.inspect([folder]).models[0].lint or ()
        assert finding.rule == "pickled", name


def _folder(path: Path) -> Path:
    return make_hf.folder(path, CONFIG, {"model.embed_tokens.weight": (260, 64), "lm_head.weight": (260, 64)}, shards=2)


def _index(folder: Path, files: dict[str, str]) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}), "utf-8")


def _header_of_2_to_62(folder: Path) -> None:
    (folder / "model-00001-of-00002.safetensors").write_bytes(struct.pack("<Q", 1 << 62) + b"{}")


def _cycle_of_links(folder: Path) -> None:
    shard = folder / "model-00001-of-00002.safetensors"
    shard.unlink()
    shard.symlink_to(shard.name)


def _index_of_itself(folder: Path) -> None:
    _index(folder, {"a": "model.safetensors.index.json"})


def _missing_shard(folder: Path) -> None:
    (folder / "model-00002-of-00002.safetensors").unlink()


def _shard_outside(folder: Path) -> None:
    _index(folder, {"a": "../../etc/passwd"})


def _pipe(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


FAULTS = (_header_of_2_to_62, _cycle_of_links, _index_of_itself, _missing_shard, _shard_outside, _pipe)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_damaged_folders_are_one_sentence(tmp_path: Path, fault: Callable[[Path], None]) -> None:
    """Absurd headers, cycles, missing and foreign shards, and pipes are told in a sentence with a hint, at once."""
    folder = _folder(tmp_path / "m")
    assert weakspot.inspect([folder]).models[0].parameters == 2 * 260 * 64
    fault(folder)
    with pytest.raises((CorruptFile, UnknownModel)) as told:
        weakspot.inspect([folder])
    assert told.value.hint
    assert told.value.message.endswith(".")
    assert "\n" not in told.value.message


def test_absurd_gguf_headers_are_told(tmp_path: Path) -> None:
    """A header that claims more than its file holds is refused without setting memory aside for it."""
    sound = make_gguf.write(make_gguf.llama(), make_gguf.llama_tensors())
    for at, value in ((8, 1 << 60), (16, 1 << 60)):  # tensors, metadata entries
        path = tmp_path / "m.gguf"
        path.write_bytes(sound[:at] + struct.pack("<Q", value) + sound[at + 8 :])
        with pytest.raises(CorruptFile, match="more than its"):
            weakspot.inspect([path])


@pytest.mark.parametrize(
    "change",
    [
        {"num_hidden_layers": 10**9}, {"num_hidden_layers": -3}, {"hidden_size": "wide"}, {"vocab_size": 2**70},
        {"num_key_value_heads": 0}, {"head_dim": 10**12}, {"max_position_embeddings": 1e300}, {"rope_scaling": [1]},
        {"rope_scaling": {"rope_type": ["x"], "factor": "y"}}, {"layer_types": ["sliding_attention"] * 2},
        {"text_config": {"text_config": {"text_config": {}}}}, {"num_local_experts": 8, "num_experts_per_tok": 0},
        {"tie_word_embeddings": "yes"}, {"eos_token_id": {"a": 1}}, {"sliding_window": 0},
    ],
)  # fmt: skip
def test_nonsense_in_a_field_leaves_the_rest(tmp_path: Path, change: dict[str, Any]) -> None:
    """A field that makes no sense is left out or said to be unknown; the card is still there, and in JSON."""
    found = weakspot.inspect([make_hf.folder(tmp_path / "m", CONFIG | change)], context=4096)
    model = found.models[0]
    assert model.family == "llama"
    assert model.kv_cache.bytes is None or model.kv_cache.bytes >= 0
    assert model.parameters is None or model.parameters > 0


def test_references_without_files_are_told(tmp_path: Path) -> None:
    """What can't be inspected says why and what to name in its place."""
    loop = tmp_path / "loop.toml"
    loop.write_text('[candidates.a]\nmodel = "loop.toml#a"\n', "utf-8")
    for reference, error in (
        ("", UnknownModel),
        ("no/such/folder", UnknownModel),
        (f"{loop}#a", UsageError),
        ("a\0b", WeakspotError),
    ):
        with pytest.raises(error):
            weakspot.inspect([reference])
