"""A text under tokenizers, to look at: one HTML file, a fragment for notebooks, and lines for a terminal.

It needs `TokenView` records only. Every expression of the template passes `markup.plain` and is then escaped.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from weakspot.records import TokenFinding, TokenPiece, TokenView
from weakspot.rendering import formats, markup
from weakspot.rendering.environment import environment
from weakspot.rendering.text import one_line, visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

MOST_PIECES = 2_000
"""Pieces of one text that are drawn; the JSON holds them all."""

MOST_ROWS = 200
"""Rows of the table of pieces in a terminal."""

LONGEST = 4_000
TINTS = ("on color(24)", "on color(58)", "on color(53)", "on color(23)")
SEVERITY_STYLES = {1: "dim", 2: "", 3: "yellow", 4: "bold yellow", 5: "bold red"}


class Chip(NamedTuple):
    """A piece as it is drawn: what is seen, its id, a tooltip, classes, and whether a line ends behind it."""

    shown: "Markup"
    id: int
    title: str
    classes: str
    breaks: bool


class Column(NamedTuple):
    """One tokenizer's side of the picture."""

    view: TokenView
    chips: list[Chip]
    left_out: int
    per_token: str
    worst: int


def token_view_html(views: Sequence[TokenView], version: str = "") -> str:
    """The picture as a whole page, without a script and with nothing to load."""
    template = _environment().get_template("token_view_page.html")
    return template.render(columns=[_column(view) for view in views], views=views, version=version)


def token_view_fragment(views: Sequence[TokenView]) -> str:
    """The picture for a notebook (`_repr_html_`): its own style under one class, no page."""
    template = _environment().get_template("token_view_fragment.html")
    return template.render(columns=[_column(view) for view in views], views=views)


def token_view_renderable(views: Sequence[TokenView], *, colours: bool = True) -> "Group":
    """The pieces in alternating colours, the table of ids, bytes and offsets, the decoded text, and the findings.

    Without colours a bar stands between the pieces.

    Everything is `rich.text.Text`, so that neither rich's own markup nor escape sequences in a text do anything.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[Group | Table | Text] = []
    for view in views:
        parts += [_headline(view), _coloured(view, "" if colours else "│"), Text()]
    parts.append(_pieces_table(views))
    for view in views:
        parts += [Text(), *_outcome(view, named=len(views) > 1)]
    return Group(*parts)


@cache
def _environment() -> "Environment":
    return environment(cut=_cut)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text) - LONGEST:,} characters more)"


def _column(view: TokenView) -> Column:
    data = view.text.encode()
    drawn = view.pieces[:MOST_PIECES]
    worst = _worst(drawn, view.findings)
    chips = [_chip(piece, data, worst[number]) for number, piece in enumerate(drawn)]
    per_token = f"{len(data) / len(view.ids):.2f}" if view.ids else formats.NONE
    most = max((finding.severity for finding in view.findings), default=0)
    return Column(view, chips, len(view.pieces) - len(drawn), per_token, most)


def _worst(pieces: Sequence[TokenPiece], findings: Sequence[TokenFinding]) -> list[int]:
    """The highest severity of the findings on each piece; those on the whole text count for none."""
    found = [0] * len(pieces)
    size = max((piece.end for piece in pieces), default=0)
    for finding in findings:
        if finding.end - finding.start >= size > 1 and len(pieces) > 1:
            continue
        for number, piece in enumerate(pieces):
            if piece.start < finding.end and finding.start < piece.end:
                found[number] = max(found[number], finding.severity)
    return found


def _chip(piece: TokenPiece, data: bytes, severity: int) -> Chip:
    from markupsafe import Markup

    held = bytes.fromhex(piece.bytes)
    try:
        text = held.decode()
    except UnicodeDecodeError:
        text = ""
    classes = [f"w{severity}"] if severity else []
    if piece.kind in ("control", "unused", "unknown") or piece.special:
        classes.append("c")
        shown = markup.pretty(piece.text)
    elif not text:
        classes.append("b")
        shown = Markup("{}").format(held.hex(" ") or "∅")
    else:
        dot = Markup('<s class="dot">·</s>')
        shown = dot.join(markup.pretty(part.replace("\n", "⏎")) for part in text.split(" "))
    place = f"bytes {piece.start}–{piece.end}" if piece.end > piece.start else f"nothing, at byte {piece.start}"
    own = data[piece.start : piece.end].decode("utf-8", "replace")
    title = f"id {piece.id} · {piece.text} · {held.hex(' ')} · {place} · {piece.kind} · {own}"
    return Chip(shown, piece.id, visible(title)[:300], " ".join(classes), text.endswith("\n"))


def _headline(view: TokenView) -> "Text":
    from rich.text import Text

    size = len(view.text.encode())
    per_token = f"{size / len(view.ids):.2f} bytes a token" if view.ids else "no tokens"
    line = Text(one_line(view.tokenizer, 60), style="bold")
    line.append(f"  {len(view.ids):,} tokens, {size:,} bytes, {per_token}  {view.fingerprint}", style="not bold dim")
    return line


def _coloured(view: TokenView, between: str) -> "Text":
    from rich.text import Text

    line = Text()
    for number, piece in enumerate(view.pieces[:MOST_PIECES]):
        line.append(between if number else "").append(_seen(piece), style=TINTS[number % len(TINTS)])
    if len(view.pieces) > MOST_PIECES:
        line.append(f" … {len(view.pieces) - MOST_PIECES:,} pieces more", style="dim")
    return line


def _seen(piece: TokenPiece) -> str:
    """What a piece stands for, in visible characters: its text, or its bytes where those are none."""
    held = bytes.fromhex(piece.bytes)
    try:
        text = held.decode()
    except UnicodeDecodeError:
        return f"⟨{held.hex(' ')}⟩"
    if piece.kind in ("control", "unused", "unknown") or piece.special or not text:
        text = piece.text
    return one_line(text.replace(" ", "·"), 60)


def _pieces_table(views: Sequence[TokenView]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("#", justify="right", style="dim")
    for view in views:
        table.add_column(Text(one_line(view.tokenizer, 24)), overflow="fold")
        table.add_column("id", justify="right")
        table.add_column("bytes", overflow="fold", style="dim")
        table.add_column("at", no_wrap=True, style="dim")
    longest = max((len(view.pieces) for view in views), default=0)
    for number in range(min(longest, MOST_ROWS)):
        cells: list[Text] = [Text(str(number))]
        for view in views:
            cells += _cells(view.pieces[number], number) if number < len(view.pieces) else [Text()] * 4
        table.add_row(*cells)
    if longest > MOST_ROWS:
        table.add_row(Text("…"), Text(f"{longest - MOST_ROWS:,} rows more; --json gives all"))
    return table


def _cells(piece: TokenPiece, number: int) -> "list[Text]":
    from rich.text import Text

    held = bytes.fromhex(piece.bytes).hex(" ")
    kind = "" if piece.kind == "normal" else f" {piece.kind}"
    seen = Text(_seen(piece), style=TINTS[number % len(TINTS)]).append(kind, style="dim italic on default")
    return [
        seen,
        Text(str(piece.id)),
        Text(held if len(held) <= 24 else f"{held[:23]}…"),
        Text(f"{piece.start}-{piece.end}"),
    ]


def _behind(view: TokenView) -> Iterator[str]:
    """What the tokenizer is, step by step, and what was amiss when it was loaded."""
    known = f", the vocabulary of {view.known_as}" if view.known_as else ""
    yield f"{view.format} by {view.engine}{known}"
    yield from (f"{step.replace('_', '-')}: {words}" for step, words in view.pipeline.items() if words != "none")
    yield from (f"when it was loaded: {remark}" for remark in view.remarks)


def _outcome(view: TokenView, *, named: bool) -> "list[Text]":
    from rich.text import Text

    lead = f"{one_line(view.tokenizer, 40)}: " if named else ""
    word = (
        Text(lead).append("lossless", style="green") if view.lossless else Text(lead).append("lossy", style="bold red")
    )
    lines = [word.append(f"  decoded: {one_line(view.decoded, 400)}", style="not bold default")]
    for finding in view.findings:
        line = Text(f"  {finding.severity} ", style=SEVERITY_STYLES[finding.severity])
        line.append(f"{finding.code} [{finding.start}-{finding.end}] {finding.stage}: ", style="not bold")
        lines.append(line.append(one_line(finding.message, 400), style="not bold default"))
    if not view.findings:
        lines.append(Text("  nothing to remark", style="dim"))
    return [*lines, *(Text(f"  {one_line(line, 400)}", style="dim") for line in _behind(view))]
