"""The report as one HTML file: no script, nothing loaded, readable from disk, on a phone and in print.

Every expression of a template passes `markup.plain` and is then escaped, so a template cannot forget either.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from weakspot.records import Summary
from weakspot.rendering import formats, markup
from weakspot.rendering.anchors import Anchors
from weakspot.rendering.cards import card_notes, card_rows
from weakspot.rendering.category_pages import category_names
from weakspot.rendering.environment import environment
from weakspot.rendering.failures import shelves
from weakspot.rendering.figures import charts
from weakspot.rendering.items import item_blocks
from weakspot.rendering.judging import judged_context
from weakspot.rendering.matrix import matrix_rows
from weakspot.rendering.metrics import attack_chart, blocks
from weakspot.rendering.ratings import rated_context
from weakspot.rendering.sentences import cautions, headline, verdict
from weakspot.rendering.suppositions import suppositions
from weakspot.rendering.tables import comparison_tables, cost_facts, provenance_facts, rate_rows, run_facts
from weakspot.rendering.text import excerpt
from weakspot.rendering.view import ReportInput

if TYPE_CHECKING:
    from jinja2 import Environment

SECTIONS = (
    ("verdict", "Verdict"),
    ("candidates", "Side by side"),
    ("differences", "Differences"),
    ("rates", "Rates"),
    ("metrics", "Beyond rates"),
    ("ratings", "By hand"),
    ("judging", "Judges"),
    ("failures", "Failures"),
    ("cards", "Architecture"),
    ("hypotheses", "Hypotheses"),
    ("method", "Method"),
    ("cost", "Cost"),
    ("reproduce", "Reproduce"),
    ("items", "All items"),
)


def render_html(report: ReportInput) -> str:
    """The whole page."""
    return _environment().get_template("page.html").render(_context(report))


def summary_html(summary: Summary) -> str:
    """The numbers as a fragment for a notebook (`_repr_html_`): a headline and one table, no style sheet."""
    anchors = Anchors(ReportInput(summary))
    tables = comparison_tables(summary, anchors)
    found = [{row.category: f"{row.difference} ({row.interval})" for row in table.rows} for table in tables]
    rows = [
        {"name": row.name, "cells": row.cells, "differences": [by.get(row.category, formats.NONE) for by in found]}
        for row in rate_rows(summary, anchors)
    ]
    template = _environment().get_template("summary.html")
    return template.render(headline=headline(summary), models=list(summary.models), comparisons=tables, rows=rows)


@cache
def _environment() -> "Environment":
    return environment(marked=markup.marked, date=formats.date)


def _context(report: ReportInput) -> dict[str, Any]:
    summary, anchors = report.summary, Anchors(report)
    comparisons = comparison_tables(summary, anchors)
    matrix = matrix_rows(report, anchors)
    beyond = blocks(summary)
    rated = rated_context(report)
    empty = {"differences": not comparisons, "candidates": not matrix, "metrics": not beyond, "ratings": not rated}
    empty["judging"] = report.judging is None and not report.pairwise
    shown = [section for section in SECTIONS if not empty.get(section[0])]
    templates = {m.info.template_text: name for name, m in reversed(summary.models.items()) if m.info.template_text}
    found = shelves(report, anchors)
    return {
        "report": report,
        "summary": summary,
        "anchors": anchors,
        "contents": shown,
        "parts": [f"{name}.html" for name, _ in shown],
        "models": list(summary.models),
        "models_index": {name: i for i, name in enumerate(anchors.models)},
        "headline": headline(summary),
        "metrics": beyond,
        "attack_chart": attack_chart(summary),
        "verdict": verdict(summary, anchors),
        "cautions": cautions(summary, anchors),
        "charts": charts(summary),
        "comparisons": comparisons,
        "matrix": matrix,
        "pages": category_names(report) if report.items else {},
        "rates": rate_rows(summary, anchors),
        "rated": rated,
        "judging": judged_context(report.judging, report.pairwise),
        "shelves": found,
        "rubric": dict(report.rubric),
        "rubrics": report.rubrics,
        "cards": card_rows(report.cards, list(summary.models)),
        "card_notes": card_notes(report.cards, list(summary.models)),
        "hypotheses": suppositions(report, anchors),
        "uninformative": [(entry, anchors.item(entry.probe)) for entry in report.uninformative],
        "costs": cost_facts(report),
        "run": run_facts(report),
        "provenance": provenance_facts(report),
        "prompt_templates": [(name, excerpt(text)) for text, name in reversed(templates.items())],
        "items": item_blocks(report, anchors, {case.anchor for s in found for g in s.groups for case in g.cases}),
    }
