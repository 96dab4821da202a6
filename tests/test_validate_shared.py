"""`weakspot scorers validate` on the real labelled sets: every scorer above its floor, on the half held back too."""

import json
import math
from pathlib import Path

import pytest

import weakspot
from weakspot.cli.main import main
from weakspot.records import to_builtins
from weakspot.validation.measuring import Agreement, Validation

TOLD_APART = {"xstest_refusal", "begin_wow", "evouna_nq", "ifbench_sample"}
"""Sets whose half held back is large enough, and the gain great enough, for it to be shown."""
SHOWN_WHOLE = TOLD_APART | {"truthfulqa_gptjudge", "topicalchat_ratings"}
"""The same of all rows; the tuned half is among them."""


@pytest.fixture(scope="module")
def validation(shared_data: Path) -> Validation:
    """Both halves of every labelled set, once."""
    return weakspot.validate_scorers(shared_data / "failure-modes", half="each")


def of(validation: Validation, half: str) -> list[Agreement]:
    """The rows of one half."""
    return [row for row in validation.rows if row.half == half]


def test_no_scorer_is_below_its_floor(validation: Validation) -> None:
    """On no set, on neither half, is a scorer shown to agree worse with people than the naive floor."""
    assert {(r.scorer, r.dataset, r.half) for r in validation.rows if r.verdict == "below"} == set()
    assert len(of(validation, "held-back")) == len(of(validation, "tuned")) >= 12


def test_the_large_sets_are_above_the_floor_on_the_half_held_back(validation: Validation) -> None:
    """On rows that no scorer was made on, the paired difference to the floor is above 0 on each of the large sets."""
    above = {r.dataset for r in of(validation, "held-back") if r.verdict == "above floor"}
    assert above >= TOLD_APART


@pytest.mark.slow
def test_most_sets_are_above_the_floor(shared_data: Path) -> None:
    """Over all rows the lower bound of most scorers lies above the floor, and none is below it."""
    rows = weakspot.validate_scorers(shared_data / "failure-modes", resamples=1000).rows
    assert {r.dataset for r in rows if r.verdict == "above floor"} >= SHOWN_WHOLE
    assert sum(r.lower_bound_above_floor is True for r in rows) > len(rows) / 2
    assert all(r.verdict != "below" for r in rows)


def test_every_row_carries_computed_bounds(validation: Validation) -> None:
    """Each row has its measure inside its bounds, a computed floor, and its counts."""
    for row in validation.rows:
        graded = row.spearman is not None
        value, low, high = (row.spearman, row.spearman_low, row.spearman_high) if graded else (
            row.balanced_accuracy, row.low, row.high,
        )  # fmt: skip
        floor = row.floor_spearman if graded else row.floor
        assert value is not None
        assert floor is not None
        assert row.n > 0
        if low is None or high is None:
            assert row.groups < 8
            continue
        assert low <= value <= high
        assert math.isclose(row.difference or 0.0, value - floor, abs_tol=1e-9)


def test_the_halves_do_not_differ_much(validation: Validation) -> None:
    """What was gained on the tuned half holds on the other: large sets lose at most 0.08 of the measure."""
    tuned = {(r.scorer, r.dataset): r.balanced_accuracy for r in of(validation, "tuned") if r.n >= 150}
    for row in of(validation, "held-back"):
        before = tuned.get((row.scorer, row.dataset))
        if before is not None and row.balanced_accuracy is not None:
            assert row.balanced_accuracy > before - 0.08


def test_every_file_is_accounted_for(validation: Validation, shared_data: Path) -> None:
    """Each labelled file is in a row or listed with its reason."""
    files = {p.stem for p in (shared_data / "failure-modes" / "labelled").iterdir() if p.suffix in (".jsonl", ".csv")}
    assert files == {r.dataset for r in validation.rows} | {lost.dataset for lost in validation.left_out}
    assert all(lost.reason and lost.n for lost in validation.left_out)


def test_the_command_prints_the_same_rows(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` prints what the call returns, and the table names every row and what each rule adds."""
    whole = shared_data / "failure-modes" / "labelled" / "truthfulqa_multi_es.jsonl"
    path = tmp_path / "some.jsonl"
    path.write_text("\n".join(whole.read_text(encoding="utf-8").splitlines()[:40]), encoding="utf-8")
    called = weakspot.validate_scorers(path, resamples=200, ablate=True)
    assert main(["scorers", "validate", "--data", str(path), "--resamples", "200", "--ablate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(to_builtins(called)))
    assert {part.rule for part in called.ablation} >= {"lead", "negation", "recall"}
    assert main(["scorers", "validate", "--data", str(path), "--resamples", "200", "--ablate"]) == 0
    table = capsys.readouterr().out
    assert "truthful " in table
    assert "what each rule adds" in table
