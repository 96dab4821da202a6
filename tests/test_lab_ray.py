"""The lab's grid on Ray: the same results as without it."""

import sys
from pathlib import Path

import pytest

import weakspot
from weakspot.errors import MissingExtra

ASKED = weakspot.LabOptions(tasks=("copy",), shapes=("gpt", "llama"), seeds=2, steps=30, tests=16)


@pytest.mark.slow
def test_ray_gives_the_same_results_by_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local Ray of two workers leaves the files that one process of our own leaves, and is gone afterwards."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'weakspot[ray]'")
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    ours = weakspot.lab_run(ASKED, out=tmp_path / "ours", runner="lab_fakes:run_cell")
    rays = weakspot.lab_run(ASKED, out=tmp_path / "rays", workers=2, engine="ray", runner="lab_fakes:run_cell")
    for path in (tmp_path / "ours" / "cells").glob("[!.]*.json"):
        assert path.read_bytes() == (tmp_path / "rays" / "cells" / path.name).read_bytes()
    assert len(rays.report.cells) == len(ours.report.cells) == 4
    assert not ray.is_initialized()


@pytest.mark.slow
@pytest.mark.torch
def test_trained_weights_hang_on_the_seed_alone(tmp_path: Path) -> None:
    """Real cells have the same weights, byte for byte, in one process, in two, and on Ray; two seeds differ."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'weakspot[ray]'")
    asked = weakspot.LabOptions(tasks=("copy",), shapes=("gpt",), seeds=2, steps=4, tests=2)
    weights = []
    for name, workers, engine in (("one", 1, "local"), ("two", 2, "local"), ("ray", 2, "ray")):
        report = weakspot.lab_run(asked, out=tmp_path / name, workers=workers, engine=engine).report
        weights.append({(r.cell.seed, r.weights_sha256, r.lengths["free"]) for r in report.cells})
        assert all((tmp_path / name / r.model / "model.safetensors").is_file() for r in report.cells)
    assert weights[0] == weights[1] == weights[2]
    assert len({sha for _, sha, _ in weights[0]}) == 2


@pytest.mark.slow
def test_a_cell_that_fails_on_ray_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error and a process that dies are each that cell's end, and no other's."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'weakspot[ray]'")
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    for runner, said in (("raises_on_llama", "ValueError: diverged at step 3"), ("dies_on_llama", "Worker")):
        done = weakspot.lab_run(ASKED, out=tmp_path / runner, workers=2, engine="ray", runner=f"lab_fakes:{runner}")
        assert len(done.report.cells) == 2
        assert all(said in error for error in done.report.failed.values())
        assert len(done.report.failed) == 2


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Ray is missing, one sentence says what to install, and no other engine is taken in its place."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra) as told:
        weakspot.lab_run(ASKED, out=tmp_path / "lab", engine="ray", runner="lab_fakes:run_cell")
    assert "weakspot[ray]" in told.value.hint
