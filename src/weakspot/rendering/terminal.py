"""The numbers in a terminal. Names come from outside: escape sequences in them are shown, never obeyed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weakspot.records import Summary
from weakspot.rendering import formats
from weakspot.rendering.anchors import Anchors, Sentence
from weakspot.rendering.matrix import ranking_sentence
from weakspot.rendering.sentences import cautions, headline, verdict
from weakspot.rendering.tables import ComparisonTable, RateCell, comparison_tables, rate_rows
from weakspot.rendering.text import one_line
from weakspot.rendering.view import ReportInput

MOST_TABLES = 2
"""Pairs that are shown by category; of more only the pooled differences, or a terminal would scroll for pages."""

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text


def summary_renderable(summary: Summary) -> "Group":
    """The verdict, the failure rates by category and model, the paired differences, and what to beware of.

    Everything is `rich.text.Text`, so that neither rich's own markup nor escape sequences in a name do anything.
    """
    from rich.console import Group
    from rich.text import Text

    anchors = Anchors(ReportInput(summary))
    parts: list[Text | Table] = [Text(one_line(headline(summary)), style="bold"), Text()]
    if summary.models:
        parts += [_rates(summary, anchors), Text()]
    tables = comparison_tables(summary, anchors)
    if len(tables) > MOST_TABLES:
        parts += [_pooled(tables), Text()]
    else:
        parts += [part for table in tables for part in (_differences(table), Text())]
    if summary.ranking:
        parts += [Text(one_line(ranking_sentence(summary), 1_000)), Text()]
    parts += [_line(said, "") for said in verdict(summary, anchors)]
    parts += [_line(said, "yellow") for said in cautions(summary, anchors)]
    return Group(*parts)


def _rates(summary: Summary, anchors: Anchors) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text("Failure rate (failed/n; 95% interval)"), title_justify="left", box=None, pad_edge=False)
    for name in ("Category", *summary.models):
        table.add_column(Text(one_line(name, 40)), overflow="fold")
    for row in rate_rows(summary, anchors):
        style = "bold" if row.category is None else ""
        table.add_row(Text(one_line(row.name, 40)), *(Text(_rate(cell)) for cell in row.cells), style=style)
    return table


def _rate(cell: RateCell | None) -> str:
    if cell is None:
        return formats.NONE
    note = next((f" {detail.split(':')[0]}" for detail in cell.details if detail.startswith(("floor", "ceiling"))), "")
    return f"{cell.rate} ({cell.counts}; {cell.interval}){note}"


def _differences(comparison: ComparisonTable) -> "Table":
    from rich.table import Table
    from rich.text import Text

    title = f"{one_line(comparison.a, 60)} minus {one_line(comparison.b, 60)}, points (95% interval), paired"
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for name in ("Category", "Difference", "p adjusted", "Verdict"):
        table.add_column(name, overflow="fold")
    for row in comparison.rows:
        style = "bold" if row.category is None else ("" if row.winner else "dim")
        difference = f"{row.difference} ({row.interval})"
        cells = (one_line(row.name, 40), difference, row.p_adjusted, one_line(row.verdict, 200))
        table.add_row(*map(Text, cells), style=style)
    return table


def _pooled(tables: Sequence[ComparisonTable]) -> "Table":
    """One row per pair, all categories together; the rest is in the report."""
    from rich.table import Table
    from rich.text import Text

    title = "Each pair, all categories together, points (95% interval), paired; by category in the report"
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for name in ("Pair", "Difference", "p adjusted", "Shown"):
        table.add_column(name, overflow="fold")
    for pair in tables:
        row = pair.rows[0]
        shown = "no" if row.winner is None else f"{one_line(row.winner, 40)} fails less"
        cells = (f"{one_line(pair.a, 40)} minus {one_line(pair.b, 40)}", f"{row.difference} ({row.interval})")
        table.add_row(*map(Text, (*cells, row.p_adjusted, shown)), style="" if row.winner else "dim")
    return table


def _line(said: Sentence, style: str) -> "Text":
    from rich.text import Text

    named = [link.label for link in said.links if link.anchor.startswith(("d-", "r-")) and link.label not in PLAIN]
    parts = [said.text, ", ".join(named) + ("." if named else ""), said.after]
    line = Text(style=style)
    if said.lead:
        line.append(f"{one_line(said.lead)} ", style="bold")
    return line.append(one_line(" ".join(part for part in parts if part), 600))


PLAIN = frozenset({"test", "rates", "items", "which", "failures"})
"""Labels that only lead to a place on the page and say nothing by themselves."""
