"""What the lab trains and finds: a cell (one model, one task, one seed), its result, and what a grid of them shows.

A length counts what the task's difficulty counts: tokens of a string, pairs, digits, or levels of nesting. Times are in
seconds, memory in bytes. Rates are right / tried; a rate over nothing is None, never zero.
"""

from typing import Literal

import msgspec

Pattern = Literal["holds", "cliff", "short slope", "long slope", "undertrained"]
"""How exact match falls beyond the trained lengths; `undertrained` where the gate was missed."""

Standing = Literal["confirmed by", "consistent with", "no difference shown", "undertrained"]
"""What a crossing says of one part: only an experiment that changes that part alone confirms."""


class Cell(msgspec.Struct, frozen=True):
    """One training, fully determined: the same cell gives the same weights on the same machine and thread count.

    `shape` and `task` are names of the lab's registries. `low` to `high` are the trained lengths, `far` the longest
    tested one. `steps` are optimiser steps of `batch` sequences; never wall clock.
    """

    task: str
    shape: str
    seed: int
    steps: int
    batch: int = 64
    rate: float = 2e-3
    width: int = 128
    layers: int = 2
    heads: int = 4
    low: int = 1
    high: int = 10
    far: int = 20
    tests: int = 256
    threads: int = 1


class CurvePoint(msgspec.Struct, frozen=True):
    """Where training stood: mean loss in nats a token since the last point, exact match on held-out trained lengths."""

    step: int
    loss: float
    exact: float | None = None


class LengthResult(msgspec.Struct, frozen=True):
    """Greedy answers at one length: `exact` of `n` right as a whole, `right` of `tokens` tokens at their place.

    `first_errors` counts, in tenths of the expected answer, where the first wrong token stood (ten numbers; an answer
    that is right has none). `valid` counts answers of the task's form (balanced, or JSON), right or not; None where
    the task has no form of its own. `outcomes` has a 1 for each sequence answered right and a 0 for each other, in the
    task's order, which is the same for every shape and seed: arms are paired by it. Empty: it was not kept.
    """

    length: int
    exact: int
    n: int
    right: int
    tokens: int
    first_errors: tuple[int, ...] = (0,) * 10
    valid: int | None = None
    outcomes: str = ""


class CellResult(msgspec.Struct, frozen=True):
    """A trained cell, measured. `lengths` maps a decoding (`free`, `constrained`, `structure head`) to its lengths.

    `in_length` is the exact match of free decoding over all trained lengths together. `memory` is the optimiser's,
    gradients' and weights' bytes plus what a step of the longest trained batch keeps for its backward pass.
    `model` is the folder with the weights in Hugging Face form, relative to the lab's folder; empty where not kept.
    """

    cell: Cell
    parameters: int
    curve: tuple[CurvePoint, ...]
    lengths: dict[str, tuple[LengthResult, ...]]
    in_length: float
    train_s: float
    steps_per_s: float
    test_s: float
    weights_bytes: int
    state_bytes: int
    memory: int | None = None
    model: str = ""
    weights_sha256: str = ""
    device: str = "cpu"
    torch: str = ""


class LengthRate(msgspec.Struct, frozen=True):
    """Exact match at one length over all seeds that passed the gate; the 95% interval takes seeds as clusters.

    With fewer than three seeds it is over sequences alone. Of an undertrained arm all seeds count at trained lengths,
    and beyond them nothing is said. `valid` is the share of answers of the task's form.
    """

    length: int
    rate: float | None
    low: float | None
    high: float | None
    exact: int
    n: int
    seeds: int
    valid: float | None = None


class Arm(msgspec.Struct, frozen=True):
    """One shape on one task over its seeds, under one decoding.

    `passed` of `seeds` seeds have an in-length exact match of at least the gate; one whose training failed has not, and
    is in `seeds` but not in `in_length`. Where fewer than two thirds have,
    `pattern` is `undertrained` and nothing beyond the trained lengths is said. `half_length` is the first tested length
    beyond the trained ones with exact match under 0.5. `first_errors` is over lengths beyond the trained ones, and
    `errors_begin` the same in words.
    """

    task: str
    shape: str
    decoding: str
    seeds: int
    passed: int
    in_length: tuple[float, ...]
    rates: tuple[LengthRate, ...]
    pattern: Pattern
    half_length: int | None
    first_errors: tuple[int, ...]
    parameters: int
    steps_per_s: float
    state_bytes: int
    test_s: float
    memory: int | None = None
    high: int = 0
    errors_begin: str = ""


class Crossing(msgspec.Struct, frozen=True):
    """Two arms that differ in one part: the difference of exact match beyond the trained lengths, paired by sequence.

    `difference` is second minus first, with its 95% interval; `standing` and `sentence` say what follows, in words.
    """

    task: str
    part: str
    first: str
    second: str
    difference: float | None
    low: float | None
    high: float | None
    p_adjusted: float | None
    n: int
    standing: Standing
    sentence: str


class LabReport(msgspec.Struct, frozen=True):
    """A grid, finished or not: `missing` cells have no result yet, `failed` maps a cell's name to its error.

    `counts` says what a task's lengths count, `about` what a task or a shape is, in a line each.
    """

    name: str
    command: str
    gate: float
    cells: tuple[CellResult, ...]
    arms: tuple[Arm, ...]
    crossings: tuple[Crossing, ...]
    missing: tuple[str, ...] = ()
    failed: dict[str, str] = {}
    weakspot: str = ""
    machine: str = ""
    notes: tuple[str, ...] = ()
    counts: dict[str, str] = {}
    about: dict[str, str] = {}
