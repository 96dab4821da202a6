"""Training the cells of a plan that have no result yet, side by side in processes of their own.

Each result is written before it is told, so that a kill loses the cells in flight and nothing else. What is trained
does not hang on the number of workers: a cell is a pure function of itself.
"""

import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import msgspec

from weakspot.errors import MissingExtra, UsageError
from weakspot.lab import grid
from weakspot.lab.names import cell_name
from weakspot.lab.worker import Order
from weakspot.records.lab import Cell, CellResult

RUN_CELL = "weakspot.lab.cell:run_cell"
ENGINES = ("local", "ray")
MOST_WORKERS = 1024
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_SOON_S = 5.0


class Watch(Protocol):
    """Where a grid's progress goes."""

    def begin(self, cells: int, done: int, steps: int, seconds: float | None) -> None:
        """So many cells are planned, `done` of them have a result; the others take so many steps in all.

        `seconds` is what they will take, from the measured speed of those that are done; None where none is.
        """
        ...

    def started(self, name: str, steps: int) -> None:
        """A cell begins, of so many steps."""
        ...

    def step(self, name: str, step: int, loss: float) -> None:
        """A cell has made so many steps; its loss in nats a token."""
        ...

    def ended(self, name: str, result: CellResult | None, error: str) -> None:
        """A cell has its result, which is saved, or failed with an error, which is too."""
        ...

    def note(self, text: str) -> None:
        """A sentence for the user."""
        ...


class Unwatched:
    """Nobody looks."""

    def begin(self, cells: int, done: int, steps: int, seconds: float | None) -> None:
        """Not told."""

    def started(self, name: str, steps: int) -> None:
        """Not told."""

    def step(self, name: str, step: int, loss: float) -> None:
        """Not told."""

    def ended(self, name: str, result: CellResult | None, error: str) -> None:
        """Not told."""

    def note(self, text: str) -> None:
        """Not told."""


class Job(NamedTuple):
    """What an engine is given: the cells to train, where, on which device, by which function, and who looks."""

    cells: Sequence[Cell]
    folder: Path
    device: str
    runner: str
    workers: int
    watch: Watch


class Message(msgspec.Struct, frozen=True):
    """A line from a worker: a step with its loss, or a result, or an error."""

    step: int | None = None
    loss: float | None = None
    result: CellResult | None = None
    error: str = ""


def settled(job: Job, cell: Cell, result: CellResult | None, error: str = "") -> None:
    """Write a cell's end down, then tell of it. A result that cannot be one is an error."""
    if result is not None:
        try:
            grid.checked(result, cell)
        except ValueError as problem:
            result, error = None, f"The result can't be used: {problem}."
    grid.keep(job.folder, grid.Saved(grid.SCHEMA, cell, result, error))
    job.watch.ended(cell_name(cell), result, error)


def check(workers: int, engine: str) -> None:
    """Whether there can be so many workers on such an engine.

    Raises:
        UsageError: there can't.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError(f"{workers:,} workers can't train.", hint="One for each core that is free: --workers 2.")
    if engine not in ENGINES:
        raise UsageError(f"There is no engine named {engine!r}.", hint=f"Known: {', '.join(ENGINES)}.")


def ready(runner: str, device: str) -> None:
    """Whether cells can be trained here at all, before the first one fails.

    Raises:
        MissingExtra: torch or transformers is not installed.
        UsageError: there is no such device here.
    """
    if runner != RUN_CELL:
        return
    missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"{' and '.join(missing)} is not installed.", hint="pip install 'weakspot[torch]'")
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UsageError("There is no CUDA device here.", hint="Train on the processor: --device cpu")


def train(
    plan: grid.Plan,
    folder: Path,
    engine: Callable[[Job], None],
    *,
    workers: int = 1,
    watch: Watch | None = None,
    runner: str = RUN_CELL,
) -> grid.Shelf:
    """Train what is missing, and what failed before once more; returns what the folder then holds.

    Raises:
        RunInUse: another process trains into this folder.
        DiskFull, NotARun: a result can't be written.
        MissingExtra: the engine is not installed.
    """
    watch = watch or Unwatched()
    with grid.locked(folder):
        there = grid.shelf(folder, plan)
        for note in there.notes:
            watch.note(f"{note} It is trained again.")
        cells = [cell for cell in plan.cells if cell_name(cell) not in there.done]
        steps = sum(cell.steps for cell in cells)
        watch.begin(len(plan.cells), len(there.done), steps, _estimate(there, steps, workers))
        if cells:
            engine(Job(cells, folder, plan.device, runner, min(workers, len(cells)), watch))
        return grid.shelf(folder, plan)


def _estimate(there: grid.Shelf, steps: int, workers: int) -> float | None:
    """Seconds for so many steps at the speed of the cells that are done, tests included; None where none is."""
    made = sum(result.cell.steps for result in there.done.values())
    took = sum(result.train_s + result.test_s for result in there.done.values())
    return took / made * steps / workers if made else None


def local(job: Job) -> None:
    """Train on this machine: worker processes that each take the next cell."""
    waiting = deque(job.cells)
    with selectors.DefaultSelector() as selector:
        workers: list[_Worker] = []
        try:
            while len(workers) < job.workers:
                workers.append(_Worker(job, waiting.popleft(), selector))
            while workers:
                for key, _ in selector.select():
                    worker: _Worker = key.data
                    if not worker.heard():
                        continue
                    if waiting:
                        worker.take(waiting.popleft())
                    else:
                        worker.stop()
                        workers.remove(worker)
        finally:
            for worker in workers:
                worker.stop()


class _Worker:
    """A worker process, the cell it trains, and the lines it has sent; started anew where it died."""

    def __init__(self, job: Job, cell: Cell, selector: selectors.BaseSelector) -> None:
        self._job = job
        self._selector = selector
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._threads = 0
        self.take(cell)

    def take(self, cell: Cell) -> None:
        """Begin a cell."""
        if self._process is None or self._threads != cell.threads:
            self.stop()
            self._start(cell.threads)
        self._cell = cell
        self._job.watch.started(cell_name(cell), cell.steps)
        order = Order(cell, str(self._job.folder.absolute()), self._job.device, self._job.runner)
        with suppress(BrokenPipeError):  # it died between two cells: `heard` tells of it
            self._pipe("stdin").write(msgspec.json.encode(order) + b"\n")
            self._pipe("stdin").flush()

    def heard(self) -> bool:
        """Read what the process sent; true where its cell has ended, well or not."""
        data = os.read(self._pipe("stdout").fileno(), 1 << 20)
        if not data:
            code = self.stop()
            settled(self._job, self._cell, None, f"The worker process ended with exit code {code}.")
            return True
        *lines, self._rest = (self._rest + data).split(b"\n")
        return any(self._took(line) for line in lines)

    def _took(self, line: bytes) -> bool:
        try:
            message = msgspec.json.decode(line, type=Message)
        except msgspec.MsgspecError as error:
            message = Message(error=f"The result can't be read: {error}.")
        if message.step is not None:
            loss = float("nan") if message.loss is None else message.loss
            self._job.watch.step(cell_name(self._cell), message.step, loss)
            return False
        settled(self._job, self._cell, message.result, message.error)
        return True

    def stop(self) -> int:
        """End the process, in the middle of a cell too; returns its exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        self._selector.unregister(_open(process.stdout))
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(_SOON_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _open(process.stdout).close()
        with suppress(BrokenPipeError):  # an order that it never read
            _open(process.stdin).close()
        return process.returncode

    def _start(self, threads: int) -> None:
        self._threads = threads
        self._rest = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "weakspot.lab.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(threads),
        )
        self._selector.register(self._pipe("stdout"), selectors.EVENT_READ, self)

    def _pipe(self, name: str) -> IO[bytes]:
        return _open(getattr(self._process, name))


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("The worker was started without its pipes.")
    return pipe


def environment(threads: int) -> dict[str, str]:
    """The environment of a worker: ours, with so many threads, and with the folders that we import from."""
    places = [place for place in sys.path if place and not place.endswith(".zip")]
    return {**os.environ, **dict.fromkeys(_THREADS, str(threads)), "PYTHONPATH": os.pathsep.join(places)}
