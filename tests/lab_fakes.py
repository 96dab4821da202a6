"""Stand-ins for training: cells with made-up, seeded outcomes, so that the grid and the report are tried in no time."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from weakspot.records.lab import Cell, CellResult, CurvePoint, LengthResult

REACH = {
    "gpt": 0.0,
    "llama": 2.0,
    "t5": 30.0,
    "block-learned": 0.0,
    "block-learned-offset": 5.0,
    "block-rope": 2.0,
    "block-alibi": 8.0,
    "block-none": 3.0,
    "block-t5": 6.0,
    "encdec-t5": 30.0,
    "encdec-rope": 4.0,
    "encdec-learned": 0.0,
}
"""How many lengths beyond the trained ones a shape gets right before its curve falls to a half."""


def curve_of(cell: Cell, length: int) -> float:
    """The chance that an answer is right."""
    if length <= cell.high:
        return 0.998
    over = length - cell.high - REACH.get(cell.shape, 1.0) - 0.3 * (cell.seed - 1)
    return float(1 / (1 + np.exp(1.6 * over)))


def at_length(cell: Cell, length: int, rate: float, *, formed: bool, tries: int) -> LengthResult:
    """One length, drawn with a seed of the cell's."""
    draws = np.random.default_rng([sum(cell.task.encode()), sum(cell.shape.encode()), cell.seed, length])
    hits = draws.random(tries) < rate
    places = np.minimum(9, (10 * cell.high / length + draws.normal(0, 0.6, tries)).astype(int).clip(0))
    counts = np.bincount(places[~hits], minlength=10)
    exact = int(hits.sum())
    return LengthResult(
        length=length,
        exact=exact,
        n=tries,
        right=exact * length + (tries - exact) * (length // 2),
        tokens=tries * length,
        first_errors=tuple(int(c) for c in counts),
        valid=min(tries, exact + (tries - exact) // 2) if formed else None,
        outcomes="".join("1" if hit else "0" for hit in hits),
    )


def run_cell(
    cell: Cell, folder: Path, on_step: Callable[[int, float], None] | None = None, device: str = "cpu"
) -> CellResult:
    """A made-up result, the same for the same cell; `LAB_PAUSE` seconds a step, so that it can be killed."""
    pause = float(os.environ.get("LAB_PAUSE", "0"))
    for step in range(1, 4):
        time.sleep(pause)
        if on_step is not None:
            on_step(cell.steps * step // 3, 3.0 / step)
    return result_of(cell, device=device)


def result_of(cell: Cell, *, device: str = "cpu", learned: bool = True) -> CellResult:
    """The result without the pause."""
    formed = cell.task in ("brackets", "json")
    lengths = list(range(cell.low, cell.far + 1))
    free = tuple(
        at_length(cell, n, curve_of(cell, n) if learned else 0.3, formed=formed, tries=cell.tests) for n in lengths
    )
    decoded = {"free": free}
    if formed:
        better = [min(1.0, curve_of(cell, n) + 0.2) if learned else 0.4 for n in lengths]
        constrained = [
            at_length(cell, n, p, formed=True, tries=cell.tests) for n, p in zip(lengths, better, strict=True)
        ]
        decoded["constrained"] = tuple(
            LengthResult(c.length, c.exact, c.n, c.right, c.tokens, c.first_errors, c.n, c.outcomes)
            for c in constrained
        )
    trained = [one for one in free if one.length <= cell.high]
    in_length = sum(one.exact for one in trained) / sum(one.n for one in trained)
    grows = [
        CurvePoint(int(cell.steps * part), 2.2 * (1 - part) ** 2 + 0.01, min(in_length, part**0.5 * 1.05))
        for part in (0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
    ]
    return CellResult(
        cell=cell,
        parameters=402_304 + 1000 * len(cell.shape),
        curve=tuple(grows),
        lengths=decoded,
        in_length=in_length,
        train_s=60.0,
        steps_per_s=cell.steps / 60.0,
        test_s=4.0,
        weights_bytes=1_609_216,
        state_bytes=6_436_864,
        device=device,
        torch="2.13.0",
    )


def raises_on_llama(
    cell: Cell, folder: Path, on_step: Callable[[int, float], None] | None = None, device: str = "cpu"
) -> CellResult:
    """One shape's cells fail."""
    if cell.shape == "llama":
        raise ValueError("diverged\nat step 3")
    return run_cell(cell, folder, on_step, device)


def dies_on_llama(
    cell: Cell, folder: Path, on_step: Callable[[int, float], None] | None = None, device: str = "cpu"
) -> CellResult:
    """One shape's process dies, as if the system had killed it for memory."""
    if cell.shape == "llama":
        os._exit(9)
    return run_cell(cell, folder, on_step, device)


def noisy(
    cell: Cell, folder: Path, on_step: Callable[[int, float], None] | None = None, device: str = "cpu"
) -> CellResult:
    """A library that prints, and threads as the environment says."""
    print("a line that is no result")
    result = run_cell(cell, folder, on_step, device)
    assert os.environ["OMP_NUM_THREADS"] == str(cell.threads)
    return result
