"""The lab's grid: what is planned, that nothing is lost, and that bad input is told. Training is made up here."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import weakspot
from weakspot.errors import DiskFull, Interrupted, MissingExtra, NotARun, RunInUse, RunSchemaMismatch, UsageError
from weakspot.lab import grid, running
from weakspot.lab.names import TASKS, cell_name
from weakspot.records.lab import Cell, CellResult

FAKE = "lab_fakes:run_cell"
SMALL = weakspot.LabOptions(preset="standard", tasks=("copy",), shapes=("gpt", "llama"), seeds=2, steps=30, tests=16)


class Watch(running.Unwatched):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []

    def begin(self, cells: int, done: int, steps: int, seconds: float | None) -> None:
        """What is planned."""
        self.heard.append(("begin", str(cells), str(done), str(steps), str(seconds is not None)))

    def ended(self, name: str, result: CellResult | None, error: str) -> None:
        """A cell's end."""
        self.heard.append(("ended", name, error))

    def note(self, text: str) -> None:
        """A sentence."""
        self.heard.append(("note", text))

    def of(self, kind: str) -> list[tuple[str, ...]]:
        """What it heard of one kind."""
        return [entry for entry in self.heard if entry[0] == kind]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes find the stand-ins too."""
    here = str(Path(__file__).parent)
    if here not in sys.path:
        monkeypatch.syspath_prepend(here)


def results(folder: Path) -> dict[str, bytes]:
    """The files of the cells."""
    return {path.name: path.read_bytes() for path in (folder / "cells").glob("[!.]*.json")}


def test_the_presets_are_what_they_say() -> None:
    """Standard is copy and brackets on three architectures with three seeds; crossings have more than one own block."""
    standard = grid.plan(grid.Asked()).cells
    assert len(standard) == 18
    assert {cell.task for cell in standard} == {"copy", "brackets"}
    assert {cell.shape for cell in standard} == {"gpt", "llama", "t5"}
    assert {cell.seed for cell in standard} == {0, 1, 2}
    assert {cell.tests for cell in standard} == {256}
    full = grid.plan(grid.Asked(preset="full")).cells
    assert {cell.task for cell in full} == set(TASKS) == set(grid.RECIPES)
    assert len({cell_name(cell) for cell in full}) == len(full)
    assert all(cell.high < cell.far for cell in full)


def test_a_stopped_grid_has_whole_comparisons_first() -> None:
    """Seeds come one after another: the first cells are every shape once."""
    cells = grid.plan(grid.Asked()).cells
    assert [cell.seed for cell in cells[:6]] == [0] * 6


def test_the_number_of_workers_changes_no_result(tmp_path: Path) -> None:
    """One worker and three leave the same files, byte for byte."""
    for workers in (1, 3):
        weakspot.lab_run(SMALL, out=tmp_path / str(workers), workers=workers, runner=FAKE)
    assert results(tmp_path / "1") == results(tmp_path / "3")
    assert len(results(tmp_path / "1")) == 4


def test_what_is_there_is_not_trained_again(tmp_path: Path) -> None:
    """The same call after one cell is gone trains that cell alone, and a finished lab trains nothing."""
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    before = results(tmp_path / "lab")
    name = sorted(before)[1]
    (tmp_path / "lab" / "cells" / name).unlink()
    watch = Watch()
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE, watch=watch)
    assert watch.of("begin") == [("begin", "4", "3", "30", "True")]
    assert [entry[1] for entry in watch.of("ended")] == [name.removesuffix(".json")]
    assert results(tmp_path / "lab") == before
    again = Watch()
    weakspot.lab_resume(tmp_path / "lab", runner="nothing:at_all", watch=again)
    assert again.of("ended") == []


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema":1}', b"\xff\xfe", b'{"schema":1,"cell":{}}'])
def test_a_damaged_result_is_told_and_trained_again(tmp_path: Path, damage: bytes) -> None:
    """Whatever a killed disk left behind, the cell counts as not trained, a note says so, and the result comes back."""
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    before = results(tmp_path / "lab")
    name = min(before)
    (tmp_path / "lab" / "cells" / name).write_bytes(damage)
    report = weakspot.lab_report(tmp_path / "lab").report
    assert report.missing == (name.removesuffix(".json"),)
    assert any("damaged" in note for note in report.notes)
    watch = Watch()
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE, watch=watch)
    assert "damaged" in watch.of("note")[0][1]
    assert results(tmp_path / "lab") == before


def test_numbers_that_cannot_be_are_no_result(tmp_path: Path) -> None:
    """Not-a-number, a rate over 1 and more right than tried count as damage, not as measures."""
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    path = min((tmp_path / "lab" / "cells").glob("[!.]*.json"))
    whole = json.loads(path.read_text())
    for change in ({"in_length": 1.5}, {"in_length": None}, {"train_s": -1}, {"in_length": "NaN"}):
        path.write_text(json.dumps({**whole, "result": {**whole["result"], **change}}))
        assert len(weakspot.lab_report(tmp_path / "lab").report.missing) == 1
    path.write_text(json.dumps({**whole, "result": {**whole["result"], "in_length": float("nan")}}))
    assert len(weakspot.lab_report(tmp_path / "lab").report.missing) == 1
    whole["result"]["lengths"]["free"][3]["exact"] = 17
    path.write_text(json.dumps(whole))
    assert len(weakspot.lab_report(tmp_path / "lab").report.missing) == 1


def test_a_cell_that_raises_stops_nothing(tmp_path: Path) -> None:
    """Its error is kept in one line, the others are trained, and a second run tries it again."""
    result = weakspot.lab_run(SMALL, out=tmp_path / "lab", workers=2, runner="lab_fakes:raises_on_llama")
    assert len(result.report.cells) == 2
    assert set(result.report.failed.values()) == {"ValueError: diverged at step 3"}
    assert "failed" in repr(result)
    mended = weakspot.lab_resume(tmp_path / "lab", runner=FAKE)
    assert mended.report.failed == {}
    assert len(mended.report.cells) == 4


def test_a_process_that_dies_takes_its_own_cell_only(tmp_path: Path) -> None:
    """As when the system kills a training for memory: the cell failed, with the exit code; the rest is trained."""
    result = weakspot.lab_run(SMALL, out=tmp_path / "lab", workers=2, runner="lab_fakes:dies_on_llama")
    assert len(result.report.cells) == 2
    assert set(result.report.failed.values()) == {"The worker process ended with exit code 9."}


def test_what_a_library_prints_is_no_result(tmp_path: Path) -> None:
    """Standard output of a cell does not mix with its answer, and its threads are those of the plan."""
    asked = msgspec.structs.replace(SMALL, threads=3)
    assert len(weakspot.lab_run(asked, out=tmp_path / "lab", runner="lab_fakes:noisy").report.cells) == 4


def test_another_plan_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """More steps, other shapes or another device would mix what differs: one sentence says so, nothing is touched."""
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    before = results(tmp_path / "lab")
    for change in ({"steps": 31}, {"shapes": ("gpt",)}, {"device": "cuda"}, {"seeds": 3}):
        with pytest.raises(UsageError, match="another plan") as told:
            weakspot.lab_run(msgspec.structs.replace(SMALL, **change), out=tmp_path / "lab", runner=FAKE)
        assert "--out" in told.value.hint
    assert results(tmp_path / "lab") == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"preset": "huge"}, "no preset named 'huge'"),
        ({"tasks": ("copy", "dance")}, "no task named 'dance'"),
        ({"shapes": ("mamba",)}, "no shape named 'mamba'"),
        ({"shapes": ()}, "No shape is named"),
        ({"tasks": (" ",)}, "No task is named"),
        ({"seeds": 0}, "seeds must lie within"),
        ({"steps": -5}, "steps must lie within"),
        ({"steps": 10**12}, "steps must lie within"),
        ({"threads": 0}, "threads must lie within"),
        ({"rate": float("nan")}, "can't be trained with"),
        ({"rate": 0.0}, "can't be trained with"),
        ({"device": "tpu"}, "no device named 'tpu'"),
    ],
)
def test_a_plan_that_makes_no_sense_is_told(tmp_path: Path, change: dict[str, object], said: str) -> None:
    """One sentence and a hint, before anything is made."""
    with pytest.raises(UsageError, match=said) as told:
        weakspot.lab_run(msgspec.structs.replace(SMALL, **change), out=tmp_path / "lab", runner=FAKE)
    assert told.value.hint
    assert not (tmp_path / "lab").exists()


def test_folders_that_are_no_lab_are_told(tmp_path: Path) -> None:
    """Empty, missing, full of other things, a damaged or a foreign plan: each is said, and nothing is written there."""
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.mkdir()
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    for folder, said in ((empty, "is empty"), (other, "holds no lab"), (tmp_path / "no", "is no folder")):
        for call in (weakspot.lab_report, weakspot.lab_resume):
            with pytest.raises(NotARun, match=said) as told:
                call(folder)
            assert told.value.hint
    with pytest.raises(UsageError, match="files that are no lab's"):
        weakspot.lab_run(SMALL, out=other, runner=FAKE)
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]
    (empty / "lab.json").write_text('{"schema": 99, "later": true}')
    with pytest.raises(RunSchemaMismatch, match="version 99"):
        weakspot.lab_report(empty)
    for damage in ("", "[]", '{"schema": 1}', '{"schema": 1, "name": "x", "cells": []}', '{"schema": 1, "cells": 3}'):
        (empty / "lab.json").write_text(damage)
        with pytest.raises(NotARun, match=r"is damaged|plans no cell"):
            weakspot.lab_report(empty)


@pytest.mark.parametrize("name", ["../../x", "", "<b>", "a" * 300])
def test_a_foreign_plan_leads_out_of_no_folder(tmp_path: Path, name: str) -> None:
    """A plan whose task's name is a path, markup or too long for a file's is refused: names become files' names."""
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    plan = tmp_path / "lab" / "lab.json"
    plan.write_text(plan.read_text().replace('"copy"', json.dumps(name)))
    with pytest.raises(NotARun, match="can be none"):
        weakspot.lab_resume(tmp_path / "lab", runner=FAKE)


def test_lengths_that_can_not_be_are_told(tmp_path: Path) -> None:
    """Lengths under 1, out of order or twice in a result are refused in a sentence; none is counted or divided by."""
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    path = min((tmp_path / "lab" / "cells").glob("[!.]*.json"))
    whole = path.read_text()
    for wrong in ('"length":0,', '"length":2,'):
        path.write_text(whole.replace('"length":1,', wrong))
        assert "is damaged" in weakspot.lab_report(tmp_path / "lab").report.notes[0]
    plan = tmp_path / "lab" / "lab.json"
    plan.write_text(plan.read_text().replace('"high": 10', '"high": -5'))
    with pytest.raises(NotARun, match="lengths that can be none"):
        weakspot.lab_report(tmp_path / "lab")


def test_a_seed_that_failed_counts_against_its_arm(tmp_path: Path) -> None:
    """Where trainings end in an error the report counts them as seeds that did not pass."""
    result = weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    arm = result.report.arms[0]
    for path in (tmp_path / "lab" / "cells").glob(f"{arm.task}-{arm.shape}-s1-*.json"):
        saved = json.loads(path.read_text())
        path.write_text(json.dumps({"schema": 1, "cell": saved["cell"], "error": "TrainingDiverged: no number"}))
    found = weakspot.lab_report(tmp_path / "lab").report
    assert [(one.passed, one.seeds, one.pattern) for one in found.arms if one.shape == arm.shape] == [
        (arm.passed - 1, arm.seeds, "undertrained")
    ]


def test_results_of_another_schema_are_not_read(tmp_path: Path) -> None:
    """A later version's result is refused by its version, not misread or trained over."""
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    path = min((tmp_path / "lab" / "cells").glob("[!.]*.json"))
    path.write_text(path.read_text().replace('"schema":1', '"schema":2', 1))
    with pytest.raises(RunSchemaMismatch, match="version 2"):
        weakspot.lab_resume(tmp_path / "lab", runner=FAKE)


def test_a_lab_without_a_finished_cell_says_so(tmp_path: Path) -> None:
    """There is no report of nothing, and the first error is named."""
    asked = msgspec.structs.replace(SMALL, shapes=("llama",))
    with pytest.raises(
        NotARun, match=r"no finished cell yet: 2 failed, 0 are not trained\. The first failed.*diverged"
    ):
        weakspot.lab_run(asked, out=tmp_path / "lab", runner="lab_fakes:raises_on_llama")


def test_without_torch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch is missing one sentence says what to install, before a folder is made or a cell fails."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match="torch is not installed") as told:
        weakspot.lab_run(SMALL, out=tmp_path / "lab")
    assert "weakspot[torch]" in told.value.hint
    assert not (tmp_path / "lab").exists()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A second run into a folder that trains is refused."""
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    with grid.locked(tmp_path / "lab"), pytest.raises(RunInUse):
        weakspot.lab_resume(tmp_path / "lab", runner=FAKE)


SCRIPT = """
import sys
import weakspot
sys.path.insert(0, {here!r})
asked = weakspot.LabOptions(tasks=("copy",), shapes=("gpt", "llama", "t5"), seeds=2, steps=30, tests=16)
weakspot.lab_run(asked, out={out!r}, workers=2, runner="lab_fakes:run_cell")
"""


def start(out: Path, pause: float) -> "subprocess.Popen[bytes]":
    """A grid in a process of its own."""
    script = SCRIPT.format(here=str(Path(__file__).parent), out=str(out))
    environment = {**os.environ, "LAB_PAUSE": str(pause)}
    return subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.PIPE)


def wait_for(ready: Callable[[], bool]) -> None:
    """Until something is so."""
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.01)


def children(parent: int) -> list[int]:
    """The processes that a process started."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(word) for word in found.split()]


def alive(process: int) -> bool:
    """Whether it still runs; one that nobody waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_grid_loses_the_cells_in_flight_only(tmp_path: Path) -> None:
    """After kill -9 every finished cell is whole, no worker lives on, and the rest ends as if nothing had been."""
    process = start(tmp_path / "killed", 0.1)
    wait_for(lambda: len(list((tmp_path / "killed" / "cells").glob("[!.]*.json"))) >= 2)
    workers = children(process.pid)
    assert len(workers) == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(alive(worker) for worker in workers))
    kept = results(tmp_path / "killed")
    assert 2 <= len(kept) < 6
    ended = start(tmp_path / "killed", 0)
    assert ended.wait(60) == 0, ended.stderr
    whole = start(tmp_path / "whole", 0)
    assert whole.wait(60) == 0
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
    assert kept.items() <= results(tmp_path / "killed").items()


def test_a_full_disk_costs_the_cells_in_flight_only(small_disk: Path) -> None:
    """Where no room is left for a result it is told, what was written stays whole, and with room the rest is trained."""
    asked = msgspec.structs.replace(SMALL, tests=2000)
    lab = small_disk / "lab"
    ballast = small_disk / "ballast"
    plan = grid.begin(lab, grid.plan(asked))
    ballast.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize - 80_000))
    with pytest.raises(DiskFull):
        running.train(plan, lab, running.local, workers=2, runner=FAKE)
    there = grid.shelf(lab, plan)
    assert 1 <= len(there.done) < 4
    assert there.notes == ()
    ballast.unlink()
    assert len(weakspot.lab_resume(lab, runner=FAKE).report.cells) == 4


def test_stopping_by_hand_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while cells train ends the workers at once and names the command that goes on."""

    class Stops(Watch):
        def step(self, name: str, step: int, loss: float) -> None:
            raise KeyboardInterrupt

    monkeypatch.setenv("LAB_PAUSE", "0.05")
    began = time.monotonic()
    with pytest.raises(Interrupted) as told:
        weakspot.lab_run(SMALL, out=tmp_path / "a b", workers=2, runner=FAKE, watch=Stops())
    assert time.monotonic() - began < 20
    assert "weakspot lab resume '" in told.value.hint
    monkeypatch.setenv("LAB_PAUSE", "0")
    assert len(weakspot.lab_resume(tmp_path / "a b", runner=FAKE).report.cells) == 4


def test_a_cell_is_found_by_its_own_name(tmp_path: Path) -> None:
    """A result that was copied over another cell's is of another cell, and counts as damage."""
    weakspot.lab_run(SMALL, out=tmp_path / "lab", runner=FAKE)
    first, second, *_ = sorted((tmp_path / "lab" / "cells").glob("[!.]*.json"))
    second.write_bytes(first.read_bytes())
    assert len(weakspot.lab_report(tmp_path / "lab").report.missing) == 1
    assert msgspec.json.decode(first.read_bytes(), type=grid.Saved).cell == Cell(
        "copy", "gpt", 0, 30, tests=16, low=1, high=10, far=20, width=96
    )
