"""Progress on standard error: bars in a terminal, a line now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from weakspot.cli.main import visible

QUARTERS = 4
SILENCE_S = 60.0
"""Where there is no terminal a line comes at each quarter, and after this many seconds without one."""


class ProgressSink:
    """A `weakspot.contracts.Sink` that draws; a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[count]}", markup=False),
            TextColumn("{task.fields[speed]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._state: dict[str, list[float]] = {}

    def start(self, candidate: str, total: int, done: int) -> None:
        """A candidate's turn begins."""
        name = visible(candidate)[:48]
        self._tasks[candidate] = self._bars.add_task(
            name, total=total, completed=done, count=f"{done}/{total} probes", speed=""
        )
        began = time.perf_counter()
        self._state[candidate] = [done, total, 0, began, began]
        self._say(f"{name}: {done} of {total} probes")

    def advance(self, candidate: str, tokens: int) -> None:
        """One more probe is answered."""
        state = self._state[candidate]
        state[0] += 1
        state[2] += tokens
        done, total, generated, began, said = state
        now = time.perf_counter()
        speed = f"{generated / max(1e-9, now - began):.0f} tokens/s"
        self._bars.update(self._tasks[candidate], completed=done, count=f"{done:.0f}/{total:.0f} probes", speed=speed)
        if done == total or done % max(1, total // QUARTERS) == 0 or now - said >= SILENCE_S:
            state[4] = now
            self._say(f"{visible(candidate)[:48]}: {done:.0f} of {total:.0f} probes, {speed}")

    def fetching(self, what: str, done: int, total: int) -> None:
        """A file is on its way, or another piece of work whose steps are counted."""
        key = "fetch"
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task("", total=total, count="", speed="")
            self._say(what)
        self._bars.update(
            self._tasks[key],
            description=what,
            completed=done,
            total=total,
            count=f"{done / 1e6:.0f}/{total / 1e6:.0f} MB" if total >= 1e6 else f"{done:,}/{total:,}",
        )
        if done >= total:
            del self._tasks[key]

    def note(self, text: str) -> None:
        """A sentence for the user."""
        self._console.print(visible(text), markup=False)

    def _say(self, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(text, markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
