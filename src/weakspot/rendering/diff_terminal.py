"""Two tokenizers on one corpus in a terminal; hostile names are shown, never obeyed."""

from typing import TYPE_CHECKING

from weakspot.records.audit import AuditDiff
from weakspot.rendering.audit_terminal import sentence_line, text_table
from weakspot.rendering.audit_words import ending
from weakspot.rendering.diff_tables import code_pairs, cost_rows, document_rows, price_rows, side_by_side
from weakspot.rendering.diff_words import diff_cautions, diff_headline, diff_names, diff_verdict
from weakspot.rendering.text import one_line

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

MOST_GROUPS = 20
MOST_CODES = 20
MOST_DOCUMENTS = 5
PLACES = frozenset({"table", "prices", "sides"})
"""Labels of links that only lead to a place on the page."""


def diff_renderable(diff: AuditDiff) -> "Group":
    """The verdict, both side by side, tokens and findings paired, prices, and the documents that differ most.

    Everything is `rich.text.Text`, so that neither rich's own markup nor escape sequences in a text do anything.
    """
    from rich.console import Group
    from rich.text import Text

    first, second = (one_line(name, 30) for name in diff_names(diff))
    parts: list[Text | Table] = [Text(one_line(diff_headline(diff), 300), style="bold")]
    parts += [sentence_line(said, "yellow", PLACES) for said in diff_cautions(diff)]
    parts += [sentence_line(said, "", PLACES) for said in diff_verdict(diff)]
    rows = [(name, one_line(a, 40), one_line(b, 40)) for name, a, b in side_by_side(diff)]
    parts += [Text(), text_table("Side by side", ("", f">{first}", f">{second}"), rows)]
    parts += [Text(), *_tokens(diff, first, second)]
    if diff.codes:
        parts += [Text(), *_codes(diff, first, second)]
    if diff.prices:
        columns = ("", ">per million tokens", ">per million characters")
        parts += [Text(), text_table("Prices, in the currency given", columns, price_rows(diff))]
    if diff.documents:
        parts += [Text(), _documents(diff, first, second)]
    return Group(*parts)


def _tokens(diff: AuditDiff, first: str, second: str) -> "list[Table | Text]":
    from rich.text import Text

    rows, left_out = cost_rows(diff)
    drawn = rows[: MOST_GROUPS + 1]
    left = left_out + len(rows) - len(drawn)
    cells = [
        (one_line(r.name, 32), r.documents, r.first, r.second, r.change, r.interval, one_line(r.verdict, 60))
        for r in drawn
    ]
    columns = ("", ">docs", f">{first}", f">{second}", ">change", ">95% interval", "verdict")
    styles = ["bold" if n == 0 else "" if r.winner is not None else "dim" for n, r in enumerate(drawn)]
    table = text_table("Tokens of the same documents", columns, cells, styles)
    return [table, Text(f"… {left:,} groups more in the report", style="dim")] if left else [table]


def _codes(diff: AuditDiff, first: str, second: str) -> "list[Table | Text]":
    from rich.text import Text

    rows = code_pairs(diff)
    cells = [
        (
            r.name,
            *(f"{many:,}" for many in (r.code.first_only, r.code.second_only, r.code.both)),
            r.adjusted,
            one_line(r.verdict, 60),
        )
        for r in rows[:MOST_CODES]
    ]
    columns = ("", f">{first} only", f">{second} only", ">both", ">p adjusted", "verdict")
    styles = ["" if r.winner is not None else "dim" for r in rows]
    table = text_table("Documents with a finding", columns, cells, styles)
    left = len(rows) - MOST_CODES
    return [table, Text(f"… {left:,} kinds more in the report", style="dim")] if left > 0 else [table]


def _documents(diff: AuditDiff, first: str, second: str) -> "Table":
    cells = [
        (
            f"{ending(r.document.source, 40)}, {r.document.document:,}",
            f"{r.document.first:,}",
            f"{r.document.second:,}",
            r.ratio,
            one_line(r.document.opening, 60),
        )
        for r in document_rows(diff)[:MOST_DOCUMENTS]
    ]
    columns = ("file, document", f">{first}", f">{second}", ">ratio", "begins")
    return text_table("Documents that differ most", columns, cells)
