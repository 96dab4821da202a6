"""Crossings: two arms that differ in one part, compared beyond the trained lengths, and what may be said of the part.

Two null hypotheses must both fall (their p is the larger one, an intersection-union test: Berger 1982, Technometrics
24, 295-300). That these trained models differ: an exact sign-flip test paired by sequence, all seeds' answers to one
sequence kept together. That trainings of the two kinds differ: Student's t over seeds with floors under the spread
(`weakspot.stats.trainings`). Holm's step-down runs over all crossings of a report. And all seeds must agree in sign.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from weakspot.lab.arms import NONE_FAILED, Failed, by_arm, passes, trained
from weakspot.lab.names import SHAPES, Shape
from weakspot.records.lab import CellResult, Crossing, Standing
from weakspot.stats.multiplicity import holm
from weakspot.stats.paired import paired
from weakspot.stats.trainings import mean_difference, spread

LEVEL = 0.05
DECODING = "free"
OWN = "own"
KIND = "kind"
BESIDE = "with as many parameters, so that the layers and the width of the feed-forward differ too"
"""What another kind brings along."""
RIGHT = "1"


class Pair(NamedTuple):
    """Two shapes that are compared; `parts` are those in which they differ, with both values."""

    first: str
    second: str
    parts: dict[str, tuple[str, str]]

    @property
    def confirms(self) -> bool:
        """Whether a difference could be laid to one part: a single one, within the lab's own block, and not the kind.

        With as many parameters an encoder-decoder has twice the layers and a far narrower feed-forward.
        """
        return len(self.parts) == 1 and not {"block", KIND} & set(self.parts) and SHAPES[self.first].block == OWN


class Found(NamedTuple):
    """A comparison before correction: what was seen, and whether all seeds agree in sign."""

    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: int = 0
    seeds: int = 0
    agree: bool = False
    why: str = ""


def differing(first: Shape, second: Shape) -> dict[str, tuple[str, str]]:
    """The parts in which two shapes differ, with both values."""
    one, other = first.parts(), second.parts()
    return {part: (value, other[part]) for part, value in one.items() if other[part] != value}


def pairs(shapes: Sequence[str]) -> list[Pair]:
    """Shapes that differ in exactly one part, and whole architectures with each other."""
    known = [name for name in SHAPES if name in shapes]
    found = [Pair(a, b, differing(SHAPES[a], SHAPES[b])) for a, b in itertools.combinations(known, 2)]
    return [pair for pair in found if len(pair.parts) == 1 or _both_whole(pair)]


def _both_whole(pair: Pair) -> bool:
    return SHAPES[pair.first].block != OWN != SHAPES[pair.second].block


def crossings(results: Iterable[CellResult], failed: Failed = NONE_FAILED) -> tuple[Crossing, ...]:
    """All crossings that these results allow, corrected together; what one part's crossing says of others follows."""
    arms = by_arm(results)
    able = {place for place, found in arms.items() if trained(found, failed.get(place, 0))}
    compared: list[tuple[str, Pair, Found]] = []
    for task in dict.fromkeys(task for task, _ in arms):
        of_task = {shape: found for (other, shape), found in arms.items() if other == task}
        learned = {shape: found for shape, found in of_task.items() if (task, shape) in able}
        floor = _spread_within(learned)
        compared += [(task, pair, _compare(learned, pair, floor)) for pair in pairs(list(of_task))]
    adjusted = holm([found.p for _, _, found in compared])
    made = [_crossing(*one, p) for one, p in zip(compared, adjusted, strict=True)]
    by_place = {(c.task, c.first, c.second): c for c in made}
    return tuple(
        _with_witnesses(crossing, pair, by_place) for crossing, (_, pair, _) in zip(made, compared, strict=True)
    )


def _spread_within(arms: Mapping[str, Sequence[CellResult]]) -> float:
    rates = [[_rate_beyond(r) for r in found if passes(r)] for found in arms.values()]
    return spread([[rate for rate in group if rate is not None] for group in rates]) or 0.0


def _rate_beyond(result: CellResult) -> float | None:
    found = [one for one in result.lengths.get(DECODING, ()) if one.length > result.cell.high]
    n = sum(one.n for one in found)
    return sum(one.exact for one in found) / n if n else None


def _compare(arms: Mapping[str, Sequence[CellResult]], pair: Pair, floor: float) -> Found:
    if under := [name for name in (pair.first, pair.second) if name not in arms]:
        return Found(why=f"{' and '.join(under)} did not learn the trained lengths")
    first, second = ({r.cell.seed: r for r in arms[name] if passes(r)} for name in (pair.first, pair.second))
    seeds = sorted(set(first) & set(second))
    if not seeds:
        return Found(why="no seed passed on both sides")
    rates = [(_rate_beyond(first[seed]), _rate_beyond(second[seed])) for seed in seeds]
    known = [(a, b) for a, b in rates if a is not None and b is not None]
    if len(known) < len(seeds):
        return Found(why="no length beyond the trained ones was tested")
    over_seeds = mean_difference([a for a, _ in known], [b for _, b in known], floor)
    outcomes = [outcome for seed in seeds for outcome in _outcomes(first[seed], second[seed])]
    if over_seeds.p is None:
        why = "one seed passed on both sides: nothing is known of another training"
        return Found(over_seeds.difference, n=len(outcomes), seeds=len(seeds), why=why)
    if not outcomes:
        why = "which sequences were right was not kept, so nothing can be paired"
        return Found(over_seeds.difference, seeds=len(seeds), why=why)
    over_items = paired([a for _, a, _ in outcomes], [b for _, _, b in outcomes], [name for name, _, _ in outcomes])
    signs = {(b > a) - (b < a) for a, b in known}
    return Found(
        difference=over_seeds.difference,
        low=_least(over_seeds.low, over_items.low),
        high=_most(over_seeds.high, over_items.high),
        p=_most(over_seeds.p, over_items.p),
        n=len(outcomes),
        seeds=len(seeds),
        agree=len(signs) == 1 and 0 not in signs,
    )


def _outcomes(first: CellResult, second: CellResult) -> list[tuple[str, bool, bool]]:
    """(sequence, failed first, failed second) at every length beyond that both kept."""
    found = []
    others = {one.length: one for one in second.lengths[DECODING]}
    for one in first.lengths[DECODING]:
        other = others.get(one.length)
        if one.length <= first.cell.high or other is None or len(one.outcomes) != one.n or len(other.outcomes) != one.n:
            continue
        sides = zip(one.outcomes, other.outcomes, strict=True)
        found += [(f"{one.length}:{i}", a != RIGHT, b != RIGHT) for i, (a, b) in enumerate(sides)]
    return found


def _least(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return min(known) if known else None


def _most(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None


def _crossing(task: str, pair: Pair, found: Found, p: float | None) -> Crossing:
    standing: Standing = "no difference shown"
    if found.difference is None:
        standing = "undertrained"
    elif p is not None and p <= LEVEL and found.agree:
        standing = "confirmed by" if pair.confirms else "consistent with"
    return Crossing(
        task=task,
        part=", ".join(pair.parts),
        first=pair.first,
        second=pair.second,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p_adjusted=p,
        n=found.n,
        standing=standing,
        sentence=_sentence(task, pair, found, p, standing),
    )


def _sentence(task: str, pair: Pair, found: Found, p: float | None, standing: Standing) -> str:
    changed = "; ".join(f"{part} ({one} to {other})" for part, (one, other) in pair.parts.items())
    if set(pair.parts) == {KIND}:
        changed += f", {BESIDE}"
    head = f"{task}, {pair.first} to {pair.second}"
    if found.difference is None:
        return f"{head}: nothing is said beyond the trained lengths, since {found.why}."
    seen = (
        f"exact match beyond the trained lengths changes by {_points(found.difference)} points "
        f"over {found.seeds} seed{'s' * (found.seeds != 1)}"
    )
    if p is None:
        return f"{head}: {seen}; no difference shown, since {found.why}."
    low, high = found.low or 0.0, found.high or 0.0
    told = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    seen += f" (95% interval {_points(low)} to {_points(high)}, adjusted {told})"
    if standing == "confirmed by":
        return f"{head}: {seen}. Only {changed} differs: confirmed by this crossing."
    if standing == "consistent with":
        return f"{head}: {seen}. Between them differ {changed}: consistent with any of these, confirmed for none."
    why = "" if found.agree or p > LEVEL else " (the seeds do not agree in sign)"
    return f"{head}: {seen}; no difference shown{why}. What differs is {changed}."


def _points(difference: float) -> str:
    return f"{difference * 100:+.1f}".replace("-", "−")


def _with_witnesses(crossing: Crossing, pair: Pair, made: Mapping[tuple[str, str, str], Crossing]) -> Crossing:
    """For pairs that differ in several parts: which crossing of a single part speaks for which."""
    own = SHAPES[pair.first].block == OWN == SHAPES[pair.second].block  # it would be its own witness
    if crossing.standing != "consistent with" or own:
        return crossing
    said, silent = [], []
    for part, values in pair.parts.items():
        witness = _witness(crossing.task, part, values, made)
        if witness is None:
            silent.append(part)
        else:
            said.append(f"for {part} speaks {witness.first} to {witness.second} ({witness.standing})")
    if silent:
        said.append(f"no crossing here speaks of {', '.join(silent)}")
    told = "; ".join(said)
    return msgspec.structs.replace(crossing, sentence=f"{crossing.sentence} {told[:1].upper()}{told[1:]}.")


def _witness(
    task: str, part: str, values: tuple[str, str], made: Mapping[tuple[str, str, str], Crossing]
) -> Crossing | None:
    """The crossing that changes this part alone, between these very values, whichever way round."""
    for (other, first, second), crossing in made.items():
        found = differing(SHAPES[first], SHAPES[second])
        alone = other == task and set(found) == {part} and set(found[part]) == set(values)
        if alone and SHAPES[first].block == OWN == SHAPES[second].block:
            return crossing
    return None
