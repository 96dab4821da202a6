"""The lab's charts as points and ticks for a template: exact match by length, learning curves, where errors begin."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from weakspot.records.lab import Arm, CellResult, LabReport
from weakspot.rendering import formats
from weakspot.rendering.chart import Dot, Frame, differences_svg
from weakspot.rendering.lab_words import free_arms

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 210, 40, 12, 10, 34
"""A panel's size and margins in its own units."""
STYLES = 6
"""As many lines of a panel are told apart."""
BAR, BARS = 11, 26
"""Width of a bar of the histogram, and its greatest height."""
MOST_DRAWN = 20
"""Crossings in the chart; the table has all."""
CONFIRMED, CONSISTENT = 2, 1
"""Colours of the chart of crossings."""
GROUPS = (("", "Whole architectures"), ("block", "The lab's decoder"), ("encdec", "The lab's encoder-decoder"))


class Line(NamedTuple):
    """A line of a panel: its style, its name, its points, and the outline of its interval (empty: none)."""

    style: int
    name: str
    points: str
    band: str = ""
    dots: tuple[tuple[float, float], ...] = ()


class Panel(NamedTuple):
    """One chart. Ticks are (place, label); `shade` is (x, width) of the trained lengths; `gate` a height."""

    title: str
    spoken: str
    lines: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    axis: str
    shade: tuple[float, float] | None = None
    gate: float | None = None


class Key(NamedTuple):
    """An entry of a legend."""

    style: int
    name: str
    about: str


class Group(NamedTuple):
    """Shapes that are drawn together: their legend, and a panel for each task."""

    title: str
    legend: tuple[Key, ...]
    panels: tuple[Panel, ...]


class Bar(NamedTuple):
    """A tenth of the answer: the bar's place, height, and what it says."""

    x: float
    y: float
    height: float


def groups_of(shapes: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Shapes in the order they come, in groups of at most `STYLES`."""
    kinds = [kind for kind, _ in GROUPS if kind]
    found: list[tuple[str, list[str]]] = []
    for kind, title in GROUPS:
        of_kind = [s for s in shapes if (s.partition("-")[0] if s.partition("-")[0] in kinds else "") == kind]
        found += [(title, of_kind[i : i + STYLES]) for i in range(0, len(of_kind), STYLES)]
    return found


def length_groups(report: LabReport) -> list[Group]:
    """Exact match by length, with intervals and the trained lengths shaded."""
    arms = free_arms(report)
    shapes = list(dict.fromkeys(arm.shape for arm in arms))
    tasks = list(dict.fromkeys(arm.task for arm in arms))
    found = []
    for title, members in groups_of(shapes):
        panels = [_by_length(report, task, [a for a in arms if a.task == task], members) for task in tasks]
        legend = tuple(Key(i, name, report.about.get(name, "")) for i, name in enumerate(members))
        found.append(Group(title, legend, tuple(panel for panel in panels if panel is not None)))
    return found


def _by_length(report: LabReport, task: str, arms: Sequence[Arm], shapes: Sequence[str]) -> Panel | None:
    used = [arm for arm in arms if arm.shape in shapes]
    lengths = sorted({one.length for arm in used for one in arm.rates})
    if not lengths:
        return None
    scale = _Scale(lengths[0], lengths[-1])
    lines = tuple(_line(arm, shapes.index(arm.shape), scale) for arm in used)
    high = max(arm.high for arm in used)
    under = [arm.shape for arm in used if arm.pattern == "undertrained"]
    spoken = "; ".join(f"{arm.shape}: {arm.pattern}" for arm in used)
    return Panel(
        title=task + (f" (undertrained: {', '.join(under)})" if under else ""),
        spoken=f"Exact match by length on {task}. {spoken}",
        lines=lines,
        across=tuple((scale.x(n), formats.count(n)) for n in ticks(lengths)),
        up=_percents(),
        axis=f"length in {report.counts.get(task, 'tokens')}",
        shade=(LEFT, scale.x(high) - LEFT),
    )


def _line(arm: Arm, style: int, scale: "_Scale") -> Line:
    known = [one for one in arm.rates if one.rate is not None]
    points = [(scale.x(one.length), _y(one.rate or 0.0)) for one in known]
    ends = [(scale.x(one.length), one.low, one.high) for one in known if one.low is not None and one.high is not None]
    above = [f"{x:.1f},{_y(high):.1f}" for x, _, high in ends]
    under = [f"{x:.1f},{_y(low):.1f}" for x, low, _ in reversed(ends)]
    return Line(
        style,
        arm.shape,
        " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
        " ".join([*above, *under]) if len(ends) > 1 else "",
        tuple((round(x, 1), round(y, 1)) for x, y in points),
    )


def curve_groups(report: LabReport) -> list[Group]:
    """Learning curves: exact match on held-out trained lengths over steps where it was measured, else the loss."""
    tasks = list(dict.fromkeys(result.cell.task for result in report.cells))
    order = {arm.shape: i for i, arm in reversed(list(enumerate(report.arms)))}
    shapes = sorted({result.cell.shape for result in report.cells}, key=lambda name: order.get(name, len(order)))
    found = []
    for title, members in groups_of(shapes):
        panels = [_curves(report, [r for r in report.cells if r.cell.task == task], members) for task in tasks]
        legend = tuple(Key(i, name, report.about.get(name, "")) for i, name in enumerate(members))
        found.append(Group(title, legend, tuple(panel for panel in panels if panel is not None)))
    return found


def _curves(report: LabReport, cells: Sequence[CellResult], shapes: Sequence[str]) -> Panel | None:
    used = [result for result in cells if result.cell.shape in shapes and result.curve]
    if not used:
        return None
    exact = all(any(point.exact is not None for point in result.curve) for result in used)
    scale = _Scale(0, max(point.step for result in used for point in result.curve))
    losses = [point.loss for result in used for point in result.curve if math.isfinite(point.loss)]
    most = 1.0 if exact else max(losses, default=1.0) or 1.0
    lines = [
        Line(shapes.index(r.cell.shape), f"{r.cell.shape}, seed {r.cell.seed}", _curve(r, scale, most, exact=exact))
        for r in used
    ]
    task, what = used[0].cell.task, "exact match" if exact else "loss, nats a token"
    return Panel(
        title=f"{task}: {what}",
        spoken=f"Learning curves on {task}: {what} over steps, one line for each seed",
        lines=tuple(lines),
        across=tuple((scale.x(scale.high * part), formats.count(scale.high * part)) for part in (0, 0.5, 1)),
        up=_percents() if exact else tuple((_y(p), formats.decimal(p * most, 2)) for p in (0, 0.5, 1)),
        axis="steps",
        gate=_y(report.gate) if exact else None,
    )


def _curve(result: CellResult, scale: "_Scale", most: float, *, exact: bool) -> str:
    points = [(point.step, point.exact if exact else point.loss) for point in result.curve]
    known = [(step, value) for step, value in points if value is not None and math.isfinite(value)]
    return " ".join(f"{scale.x(step):.1f},{_y(value / most):.1f}" for step, value in known)


def crossing_charts(report: LabReport) -> tuple[Markup, Markup] | None:
    """The differences that are shown, largest first, wide and narrow; None where none is."""
    colours = {"confirmed by": CONFIRMED, "consistent with": CONSISTENT}
    found = [c for c in report.crossings if c.standing in colours and formats.known(c.difference)]
    found.sort(key=lambda c: -abs(c.difference or 0.0))
    if not found:
        return None
    dots = [
        Dot(
            f"{c.task}: {'several parts' if ', ' in c.part else c.part}",
            colours[c.standing],
            c.difference,
            c.low,
            c.high,
            f"{c.first} → {c.second}",
        )
        for c in found[:MOST_DRAWN]
    ]
    spoken = "Differences of exact match beyond the trained lengths; the figures stand in the table below"
    frames = (Frame(480, 38, 290, "Crossings", spoken, False), Frame(150, 38, 165, "Crossings", spoken, False))
    wide, narrow = (Markup(differences_svg(dots, frame)) for frame in frames)  # noqa: S704 - chart.py escapes all text
    return wide, narrow


def histogram(first_errors: Sequence[int]) -> tuple[Bar, ...]:
    """Where the first wrong token stands, by tenths of the answer; nothing where there are no errors."""
    most = max(first_errors, default=0)
    if not most:
        return ()
    heights = [BARS * count / most for count in first_errors]
    return tuple(Bar(i * BAR, round(BARS - h, 1), round(h, 1)) for i, h in enumerate(heights))


def ticks(lengths: Sequence[int]) -> list[int]:
    """A few of the lengths, the ends among them."""
    if len(lengths) <= 6:
        return list(lengths)
    first, last = lengths[0], lengths[-1]
    return sorted({lengths[round(i * (len(lengths) - 1) / 4)] for i in range(5)} | {first, last})


def _percents() -> tuple[tuple[float, str], ...]:
    return tuple((_y(part), f"{part:.0%}") for part in (0, 0.5, 1))


class _Scale(NamedTuple):
    """The horizontal axis."""

    low: float
    high: float

    def x(self, value: float) -> float:
        """Where a value lies."""
        reach = self.high - self.low
        return round(LEFT + (value - self.low) / reach * (WIDTH - LEFT - RIGHT), 1) if reach else LEFT


def _y(part: float) -> float:
    return round(HEIGHT - BOTTOM - min(1.0, max(0.0, part)) * (HEIGHT - BOTTOM - TOP), 1)
