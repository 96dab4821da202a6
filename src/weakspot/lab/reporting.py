"""From a lab's folder to what it shows: results of cells to arms, crossings and notes."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from weakspot.errors import NotARun
from weakspot.lab import grid
from weakspot.lab.arms import GATE, Failed, arms, by_arm, passes, trained
from weakspot.lab.crossing import crossings
from weakspot.lab.names import SHAPES, TASKS, cell_name
from weakspot.records.lab import CellResult, LabReport
from weakspot.stats.trainings import FEWEST


def report_of(folder: Path) -> LabReport:
    """What the folder's finished cells show.

    Raises:
        NotARun: there is no lab, or none of its cells is finished.
        RunSchemaMismatch: another version wrote it.
    """
    plan = grid.opened(folder)
    shelf = grid.shelf(folder, plan)
    if not shelf.done:
        why = f"{len(shelf.failed)} failed, {len(shelf.missing)} are not trained"
        first = next((f" The first failed with: {error}" for error in shelf.failed.values()), "")
        raise NotARun(
            f"The lab in {folder} has no finished cell yet: {why}.{first}", hint=f"Train: weakspot lab resume {folder}"
        )
    results = tuple(shelf.done.values())
    failed = Counter((cell.task, cell.shape) for cell in plan.cells if cell_name(cell) in shelf.failed)
    return LabReport(
        name=plan.name,
        command=plan.command,
        gate=GATE,
        cells=results,
        arms=arms(results, failed),
        crossings=crossings(results, failed),
        missing=shelf.missing,
        failed=shelf.failed,
        weakspot=plan.weakspot,
        machine=plan.machine,
        notes=(*shelf.notes, *_notes(results, failed)),
        counts={name: TASKS[name].counts for name in TASKS if any(r.cell.task == name for r in results)},
        about=_about(results),
    )


def _about(results: Sequence[CellResult]) -> dict[str, str]:
    used = {r.cell.task for r in results} | {r.cell.shape for r in results}
    lines = {name: task.line for name, task in TASKS.items()} | {name: shape.line for name, shape in SHAPES.items()}
    return {name: line for name, line in lines.items() if name in used}


def _notes(results: Sequence[CellResult], failed: Failed) -> list[str]:
    found = []
    by = by_arm(results)
    able = {place for place, of_arm in by.items() if trained(of_arm, failed.get(place, 0))}
    few = [
        f"{task} × {shape}"
        for (task, shape), of_arm in by.items()
        if (task, shape) in able and sum(map(passes, of_arm)) < FEWEST
    ]
    if few:
        found.append(
            f"Fewer than three seeds count: {', '.join(few)}. Their intervals are over sequences alone and say nothing "
            "of another training."
        )
    under = [f"{task} × {shape}" for task, shape in by if (task, shape) not in able]
    if under:
        found.append(
            f"Undertrained, so nothing is said of them beyond the trained lengths: {', '.join(under)}. "
            "More steps (--steps) may teach them."
        )
    for what, kinds in (("devices", {r.device for r in results}), ("versions of torch", {r.torch for r in results})):
        if len(kinds) > 1:
            found.append(f"The cells were trained on different {what} ({', '.join(sorted(kinds))}): a confound.")
    return found
