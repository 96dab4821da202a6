"""The charts of an audit and of a comparison: each in a wide and a narrow drawing that the page switches between.

Many groups do not fit into a chart: it shows the costliest and the cheapest, and says how many lie between.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from markupsafe import Markup

from weakspot.records.audit import AuditDiff, AuditSummary, GroupCost, PairedCost
from weakspot.rendering import formats
from weakspot.rendering.audit_tables import by_cost
from weakspot.rendering.audit_words import WHOLE, group_name, shown
from weakspot.rendering.chart import Axis, Dot, Frame, measures_svg
from weakspot.rendering.diff_words import as_times

COSTLIEST, CHEAPEST = 28, 12
MOST_DRAWN = 60
"""So many groups are drawn all; of more, only the ends are."""
ROW = 22
NAMES, NARROW_NAMES = 150, 96
TIMES = "format(datum.value, ',~r') + '×'"
CHANGE = "(datum.value > 1 ? '+' : datum.value < 1 ? '−' : '') + format(abs(datum.value - 1) * 100, ',.0f') + '%'"


Cost = TypeVar("Cost", GroupCost, PairedCost)


class Panel(NamedTuple):
    """One chart: a title and a note, and its drawings as `<svg>`; `wide` has row names only where it stands first."""

    title: str
    note: str
    wide: Markup
    narrow: Markup


class _Plot(NamedTuple):
    title: str
    note: str
    dots: list[Dot]
    axis: Axis


def group_panels(summary: AuditSummary) -> tuple[list[Panel], int]:
    """Premium, bytes per token and fertility by group, as far as there are any; and how many groups are left out."""
    reference = summary.reference_group
    ends = _ends(by_cost(summary.groups, reference))
    plots = [
        _premium_plot(ends, reference),
        _plain_plot("Bytes per token", "More is cheaper, script for script.", ends, lambda cost: cost.bytes_per_token),
        _plain_plot("Tokens per word", "Fertility; less is cheaper.", ends, lambda cost: cost.fertility),
    ]
    return _panels([plot for plot in plots if plot is not None]), ends.left_out


def premium_pair(diff: AuditDiff) -> list[Panel]:
    """Premiums of the same groups under both tokenizers; nothing where either has none."""
    second = {cost.group: cost for cost in diff.second.groups}
    reference = diff.first.reference_group
    if not reference or reference != diff.second.reference_group:
        return []
    known = [c for c in by_cost(diff.first.groups, reference) if formats.known(c.premium) and c.group != reference]
    ends = _ends([cost for cost in known if cost.group in second])
    dots = [
        *ends.dots(lambda cost: _premium_dot(cost, 0)),
        *ends.dots(lambda cost: _premium_dot(second[cost.group], 1)),
    ]
    if not (values := _values(dots)):
        return []
    note = "Dot: premium; line: its 95% interval. The axis is logarithmic."
    plot = _Plot(f"Premium over {group_name(reference)}", note, dots, _ratio_axis(values, TIMES))
    return _panels([plot], row=30)


def change_panels(diff: AuditDiff) -> tuple[list[Panel], int]:
    """The change in tokens by group, the whole corpus first, and how many groups are left out."""
    groups = [cost for cost in diff.costs[1:] if formats.known(cost.change)]
    ends = _ends(sorted(groups, key=lambda cost: (cost.change, cost.group)))
    dots = [*map(_change_dot, diff.costs[:1]), *ends.dots(_change_dot)]
    if not (values := _values(dots)):
        return [], ends.left_out
    axis = _ratio_axis(values, TIMES if as_times(diff) else CHANGE)
    note = "Dot: change; line: its 95% interval. The axis is logarithmic."
    return _panels([_Plot("Change in tokens", note, dots, axis)], total=True, row=26), ends.left_out


class _Ends(NamedTuple, Generic[Cost]):
    """The first and the last of many groups."""

    first: list[Cost]
    last: list[Cost]
    left_out: int

    def dots(self, make: Callable[[Cost], Dot]) -> list[Dot]:
        """One dot for each, and a row that says how many lie between."""
        gap: list[Dot] = [Dot(f"⋯ {self.left_out:,} between", None, None, None, None)] if self.left_out else []
        return [*map(make, self.first), *gap, *map(make, self.last)]


def _ends(ordered: Sequence[Cost]) -> _Ends[Cost]:
    if len(ordered) <= MOST_DRAWN:
        return _Ends(list(ordered), [], 0)
    left_out = len(ordered) - COSTLIEST - CHEAPEST
    return _Ends(list(ordered[:COSTLIEST]), list(ordered[-CHEAPEST:]), left_out)


def _premium_plot(ends: _Ends[GroupCost], reference: str) -> _Plot | None:
    if not reference or not any(formats.known(c.premium) for c in (*ends.first, *ends.last) if c.group != reference):
        return None
    dots = ends.dots(lambda c: Dot(_row(c), None, 1.0, None, None) if c.group == reference else _premium_dot(c))
    note = "Tokens over those of the same texts there; line: 95% interval."
    return _Plot(f"Premium over {group_name(reference)}", note, dots, _ratio_axis(_values(dots), TIMES))


def _plain_plot(title: str, note: str, ends: _Ends[GroupCost], of: Callable[[GroupCost], float | None]) -> _Plot | None:
    dots = ends.dots(lambda cost: Dot(_row(cost), 0, _above_zero(of(cost)), None, None))
    if not (values := _values(dots)):
        return None
    step = _step(max(values))
    count = math.ceil(max(values) / step - 1e-9)
    return _Plot(title, note, dots, Axis(0, step * count, tuple(round(step * n, 10) for n in range(count + 1))))


def _premium_dot(cost: GroupCost, model: int | None = None) -> Dot:
    """In a chart of one tokenizer hollow where the interval holds 1."""
    place = model if model is not None else (0 if shown(cost) else None)
    low, high = _above_zero(cost.premium_low), _above_zero(cost.premium_high)
    return Dot(_row(cost), place, _above_zero(cost.premium), low, high)


def _change_dot(cost: PairedCost) -> Dot:
    place = {"first is cheaper": 0, "second is cheaper": 1}.get(cost.verdict)
    value, low, high = (None if v is None else _above_zero(1 + v) for v in (cost.change, cost.low, cost.high))
    return Dot(_row(cost), place, value, low, high)


def _row(cost: GroupCost | PairedCost) -> str:
    """The group's whole name, so that names which are cut alike stay two rows."""
    return cost.group or WHOLE


def _values(dots: Iterable[Dot]) -> list[float]:
    ends = (value for dot in dots for value in (dot.value, dot.low, dot.high) if formats.known(dot.value))
    return [value for value in ends if value is not None and math.isfinite(value)]


def _ratio_axis(values: Sequence[float], label: str) -> Axis:
    """A logarithmic axis around 1 on which a half is as far as a double."""
    low, high = min(*values, 1.0), max(*values, 1.0)
    for steps in ((0.9, 0.95, 1, 1.05, 1.1), (0.8, 0.9, 1, 1.1, 1.25), (0.5, 0.7, 1, 1.5, 2)):
        if low >= steps[0] and high <= steps[-1]:
            return Axis(steps[0], steps[-1], steps, label, logarithmic=True, line=1)
    first, last = math.floor(math.log2(low) + 1e-9), math.ceil(math.log2(high) - 1e-9)
    stride = max(1, math.ceil((last - first) / 8))
    ticks = tuple(2.0**n for n in range(first, last + 1) if n % stride == 0)
    return Axis(2.0**first, 2.0**last, ticks, label, logarithmic=True, line=1)


def _step(most: float) -> float:
    """A round step of which three to six reach to the value."""
    size: float = 10 ** math.floor(math.log10(most))
    return next(size * part for part in (0.2, 0.5, 1, 2, 5) if most / (size * part) <= 5.01)


def _panels(plots: Sequence[_Plot], *, total: bool = False, row: int = ROW) -> list[Panel]:
    """Wide drawings side by side, of which only the first names its rows; narrow ones each with names."""
    width = {1: 780, 2: 400}.get(len(plots), 300)
    found = []
    for place, plot in enumerate(plots):
        told = plot.title, "The numbers are in the table below"
        wide = Frame(width if place == 0 else min(width, 212), row, NAMES if place == 0 else 0, *told, total, 1)
        narrow = Frame(205, row, NARROW_NAMES, *told, total, 1)
        drawings = (measures_svg(plot.dots, *how) for how in ((wide, plot.axis), (narrow, _thinned(plot.axis))))
        found.append(Panel(plot.title, plot.note, *map(Markup, drawings)))  # all text in them is escaped by chart.py
    return found


def _thinned(axis: Axis) -> Axis:
    """Every other tick of an axis with many, 1 among them."""
    if not axis.logarithmic or len(axis.ticks) <= 5:
        return axis
    return axis._replace(ticks=tuple(tick for tick in axis.ticks if round(math.log2(tick)) % 2 == 0))


def _above_zero(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value > 0 else None
