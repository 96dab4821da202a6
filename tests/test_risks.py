"""What a structure predicts, each with its source and probe, and a run's results beside it."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import make_gguf
import make_hf
import weakspot
from weakspot.anatomy.predictions import ASSOCIATION, beside
from weakspot.anatomy.risk_rules import RISK_RULES
from weakspot.errors import NotARun, UsageError
from weakspot.probes.suite import load_suite
from weakspot.records import Candidate, Comparison, Difference, Inspection, ModelInfo, Provenance, Rate, Summary
from weakspot.records.summary import ModelSummary

TABLE = {row["name"]: row for row in json.loads((Path(__file__).parent / "data" / "architectures.json").read_text())}
EXPECTED: dict[str, dict[str, set[str]]] = {
    "LLaMA 2 7B": {"likelier": {"small rotary base"}, "less likely": {"whole context", "own keys"}},
    "Llama 3 8B": {"likelier": set(), "less likely": {"whole context"}},
    "GPT-2 small": {"likelier": {"learned positions", "room for facts", "narrow output"},
                    "less likely": {"whole context", "own keys"}},
    "Mistral 7B v0.1": {"likelier": {"window"}, "less likely": set()},
    "Phi-3 mini 4k": {"likelier": {"window"}, "less likely": {"own keys"}},
    "Gemma 3 1B": {"likelier": {"window", "shared keys", "room for facts"}, "less likely": set()},
    "Mixtral 8x7B": {"likelier": set(), "less likely": {"whole context", "experts"}},
    "DeepSeek-V3": {"likelier": {"small rotary base"}, "less likely": {"whole context", "experts"}},
    "Falcon 7B": {"likelier": {"shared keys"}, "less likely": {"whole context"}},
    "BLOOM 176B": {"likelier": {"distance penalty"}, "less likely": {"whole context", "own keys"}},
    "T5 small": {"likelier": {"room for facts", "narrow output"}, "less likely": {"both directions"}},
    "BERT base": {"likelier": set(), "less likely": set()},
    "Mamba 130M": {"likelier": {"fixed state", "room for facts", "narrow output"}, "less likely": set()},
    "Jamba v0.1": {"likelier": {"fixed state"}, "less likely": {"experts"}},
}  # fmt: skip


def inspected(folder: Path, name: str) -> Inspection:
    """The inspection of a row of the family table."""
    return weakspot.inspect([make_hf.folder(folder, TABLE[name]["config"])]).models[0]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_structure_predicts_by_its_fields(tmp_path: Path, name: str) -> None:
    """Each family has the predictions that its fields carry, in both directions, and no others."""
    risks = inspected(tmp_path / "m", name).risks
    found = {way: {risk.name for risk in risks if risk.direction == way} for way in ("likelier", "less likely")}
    assert found == EXPECTED[name]


def test_every_rule_has_its_source_and_items() -> None:
    """Each rule has a sentence of mechanism, a dated source, and a suite that holds items of its categories."""
    for rule in RISK_RULES:
        assert rule.mechanism.endswith(".")
        assert any(character.isdigit() for character in rule.source), rule.name
        have = {probe.category for probe in load_suite(rule.suite)}
        assert have & set(rule.categories), rule.name


def test_rules_are_reached() -> None:
    """Every rule but those on files alone stands in some family's expected predictions."""
    on_files = {"coarse weights", "untuned", "tuned to please", "merged pieces", "stretched positions"}
    reached = {name for ways in EXPECTED.values() for names in ways.values() for name in names}
    assert reached == {rule.name for rule in RISK_RULES} - on_files


def test_rules_on_files(tmp_path: Path) -> None:
    """Few bits per weight, a chat template, merged pieces and stretched positions are read from a GGUF file."""
    metadata = make_gguf.llama(**{
        "tokenizer.chat_template": "{{ messages[0]['content'] }}", "llama.rope.scaling.type": "yarn",
        "llama.rope.scaling.factor": 4.0, "llama.embedding_length": 64,
    })  # fmt: skip
    path = tmp_path / "it's.gguf"
    path.write_bytes(make_gguf.write(metadata, make_gguf.llama_tensors(kind=8)))
    risks = {risk.name: risk for risk in weakspot.inspect([path]).models[0].risks}
    assert {"tuned to please", "merged pieces", "stretched positions"} <= risks.keys()
    assert "coarse weights" not in risks  # 8.5 bits
    words = shlex.split(risks["merged pieces"].probe)
    assert words == ["weakspot", "compare", str(path), "OTHER", "--suite", "tokenization"]
    two = [(name, (256, *shape[1:]), 10) for name, shape, _ in make_gguf.llama_tensors() if len(shape) > 1]  # Q2_K
    path.write_bytes(make_gguf.write(make_gguf.llama(), two))
    found = {risk.name: risk for risk in weakspot.inspect([path]).models[0].risks}
    assert found["coarse weights"].basis.startswith("2.62 bits per weight")
    assert "untuned" in found


def summary(shown: bool, difference: float, categories: tuple[str, ...] = ("long-context", "bias")) -> Summary:
    """A run of two candidates, "one" and "two", with one difference in every category."""
    rate = Rate(n=40, failed=20, rate=0.5, low=0.35, high=0.65)
    info = ModelInfo(Provenance("scripted", "none", "0"))
    models = {
        name: ModelSummary(Candidate(name, name, "gguf", name), info, rate, dict.fromkeys(categories, rate))
        for name in ("one", "two")
    }
    seen = Difference(40, difference, None, None, "McNemar", 0.01, 0.01, 0.2, shown, "")
    pair = Comparison("one", "two", seen, dict.fromkeys(categories, seen))
    return Summary("core", False, 80, 80, "", models, (pair,))


@pytest.mark.parametrize(
    ("shown", "difference", "name", "verdict"),
    [
        (True, 0.4, "one", f"predicted and seen beside two: {ASSOCIATION}"),
        (True, -0.4, "one", f"predicted, and the opposite seen beside two: {ASSOCIATION}"),
        (True, -0.4, "two", f"predicted and seen beside one: {ASSOCIATION}"),
        (False, 0.1, "one", "predicted, not seen: no difference to two shown; 20 points would have been found"),
    ],
)
def test_a_run_beside_a_prediction(tmp_path: Path, shown: bool, difference: float, name: str, verdict: str) -> None:
    """A likelier failure is seen where the paired difference is shown to be this model's, whichever side it is on."""
    model = beside(inspected(tmp_path / "m", "Mistral 7B v0.1"), name, summary(shown, difference), {})
    (result,) = next(risk for risk in model.risks if risk.name == "window").results
    assert result.verdict == verdict
    assert (result.category, result.failed, result.n, result.rate) == ("long-context", 20, 40, 0.5)


def test_less_likely_is_the_other_way_round(tmp_path: Path) -> None:
    """A failure that is less likely is seen where this model fails less."""
    model = beside(inspected(tmp_path / "m", "LLaMA 2 7B"), "one", summary(True, -0.4), {})
    (result,) = next(risk for risk in model.risks if risk.name == "whole context").results
    assert result.verdict.startswith("predicted and seen")


def test_what_both_predict_tells_nothing(tmp_path: Path) -> None:
    """Where the other model has the same prediction, a difference speaks neither for it nor against it."""
    model = inspected(tmp_path / "m", "Mistral 7B v0.1")
    found = beside(model, "one", summary(True, 0.4), {"two": model.risks})
    (result,) = next(risk for risk in found.risks if risk.name == "window").results
    assert result.verdict == "two has the same prediction: nothing to tell apart"


def test_seen_and_not_predicted(tmp_path: Path) -> None:
    """A category in which the model is shown to fail more, and that no rule names, is listed by itself."""
    model = inspected(tmp_path / "m", "Mistral 7B v0.1")
    found = beside(model, "one", summary(True, 0.4), {})
    assert [(result.category, result.other) for result in found.unpredicted] == [("bias", "two")]
    assert beside(model, "two", summary(True, 0.4), {}).unpredicted == ()
    assert beside(model, "one", summary(False, 0.4), {}).unpredicted == ()


def test_a_real_run_folder(tmp_path: Path, own_cache: Path) -> None:
    """A run is found by its candidates; one without the model is refused, and so is a folder without a run."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(make_gguf.write(make_gguf.llama(), make_gguf.llama_tensors()))
    folder = tmp_path / "run"
    weakspot.compare(["scripted:echo", "scripted:abstain"], suite="tokenization", quick=True, out=folder)
    with pytest.raises(UsageError, match="None of these models is in the run"):
        weakspot.inspect([path], run=folder)
    with pytest.raises(NotARun):
        weakspot.inspect([path], run=tmp_path / "nothing")


@pytest.mark.models
def test_the_bundled_models_differ_where_their_makers_did(bundled_model: Callable[[str], Path]) -> None:
    """Gemma's windows and SmolLM2's tuning are predictions of one of them alone."""
    bundled_model("smollm2"), bundled_model("gemma3-270m")
    smollm, gemma = (
        {risk.name for risk in model.risks} for model in weakspot.inspect(["smollm2", "gemma3-270m"]).models
    )
    assert smollm - gemma == {"tuned to please", "whole context"}
    assert gemma - smollm == {"window", "shared keys", "untuned"}


def test_records_go_through_json(tmp_path: Path) -> None:
    """An inspection with all that it holds is written as JSON and read back equal."""
    found: Any = weakspot.inspect([make_hf.folder(tmp_path / "m", TABLE["Gemma 3 1B"]["config"])], context=4096)
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
