"""The linter: faults planted in copies of real metadata are found, and sound models have no finding."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import make_gguf
import make_hf
import weakspot
from weakspot.artifacts.ggml_types import TENSOR_TYPES
from weakspot.artifacts.gguf import GGUFHeader, read_header
from weakspot.records import LintFinding

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TYPE_IDS = {name: number for number, (name, _, _) in TENSOR_TYPES.items()}
CHATML = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"


def linted(path: Path, **asked: Any) -> tuple[LintFinding, ...]:
    """The findings of one model."""
    found = weakspot.inspect([path], **asked).models[0].lint
    assert found is not None
    return found


def rules(path: Path, **asked: Any) -> set[str]:
    """The rules that found something."""
    return {finding.rule for finding in linted(path, **asked)}


def copied(header: GGUFHeader, path: Path, changes: dict[str, Any], *, without: str = "", rows: int = 0) -> Path:
    """A copy of a real header with changes (None leaves a key out), and holes in place of the weights."""
    metadata = {key: value for key, value in (header.metadata | changes).items() if value is not None}
    tensors = []
    for tensor in header.tensors:
        if tensor.name == without:
            continue
        shape = (tensor.shape[0], rows) if rows and tensor.name == "token_embd.weight" else tensor.shape
        tensors.append((tensor.name, shape, TYPE_IDS[tensor.type]))
    raw = make_gguf.write(metadata, tensors, data=False)
    path.write_bytes(raw)
    size = sum(make_gguf.padded(make_gguf.tensor_bytes(shape, kind), 32) for _, shape, kind in tensors)
    os.truncate(path, len(raw) + size)
    return path


@pytest.fixture(scope="module")
def smollm(bundled_model: Callable[[str], Path]) -> GGUFHeader:
    """SmolLM2's header, tokens and all."""
    return read_header(bundled_model("smollm2"))


def swapped(template: str, old: str, new: str) -> dict[str, Any]:
    """A change of the template."""
    assert old in template
    return {"tokenizer.chat_template": template.replace(old, new)}


GGUF_FAULTS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "pre=default": ("pre-default", lambda m: {"tokenizer.ggml.pre": "default"}),
    "no pre at all": ("pre-default", lambda m: {"tokenizer.ggml.pre": None}),
    "BOS twice: the tokenizer's before the template's": (
        "bos-double",
        lambda m: {"tokenizer.ggml.add_bos_token": True},
    ),
    "BOS twice in the template": (
        "bos-double",
        lambda m: {"tokenizer.chat_template": "{{ bos_token }}" + m["tokenizer.chat_template"]},
    ),
    "another model's end of turn": (
        "template-tokens",
        lambda m: swapped(m["tokenizer.chat_template"], "<|im_end|>", "<|eot_id|>"),
    ),
    "end of turn that does not stop": ("end-of-turn", lambda m: {"tokenizer.ggml.eos_token_id": 0}),
    "nothing that stops": ("no-stop", lambda m: {"tokenizer.ggml.eos_token_id": None}),
    "an id outside the vocabulary": ("special-ids", lambda m: {"tokenizer.ggml.padding_token_id": 49_152}),
    "a template that is cut short": (
        "template-broken",
        lambda m: {"tokenizer.chat_template": m["tokenizer.chat_template"][:-20]},
    ),
    "a factor without its kind": ("rope-scaling", lambda m: {"llama.rope.scaling.factor": 4.0}),
    "YaRN without its origin": (
        "rope-scaling",
        lambda m: {"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0},
    ),
    "the old name of a scaling": ("rope-scaling", lambda m: {"llama.rope.scale_linear": 4.0}),
    "heads that cannot be shared out": ("heads", lambda m: {"llama.attention.head_count_kv": 2}),
    "a LLaMA without its BOS": (
        "bos-missing",
        lambda m: {"tokenizer.ggml.pre": "llama-bpe", "tokenizer.ggml.bos_token_id": 0},
    ),
}


@pytest.mark.models
@pytest.mark.parametrize("fault", GGUF_FAULTS)
def test_faults_in_smollms_header_are_found(smollm: GGUFHeader, tmp_path: Path, fault: str) -> None:
    """Each fault in a copy of SmolLM2's own metadata is found under its rule and under no other."""
    rule, change = GGUF_FAULTS[fault]
    found = linted(copied(smollm, tmp_path / "copy.gguf", change(smollm.metadata)))
    assert {finding.rule for finding in found} == {rule}
    assert all(finding.message and finding.hint and "\n" not in finding.message for finding in found)


@pytest.mark.models
def test_a_copy_without_a_fault_and_other_sizes(smollm: GGUFHeader, tmp_path: Path) -> None:
    """An untouched copy has no finding; with fewer rows than tokens, or far more, the tokenizer's length is one."""
    assert linted(copied(smollm, tmp_path / "same.gguf", {})) == ()
    for rows, found in (
        (49_152 - 64, {"tokenizer-length"}),
        (49_152 + 128, set()),
        (49_152 + 4096, {"tokenizer-length"}),
    ):
        assert rules(copied(smollm, tmp_path / "rows.gguf", {}, rows=rows)) == found, rows


@pytest.mark.models
def test_the_bundled_models_are_sound(bundled_model: Callable[[str], Path]) -> None:
    """Neither bundled model has a finding at its declared context, and one beyond it has."""
    for name, declared in (("smollm2", 8192), ("gemma3-270m", 32_768)):
        path = bundled_model(name)
        assert linted(path, context=declared) == ()
        assert rules(path, context=declared + 1) == {"context-beyond"}


LLAMA_3: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 128_256, "max_position_embeddings": 131_072,
    "rope_theta": 500_000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "bos_token_id": 128_000,
    "eos_token_id": [128_001, 128_008, 128_009],
    "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                     "original_max_position_embeddings": 8192, "rope_type": "llama3"},
}  # fmt: skip
QWEN_3: dict[str, Any] = {
    "model_type": "qwen3", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 128, "vocab_size": 151_936,
    "max_position_embeddings": 40_960, "bos_token_id": 151_643, "eos_token_id": 151_645, "tie_word_embeddings": True,
}  # fmt: skip
GEMMA_3: dict[str, Any] = {
    "model_type": "gemma3_text", "hidden_size": 64, "num_hidden_layers": 6, "num_attention_heads": 4,
    "num_key_value_heads": 1, "head_dim": 16, "intermediate_size": 128, "vocab_size": 262_208,
    "max_position_embeddings": 32_768, "sliding_window": 512, "bos_token_id": 2, "eos_token_id": [1, 106],
}  # fmt: skip
REAL = {"llama3.1": LLAMA_3, "qwen3": QWEN_3, "gemma3": GEMMA_3}


def real_folder(tokenizers: Path, path: Path, name: str, **changes: Any) -> Path:
    """A folder with a real tokenizer, and the shape of its model made small; None leaves a field out."""
    config = {key: value for key, value in (REAL[name] | changes).items() if value is not None}
    make_hf.folder(path, config)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizers / name / file, path / file)
    return path


def edit(folder: Path, file: str, **changes: Any) -> None:
    """Change a JSON file of a folder, or begin it."""
    path = folder / file
    data = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps(data | changes), "utf-8")


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", REAL)
def test_real_tokenizers_are_sound(tokenizers_folder: Path, tmp_path: Path, name: str) -> None:
    """Llama 3.1's, Qwen 3's and Gemma 3's own tokenizers and templates have no finding."""
    assert linted(real_folder(tokenizers_folder, tmp_path / "m", name)) == ()


HF_FAULTS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "Llama stops elsewhere": (
        "llama3.1", "end-of-turn",
        lambda f: (edit(f, "config.json", eos_token_id=128_001), edit(f, "tokenizer_config.json", eos_token="<|end_of_text|>")),
    ),
    "generation stops elsewhere": (
        "qwen3", "generation-config", lambda f: edit(f, "generation_config.json", eos_token_id=151_643),
    ),
    "a temperature that is ignored": (
        "qwen3", "generation-config", lambda f: edit(f, "generation_config.json", do_sample=False, temperature=0.6),
    ),
    "padding on the right": ("gemma3", "padding-side", lambda f: edit(f, "tokenizer_config.json", padding_side="right")),
    "another model's template": (
        "gemma3", "template-tokens", lambda f: edit(f, "tokenizer_config.json", chat_template=CHATML),
    ),
    "Gemma without BOS": (
        "gemma3", "bos-missing",
        lambda f: edit(f, "tokenizer_config.json", add_bos_token=False, chat_template="{{ messages[0]['content'] }}"),
    ),
    "a smaller vocabulary": ("qwen3", "tokenizer-length", lambda f: edit(f, "config.json", vocab_size=151_643)),
    "a scaling of the future": (
        "llama3.1", "rope-scaling", lambda f: edit(f, "config.json", rope_scaling={"rope_type": "spiral", "factor": 2.0}),
    ),
    "a scaling that lacks its fields": (
        "llama3.1", "rope-scaling", lambda f: edit(f, "config.json", rope_scaling={"rope_type": "llama3", "factor": 8.0}),
    ),
    "two scalings that disagree": (
        "qwen3", "rope-scaling",
        lambda f: edit(f, "config.json", rope_scaling={"type": "linear", "rope_type": "yarn", "factor": 4.0}),
    ),
    "more context than the scaling reaches": (
        "qwen3", "context-beyond",
        lambda f: edit(f, "config.json", max_position_embeddings=262_144, rope_scaling={
            "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32_768}),
    ),
    "no BOS in the vocabulary": ("llama3.1", "special-ids", lambda f: edit(f, "config.json", bos_token_id=200_000)),
}  # fmt: skip


@pytest.mark.tokenizers
@pytest.mark.parametrize("fault", HF_FAULTS)
def test_faults_beside_real_tokenizers_are_found(tokenizers_folder: Path, tmp_path: Path, fault: str) -> None:
    """Each fault in a copy of a real tokenizer's folder is found under its rule and under no other."""
    name, rule, plant = HF_FAULTS[fault]
    folder = real_folder(tokenizers_folder, tmp_path / "m", name)
    plant(folder)
    assert rules(folder) == {rule}


@pytest.mark.parametrize(
    ("template", "does"),
    [
        (CHATML, ("keeps a system prompt",)),
        ("{% for m in messages if m['role'] == 'user' %}{{ m['content'] }}{% endfor %}",
         ("drops a system prompt without a word",)),
        ("{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}{{ messages[0]['content'] }}",
         ("refuses a system prompt",)),
        ("{% if tools %}{{ tools }}{% endif %}{% if enable_thinking %}x{% endif %}{{ messages[0]['content'] }}",
         ("keeps a system prompt", "reads tools", "has a switch for thinking")),
    ],
)  # fmt: skip
def test_what_a_template_does(tmp_path: Path, template: str, does: tuple[str, ...]) -> None:
    """What becomes of a system prompt is told by rendering one; tools and thinking by the names that are read."""
    folder = make_hf.folder(tmp_path / "m", {"model_type": "llama"})
    edit(folder, "tokenizer_config.json", chat_template=template)
    assert weakspot.inspect([folder]).models[0].template_does == does


def test_a_name_that_llama_cpp_knows_is_a_warning(tmp_path: Path) -> None:
    """In a GGUF file an unlisted end of turn is a warning where llama.cpp stops at its name, else an error."""
    for name, severity in (("<|im_end|>", "warning"), ("<|over|>", "error")):
        vocabulary = make_gguf.vocabulary()
        vocabulary["tokenizer.ggml.tokens"][5:7] = ["<|im_start|>", name]
        template = CHATML.replace("<|im_end|>", name)
        path = tmp_path / "m.gguf"
        path.write_bytes(make_gguf.write(make_gguf.llama(**vocabulary, **{"tokenizer.chat_template": template})))
        assert [(f.rule, f.severity) for f in linted(path) if f.rule == "end-of-turn"] == [("end-of-turn", severity)]


def test_tied_flags_are_held_against_tensors(tmp_path: Path) -> None:
    """A head beside a tied flag, and no head beside an untied one, are found; what agrees is not."""
    config, tensors = make_hf.gpt2()
    head = {"lm_head.weight": (50257, 768)}
    for number, (tied, more, found) in enumerate(
        ((True, {}, set()), (True, head, {"tied-flag"}), (False, {}, {"tied-flag"}), (False, head, set()))
    ):
        folder = make_hf.folder(tmp_path / f"{number}", config | {"tie_word_embeddings": tied}, tensors | more)
        assert rules(folder) - {"no-stop"} == found, number


def test_a_model_that_only_embeds_needs_no_head(tmp_path: Path) -> None:
    """A class without a head, and heads under other families' names, are no finding beside an untied flag."""
    config, tensors = make_hf.gpt2()
    untied = config | {"tie_word_embeddings": False}
    embeds = make_hf.folder(tmp_path / "e", untied | {"architectures": ["GPT2Model"]}, tensors)
    named = make_hf.folder(tmp_path / "o", untied, tensors | {"output.weight": (50257, 768)})
    assert [rules(folder) - {"no-stop"} for folder in (embeds, named)] == [set(), set()]


def test_fp16_and_learned_rows_and_pickles(tmp_path: Path) -> None:
    """T5 in fp16, fewer learned positions than declared, and weights in a pickle are found; BF16 is not."""
    t5 = {"model_type": "t5", "is_encoder_decoder": True, "d_model": 64, "num_layers": 2, "num_heads": 4, "d_kv": 16}
    tensors = {"shared.weight": (100, 64)}
    assert rules(make_hf.folder(tmp_path / "half", t5, tensors, dtype="F16")) == {"half-precision"}
    assert rules(make_hf.folder(tmp_path / "brain", t5, tensors, dtype="BF16")) == set()
    config, weights = make_hf.gpt2()
    assert rules(make_hf.folder(tmp_path / "long", config | {"n_positions": 2048}, weights)) == {"context-beyond"}
    pickle = make_hf.folder(tmp_path / "pickle", config)
    (pickle / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    (finding,) = linted(pickle)
    assert finding.rule == "pickled"
    assert "safetensors" in finding.hint


def test_the_command_exits_by_what_it_found(tmp_path: Path, weakspot_command: Run) -> None:
    """`--lint` exits with 1 when there is a finding and with 0 when there is none; hostile text is shown, not obeyed."""
    sound = make_hf.folder(tmp_path / "sound", {"model_type": "llama"})
    odd = {"model_type": "llama", "rope_scaling": {"rope_type": "a\x1b[2Jb"}}
    done = weakspot_command("inspect", str(sound), str(make_hf.folder(tmp_path / "odd", odd)), "--lint")
    assert done.returncode == 1
    assert "no findings" in done.stdout
    assert "error rope-scaling" in done.stdout
    assert "\x1b[2J" not in done.stdout
    assert weakspot_command("inspect", str(sound), "--lint").returncode == 0


def test_lint_can_be_left_out(tmp_path: Path) -> None:
    """Without the linter there are no findings to be had: None, which is not the same as none found."""
    folder = make_hf.folder(tmp_path / "m", {"model_type": "llama"})
    assert weakspot.inspect([folder], lint=False).models[0].lint is None
    assert weakspot.inspect([folder]).models[0].lint == ()
