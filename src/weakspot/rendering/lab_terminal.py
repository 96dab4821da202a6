"""A lab's report in a terminal: the verdict, the arms, what the crossings say. All of it plain `rich.text.Text`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weakspot.records.lab import LabReport
from weakspot.rendering import formats, lab_words
from weakspot.rendering.text import one_line

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

LONG = 600


def lab_renderable(report: LabReport) -> "Group":
    """The report for a console."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(lab_words.headline(report), style="bold"), Text()]
    parts += [_indented(line) for line in lab_words.verdict(report)]
    parts += [_indented(f"! {line}") for line in lab_words.cautions(report)]
    parts += [Text(), _arms(report)]
    if rows := lab_words.decoded(report):
        head = ("task", "shape", "decoding", "exact", "valid", "beyond: exact", "valid")
        parts += [Text(), _table(head, rows, 3)]
    if crossed := lab_words.crossed(report):
        parts += [Text(), Text("crossings (points of exact match beyond the trained lengths)")]
        parts += [_indented(f"{row.task} {row.pair}, {row.standing}: {row.sentence}") for row in crossed]
    return Group(*parts, Text())


def _indented(line: str) -> "RenderableType":
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(one_line(line, LONG)), (0, 0, 0, 2))


def _arms(report: LabReport) -> "Table":
    rows = [
        (
            trade.task,
            trade.shape,
            trade.passed,
            trade.in_length,
            trade.beyond,
            arm.pattern,
            trade.half,
            arm.errors_begin,
        )
        for trade, arm in zip(lab_words.trades(report), lab_words.free_arms(report), strict=True)
    ]
    return _table(("task", "shape", "passed", "exact", "beyond", "pattern", "half at", "first errors"), rows, 2)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for i, name in enumerate(head):
        numeric = i >= left and name not in ("pattern", "first errors")
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold", no_wrap=i < 2)
    for row in rows:
        table.add_row(*(Text(one_line(cell or formats.NONE)) for cell in row))
    return table
