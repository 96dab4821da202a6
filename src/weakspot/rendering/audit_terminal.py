"""An audit in a terminal. Names and texts come from outside: escape sequences in them are shown, never obeyed."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from weakspot.records.audit import AuditSummary
from weakspot.rendering import formats
from weakspot.rendering.anchors import Sentence
from weakspot.rendering.audit_examples import ids_text
from weakspot.rendering.audit_figures import share
from weakspot.rendering.audit_tables import (
    GroupRow,
    code_rows,
    digit_bars,
    group_rows,
    made_facts,
    offender_tables,
    stages,
)
from weakspot.rendering.audit_words import cautions, headline, verdict
from weakspot.rendering.text import one_line

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

SEVERITY_STYLES = {1: "dim", 2: "", 3: "yellow", 4: "bold yellow", 5: "bold red"}
MOST_GROUPS = 20
MOST_OFFENDERS = 5
LEAST_NAME = 14
"""Columns that the first column keeps, however narrow the terminal is."""
NUMBER = ">"
"""In front of a column's name: its cells are numbers and stand to the right."""

PLACES = frozenset({"sources", "losses", "findings", "groups", "vocabulary", "offenders", "where", "which", "log"})
"""Labels of links that only lead to a place on the page."""


def audit_renderable(summary: AuditSummary) -> "Group":
    """The verdict, what was found and by which stage, the costliest groups, the worst offenders, and the facts.

    Everything is `rich.text.Text`, so that neither rich's own markup nor escape sequences in a text do anything.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[Text | Table] = [Text(one_line(headline(summary), 300), style="bold")]
    parts += [sentence_line(said, "yellow", PLACES) for said in cautions(summary)]
    parts += [sentence_line(said, "", PLACES) for said in verdict(summary)]
    if summary.codes:
        parts += [Text(), _pipeline(summary), _codes(summary)]
    if summary.groups:
        parts += [Text(), *_groups(summary)]
    for table in offender_tables(summary, MOST_OFFENDERS):
        rows = [
            [one_line(o.text, 40), f"{'' if o.exact else '≥ '}{o.times:,}", f"{o.pieces:,}", ids_text(o.ids, 8)]
            for o in table.rows
        ]
        parts += [Text(), text_table(table.title, ("", ">times", ">pieces", "ids"), rows)]
    return Group(*parts, Text(), *_facts(summary))


def sentence_line(said: Sentence, style: str, places: Iterable[str] = ()) -> "Text":
    """A sentence on one line: its lead in bold, its links by name where they say more than a place."""
    from rich.text import Text

    named = [link.label for link in said.links if link.label not in frozenset(places)]
    line = Text(style=style)
    if said.lead:
        line.append(f"{one_line(said.lead, 200)} ", style="bold")
    listed = ", ".join(named) + ("" if said.after.startswith("and ") or not named else ".")
    return line.append(one_line(" ".join(part for part in (said.text, listed, said.after) if part), 900))


def text_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], styles: Sequence[str] = ()
) -> "Table":
    """A table of plain text; a column whose name begins with `>` stands to the right. `styles` are the rows'."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(one_line(title, 200)), title_justify="left", box=None, pad_edge=False, header_style="dim")
    held = list(rows)
    least = min(LEAST_NAME, max((len(row[0]) for row in held), default=0))
    for number, name in enumerate(columns):
        right = name.startswith(NUMBER)
        head = Text(one_line(name.removeprefix(NUMBER), 40))
        side: Literal["left", "right"] = "right" if right else "left"
        table.add_column(head, justify=side, overflow="fold", no_wrap=right, min_width=0 if number else least)
    for number, row in enumerate(held):
        style = styles[number] if number < len(styles) else ""
        table.add_row(*(Text(cell) for cell in row), style=style)
    return table


def _pipeline(summary: AuditSummary) -> "Text":
    from rich.text import Text

    line = Text("Losses by stage: ", style="dim")
    for number, stage in enumerate(stages(summary.codes)):
        style = SEVERITY_STYLES.get(stage.severity, "dim")
        line.append(" → " if number else "", style="dim").append(f"{stage.name} {stage.findings:,}", style=style)
    return line


def _codes(summary: AuditSummary) -> "Table":
    rows, styles = [], []
    for row in code_rows(summary, ()):
        count = row.found
        documents = f"{count.documents:,} ({row.share})"
        cells = (str(count.severity), one_line(count.code, 30), count.stage, f"{count.findings:,}", documents)
        rows.append((*cells, "loss" if row.loss else "", row.meaning))
        styles.append(SEVERITY_STYLES.get(count.severity, ""))
    return text_table("Findings", (">sev", "code", "stage", ">findings", ">documents", "", "meaning"), rows, styles)


def _groups(summary: AuditSummary) -> "list[Table | Text]":
    from rich.text import Text

    whole, rows, left_out = group_rows(summary)
    drawn = rows[:MOST_GROUPS]
    left = left_out + len(rows) - len(drawn)
    columns = ("", ">docs", ">bytes/token", ">tokens/word", ">premium (95% interval)", ">lossy")
    table = text_table("Cost, the costliest first", columns, [_group(row) for row in (whole, *drawn)], ["bold"])
    return [table, Text(f"… {left:,} groups more in the report", style="dim")] if left else [table]


def _group(row: GroupRow) -> tuple[str, ...]:
    interval = "" if row.interval == formats.NONE else f" ({row.interval})"
    return one_line(row.name, 32), row.documents, row.per_token, row.fertility, f"{row.premium}{interval}", row.lossy


def _facts(summary: AuditSummary) -> "list[Text]":
    from rich.text import Text

    facts = [
        ("Rényi efficiency", formats.decimal(summary.renyi_efficiency, 3)),
        ("Vocabulary used", f"{summary.used:,} of {summary.vocabulary:,} ({share(summary.used, summary.vocabulary)})"),
    ]
    if bars := digit_bars(summary):
        facts.append(("Numbers cut", "; ".join(f"{bar.name} {bar.share}" for bar in bars[:4])))
    facts += [fact for fact in made_facts(summary) if fact[0] in ("Fingerprint", "Engine", "Time", "Log")]
    return [Text(f"{name}: ", style="dim").append(one_line(value, 300), style="not dim") for name, value in facts]
