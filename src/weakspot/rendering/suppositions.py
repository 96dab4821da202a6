"""Hypotheses with links to what they stand on: rows of the cards, and differences by category."""

from typing import NamedTuple

from weakspot.rendering import formats
from weakspot.rendering.anchors import Anchors, Link
from weakspot.rendering.cards import card_rows
from weakspot.rendering.view import Hypothesis, ReportInput


class Supposition(NamedTuple):
    """A hypothesis with links to what it stands on."""

    hypothesis: Hypothesis
    links: tuple[Link, ...]


def suppositions(report: ReportInput, anchors: Anchors) -> list[Supposition]:
    """All hypotheses of a report."""
    return [Supposition(hypothesis, _stands_on(hypothesis, report, anchors)) for hypothesis in report.hypotheses]


def _stands_on(hypothesis: Hypothesis, report: ReportInput, anchors: Anchors) -> tuple[Link, ...]:
    """Links of a hypothesis: the rows of the cards it names, the differences of its categories, else both tables."""
    rows = {row.field: row for row in card_rows(report.cards, list(report.summary.models))}
    fields = [Link(rows[f].label, rows[f].anchor) for f in hypothesis.card_fields if f in rows]
    statistics = [
        Link(formats.category(c), anchors.difference(0, c)) for c in hypothesis.categories if c in anchors.categories
    ]
    return (*(fields or [Link("cards", "cards")]), *(statistics or [Link("rates", "rates")]))
