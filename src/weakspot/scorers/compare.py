"""Finding one text in another, with the span in the original text even where the comparison folds it.

Folding is opt-in: without it a comparison is plain, character by character and case-sensitive.
It does not know what a match means.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from weakspot.records import Evidence

QUOTE_LIMIT = 200
"""Characters of evidence that a record carries; the span says where the rest is."""

Span = tuple[int, int]

_LETTER_LIKE = dict.fromkeys(map(ord, "‘’‚‛ʼ′＇"), "'") | dict.fromkeys(map(ord, "“”„‟«»″＂"), '"')
_TYPOGRAPHIC = _LETTER_LIKE | dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
# Starts at a character that no other can attach to; Hangul vowels and finals compose with what stands before them.
_HANGUL_TAIL = range(0x1160, 0x1200)
# Thai, Lao, Burmese, Khmer, kana and Han stand without spaces: what is beside one of them says nothing of a word's end.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?]+[\"')\]*_]*(?=\s|$)|(?=\n)|$)")


def straight(text: str) -> str:
    """`text` with typographic quotes as ' and "; one character for one, so that spans stay true."""
    return text.translate(_LETTER_LIKE)


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it is compared, and for each of its characters the span in the original it came from."""

    text: str
    origin: tuple[Span, ...] | None

    def span(self, start: int, end: int) -> Span:
        """The span in the original text that `start:end` of the folded text came from."""
        if self.origin is None or start >= end:
            return start, end
        return self.origin[start][0], self.origin[end - 1][1]


def fold(text: str, *, ignore_case: bool = False, normalise: bool = False) -> Folded:
    """`text` made ready to be compared.

    Args:
        text: what to fold.
        ignore_case: fold case (Unicode case folding, so that "ß" equals "SS").
        normalise: Unicode NFKC, typographic quotes and dashes as ', " and -.
    """
    if not ignore_case and not normalise:
        return Folded(text, None)
    if text.isascii():
        return Folded(text.casefold() if ignore_case else text, None)
    parts: list[str] = []
    origin: list[Span] = []
    for start, end in _clusters(text) if normalise else ((i, i + 1) for i in range(len(text))):
        part = text[start:end]
        if normalise:
            part = unicodedata.normalize("NFKC", part.translate(_TYPOGRAPHIC)).translate(_TYPOGRAPHIC)
        if ignore_case:
            part = part.casefold()
        parts.append(part)
        origin.extend([(start, end)] * len(part))
    return Folded("".join(parts), tuple(origin))


def find(text: Folded, needle: Folded, *, whole_word: bool = False) -> Span | None:
    """The first of `find_all`, or None."""
    return next(find_all(text, needle, whole_word=whole_word), None)


def find_all(text: Folded, needle: Folded, *, whole_word: bool = False) -> Iterator[Span]:
    """The spans of the original text that hold `needle`, from left to right; none for an empty needle.

    Args:
        text: where to look.
        needle: what to look for, folded the same way.
        whole_word: where the needle begins or ends with a letter or digit, the character beside it must be none; a
            letter of a script that is written without spaces (Han, kana, Thai, ...) counts as none.
    """
    at = text.text.find(needle.text) if needle.text else -1
    while at >= 0:
        end = at + len(needle.text)
        alone = not whole_word or _stands_alone(text.text, at, end)
        if alone:
            yield text.span(at, end)
        at = text.text.find(needle.text, end if alone else at + 1)


def sentences(text: str) -> list[Span]:
    """Spans of the sentences of `text`; a line break ends one. Blank ones are left out."""
    return [m.span() for m in _SENTENCE.finditer(text) if m.group().strip()]


def evidence(rule: str, text: str, span: Span | None = None) -> Evidence:
    """The rule that decided and, where it stands on a span of `text`, that span."""
    if span is None:
        return Evidence(rule=rule)
    start, end = span
    return Evidence(rule=rule, start=start, end=end, quote=text[start : min(end, start + QUOTE_LIMIT)])


def shorten(text: str, limit: int = 60) -> str:
    """`text` on one line for a sentence in a report, cut with an ellipsis."""
    flat = " ".join(text[: 4 * limit].split())
    return flat if len(flat) <= limit and len(text) <= 4 * limit else flat[: limit - 1] + "…"


def _clusters(text: str) -> list[Span]:
    if not text:
        return []
    starts = [
        i
        for i, c in enumerate(text)
        if i == 0 or not (unicodedata.combining(c) or unicodedata.category(c)[0] == "M" or ord(c) in _HANGUL_TAIL)
    ]
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = start > 0 and _wordy(text[start - 1]) and _wordy(text[start])
    after = end < len(text) and _wordy(text[end]) and _wordy(text[end - 1])
    return not (before or after)


def _wordy(character: str) -> bool:
    return (character.isalnum() or character == "_") and not _UNSPACED.match(character)
