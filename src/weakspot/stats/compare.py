"""The whole decision procedure of a comparison as one pure function, so that it can be simulated.

It knows items that failed or not, their categories and groups; not models, probes or records.

One pooled test is primary and has half of the level; the categories share the other half; Holm's weighted step-down
hands shares on. So the chance that any difference at all is shown for a model against itself stays at the level,
and categories that differ in opposite directions are still found when the pooled difference is nil.

Measured on a model against itself (8 categories of 10 to 35 items, some in groups of 2 to 5 that share their luck,
base rates 0.1 to 0.9; seed 1): a difference is shown in 51 of 2,000 runs. Were groups ignored it would be 119, and
527 without adjustment. `python -m pytest tests/test_stats_self.py -m slow -s` measures it again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from weakspot.errors import UsageError
from weakspot.stats.multiplicity import testable, weighted_holm
from weakspot.stats.paired import Paired, least_p, measure
from weakspot.stats.tally import Tally, tally

K = TypeVar("K")

POOLED = "pooled"
POOLED_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Item:
    """One item with a verdict on both candidates. `group` is None where it stands alone."""

    category: str
    group: str | None
    failed_a: bool
    failed_b: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison and its p adjusted for all that are made at once; None without items."""

    paired: Paired
    p_adjusted: float | None


def compare_categories(
    items: Iterable[Item], *, categories: Sequence[str] = (), alpha: float = 0.05
) -> dict[str, Compared]:
    """Compare two candidates over all items and by category.

    A group may span categories: the pooled test then flips it as a whole. A category whose least possible p is too
    large to be shown (Tarone 1990, Biometrics 46, 515-522) does not take part and leaves its share to the others;
    that is fair since it rests on how much the groups differ, never on which way, which is all the tests look at.
    With 10 items in each of 8 categories it finds one that differs by 90 points in 94% of runs instead of 39%.

    Args:
        items: those that both candidates have a verdict on, controls left out.
        categories: names that must be in the result, with or without items; others follow in order of appearance.
        alpha: the chance of showing any difference where there is none; intervals have confidence 1 - alpha.

    Returns:
        "pooled" first, then each category. `paired.level` is the part of `alpha` that a comparison has for certain.
        A single category is the pooled comparison itself and not counted twice.

    Raises:
        UsageError: a category is called "pooled".
        ValueError: alpha is not between 0 and 1.
    """
    return compare_pairs({"": items}, categories=categories, alpha=alpha)[""]


def compare_pairs(
    pairs: Mapping[K, Iterable[Item]], *, categories: Sequence[str] = (), alpha: float = 0.05
) -> dict[K, dict[str, Compared]]:
    """Compare many pairs of candidates, all corrected together; see `compare_categories` for one.

    Every pair has the same share of `alpha`, split inside it as for one pair; Holm's weighted step-down runs over all
    pairs and categories at once, so that a difference that is shown hands its share on to every other pair.

    Args:
        pairs: the items of each pair, by any key.
        categories: as in `compare_categories`.
        alpha: the chance of showing any difference in any pair where there is none.

    Returns:
        For each key what `compare_categories` returns.

    Raises:
        UsageError, ValueError: as `compare_categories`.
    """
    counted = {key: _tallies(items, categories) for key, items in pairs.items()}
    there = sum(1 for counts in counted.values() if counts[POOLED].n)
    family = {key: _measured(counts, alpha, alpha / max(1, there)) for key, counts in counted.items()}
    tests = [(key, name, paired.p, weight) for key, part in family.items() for name, (paired, weight) in part.items()]
    adjusted = weighted_holm([p for _, _, p, _ in tests], [0.0 if w is None else w for _, _, _, w in tests])
    by_test = {(key, name): p for (key, name, _, _), p in zip(tests, adjusted, strict=True)}
    return {
        key: {
            name: Compared(paired, by_test[key, POOLED if weight is None else name])
            for name, (paired, weight) in part.items()
        }
        for key, part in family.items()
    }


def _measured(counts: dict[str, Tally], alpha: float, level: float) -> dict[str, tuple[Paired, float | None]]:
    """Each comparison of one pair with its weight; None for a single category: it is the pooled comparison itself."""
    filled = [name for name, count in counts.items() if name != POOLED and count.n]
    if len(filled) < 2:
        made = {name: measure(count, 1 - alpha, level) for name, count in counts.items()}
        return {name: (result, None if name in filled else 1.0) for name, result in made.items()}
    share = level * (1 - POOLED_WEIGHT)
    able = testable({name: least_p(len(counts[name].sums)) for name in filled}, share)
    levels = {name: share / len({*able, name}) for name in filled} | {POOLED: level * POOLED_WEIGHT}
    weights = {name: (1 - POOLED_WEIGHT) / len(able) if name in able else 0.0 for name in counts}
    weights[POOLED] = POOLED_WEIGHT
    return {name: (measure(count, 1 - alpha, levels.get(name, share)), weights[name]) for name, count in counts.items()}


def _tallies(items: Iterable[Item], categories: Sequence[str]) -> dict[str, Tally]:
    parts: dict[str, list[Item]] = {name: [] for name in categories}
    everything = list(items)
    for item in everything:
        parts.setdefault(item.category, []).append(item)
    if POOLED in parts:
        raise UsageError(f"A category cannot be called {POOLED!r}.", hint="The name stands for all categories at once.")
    return {name: _count(part) for name, part in {POOLED: everything, **parts}.items()}


def _count(items: list[Item]) -> Tally:
    return tally([i.failed_a for i in items], [i.failed_b for i in items], [i.group for i in items])
