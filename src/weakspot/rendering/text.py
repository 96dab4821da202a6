"""Foreign text made visible and harmless, for every face: page, Markdown and terminal.

Escaping HTML is not enough: a bidirectional override turns a sentence round on the page, a zero-width space hides in
a word, an escape sequence repaints a terminal, a lone surrogate cannot be written at all. Here each such character
becomes a symbol that can be read. What is left is plain text with line breaks.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_SHOWN = 4_000
"""Characters of one reply that are shown; a page with hundreds of failures has to open on a phone."""

LONGEST_LINE = 160

NAMES = {0: "NUL", 7: "BEL", 8: "BS", 9: "TAB", 12: "FF", 13: "CR", 27: "ESC", 127: "DEL"}
"""Symbols of the common ones; Unicode's own control pictures are missing from most system fonts."""

_ODD = re.compile(
    "["
    "\x00-\x09\x0b-\x1f\x7f-\x9f"  # control characters but the line break
    "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"  # spaces that are not the space
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # drawn as nothing
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\ufff9-\ufffc"  # format characters that change their neighbours
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # zero width, line and paragraph ends, bidirectional controls
    "\ufe00-\ufe0e"  # variation selectors but the emoji one, U+FE0F
    "\ud800-\udfff\ufffe\uffff"  # no characters at all
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags and more variation selectors: whole hidden messages travel in them
    "]"
)


class Part(NamedTuple):
    """A run of text for the page: `kind` is text, symbol (stands for a character that cannot be seen) or mark."""

    text: str
    kind: str = "text"


class Excerpt(NamedTuple):
    """Shown parts of a text, in order: (text, marked), and how many characters were left out (0: none)."""

    parts: tuple[tuple[str, bool], ...]
    left_out: int


def visible(text: str) -> str:
    """Foreign text in which every character can be seen; line breaks stay, all other controls become symbols."""
    return _ODD.sub(lambda found: _symbol(found.group()), text)


def one_line(text: str, limit: int = LONGEST_LINE) -> str:
    """Foreign text as one visible line of at most `limit` characters; line breaks show as the sign for return."""
    flat = visible(text[: limit + 1]).replace("\n", "⏎")
    return flat if len(text) <= limit and len(flat) <= limit * 2 else flat[: limit - 1] + "…"


def runs(text: str) -> Iterator[Part]:
    """The same as `visible`, in runs, so that a face can set symbols apart from text that only looks like them."""
    done = 0
    for found in _ODD.finditer(text):
        if found.start() > done:
            yield Part(text[done : found.start()])
        yield Part(_symbol(found.group()), "symbol")
        done = found.end()
    if done < len(text):
        yield Part(text[done:])


def excerpt(text: str, span: tuple[int, int] | None = None, limit: int = LONGEST_SHOWN) -> Excerpt:
    """The part of a text that is worth showing: its beginning, and the marked span wherever it lies.

    Args:
        text: any length.
        span: characters to mark, end exclusive; a span outside of the text is ignored.
        limit: characters to show at most, about.
    """
    start, end = _clamped(span, len(text))
    if len(text) <= limit:
        return Excerpt(_split(text, 0, len(text), start, end), 0)
    if start is None or start < limit:
        return Excerpt(_split(text, 0, limit, start, end), len(text) - limit)
    head, around = limit // 2, limit // 4
    low, high = max(head, start - around), min(len(text), start + around)
    parts = (*_split(text, 0, head, None, 0), (" … ", False), *_split(text, low, high, start, end))
    return Excerpt(parts, len(text) - head - (high - low))


def _clamped(span: tuple[int, int] | None, length: int) -> tuple[int | None, int]:
    if span is None or not 0 <= span[0] < span[1] or span[0] >= length:
        return None, 0
    return span[0], min(span[1], length)


def _split(text: str, low: int, high: int, start: int | None, end: int) -> tuple[tuple[str, bool], ...]:
    if start is None:
        return ((text[low:high], False),) if high > low else ()
    cuts = (low, max(low, start), max(low, min(high, end)), high)
    spans = ((cuts[0], cuts[1], False), (cuts[1], cuts[2], True), (cuts[2], cuts[3], False))
    return tuple((text[a:b], marked) for a, b, marked in spans if b > a)


def _symbol(character: str) -> str:
    code = ord(character)
    name = NAMES.get(code) or f"U+{code:04X}"
    return f"⟨{name}⟩"
