"""`weakspot.lab_run`, `lab_resume`, `lab_report`, `lab_list`, `lab_probes`: small models trained on the same tasks."""

import shlex
from pathlib import Path

import msgspec

from weakspot import registry
from weakspot.api.opening import environment
from weakspot.errors import Interrupted, UsageError
from weakspot.lab import grid, running
from weakspot.lab.grid import Asked
from weakspot.lab.names import SHAPES, TASKS
from weakspot.lab.reporting import report_of
from weakspot.records.lab import LabReport
from weakspot.rendering.files import write_atomic
from weakspot.rendering.lab_markdown import lab_markdown
from weakspot.rendering.lab_page import lab_fragment, lab_html

PLACE = Path("runs")


class LabResult:
    """What a lab shows so far.

    Attributes:
        folder: the lab's folder.
        report: the numbers and what they say (`weakspot.records.lab.LabReport`).
        files: the report's files, by their names.
    """

    def __init__(self, folder: Path, report: LabReport, files: dict[str, Path]) -> None:
        self.folder = folder
        self.report = report
        self.files = files

    def __repr__(self) -> str:
        report = self.report
        left = (
            f", {len(report.missing)} missing, {len(report.failed)} failed" if report.missing or report.failed else ""
        )
        return f"LabResult({str(self.folder)!r}, {len(report.cells)} cells{left})"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return lab_fragment(self.report)


def lab_run(
    asked: Asked | str = "standard",
    *,
    out: str | Path | None = None,
    workers: int = 1,
    engine: str = "local",
    watch: running.Watch | None = None,
    runner: str = running.RUN_CELL,
) -> LabResult:
    """Train a grid of small models, measure them by length, and write a report; the same call goes on with the rest.

    Args:
        asked: a preset's name, or `weakspot.LabOptions(preset=..., tasks=..., shapes=..., seeds=..., steps=...)`.
        out: the lab's folder; runs/lab-PRESET by default. Cells that are there are not trained again.
        workers: how many cells are trained side by side; results do not hang on it.
        engine: "local", or "ray" (needs the extra [ray]).
        watch: hears of progress.
        runner: the function that trains a cell, as `module:function`; for trying the grid without training.

    Raises:
        UsageError: an unknown name, a number that makes no sense, or a folder with another plan.
        RunInUse: another process trains into this folder.
        MissingExtra: torch, transformers or Ray is not installed.
        Interrupted: stopped by Ctrl-C; says how to go on.
    """
    wanted = Asked(preset=asked) if isinstance(asked, str) else asked
    running.check(workers, engine)
    running.ready(runner, wanted.device)
    folder = Path(out).expanduser() if out is not None else PLACE / f"lab-{wanted.preset}"
    facts = environment()
    machine = ", ".join(facts[name] for name in ("processor", "platform") if name in facts)
    plan = grid.begin(folder, grid.plan(wanted, command_of(wanted, out, workers, engine), machine))
    return _trained(folder, plan, workers, engine, watch, runner)


def lab_resume(
    folder: str | Path,
    *,
    workers: int = 1,
    engine: str = "local",
    watch: running.Watch | None = None,
    runner: str = running.RUN_CELL,
) -> LabResult:
    """Train what a lab's plan still lacks, and once more what failed; see `lab_run`.

    Raises:
        NotARun: the folder holds no lab, or a damaged one.
        RunSchemaMismatch: another version wrote it.
    """
    running.check(workers, engine)
    place = Path(folder).expanduser()
    plan = grid.opened(place)
    running.ready(runner, plan.device)
    return _trained(place, plan, workers, engine, watch, runner)


def _trained(
    folder: Path, plan: grid.Plan, workers: int, engine: str, watch: running.Watch | None, runner: str
) -> LabResult:
    train = registry.load("lab_engines", engine)
    try:
        running.train(plan, folder, train, workers=workers, watch=watch, runner=runner)
    except KeyboardInterrupt:
        raise Interrupted(
            "Stopped; the cells that had ended are kept.", hint=f"Go on: weakspot lab resume {shlex.quote(str(folder))}"
        ) from None
    return lab_report(folder)


def lab_report(folder: str | Path, *, html: str | Path | None = None, markdown: str | Path | None = None) -> LabResult:
    """What a lab's finished cells show, with report.html, report.md and report.json; finished or not.

    Args:
        folder: the lab's folder.
        html: where the page goes instead.
        markdown: where the Markdown goes instead.

    Raises:
        NotARun: there is no lab, or none of its cells is finished.
        RunSchemaMismatch: another version wrote it.
        UsageError: a file can't be written.
        DiskFull: there is no room for a file.
    """
    place = Path(folder).expanduser()
    report = report_of(place)
    files = {
        "report.html": (Path(html).expanduser() if html else place / "report.html", lab_html(report).encode("utf-8")),
        "report.md": (
            Path(markdown).expanduser() if markdown else place / "report.md",
            lab_markdown(report).encode("utf-8"),
        ),
        "report.json": (place / "report.json", msgspec.json.format(msgspec.json.encode(report), indent=1)),
    }
    for path, data in files.values():
        try:
            write_atomic(path, data)
        except OSError as error:
            raise UsageError(f"{path} can't be written: {error.strerror}.", hint="Name another file.") from None
    return LabResult(place, report, {name: path for name, (path, _) in files.items()})


def lab_list() -> dict[str, list[dict[str, object]]]:
    """The lab's tasks, shapes with their parts, and presets, each as a list of plain rows."""
    tasks = [
        {"name": name, "line": task.line, "counts": task.counts, "decodings": list(task.decodings)}
        | msgspec.to_builtins(grid.RECIPES[name])
        for name, task in TASKS.items()
    ]
    shapes = [{"name": name, "line": shape.line, "parts": shape.parts()} for name, shape in SHAPES.items()]
    presets = [{"name": name} | msgspec.to_builtins(preset) for name, preset in grid.PRESETS.items()]
    return {"tasks": tasks, "shapes": shapes, "presets": [row | _size(str(row["name"])) for row in presets]}


def _size(preset: str) -> dict[str, int]:
    cells = grid.plan(Asked(preset=preset)).cells
    return {"cells": len(cells), "steps": sum(cell.steps for cell in cells)}


def command_of(asked: Asked, out: str | Path | None, workers: int, engine: str) -> str:
    """The command that makes the same lab."""
    words = ["weakspot", "lab", "run", "--preset", asked.preset]
    for name, value in (("tasks", asked.tasks), ("shapes", asked.shapes)):
        words += [] if value is None else [f"--{name}", ",".join(value)]
    for name in ("seeds", "steps", "rate", "tests"):
        value = getattr(asked, name)
        words += [] if value is None else [f"--{name}", f"{value}"]
    words += [] if asked.threads == 1 else ["--threads", str(asked.threads)]
    words += [] if asked.device == "cpu" else ["--device", asked.device]
    words += [] if engine == "local" else ["--engine", engine]
    words += ["--workers", str(workers)]
    # a path of this machine is nobody else's business
    words += [] if out is None else ["--out", Path(out).name if Path(out).is_absolute() else str(out)]
    return shlex.join(words)
