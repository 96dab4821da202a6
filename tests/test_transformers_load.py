"""What the transformers backend says of a folder, an option or a reference that it can not take."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from transformers_fixture import ask, edit, its_info, made_folders, opened, raw  # noqa: E402 - behind the skip
from weakspot.artifacts.reference import parse  # noqa: E402
from weakspot.errors import (  # noqa: E402
    CorruptFile,
    FetchFailed,
    MissingExtra,
    UnknownModel,
    UsageError,
)
from weakspot.models.transformers import Transformers  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each kind of model."""
    return made_folders(tmp_path_factory.mktemp("hf"))


@pytest.fixture
def llama(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the small LLaMA that a test may change."""
    return Path(shutil.copytree(folders["llama"], tmp_path / "llama"))


def truncated(folder: Path) -> None:
    """Weights cut short."""
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def incomplete(folder: Path) -> None:
    """A tensor is missing, which the library would fill with random numbers."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def pickled(folder: Path) -> None:
    """Weights as pickle only, which would leave a mark if it were opened."""
    import pickle

    class Mark:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (folder / "ran",)

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Mark()))


def remote_code(folder: Path) -> None:
    """A model that brings its own code, which would leave a mark if it were run."""
    (folder / "own.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n", "utf-8")
    edit(folder / "config.json", model_type="own", auto_map={"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"})


def remote_tokenizer(folder: Path) -> None:
    """A tokenizer that brings its own code."""
    (folder / "own.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n", "utf-8")
    edit(folder / "tokenizer_config.json", tokenizer_class="Own", auto_map={"AutoTokenizer": ["own.T", "own.T"]})


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": truncated,
    "incomplete": incomplete,
    "pickled": pickled,
    "remote code": remote_code,
    "remote tokenizer": remote_tokenizer,
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "broken tokenizer": lambda folder: (folder / "tokenizer.json").write_text("{}"),
    "broken config": lambda folder: (folder / "config.json").write_text('{"model_type": "lla'),
    "config of a list": lambda folder: (folder / "config.json").write_text("[]"),
    "unknown type": lambda folder: edit(folder / "config.json", model_type="\x1b[31mnone"),
    "no type": lambda folder: edit(folder / "config.json", model_type=None),
    "another shape": lambda folder: edit(folder / "config.json", hidden_size=64),
    "too many layers": lambda folder: edit(folder / "config.json", num_hidden_layers=10**9),
    "negative size": lambda folder: edit(folder / "config.json", hidden_size=-1),
    "words for numbers": lambda folder: edit(folder / "config.json", num_attention_heads="many"),
    "an adapter": lambda folder: (folder / "adapter_config.json").write_text("{}"),
    "quantised": lambda folder: edit(folder / "config.json", quantization_config={"quant_method": "gptq"}),
    "weights named": lambda folder: edit(folder / "config.json", transformers_weights="adapter_model.bin"),
    "reads only": lambda folder: edit(folder / "config.json", architectures=["BertForMaskedLM"]),
    "broken generation config": lambda folder: (folder / "generation_config.json").write_text("{"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_folder_is_told_in_a_sentence(damage: str, llama: Path) -> None:
    """A folder that is damaged, hostile or of another kind gives one printable sentence and a hint; nothing is run."""
    DAMAGE[damage](llama)
    with pytest.raises(CorruptFile) as caught:
        opened(llama, its_info)
    assert caught.value.hint
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400
    assert not (llama / "ran").exists()


def test_kernel_named_in_the_config_is_not_fetched(llama: Path) -> None:
    """An attention kernel that config.json names is left alone, and the reply is the same."""
    before = ask(llama, [raw("the cat")])[0]
    edit(llama / "config.json", attn_implementation="someone/kernel", _attn_implementation="someone/kernel")
    assert ask(llama, [raw("the cat")])[0].output_ids == before.output_ids


def test_hub_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hub id that can't be fetched is told as such."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FetchFailed):
        opened("hf:nobody/nothing", its_info)


def test_options_that_make_no_sense(folders: dict[str, Path]) -> None:
    """A wrong option is told before anything is loaded."""
    for option in ("batch=0", "threads=-1", "dtype=int8", "quantisation=q4"):
        with pytest.raises(UsageError):
            Transformers(parse(f"{folders['llama']}?{option}"))


def test_references_it_can_not_open(folders: dict[str, Path], tmp_path: Path) -> None:
    """A scripted model, a lone file of a hub id, a folder that is gone and a GGUF file that is none are told."""
    with pytest.raises(UsageError):
        opened("scripted:echo", its_info)
    with pytest.raises(UnknownModel):
        opened("hf:org/name#model.safetensors", its_info)
    gone = Path(shutil.copytree(folders["llama"], tmp_path / "gone"))
    model = Transformers(parse(str(gone)))
    shutil.rmtree(gone)
    with pytest.raises(UnknownModel):
        asyncio.run(model.open())
    asyncio.run(model.close())
    (tmp_path / "no.gguf").write_bytes(b"no")
    with pytest.raises(CorruptFile):
        opened(tmp_path / "no.gguf", its_info, "backend=hf")


def test_missing_package_is_told(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch the error says what to install."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra) as caught:
        opened(folders["llama"], its_info)
    assert "weakspot[torch]" in caught.value.hint
