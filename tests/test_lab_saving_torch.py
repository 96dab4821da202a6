"""What the lab saves goes through `weakspot compare` like any candidate, and answers as it did in the lab."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from transformers_fixture import KINDS, ask, edit, made_folders, raw  # noqa: E402 - behind the skip
from weakspot import compare, registry  # noqa: E402
from weakspot.errors import CorruptFile  # noqa: E402
from weakspot.lab.measuring import answer  # noqa: E402
from weakspot.lab.names import SHAPES  # noqa: E402
from weakspot.lab.nets import net_of  # noqa: E402
from weakspot.lab.probing import probes, write_suite  # noqa: E402
from weakspot.lab.saving import save  # noqa: E402
from weakspot.lab.shapes import make  # noqa: E402
from weakspot.lab.tasks import END, END_ID, PAD, UNKNOWN, examples, vocabulary, words  # noqa: E402
from weakspot.lab.training import build_of, seeded, train, weights_sha256  # noqa: E402
from weakspot.records.lab import Cell  # noqa: E402

pytestmark = pytest.mark.torch

OPTIONS = "dtype=float32&threads=1"
TINY = Cell("copy", "gpt", 0, steps=2, batch=16, rate=5e-3, width=16, heads=2, high=4, far=6)


def trained(shape: str, folder: Path, **changes: Any) -> Any:
    """A net trained for a few steps, saved into a folder."""
    cell = msgspec.structs.replace(TINY, shape=shape, **changes)
    found = train(cell)
    found.net.model.eval()
    save(cell, found.net.model, found.head, folder)
    return found.net


def random_net(shape: str, folder: Path) -> Any:
    """A net whose weights are large enough that every token hangs on the whole prompt, saved into a folder."""
    cell = msgspec.structs.replace(TINY, shape=shape)
    with seeded(3):
        model = make(shape, build_of(cell)).eval()
        for name, weight in model.named_parameters():
            if "norm" not in name and "ln_" not in name:
                torch.nn.init.normal_(weight, std=0.3)
    save(cell, model, None, folder)
    return net_of(model)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_saved_model_answers_through_the_backend_as_in_the_lab(shape: str, tmp_path: Path) -> None:
    """Prompts of several lengths in one padded batch get the ids that greedy decoding in the lab gives."""
    net = random_net(shape, tmp_path)
    drawn = [example for length in (1, 3, 6) for example in examples("copy", length, 4, "tests")]
    expected = [answer("copy", net, [example])[0] for example in drawn]
    asked = [raw(" ".join(words("copy", example.prompt)), max_tokens=len(example.answer) + 1) for example in drawn]
    replies = ask(tmp_path, asked, OPTIONS)
    assert [list(reply.output_ids) for reply in replies] == expected
    assert [list(reply.prompt_ids) for reply in replies] == [list(example.prompt) for example in drawn]
    assert [reply.text.split() for reply in replies] == [
        [token for token in words("copy", ids) if token not in (PAD, END, UNKNOWN)] for ids in expected
    ]
    assert len({tuple(ids) for ids in expected}) > 3


@pytest.mark.parametrize("shape", ["gpt", "t5", "block-rope", "encdec-learned"])
def test_a_saved_model_is_the_trained_one(shape: str, tmp_path: Path) -> None:
    """Loaded again, every weight is the same byte for byte, and the lab's own net fits around it."""
    net = trained(shape, tmp_path, steps=2)
    registry.load("architectures", "weakspot-lab")()
    auto = library.AutoModelForSeq2SeqLM if net.encoder else library.AutoModelForCausalLM
    again = auto.from_pretrained(tmp_path).eval()
    assert weights_sha256(again) == weights_sha256(net.model)
    drawn = examples("copy", 4, 6, "tests")
    assert answer("copy", net_of(again), drawn) == answer("copy", net, drawn)


def test_the_tokenizer_is_the_tasks_vocabulary(tmp_path: Path) -> None:
    """Each test prompt of each kind of token comes back as the ids it was made of, and the end is no text."""
    for task in ("json", "addition-triples"):
        trained("gpt", tmp_path / task, task=task, steps=1)
        made = library.AutoTokenizer.from_pretrained(tmp_path / task)
        assert len(made) == len(vocabulary(task))
        for example in examples(task, 5, 20, "tests"):
            text = " ".join(words(task, example.prompt))
            assert made(text)["input_ids"] == list(example.prompt)
            given = made.decode([*example.answer, END_ID], skip_special_tokens=True)
            assert given == " ".join(words(task, example.answer))


def test_the_lab_and_compare_count_alike(tmp_path: Path) -> None:
    """Models of two forms go through `weakspot.compare` on the lab's tests; what passes is the lab's exact matches."""
    nets = {shape: trained(shape, tmp_path / shape, steps=150, high=1) for shape in ("gpt", "block-rope")}
    suite = write_suite("copy", (1, 2), 12, tmp_path / "suite.jsonl")
    result = compare([f"{tmp_path / shape}?{OPTIONS}" for shape in nets], suite=suite, out=tmp_path / "run")
    drawn = [example for length in (1, 2) for example in examples("copy", length, 12, "tests")]
    expected = [
        sum(answer("copy", net, [example])[0] == [*example.answer, END_ID] for example in drawn)
        for net in nets.values()
    ]
    assert [model.pooled.n - model.pooled.failed for model in result.summary.models.values()] == expected
    assert max(expected) > 4
    assert result.summary.probes == len(probes("copy", (1, 2), 12)) == 24


def test_gpt_t5_and_llama_checkpoints_are_compared_together(tmp_path: Path) -> None:
    """Random checkpoints of the three architectures, named by their folders, give one run with all their replies."""
    folders = made_folders(tmp_path)
    suite = tmp_path / "suite.jsonl"
    suite.write_text(
        "".join(
            json.dumps({"id": f"p{n}", "category": "c", "prompt": text, "expect": {"type": "contains", "value": "e"}})
            + "\n"
            for n, text in enumerate(("the cat", "one two three", "a", "x y z"))
        ),
        "utf-8",
    )
    result = compare([f"{folders[kind]}?{OPTIONS}" for kind in KINDS], suite=suite, out=tmp_path / "run")
    assert len(result.summary.models) == 3
    assert all(model.pooled.n == 4 for model in result.summary.models.values())
    assert len(result.summary.comparisons) == 3


def test_an_architecture_that_is_not_ours_is_not_loaded(tmp_path: Path) -> None:
    """A folder whose model type nobody registered is an error, and no code of the folder runs."""
    trained("block-rope", tmp_path, steps=1)
    edit(tmp_path / "config.json", model_type="weakspot-unknown")
    with pytest.raises(CorruptFile):
        ask(tmp_path, [raw("a =>")], OPTIONS)


def test_a_damaged_own_model_is_said(tmp_path: Path) -> None:
    """A config.json of another width than the weights is an error of the file."""
    trained("block-rope", tmp_path, steps=1)
    edit(tmp_path / "config.json", hidden_size=32)
    with pytest.raises(CorruptFile, match=r"does not fill its model|could not load"):
        ask(tmp_path, [raw("a =>")], OPTIONS)
