"""Every item with its result for every candidate: the table at the report's end, and the rows of items.csv."""

from collections.abc import Mapping, Set
from typing import NamedTuple

from weakspot.rendering import formats
from weakspot.rendering.anchors import Anchors
from weakspot.rendering.view import ItemResult, ItemRow, ReportInput

MOST_ITEMS = 500
"""Items listed per category; the rest is in items.csv."""


class ItemCell(NamedTuple):
    """One candidate's result on one item; `link` leads to the failure, where it is shown in full."""

    word: str
    style: str
    note: str
    link: str | None


class ItemLine(NamedTuple):
    """One item with a cell per candidate; `part` says which arm it is and whether it counts."""

    probe: str
    anchor: str | None
    part: str
    cells: tuple[ItemCell, ...]


class ItemBlock(NamedTuple):
    """The items of one category."""

    name: str
    anchor: str
    rows: tuple[ItemLine, ...]
    unlisted: int


def item_blocks(report: ReportInput, anchors: Anchors, cases: Set[str]) -> list[ItemBlock]:
    """All items by category; `cases` are the anchors of failures that are shown in full."""
    blocks = []
    for category in anchors.categories:
        rows = [row for row in report.items if row.category == category]
        lines = tuple(_item(row, report.summary.models, anchors, cases) for row in rows[:MOST_ITEMS])
        if rows:
            name, unlisted = formats.category(category), max(0, len(rows) - MOST_ITEMS)
            blocks.append(ItemBlock(name, anchors.items(category), lines, unlisted))
    return blocks


def _item(row: ItemRow, models: Mapping[str, object], anchors: Anchors, cases: Set[str]) -> ItemLine:
    arm = row.arm or "item"
    part = arm if row.counted else f"{arm}, not counted"
    cells = []
    for model in models:
        failure = anchors.failure(model, row.probe)
        cells.append(_cell(row.results.get(model), failure if failure in cases else None))
    return ItemLine(row.probe, anchors.item(row.probe), part, tuple(cells))


def _cell(result: ItemResult | None, link: str | None) -> ItemCell:
    if result is None:
        return ItemCell(formats.NONE, "none", "", None)
    if result.uninformative:
        return ItemCell("uninformative", "none", result.reason, link)
    words = {True: ("✓ pass", "pass"), False: ("✗ fail", "fail"), None: ("? no verdict", "none")}
    word, style = words[result.passed]
    severity = f"severity {result.severity}" if result.severity is not None else ""
    other = result.reply_class if result.reply_class not in ("", "answered") else ""
    reason = result.reason if result.passed is None else ""
    return ItemCell(word, style, ", ".join(note for note in (severity, other, reason) if note), link)


def csv_rows(items: tuple[ItemRow, ...]) -> list[dict[str, object]]:
    """One row per probe and candidate for `write_csv`; what is missing is None."""
    return [
        {
            "probe": row.probe,
            "category": row.category,
            "arm": row.arm,
            "counted": row.counted,
            "group": row.group,
            "candidate": candidate,
            "passed": result.passed,
            "reply_class": result.reply_class,
            "severity": result.severity,
            "uninformative": result.uninformative,
            "reason": result.reason,
            "asked": row.asked,
            "reply": result.reply,
        }
        for row in items
        for candidate, result in row.results.items()
    ]
