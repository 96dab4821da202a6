"""Arms: one shape on one task over its seeds, under one decoding, and how exact match falls beyond the trained lengths.

The rules, which the report states: a seed passes where exact match over the trained lengths is at least `GATE`; an arm
is trained where at least two thirds of its seeds pass, one whose training failed being one that did not; beyond the
trained lengths only passed seeds count, and only of trained arms. `holds`: exact match is never under 0.5 at a tested
length beyond the trained ones. `cliff`: it falls from at least 0.9 at the longest trained length to at most 0.1 within
two lengths. `short slope`: it is under 0.5 at a length of at most 1.5 times the longest trained one; `long slope`:
further out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from weakspot.lab.names import SHAPES, TASKS
from weakspot.records.lab import Arm, CellResult, LengthRate, LengthResult, Pattern
from weakspot.stats.trainings import rate_interval

GATE = 0.95
SHARE = Fraction(2, 3)
"""Of the seeds must pass."""
HIGH, LOW, HALF = 0.9, 0.1, 0.5
STEEP = 2
"""A cliff takes at most so many lengths."""
SHORT = 1.5
"""Times the longest trained length: as far as a slope is short."""
TENTHS = 10
FIXED = ("recall",)
"""Tasks whose answers are of one length, whatever the prompt's."""
MOST = 0.6
"""Of the first errors stand in one place, for it to be named."""


def passes(result: CellResult) -> bool:
    """Whether a cell learned its trained lengths."""
    return result.in_length >= GATE


Failed = Mapping[tuple[str, str], int]
"""How many seeds of an arm, by (task, shape), ended in an error: trainings that did not pass, not ones to forget."""
NONE_FAILED: Failed = {}


def trained(results: Sequence[CellResult], failed: int = 0) -> bool:
    """Whether enough seeds of an arm learned their trained lengths for anything to be said beyond them."""
    return bool(results) and sum(map(passes, results)) >= SHARE * (len(results) + failed)


def by_arm(results: Iterable[CellResult]) -> dict[tuple[str, str], list[CellResult]]:
    """Results by (task, shape), in the order of the lab's tables, seeds in order."""
    found: dict[tuple[str, str], list[CellResult]] = defaultdict(list)
    for result in sorted(results, key=lambda r: r.cell.seed):
        found[result.cell.task, result.cell.shape].append(result)
    tasks, shapes = list(TASKS), list(SHAPES)

    def place(key: tuple[str, str]) -> tuple[int, int, str, str]:
        task, shape = key
        first = tasks.index(task) if task in TASKS else len(tasks)
        second = shapes.index(shape) if shape in SHAPES else len(shapes)
        return first, second, task, shape

    return {key: found[key] for key in sorted(found, key=place)}


def arms(results: Iterable[CellResult], failed: Failed = NONE_FAILED) -> tuple[Arm, ...]:
    """Every arm, one for each decoding that all its seeds have."""
    return tuple(
        _arm(task, shape, decoding, of_shape, failed.get((task, shape), 0))
        for (task, shape), of_shape in by_arm(results).items()
        for decoding in _decodings(of_shape)
    )


def _decodings(results: Sequence[CellResult]) -> list[str]:
    return [name for name in results[0].lengths if all(name in result.lengths for result in results)]


def _arm(task: str, shape: str, decoding: str, results: Sequence[CellResult], failed: int) -> Arm:
    passed = [result for result in results if passes(result)]
    high = results[0].cell.high
    able = trained(results, failed)
    rates = _rates(passed if able else results, decoding, None if able else high)
    pattern, half = falling(rates, high) if able else ("undertrained", None)
    beyond = [one for r in passed for one in r.lengths[decoding] if one.length > high] if able else []
    return Arm(
        task=task,
        shape=shape,
        decoding=decoding,
        seeds=len(results) + failed,
        passed=len(passed),
        in_length=tuple(result.in_length for result in results),
        rates=rates,
        pattern=pattern,
        half_length=half,
        first_errors=tuple(sum(one.first_errors[tenth] for one in beyond) for tenth in range(TENTHS)),
        parameters=results[0].parameters,
        steps_per_s=_mean([result.steps_per_s for result in results]),
        state_bytes=max(result.state_bytes for result in results),
        test_s=_mean([result.test_s for result in results]),
        memory=max(known) if (known := [r.memory for r in results if r.memory is not None]) else None,
        high=high,
        errors_begin=errors_begin(beyond, high, grows=task not in FIXED) if able else "",
    )


def _rates(results: Sequence[CellResult], decoding: str, last: int | None) -> tuple[LengthRate, ...]:
    """Exact match by length; beyond `last`, where there is one, nothing is said."""
    lengths: Mapping[int, list[LengthResult]] = defaultdict(list)
    for result in results:
        for one in result.lengths[decoding]:
            lengths[one.length].append(one)
    return tuple(_rate(length, lengths[length], said=last is None or length <= last) for length in sorted(lengths))


def _rate(length: int, found: Sequence[LengthResult], *, said: bool) -> LengthRate:
    n = sum(one.n for one in found)
    if not said or n == 0:
        return LengthRate(length, None, None, None, 0, 0, 0)
    exact = sum(one.exact for one in found)
    ends = rate_interval([one.exact for one in found], [one.n for one in found])
    formed = [one.valid for one in found if one.valid is not None]
    return LengthRate(
        length=length,
        rate=exact / n,
        low=None if ends is None else ends.low,
        high=None if ends is None else ends.high,
        exact=exact,
        n=n,
        seeds=len(found),
        valid=sum(formed) / n if len(formed) == len(found) else None,
    )


def falling(rates: Sequence[LengthRate], high: int) -> tuple[Pattern, int | None]:
    """The pattern beyond the longest trained length, and the first tested length with exact match under 0.5.

    An arm that was tested at no length beyond is said to hold nothing: there the pattern is `undertrained`.
    """
    beyond = [(one.length, one.rate) for one in rates if one.length > high and one.rate is not None]
    if not beyond:
        return "undertrained", None
    half = next((length for length, rate in beyond if rate < HALF), None)
    if half is None:
        return "holds", None
    edge = next((one.rate for one in reversed(rates) if one.length <= high and one.rate is not None), None)
    if edge is not None and edge >= HIGH and any(rate <= LOW for length, rate in beyond if length <= high + STEEP):
        return "cliff", half
    return ("short slope" if half <= SHORT * high else "long slope"), half


def errors_begin(found: Sequence[LengthResult], high: int, *, grows: bool = True) -> str:
    """Where in the answer the first wrong token stands, in words: most of them in one place, or spread.

    Near the trained length is within a tenth of where the longest trained answer would end; where answers do not grow
    with the length there is no such place.
    """
    counts = [sum(one.first_errors[tenth] for one in found) for tenth in range(TENTHS)]
    total = sum(counts)
    if not total:
        return "no errors"
    near = sum(sum(one.first_errors[_around(high, one.length)]) for one in found) if grows else 0
    places = (
        (counts[0], "at the answer's start"),
        (near, "near the trained length"),
        (sum(counts[:3]), "in the answer's first third"),
        (sum(counts[7:]), "near the answer's end"),
    )
    for count, words in places:
        if count >= MOST * total:
            return words
    return "spread evenly" if max(counts) <= 2 * total / TENTHS else "at no one place"


def _around(high: int, length: int) -> slice:
    place = min(TENTHS - 1, TENTHS * high // length)
    return slice(max(0, place - 1), place + 2)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
