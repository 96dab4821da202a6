"""One page per category: every item with its question and every candidate's reply, beside the numbers they make."""

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from weakspot.rendering import formats, markup
from weakspot.rendering.anchors import Anchors, categories_of
from weakspot.rendering.environment import environment
from weakspot.rendering.tables import comparison_tables, rate_rows
from weakspot.rendering.text import Excerpt, excerpt
from weakspot.rendering.view import ItemResult, ItemRow, ReportInput

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_ITEMS = 400
"""Items on one page; the rest is in items.csv. 400 items of three candidates are about 1 MB."""
LONGEST_REPLY = 600
LONGEST_QUESTION = 900


class Said(NamedTuple):
    """One candidate's reply to one item, with its verdict in words."""

    model: str
    place: int
    word: str
    style: str
    note: str
    reply: Excerpt | None
    sources: tuple[Excerpt, ...] = ()


class Asked(NamedTuple):
    """One item: what was asked, which part it plays, and what each candidate said."""

    probe: str
    anchor: str
    part: str
    question: Excerpt
    replies: tuple[Said, ...]
    split: bool


def category_files(report: ReportInput) -> dict[str, str]:
    """File name -> page, for each category that has items; the names are made of letters, digits and a number."""
    found = {}
    for category, name in category_names(report).items():
        found[name] = _environment().get_template("category.html").render(_context(report, category))
    return found


def category_names(report: ReportInput) -> dict[str, str]:
    """Category -> its page's file name. No foreign text but plain letters gets into a name."""
    named = {}
    for number, category in enumerate(categories_of(report.summary)):
        plain = re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")[:40]
        named[category] = f"category-{number + 1:02}{'-' if plain else ''}{plain}.html"
    return named


@cache
def _environment() -> "Environment":
    return environment(marked=markup.marked, date=formats.date)


def _context(report: ReportInput, category: str) -> dict[str, object]:
    summary, anchors = report.summary, Anchors(report)
    rows = [row for row in report.items if row.category == category]
    rows.sort(key=lambda row: (not _split(row), not row.counted))
    models = list(summary.models)
    return {
        "report": report,
        "summary": summary,
        "category": category,
        "name": formats.category(category),
        "models": models,
        "models_index": {name: number for number, name in enumerate(models)},
        "rates": [row for row in rate_rows(summary, anchors) if row.category == category],
        "differences": [
            (table, row)
            for table in comparison_tables(summary, anchors)
            for row in table.rows
            if row.category == category
        ],
        "items": [_asked(number, row, models) for number, row in enumerate(rows[:MOST_ITEMS])],
        "unlisted": max(0, len(rows) - MOST_ITEMS),
    }


def _split(row: ItemRow) -> bool:
    """Whether the candidates' verdicts differ here: there is most to learn."""
    return len({result.passed for result in row.results.values()}) > 1


def _asked(number: int, row: ItemRow, models: list[str]) -> Asked:
    arm = row.arm or "item"
    return Asked(
        probe=row.probe,
        anchor=f"q-{number}",
        part=arm if row.counted else f"{arm}, not counted",
        question=excerpt(row.asked, limit=LONGEST_QUESTION),
        replies=tuple(_said(model, place, row.results.get(model)) for place, model in enumerate(models)),
        split=_split(row),
    )


def _said(model: str, index: int, result: ItemResult | None) -> Said:
    if result is None:
        return Said(model, index, formats.NONE, "none", "not asked", None)
    word, style = {True: ("pass", "pass"), False: ("fail", "fail"), None: ("no verdict", "none")}[result.passed]
    if result.uninformative:
        word, style = f"{word}, uninformative", "none"
    severity = f"severity {result.severity}" if result.severity is not None else ""
    note = "; ".join(part for part in (severity, result.reason) if part)
    found = tuple(excerpt(source, limit=LONGEST_REPLY) for source in result.sources)
    return Said(model, index, word, style, note, excerpt(result.reply, limit=LONGEST_REPLY), found)
