"""`weakspot tokens glitch`: under-trained and unreachable tokens, on small made models and planted in the real SmolLM2."""

import runpy
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

import make_embeddings as made
import weakspot
from weakspot.errors import CorruptFile, UnknownModel, UsageError, WeakspotError
from weakspot.records import from_json
from weakspot.records.glitch import GlitchReport

PLANTING = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "glitch.py"))
"""The benchmark plants in the real model, and so do these tests."""
draw, plant = PLANTING["draw"], PLANTING["plant"]
COUNT, KINDS, UNSEEN = PLANTING["COUNT"], PLANTING["KINDS"], PLANTING["UNSEEN"]
PLANTED = sorted(range(990, 1990, 50))
"""20 ids of triples."""


def spoilt(how: str, matrix: made.Rows) -> made.Rows:
    """The matrix with the planted rows overwritten."""
    dice = np.random.default_rng(7)
    out = matrix.copy()
    out[PLANTED] = {
        "unused": made.untrained(len(PLANTED), seed=3),
        "mean": np.repeat(matrix.mean(axis=0, keepdims=True), len(PLANTED), axis=0),
        "small": (0.02 * dice.standard_normal((len(PLANTED), made.WIDTH))).astype(np.float32),
        "zero": np.zeros((len(PLANTED), made.WIDTH), np.float32),
    }[how]
    return out


@pytest.mark.parametrize("how", ["unused", "mean", "small", "zero"])
@pytest.mark.parametrize("kind", ["F32", "Q8_0"])
def test_planted_rows_are_found_and_no_others(tmp_path: Path, how: str, kind: str) -> None:
    """20 of 1,976 rows laid where untrained rows lie are flagged, all and alone, stored whole or in 8 bits."""
    path = made.gguf(tmp_path / "m.gguf", spoilt(how, made.trained()), kind=kind)
    report = weakspot.tokens.glitch(str(path), verify=False)
    assert sorted(token.id for token in report.flagged) == PLANTED
    assert report.tied
    assert report.dtype == kind
    assert all(token.verdict == "not-asked" for token in report.flagged)


def test_a_sound_model_has_none(tmp_path: Path) -> None:
    """Nothing is flagged in five models whose rows are all trained; the unused tokens, which lie together, stand aside."""
    for seed in range(5):
        report = weakspot.tokens.glitch(str(made.gguf(tmp_path / "m.gguf", made.trained(seed=seed))), verify=False)
        assert report.flagged == ()
        assert {token.text for token in report.aside} == set(made.UNUSED)
        assert report.reference == len(made.UNUSED)
        assert report.groups["ordinary"] == report.ordinary == 26 + 676 + 1014 + 1


def test_rows_of_nearly_one_length_are_not_suspicious(tmp_path: Path) -> None:
    """Where training leaves all norms within 1%, a row at the edge is no outlier, however small the spread."""
    matrix = made.trained()
    start = made.first_of("letters")
    matrix[start:] /= np.linalg.norm(matrix[start:], axis=1)[:, None]
    matrix[PLANTED] *= np.float32(0.99)
    assert weakspot.tokens.glitch(str(made.gguf(tmp_path / "m.gguf", matrix)), verify=False).flagged == ()


@pytest.mark.parametrize("side", ["input", "output"])
def test_either_matrix_of_an_untied_model_gives_it_away(tmp_path: Path, side: str) -> None:
    """A token that is untrained on one side only is found, and the indicator says on which."""
    sound, broken = made.trained(seed=1), spoilt("unused", made.trained(seed=2))
    matrices = (broken, sound) if side == "input" else (sound, broken)
    report = weakspot.tokens.glitch(str(made.gguf(tmp_path / "m.gguf", *matrices)), verify=False)
    assert not report.tied
    assert sorted(token.id for token in report.flagged) == PLANTED
    assert {token.indicator.split()[0] for token in report.flagged} == {side}
    assert {indicator.matrix for indicator in report.indicators} == {"input", "output"}


def test_without_known_unused_tokens_that_is_said(tmp_path: Path) -> None:
    """Where no unused rows agree, rows at zero are still found by their norms, and a note says what can't be seen."""
    matrix = spoilt("zero", made.trained())
    start = made.first_of("unused")
    matrix[start : start + len(made.UNUSED)] = made.trained(seed=4)[300 : 300 + len(made.UNUSED)]
    report = weakspot.tokens.glitch(str(made.gguf(tmp_path / "m.gguf", matrix)), verify=False)
    assert report.reference == 0
    assert sorted(token.id for token in report.flagged) == PLANTED
    assert any("No known-unused tokens agree" in note for note in report.notes)


def test_rows_beyond_the_vocabulary_are_padding(tmp_path: Path) -> None:
    """A matrix with more rows than tokens is fine and its padding stands aside; one with fewer is another model's."""
    rows = len(made.pieces())
    matrix = np.concatenate([made.trained(), made.untrained(24, seed=8)])
    report = weakspot.tokens.glitch(str(made.gguf(tmp_path / "m.gguf", matrix)), verify=False)
    assert report.groups["padding"] == 24
    assert report.flagged == ()
    assert {token.id for token in report.aside if token.group == "padding"} == set(range(rows, rows + 24))
    with pytest.raises(CorruptFile, match="a tokenizer of"):
        weakspot.tokens.glitch(str(made.gguf(tmp_path / "few.gguf", made.trained()[:-1])), verify=False)


@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("no-such-model", UnknownModel),
        ("scripted:echo", UsageError),
        ("http://127.0.0.1:9/v1", UsageError),
        ("hf:org/name", UsageError),
    ],
)
def test_what_names_no_weights(reference: str, error: type[WeakspotError]) -> None:
    """A reference without weights on this machine is told in a sentence, before anything is read."""
    with pytest.raises(error):
        weakspot.tokens.glitch(reference, verify=False)


def test_the_command(tmp_path: Path, weakspot_command: Callable[..., CompletedProcess[str]]) -> None:
    """The table shows each planted token's text with escape sequences visible, JSON reads back to the record, progress
    goes to standard error, and mistakes have exit code 2.
    """
    texts = made.pieces()
    texts[PLANTED[0]] = "\x1b[31mred"
    changes = {"tokenizer.ggml.tokens": texts}
    path = made.gguf(tmp_path / "m.gguf", spoilt("unused", made.trained()), **changes)
    shown = weakspot_command("tokens", "glitch", str(path), "--no-verify", "--limit", "5")
    assert shown.returncode == 0
    assert "\x1b" not in shown.stdout + shown.stderr
    assert "look under-trained" in shown.stdout
    assert "embeddings, first look" in shown.stderr
    data = weakspot_command("tokens", "glitch", str(path), "--no-verify", "--json")
    report = from_json(data.stdout, GlitchReport)
    assert len(report.flagged) + len([token for token in report.aside if token.id == PLANTED[0]]) == len(PLANTED)
    for words in ((str(path), "--most", "0"), (str(path), "--limit", "-1"), ()):
        failed = weakspot_command("tokens", "glitch", *words)
        assert failed.returncode == 2
        assert "Traceback" not in failed.stderr


@pytest.mark.models
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in UNSEEN])
def test_planted_in_the_real_smollm2(kind: str, tmp_path: Path, bundled_model: Callable[[str], Path]) -> None:
    """The embeddings of 20 tokens of SmolLM2 are overwritten: at least 18 are found, and at most 2 others are new."""
    path = bundled_model("smollm2")
    before = {token.id for token in weakspot.tokens.glitch(str(path), verify=False).flagged}
    planted = draw(path, 11, sorted(before))
    copy = tmp_path / "copy.gguf"
    plant(path, copy, planted, kind, 11)
    found = {token.id for token in weakspot.tokens.glitch(str(copy), verify=False).flagged}
    new = found - before
    recall, precision = len(new & set(planted)) / COUNT, len(new & set(planted)) / max(len(new), 1)
    assert recall >= 0.9, (recall, precision)
    assert precision >= 0.9, (recall, precision)


@pytest.mark.models
def test_what_leaves_no_trace_is_not_found(tmp_path: Path, bundled_model: Callable[[str], Path]) -> None:
    """A row whose values were only put in another order looks trained: the limit that the documents state is real."""
    path = bundled_model("smollm2")
    before = {token.id for token in weakspot.tokens.glitch(str(path), verify=False).flagged}
    planted = draw(path, 11, sorted(before))
    copy = tmp_path / "copy.gguf"
    plant(path, copy, planted, "shuffled", 11)
    found = {token.id for token in weakspot.tokens.glitch(str(copy), verify=False).flagged}
    assert not found & set(planted)


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_asking_confirms_the_planted_ones(tmp_path: Path, bundled_model: Callable[[str], Path]) -> None:
    """Asked to repeat 20 planted tokens, SmolLM2 fails at nearly all that a prompt can hold, and at few well-trained
    ones of the same lengths.
    """
    path = bundled_model("smollm2")
    before = {token.id for token in weakspot.tokens.glitch(str(path), verify=False).flagged}
    planted = set(draw(path, 11, sorted(before)))
    copy = tmp_path / "copy.gguf"
    plant(path, copy, sorted(planted), "unused", 11)
    report = weakspot.tokens.glitch(str(copy), most=COUNT + 6)
    asked = [token for token in report.flagged if token.id in planted and token.verdict != "not-askable"]
    verified = sum(token.verdict == "verified" for token in asked)
    assert len(asked) >= 10, report.flagged
    assert verified >= 0.9 * len(asked)
    assert report.controls >= 10
    assert report.controls_failed <= 0.1 * report.controls
    assert any(ability.usable for ability in report.abilities)
