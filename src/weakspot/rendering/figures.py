"""The report's two charts, each in a wide and a narrow drawing that the page switches between."""

from typing import NamedTuple

from markupsafe import Markup

from weakspot.records import Comparison, Difference, Summary
from weakspot.rendering import formats
from weakspot.rendering.anchors import categories_of
from weakspot.rendering.chart import SHAPES, Dot, Frame, differences_svg, rates_svg
from weakspot.rendering.sentences import fails_less
from weakspot.rendering.tables import ALL


class Charts(NamedTuple):
    """Drawings as `<svg>` elements, "" where there is nothing to draw; `sides` are the two candidates compared."""

    rates: Markup
    rates_narrow: Markup
    differences: Markup
    differences_narrow: Markup
    differences_title: str
    sides: tuple[str, str] | None


def charts(summary: Summary) -> Charts:
    """Failure rates by category; and differences by category, or by pair where several pairs were compared."""
    rates, differences = _rates(summary), _differences(summary)
    row = 26 + 8 * min(len(summary.models), len(SHAPES))
    of_pairs = len(summary.comparisons) > 1
    title = "Difference by pair, all categories" if of_pairs else "Paired difference"
    seen = "Failure rate by category", _spoken(summary)
    told = title, " ".join(c.pooled.verdict for c in summary.comparisons)
    pair_names = 150 if of_pairs else 0
    return Charts(
        _safe(rates_svg(rates, Frame(470 if differences else 800, row, 150, *seen))),
        _safe(rates_svg(rates, Frame(215, row, 100, *seen))),
        _safe(differences_svg(differences, Frame(330 - pair_names, row, pair_names, *told, not of_pairs))),
        _safe(differences_svg(differences, Frame(215, row, 100, *told, not of_pairs))),
        title,
        None if of_pairs or not summary.comparisons else (summary.comparisons[0].a, summary.comparisons[0].b),
    )


def _rates(summary: Summary) -> list[Dot]:
    dots = []
    for category in (None, *categories_of(summary)):
        name = ALL if category is None else formats.category(category)
        for i, model in enumerate(summary.models.values()):
            rate = model.pooled if category is None else model.categories.get(category)
            value = (rate.rate, rate.low, rate.high) if rate is not None else (None, None, None)
            dots.append(Dot(name, i % len(SHAPES), *value))
    return dots if any(formats.known(dot.value) for dot in dots) else []


def _differences(summary: Summary) -> list[Dot]:
    dots = (
        _of_pairs(summary)
        if len(summary.comparisons) > 1
        else [d for c in summary.comparisons for d in _of_one(c, summary)]
    )
    return dots if any(formats.known(dot.value) for dot in dots) else []


def _of_one(comparison: Comparison, summary: Summary) -> list[Dot]:
    """The same rows as the rates have, so that the two charts can stand side by side."""
    dots = [_dot(ALL, comparison, comparison.pooled, summary)]
    for category in categories_of(summary):
        difference = comparison.categories.get(category)
        name = formats.category(category)
        dots.append(
            Dot(name, None, None, None, None) if difference is None else _dot(name, comparison, difference, summary)
        )
    return dots


def _of_pairs(summary: Summary) -> list[Dot]:
    return [_dot(c.a, c, c.pooled, summary)._replace(second=f"− {c.b}") for c in summary.comparisons]


def _dot(name: str, comparison: Comparison, difference: Difference, summary: Summary) -> Dot:
    winner = fails_less(comparison, difference)
    place = list(summary.models).index(winner) % len(SHAPES) if winner in summary.models else None
    return Dot(name, place, difference.difference, difference.low, difference.high)


def _spoken(summary: Summary) -> str:
    rates = [f"{name} {formats.percent(model.pooled.rate)}" for name, model in summary.models.items()]
    return f"All categories: {', '.join(rates)}. The numbers are in the table of failure rates"


def _safe(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - built by chart.py out of known elements, all text escaped by its serialiser
