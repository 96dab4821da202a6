"""What a lab says while it trains, where there is no terminal."""

import pytest

import lab_fakes
from weakspot.cli import lab_progress
from weakspot.records.lab import Cell

CELL = Cell("copy", "gpt", 0, 300, tests=16)


def test_cost_first_then_a_line_for_each_cell(capsys: pytest.CaptureFixture[str]) -> None:
    """Cells and steps stand before the first one; how long is left only once that was measured; errors are told."""
    with lab_progress.LabProgress() as watch:
        watch.begin(3, 1, 600, None)
        watch.started("a", 300)
        watch.step("a", 10, 2.5)
        watch.ended("a", lab_fakes.result_of(CELL), "")
        watch.started("b\x1b[31m", 300)
        watch.ended("b\x1b[31m", None, "ValueError: <b>")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("To train: 2 cells (1 of 3 are trained already), 600 steps in all.")
    assert "when the first has ended" in lines[0]
    assert "exact match" in lines[1]
    assert "2 of 3 cells, about" in lines[1]
    assert "failed: ValueError: <b>" in lines[2]
    assert "\x1b" not in lines[2]


def test_a_measured_speed_gives_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    """Where cells are done already their speed says what the rest will take; where all are, that is said."""
    with lab_progress.LabProgress() as watch:
        watch.begin(3, 1, 600, 90.0)
        watch.begin(3, 3, 0, 0.0)
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("At the speed of those, about 1 min 30 s.")
    assert second == "All 3 cells are trained already."


def test_silence_is_broken_once_a_minute(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A long cell says where it is, but not at every step."""
    with lab_progress.LabProgress() as watch:
        watch.begin(1, 0, 300, None)
        watch.started("a", 300)
        for step in range(1, 100):
            watch.step("a", step, 1.0)
        assert len(capsys.readouterr().err.splitlines()) == 1
        monkeypatch.setattr(lab_progress, "SILENCE_S", 0.0)
        watch.step("a", 100, 1.0)
    assert capsys.readouterr().err.strip() == "0 of 1 cells; a at step 100 of 300"
