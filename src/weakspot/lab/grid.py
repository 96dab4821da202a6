"""The grid of the lab: which cells are trained, where their results lie, and what is there already.

A lab's folder holds `lab.json` (the plan, written once), `cells/NAME.json` (one finished or failed cell each, written
whole or not at all) and `models/NAME/`. Nothing here trains, and nothing here needs torch.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from weakspot.artifacts.cache import write_atomically
from weakspot.errors import DiskFull, NotARun, RunInUse, RunSchemaMismatch, UsageError
from weakspot.lab.names import SHAPES, TASKS, cell_name, known_shape, known_task
from weakspot.records.lab import Cell, CellResult
from weakspot.version import __version__

SCHEMA = 1
"""Version of the lab's folder; raised when an older reader would misread it."""
FILE = "lab.json"
NO_SPACE = (28, 122)
"""Of the operating system: no space left, quota exceeded."""
_SAFE = re.compile(r"(?=.{1,60}$)[a-z0-9]+(-[a-z0-9]+)*")
"""Names become files' names: what a foreign plan calls a task must not lead out of the folder, nor be too long."""
MOST_SEEDS, MOST_STEPS = 100, 10_000_000

WHOLE = ("gpt", "llama", "t5")
CROSSED = tuple(name for name, shape in SHAPES.items() if shape.block == "own")


class Recipe(msgspec.Struct, frozen=True):
    """How a task is trained: optimiser steps, trained lengths, the longest tested one, learning rate and width.

    All shapes of a task have the same steps, those that the slowest learner (T5's) needs.
    """

    steps: int
    low: int
    high: int
    far: int
    rate: float = 2e-3
    width: int = 96


class Preset(msgspec.Struct, frozen=True):
    """A grid by name: its tasks and shapes, and what part of each recipe's steps is trained."""

    line: str
    tasks: tuple[str, ...]
    shapes: tuple[str, ...]
    seeds: int = 3
    share: float = 1.0
    tests: int = 256


RECIPES: dict[str, Recipe] = {
    "copy": Recipe(1500, 1, 10, 20),
    "reverse": Recipe(1500, 1, 10, 20),
    "recall": Recipe(3000, 2, 4, 8),
    "sorting": Recipe(2000, 1, 10, 20),
    "brackets": Recipe(1500, 1, 10, 20),
    "json": Recipe(2000, 1, 4, 8),
    "addition": Recipe(3000, 1, 5, 10),
    "addition-triples": Recipe(3000, 1, 5, 10),
}

PRESETS: dict[str, Preset] = {
    "quick": Preset("copying alone, three whole architectures, one seed: a look, no claim", ("copy",), WHOLE, seeds=1),
    "standard": Preset("copying and brackets, three whole architectures, three seeds", ("copy", "brackets"), WHOLE),
    "crossings": Preset("copying, the lab's own blocks that differ in one part, three seeds", ("copy",), CROSSED),
    "full": Preset("every task on every shape, three seeds", tuple(TASKS), tuple(SHAPES)),
}


class Plan(msgspec.Struct, frozen=True):
    """All cells of a lab, in the order they are trained, and how they were asked for."""

    schema: int
    name: str
    cells: tuple[Cell, ...]
    device: str = "cpu"
    command: str = ""
    weakspot: str = ""
    machine: str = ""


class Saved(msgspec.Struct, frozen=True):
    """A cell's file: its result, or the error that ended it. `schema` is read first."""

    schema: int
    cell: Cell
    result: CellResult | None = None
    error: str = ""


class _Version(msgspec.Struct, frozen=True):
    schema: int


class Shelf(msgspec.Struct, frozen=True):
    """What a folder holds of a plan: results and errors by cell name, names without either, and what was amiss."""

    done: dict[str, CellResult]
    failed: dict[str, str]
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True):
    """What the user asks for; None takes the preset's or the recipe's."""

    preset: str = "standard"
    tasks: tuple[str, ...] | None = None
    shapes: tuple[str, ...] | None = None
    seeds: int | None = None
    steps: int | None = None
    rate: float | None = None
    tests: int | None = None
    threads: int = 1
    device: str = "cpu"


def plan(asked: Asked, command: str = "", machine: str = "") -> Plan:
    """The cells that are asked for: seed by seed, so that a grid that is stopped has whole comparisons first.

    `command` and `machine` stand in the report: how to make it again, and where it was made.

    Raises:
        UsageError: an unknown name, or a number that makes no sense.
    """
    if asked.preset not in PRESETS:
        raise UsageError(f"There is no preset named {asked.preset!r}.", hint=f"Known: {', '.join(PRESETS)}.")
    preset = PRESETS[asked.preset]
    tasks = _distinct(preset.tasks if asked.tasks is None else asked.tasks, "task")
    shapes = _distinct(preset.shapes if asked.shapes is None else asked.shapes, "shape")
    for name in tasks:
        known_task(name)
    for name in shapes:
        known_shape(name)
    seeds = preset.seeds if asked.seeds is None else asked.seeds
    _check(asked, seeds)
    cells = [_cell(task, shape, seed, asked, preset) for seed in range(seeds) for task in tasks for shape in shapes]
    return Plan(SCHEMA, asked.preset, tuple(cells), asked.device, command, __version__, machine)


def _cell(task: str, shape: str, seed: int, asked: Asked, preset: Preset) -> Cell:
    recipe = RECIPES[task]
    return Cell(
        task=task,
        shape=shape,
        seed=seed,
        steps=asked.steps or max(1, round(recipe.steps * preset.share)),
        rate=asked.rate or recipe.rate,
        width=recipe.width,
        low=recipe.low,
        high=recipe.high,
        far=recipe.far,
        tests=asked.tests or preset.tests,
        threads=asked.threads,
    )


def _distinct(names: Sequence[str], what: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not found:
        raise UsageError(f"No {what} is named.", hint="weakspot lab list shows what there is.")
    return found


def _check(asked: Asked, seeds: int) -> None:
    limits = (
        ("seeds", seeds, MOST_SEEDS),
        ("steps", asked.steps, MOST_STEPS),
        ("tests", asked.tests, 100_000),
        ("threads", asked.threads, 1024),
    )
    for name, value, most in limits:
        if value is not None and not 1 <= value <= most:
            raise UsageError(f"{name} must lie within 1 to {most:,}, not {value:,}.", hint=f"Three is usual: {name}=3.")
    if asked.rate is not None and not (math.isfinite(asked.rate) and 0 < asked.rate < 1):
        raise UsageError(f"A learning rate of {asked.rate:g} can't be trained with.", hint="2e-3 is usual.")
    if asked.device not in ("cpu", "cuda"):
        raise UsageError(f"There is no device named {asked.device!r}.", hint="cpu or cuda.")


def begin(folder: Path, wanted: Plan) -> Plan:
    """Make the folder with its plan, or find the same plan there.

    Raises:
        UsageError: another plan stands in the folder, or the folder holds other things.
        NotARun: the folder can't be made, or its plan is damaged.
    """
    if (folder / FILE).exists():
        there = opened(folder)
        if there.cells != wanted.cells or there.device != wanted.device:
            raise UsageError(
                f"{folder} holds another plan: {_told(there)}, not {_told(wanted)}.",
                hint=f"Name another folder with --out, or go on with that plan: weakspot lab resume {folder}",
            )
        return there
    try:
        if folder.exists() and any(entry.name != ".lock" for entry in folder.iterdir()):
            raise UsageError(f"{folder} holds files that are no lab's.", hint="Name another folder with --out.")
        (folder / "cells").mkdir(parents=True, exist_ok=True)
        _write(folder / FILE, msgspec.json.format(msgspec.json.encode(wanted), indent=1))
    except OSError as error:
        raise NotARun(f"{folder} can't be made: {error.strerror}.", hint="Name another folder with --out.") from error
    return wanted


def _told(there: Plan) -> str:
    tasks, shapes = (list(dict.fromkeys(getattr(cell, part) for cell in there.cells)) for part in ("task", "shape"))
    steps = sorted({cell.steps for cell in there.cells})
    seeds = len({cell.seed for cell in there.cells})
    return (
        f"{', '.join(tasks)} × {', '.join(shapes)}, {seeds} seed{'s' * (seeds != 1)}, "
        f"{'/'.join(f'{n:,}' for n in steps)} steps, {there.device}"
    )


def opened(folder: Path) -> Plan:
    """The plan of a lab's folder.

    Raises:
        NotARun: there is none, or it is damaged.
        RunSchemaMismatch: another version wrote it.
    """
    path = folder / FILE
    if not path.is_file():
        what = "is empty" if folder.is_dir() and not any(folder.iterdir()) else "holds no lab"
        what = what if folder.is_dir() else "is no folder"
        raise NotARun(f"{folder} {what}.", hint=f"Make one: weakspot lab run --out {folder}")
    try:
        data = path.read_bytes()
        _right_version(data, folder)
        found = msgspec.json.decode(data, type=Plan)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotARun(f"{path} is damaged: {error}.", hint="Train into another folder with --out.") from error
    if not found.cells:
        raise NotARun(f"{path} plans no cell.", hint="Train into another folder with --out.")
    if not all(1 <= cell.low <= cell.high <= cell.far for cell in found.cells):
        raise NotARun(f"{path} plans lengths that can be none.", hint="Train into another folder with --out.")
    if not all(_SAFE.fullmatch(name) for cell in found.cells for name in (cell.task, cell.shape)):
        raise NotARun(f"{path} names a task or a shape that can be none.", hint="Train into another folder with --out.")
    return found


def _right_version(data: bytes, folder: Path) -> None:
    version = msgspec.json.decode(data, type=_Version).schema
    if version != SCHEMA:
        raise RunSchemaMismatch(
            f"The lab in {folder} has schema version {version}; this Weakspot reads {SCHEMA}.",
            hint="Use the Weakspot that wrote it, or train again into another folder.",
        )


def shelf(folder: Path, wanted: Plan) -> Shelf:
    """What is there of a plan. A damaged file counts as missing, and a note says so; it is not removed.

    Raises:
        RunSchemaMismatch: another version wrote a result.
    """
    done: dict[str, CellResult] = {}
    failed: dict[str, str] = {}
    missing, notes = [], []
    for cell in wanted.cells:
        name = cell_name(cell)
        path = folder / "cells" / f"{name}.json"
        if not path.exists():
            missing.append(name)
            continue
        try:
            saved = _read(path, cell, folder)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            notes.append(f"The result of {name} is damaged ({error}): the cell counts as not trained.")
            missing.append(name)
            continue
        if saved.result is not None:
            done[name] = saved.result
        else:
            failed[name] = saved.error or "no error was recorded"
    return Shelf(done, failed, tuple(missing), tuple(notes))


def _read(path: Path, cell: Cell, folder: Path) -> Saved:
    data = path.read_bytes()
    _right_version(data, folder)
    saved = msgspec.json.decode(data, type=Saved)
    if saved.cell != cell:
        raise ValueError("it is of another cell")
    if saved.result is not None:
        checked(saved.result, cell)
    return saved


def checked(result: CellResult, cell: Cell) -> CellResult:
    """The result, if it can be one of this cell.

    Raises:
        ValueError: it is of another cell, or holds what is no number or counts that cannot be.
    """
    if result.cell != cell:
        raise ValueError("it is of another cell")
    numbers: Mapping[str, float] = {
        "in_length": result.in_length,
        "train_s": result.train_s,
        "steps_per_s": result.steps_per_s,
        "test_s": result.test_s,
    }
    for name, value in numbers.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is {value}, which is no measure")
    if result.in_length > 1:
        raise ValueError(f"in_length is {result.in_length}, which is no rate")
    for lengths in result.lengths.values():
        if len({one.length for one in lengths}) < len(lengths):
            raise ValueError("a length stands in it twice")
        for one in lengths:
            counts = 0 <= one.exact <= one.n and 0 <= one.right <= one.tokens and one.length >= 1
            if not counts or len(one.first_errors) != 10 or min(one.first_errors) < 0:
                raise ValueError(f"the counts at length {one.length} cannot be")
            if one.valid is not None and not 0 <= one.valid <= one.n:
                raise ValueError(f"the valid answers at length {one.length} cannot be")
            if one.outcomes and (set(one.outcomes) - set("01") or len(one.outcomes) != one.n):
                raise ValueError(f"the outcomes at length {one.length} cannot be")
    return result


def keep(folder: Path, saved: Saved) -> None:
    """Write a cell's file, whole or not at all.

    Raises:
        DiskFull: no room is left; what was there stays.
        NotARun: the folder can't be written to.
    """
    path = folder / "cells" / f"{cell_name(saved.cell)}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, msgspec.json.encode(saved))
    except OSError as error:
        raise NotARun(f"{path} can't be written: {error.strerror}.", hint="Look at the folder's rights.") from error


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
        path.chmod(0o644)  # a temporary file is its owner's alone
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFull(f"No room is left for {path.name}.", hint="Free some space, then resume.") from error
        raise


def locked(folder: Path) -> FileLock:
    """The folder's lock, taken; it is held by the process, so a killed run leaves nothing to clean up.

    Raises:
        RunInUse: another process trains into this folder.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunInUse(f"Another process trains into {folder}.", hint="Wait for it, or name another folder.") from None
    return lock
