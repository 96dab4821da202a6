"""What a run could show before it is made: the smallest difference, and the items that a given one needs.

It knows items, categories and groups, not models. What nobody knows beforehand is how often two candidates will
differ (the discordant share) and how alike the items of one matched set are; both are taken from an earlier run, or
said as a range.
"""

from collections.abc import Mapping, Sequence

from weakspot.records import Probe
from weakspot.records.power import Assumption, Power, Reach
from weakspot.stats.compare import POOLED, POOLED_WEIGHT, Item, compare_categories
from weakspot.stats.power import items_needed, smallest_detectable

ALPHA, CHANCE = 0.05, 0.8
SHARES = (0.1, 0.25, 0.4)
"""Assumed where no earlier run tells: candidates that differ on every tenth, every fourth, or two of five items."""


def learned(items: Mapping[tuple[str, str], Sequence[Item]]) -> Assumption | None:
    """Discordance and design effect as an earlier run saw them, the mean over its pairs; None without any item."""
    seen = [compare_categories(pair)[POOLED].paired for pair in items.values()]
    seen = [paired for paired in seen if paired.n]
    if not seen:
        return None
    return Assumption(
        sum((p.only_a + p.only_b) / p.n for p in seen) / len(seen), sum(p.design_effect for p in seen) / len(seen)
    )


def power(
    probes: Sequence[Probe], pairs: int, difference: float | None = None, like: Assumption | None = None
) -> Power:
    """What the counted items of a suite could show.

    Args:
        probes: the suite; controls are left out.
        pairs: how many pairs of candidates are tested together, at least 1.
        difference: a difference of failure rates (0-1) to find the items for.
        like: what an earlier run saw; without it `SHARES`, each item standing alone.
    """
    counted = [probe for probe in probes if probe.counted]
    names = list(dict.fromkeys(probe.category for probe in counted))
    assumptions = (like,) if like is not None else tuple(Assumption(share) for share in SHARES)
    level = ALPHA / max(1, pairs)
    several = len(names) > 1
    rows = [_reach(POOLED, counted, level * (POOLED_WEIGHT if several else 1), assumptions, difference)]
    for name in names if several else ():
        part = [probe for probe in counted if probe.category == name]
        rows.append(_reach(name, part, level * (1 - POOLED_WEIGHT) / len(names), assumptions, difference))
    return Power(pairs, difference, "", assumptions, tuple(rows))


def _reach(
    scope: str, probes: Sequence[Probe], level: float, assumptions: Sequence[Assumption], difference: float | None
) -> Reach:
    groups = len({probe.group or probe.id for probe in probes})
    effects = [a.design_effect if groups < len(probes) else 1.0 for a in assumptions]
    smallest = tuple(
        smallest_detectable(len(probes), a.discordant, alpha=level, power=CHANCE, design_effect=effect)
        for a, effect in zip(assumptions, effects, strict=True)
    )
    needed: tuple[int | None, ...] = ()
    if difference is not None:
        needed = tuple(
            items_needed(difference, a.discordant, alpha=level, power=CHANCE, design_effect=effect)
            for a, effect in zip(assumptions, effects, strict=True)
        )
    return Reach(scope, len(probes), groups, level, smallest, needed)
