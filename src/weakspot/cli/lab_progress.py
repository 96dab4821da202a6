"""Progress of a lab on standard error: a bar for each cell that trains and one for all, or lines now and then."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from weakspot.cli.main import visible
from weakspot.rendering import formats

if TYPE_CHECKING:
    from weakspot.records.lab import CellResult

SILENCE_S = 60.0
"""Where there is no terminal a line comes when a cell ends, and after this many seconds without one."""


class LabProgress:
    """Hears of a grid's progress and draws it; a context manager. How long is left is said once it was measured."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[told]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._whole: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}
        self._steps: dict[str, tuple[int, int]] = {}
        self._cells = self._done = self._failed = self._new = 0
        self._began = self._said = time.monotonic()

    def begin(self, cells: int, done: int, steps: int, seconds: float | None) -> None:
        """What is planned, and what is there already."""
        self._cells, self._done = cells, done
        self._began = time.monotonic()
        self._whole = self._bars.add_task("all cells", total=cells, completed=done, told=f"{done}/{cells}")
        if done == cells:
            return self.note(f"All {formats.plural(cells, 'cell')} are trained already.")
        there = f" ({done} of {cells} are trained already)" if done else ""
        if seconds is None:
            long = "How long that takes is said when the first has ended."
        else:
            long = f"At the speed of those, about {formats.duration(seconds)}."
        return self.note(f"To train: {formats.plural(cells - done, 'cell')}{there}, {steps:,} steps in all. {long}")

    def started(self, name: str, steps: int) -> None:
        """A cell begins."""
        self._steps[name] = (0, steps)
        self._tasks[name] = self._bars.add_task(visible(name)[:40], total=steps, told="starts")

    def step(self, name: str, step: int, loss: float) -> None:
        """A cell goes on."""
        total = self._steps[name][1]
        self._steps[name] = (step, total)
        told = "tests" if step >= total else f"{step:,}/{total:,} steps, loss {loss:.3f}"
        self._bars.update(self._tasks[name], completed=step, told=told)
        if time.monotonic() - self._said >= SILENCE_S:
            training = ", ".join(f"{visible(n)[:40]} at step {s:,} of {t:,}" for n, (s, t) in self._steps.items())
            self._say(f"{self._done} of {self._cells} cells; {training}")

    def ended(self, name: str, result: "CellResult | None", error: str) -> None:
        """A cell has ended."""
        self._steps.pop(name, None)
        if (task := self._tasks.pop(name, None)) is not None:
            self._bars.remove_task(task)
        self._done += result is not None
        self._failed += result is None
        self._new += 1
        settled = self._done + self._failed
        left = (time.monotonic() - self._began) / self._new * (self._cells - settled)
        if self._whole is not None:
            told = f"{settled}/{self._cells}" + (
                f", about {formats.duration(left)} left" if settled < self._cells else ""
            )
            self._bars.update(self._whole, completed=settled, told=told)
        if result is None:
            self.note(f"{name} failed: {error}")
            return
        self._say(
            f"{visible(name)}: exact match {formats.percent(result.in_length)} at trained lengths, "
            f"{formats.duration(result.train_s + result.test_s)}; {settled} of {self._cells} cells"
            + (f", about {formats.duration(left)} left" if settled < self._cells else "")
        )

    def note(self, text: str) -> None:
        """A sentence for the user."""
        self._said = time.monotonic()
        self._console.print(visible(text), markup=False, soft_wrap=True)

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        if not self._console.is_terminal:
            self._console.print(text, markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
