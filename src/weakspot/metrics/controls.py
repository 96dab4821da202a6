"""Positive controls: what a candidate can do when it is asked plainly, all pairs compared.

An item whose own positive control fails leaves the rate, so a candidate that can do little is judged on little. What it
lost that way is a result of its own: the share of positive controls that were not passed, paired, with every pair and
category corrected together. A control without a verdict was not passed either; one without a reply does not count.
"""

from collections.abc import Sequence
from itertools import combinations

from weakspot.metrics.rows import Row, Rows, as_it_stands, effect, rate
from weakspot.records.metrics import ControlEffect, ControlRate
from weakspot.stats.compare import POOLED, Item, compare_pairs

LEAST = 10
"""Positive controls below which nothing is said: a handful is a part of its item, no test of its own."""


def control_rates(rows: Rows) -> tuple[ControlRate, ...]:
    """For each candidate the share of positive controls that it did not pass."""
    found = {name: _controls(rows[name]) for name in rows}
    return tuple(
        ControlRate(candidate=name, failed=rate(row.passed is not True for row in controls))
        for name, controls in found.items()
        if len(controls) >= LEAST
    )


def control_effects(rows: Rows) -> tuple[ControlEffect, ...]:
    """Every pair of candidates, all controls first, then by category."""
    pairs = {(a, b): _paired(rows[a], rows[b]) for a, b in combinations(rows, 2)}
    pairs = {pair: items for pair, items in pairs.items() if len(items) >= LEAST}
    if not pairs:
        return ()
    return tuple(
        ControlEffect(a=a, b=b, category="" if name == POOLED else name, effect=effect(compared, a, b))
        for (a, b), by_category in compare_pairs(pairs).items()
        for name, compared in by_category.items()
    )


def _controls(rows: Sequence[Row]) -> list[Row]:
    return [r for r in rows if r.probe.arm == "positive-control" and as_it_stands(r) and r.reply_class is not None]


def _paired(a: Sequence[Row], b: Sequence[Row]) -> list[Item]:
    other = {row.probe.id: row for row in _controls(b)}
    return [
        Item(row.probe.category, row.probe.group, row.passed is not True, other[row.probe.id].passed is not True)
        for row in _controls(a)
        if row.probe.id in other
    ]
