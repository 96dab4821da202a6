"""Foreign text as HTML: the only place of the room that makes markup, and only out of escaped parts."""

from collections.abc import Iterable

from markupsafe import Markup, escape

from weakspot.rendering.text import Excerpt, runs, visible
from weakspot.rendering.view import TrailToken

SHAPES = (
    "M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z",
    "M2 2h8v8h-8z",
    "M6 1.2l5 9.3h-10z",
    "M6 .5l5.2 5.5l-5.2 5.5l-5.2-5.5z",
    "M4.2 1h3.6v3.2h3.2v3.6h-3.2v3.2h-3.6v-3.2h-3.2v-3.6h3.2z",
)
"""The candidates' shapes in a box of 12, in the order of `weakspot.rendering.chart.SHAPES`."""

SPACE, BREAK = Markup("<s>·</s>"), Markup("<br>")
CHIPS = {
    "text": Markup('<b title="{}">{}</b>'),
    "control": Markup('<b class="c" title="{}">{}</b>'),
    "bytes": Markup('<b class="b" title="{}">{}</b>'),
}


def plain(value: object) -> object:
    """What every expression of a template goes through: visible characters only; None is a dash.

    Escaping comes after it, by the environment; markup made here passes untouched.
    """
    if value is None:
        return "–"
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


def pretty(text: str) -> Markup:
    """Foreign text for a block: characters that cannot be seen stand apart as symbols."""
    return Markup("").join(
        Markup('<i class="sym">{}</i>').format(part.text) if part.kind == "symbol" else escape(part.text)
        for part in runs(text)
    )


def marked(shown: Excerpt) -> Markup:
    """A cut text with its evidence marked, and a note of how much is missing."""
    parts = [Markup("<mark>{}</mark>").format(pretty(t)) if mark else pretty(t) for t, mark in shown.parts]
    if shown.left_out:
        note = f"cut, {shown.left_out:,} characters more in the run folder"
        parts.append(Markup(' <span class="cut">{}</span>').format(note))
    return Markup("").join(parts)


def chips(tokens: Iterable[TrailToken]) -> Markup:
    """Tokens as chips: the id is the tooltip, spaces and line breaks are seen, control and byte tokens look so."""
    return Markup("").join(map(_chip, tokens))


def icon(index: int) -> Markup:
    """A candidate's mark: its shape in its colour."""
    place = index % len(SHAPES)
    return Markup('<svg class="icon" viewBox="0 0 12 12" aria-hidden="true"><path class="m{}" d="{}"/></svg>').format(
        place, SHAPES[place]
    )


def _chip(token: TrailToken) -> Markup:
    number = "?" if token.id is None else token.id
    space = SPACE if token.kind == "text" else Markup(" ")
    inside = space.join(pretty(part.replace("\n", "⏎")) for part in token.piece.split(" "))
    chip = CHIPS[token.kind].format(number, inside)
    return chip + BREAK if "\n" in token.piece else chip
