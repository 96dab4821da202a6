"""Dot-and-whisker charts as inline SVG: Vega-Lite through altair, drawn by vl-convert without a browser.

Charts are drawn in placeholder colours, which become CSS variables, so that one drawing serves light and dark pages.
The SVG is rebuilt out of a short list of elements and attributes: nothing else can come through, whatever a label says.
Candidates differ in shape as well as in colour, and each chart has a title and a description.
"""

import io
import math
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from weakspot.rendering import formats
from weakspot.rendering.text import one_line

if TYPE_CHECKING:
    import altair as alt

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")
INK, MUTED, GRID, AXIS, PAPER = "#010101", "#020202", "#030303", "#040404", "#050505"
MODELS = tuple(f"#0a000{i}" for i in range(len(SHAPES)))
VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--line", AXIS: "--axis", PAPER: "--paper"} | {
    colour: f"--m{i}" for i, colour in enumerate(MODELS)
}
SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = frozenset(SVG + name for name in ("svg", "g", "path", "line", "text", "tspan"))
ATTRIBUTES = frozenset(
    ("d", "transform", "dy", "x", "y", "x1", "x2", "y1", "y2", "viewBox", "fill", "stroke", "stroke-width", "opacity")
) | frozenset(("stroke-dasharray", "font-size", "font-weight", "text-anchor"))
DEFAULTS = frozenset({("opacity", "1"), ("stroke-width", "1"), ("text-anchor", "start"), ("x2", "0"), ("y2", "0")})
LABEL = "split(slice(datum.label, indexof(datum.label, '|') + 1), '\\n')"
SIGNED = "(datum.value > 0 ? '+' : datum.value < 0 ? '−' : '') + format(abs(datum.value) * 100, '.0f')"


class Dot(NamedTuple):
    """One dot with its whisker: its row, which of the candidates (0-4; None: grey and hollow), value and interval.

    `second` is the second line of the row's name; without it a long name is broken where it fits.
    """

    row: str
    model: int | None
    value: float | None
    low: float | None
    high: float | None
    second: str = ""


class Frame(NamedTuple):
    """How a chart is drawn, in CSS pixels: the plot's width, a row's height, the room for row names (0: no names).

    `title` and `description` are for those who do not see it; `total` says that the first row is all others together.
    `lines` is how many lines a row's name may have; a name of one line is cut where its room ends.
    """

    width: int
    row: int
    names: int
    title: str
    description: str
    total: bool = True
    lines: int = 2


class Axis(NamedTuple):
    """The axis of a chart of measures: its ends, its ticks, and how a tick is written (an expression of Vega's).

    On a logarithmic axis all values are above 0. `line` is where nothing differs, drawn as a line.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    label: str = "format(datum.value, ',~g')"
    logarithmic: bool = False
    line: float | None = None


def rates_svg(dots: Sequence[Dot], frame: Frame) -> str:
    """Failure rates (0-1) by row, one dot per candidate and row. Returns an `<svg>` element, or "" without rows."""
    import altair as alt

    axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%", title=None)
    return _svg(_dots(dots, frame, alt.Scale(domain=[0, 1], clamp=True), axis), dots, frame) if dots else ""


def differences_svg(dots: Sequence[Dot], frame: Frame) -> str:
    """Paired differences (−1 to 1) by row around a zero line. Returns an `<svg>` element, or "" without rows."""
    import altair as alt

    if not dots:
        return ""
    reach = _reach(dots)
    scale = alt.Scale(domain=[-reach, reach], nice=False, clamp=True)
    ticks = [-reach, 0, reach] if frame.width < 200 else [-reach, -reach / 2, 0, reach / 2, reach]
    axis = alt.Axis(values=ticks, labelExpr=SIGNED, title=None)
    zero = alt.Chart(alt.InlineData(values=[{"value": 0}])).mark_rule(color=AXIS, strokeWidth=1.5)
    zero = zero.encode(x=alt.X("value:Q", scale=scale, axis=axis))
    return _svg(alt.LayerChart(layer=[zero, _dots(dots, frame, scale, axis)]), dots, frame)


def measures_svg(dots: Sequence[Dot], frame: Frame, axis: Axis) -> str:
    """Measures by row; a row without a value is kept free. Returns an `<svg>` element, or "" without rows."""
    import altair as alt

    if not dots:
        return ""
    scale = alt.Scale(
        domain=[axis.low, axis.high], type="log" if axis.logarithmic else "linear", nice=False, zero=False, clamp=True
    )
    drawn = alt.Axis(values=list(axis.ticks), labelExpr=axis.label, title=None, labelOverlap=True, labelFlush=False)
    layers = [_dots(dots, frame, scale, drawn)]
    if axis.line is not None:
        line = alt.Chart(alt.InlineData(values=[{"value": axis.line}])).mark_rule(color=AXIS, strokeWidth=1.5)
        layers.insert(0, line.encode(x=alt.X("value:Q", scale=scale, axis=drawn)))
    return _svg(alt.LayerChart(layer=layers), dots, frame)


def _dots(dots: Sequence[Dot], frame: Frame, scale: "alt.Scale", axis: "alt.Axis") -> "alt.LayerChart":
    import altair as alt

    rows = _rows(dots, frame)
    data = alt.InlineData(values=[_datum(dot, rows) for dot in dots if formats.known(dot.value)])
    names = alt.Axis(title=None, labelExpr=LABEL, labels=frame.names > 0, labelColor=INK, minExtent=frame.names)
    if frame.lines == 1:
        names.labelLimit = max(frame.names - 10, 0)
    if frame.total:
        names.labelFontWeight = {
            "condition": {"test": "indexof(datum.label, '0|') == 0", "value": "bold"},
            "value": 400,
        }
    places = alt.Scale(domain=list(rows.values()), type="band", paddingInner=0, paddingOuter=0)
    base = alt.Chart(data).encode(y=alt.Y("row:N", sort=None, scale=places, axis=names))
    if (present := sorted({str(dot.model) for dot in dots})) and len(present) > 1 and "None" not in present:
        gap = 0.9 if len(present) < 4 else 0.4
        base = base.encode(yOffset=alt.YOffset("model:N", scale=alt.Scale(domain=present, paddingOuter=gap)))
    domain = [*(str(i) for i in range(len(SHAPES))), "None"]
    colours = alt.Scale(domain=domain, range=[*MODELS, MUTED])
    shapes = alt.Scale(domain=domain, range=[*SHAPES, "circle"])
    inside = alt.condition("datum.model == 'None'", alt.value(PAPER), alt.Fill("model:N", scale=colours, legend=None))
    whiskers = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", color=alt.Color("model:N", scale=colours, legend=None)
    )
    points = base.mark_point(size=70, strokeWidth=2, opacity=1).encode(
        x=alt.X("value:Q", scale=scale, axis=axis),
        stroke=alt.Stroke("model:N", scale=colours, legend=None),
        fill=inside,
        shape=alt.Shape("model:N", scale=shapes, legend=None),
    )
    return alt.LayerChart(layer=[whiskers, points])


def _rows(dots: Sequence[Dot], frame: Frame) -> dict[tuple[str, str], str]:
    """Row -> its label: numbered, so that names equal after cutting stay apart, and broken into lines that fit."""
    fits = max(8, int(frame.names / 6.5))
    rows: dict[tuple[str, str], str] = {}
    for dot in dots:
        names = [name for name in (dot.row, dot.second) if name]
        whole_lines = bool(dot.second) or frame.lines == 1
        lines = [one_line(name, fits) for name in names] if whole_lines else _broken(dot.row, fits)
        rows.setdefault((dot.row, dot.second), f"{len(rows)}|" + "\n".join(lines))
    return rows


def _broken(name: str, fits: int) -> list[str]:
    return textwrap.wrap(one_line(name, 60), fits, max_lines=2, placeholder="…")


def _datum(dot: Dot, rows: dict[tuple[str, str], str]) -> dict[str, str | float | None]:
    low = dot.low if formats.known(dot.low) else dot.value
    high = dot.high if formats.known(dot.high) else dot.value
    return {"row": rows[dot.row, dot.second], "model": str(dot.model), "value": dot.value, "low": low, "high": high}


def _reach(dots: Sequence[Dot]) -> float:
    """Half the width of the axis: the farthest end of a whisker, rounded up to 0.2, 0.4, ... 1."""
    ends = [abs(v) for dot in dots for v in (dot.value, dot.low, dot.high) if v is not None and math.isfinite(v)]
    return min(1.0, math.ceil(max(ends, default=0.2) * 5 - 1e-9) / 5) or 0.2


def _svg(chart: "alt.LayerChart", dots: Sequence[Dot], frame: Frame) -> str:
    drawn = io.StringIO()
    sized = chart.properties(width=frame.width, height=len(_rows(dots, frame)) * frame.row)
    configured = sized.configure_view(stroke=None).configure_axis(
        domain=False, ticks=False, gridColor=GRID, labelColor=MUTED, labelFontSize=12, labelPadding=6
    )
    configured.configure_axisY(tickBand="extent", grid=True).save(drawn, format="svg")
    return _rebuilt(drawn.getvalue(), frame)


def _rebuilt(svg: str, frame: Frame) -> str:
    """The drawing again, of known elements and attributes only, coloured by variables, with a title for readers."""
    root = _clean(ET.fromstring(svg))  # noqa: S314 - vl-convert has just drawn it
    if root is None:
        return ""
    width = (root.get("viewBox") or "0 0 600 0").split()[2]
    root.set("role", "img")
    root.set("aria-label", one_line(f"{frame.title}. {frame.description}", 400))
    root.set("style", f"max-width:{width}px")
    title = ET.Element(SVG + "title")
    title.text = one_line(frame.title)
    root.insert(0, title)
    ET.register_namespace("", SVG[1:-1])
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element) -> ET.Element | None:
    if element.tag not in ELEMENTS or element.get("class") == "background" or element.get("display") == "none":
        return None
    kept = ET.Element(element.tag, {k: v for k, v in element.items() if k in ATTRIBUTES and (k, v) not in DEFAULTS})
    kept.text = element.text
    styles = []
    for paint in ("fill", "stroke"):
        if (variable := VARIABLES.get(kept.get(paint, ""))) is not None:
            del kept.attrib[paint]
            styles.append(f"{paint}:var({variable})")
    if styles:
        kept.set("style", ";".join(styles))
    kept.extend(child for child in map(_clean, element) if child is not None)
    if kept.tag == SVG + "text" and len(kept) > 1:
        kept.set("dy", str(-7 * (len(kept) - 1)))  # Vega sets the first line, not the block, on the middle of its row
    if kept.tag == SVG + "g" and not len(kept):
        return None
    return kept
