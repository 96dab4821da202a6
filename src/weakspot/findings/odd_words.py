"""Detectors over words: shattered words, numbers cut unevenly, signs of structure merged with their neighbours.

Words are found on bytes, all at once: a letter is an ASCII letter or digit or any byte of a longer character.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from weakspot.findings.document import Document, Places, quoted, said
from weakspot.records import TokenFinding

LEAST_PIECES = 4
"""A word of fewer pieces is never called shattered."""

MANY_PIECES = 8
LEAST_DIGITS = 4
LEAST_LETTERS = 3
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Scripts that write no spaces between words: a stretch of them is no single word, so it is measured by characters."""

JSON_OR_CODE = re.compile(rb"[{}\[\]]|=|;\n")
WORD_BYTE = np.zeros(256, np.bool_)
"""By byte: whether it belongs to a word."""
WORD_BYTE[128:] = True
WORD_BYTE[[*range(48, 58), *range(65, 91), *range(97, 123)]] = True
_DIGIT = np.zeros(256, np.bool_)
_DIGIT[48:58] = True


def find_shattered(document: Document) -> Iterator[TokenFinding]:
    """Words whose pieces hold less than half of the characters that this tokenizer's pieces of common words hold.

    Source of "usual": the mean over 100 common English words (`weakspot.findings.profile.COMMON_WORDS`). Words of
    fewer than 4 pieces or 3 letters are left alone. Where a script writes no spaces, a stretch counts when it has more
    pieces than characters.
    """
    usual = document.profile.usual.characters
    starts, ends = _runs(WORD_BYTE[document.raw])
    counts = _tokens(document, starts, ends)
    for place in np.flatnonzero(suspicious(counts, ends - starts, usual)).tolist():
        start, end, pieces = int(starts[place]), int(ends[place]), int(counts[place])
        word = document.at(start, end)
        if is_shattered(word, pieces, usual):
            yield tell_shattered(document, (start, end), word, pieces)


def suspicious(counts: Places, lengths: Places, usual: float) -> npt.NDArray[np.bool_]:
    """Which words, by their tokens and bytes, are worth a closer look; a character has at most 4 bytes."""
    found: npt.NDArray[np.bool_] = (counts >= LEAST_PIECES) & (lengths < counts * (max(usual / 2, 1) * 4))
    return found


def is_shattered(word: str, pieces: int, usual: float) -> bool:
    """Whether a word is cut into so many pieces that it counts as shattered."""
    unspaced = not word.isascii() and UNSPACED.search(word) is not None
    letters = sum(map(str.isalpha, word))
    if letters < (2 if unspaced else LEAST_LETTERS) or letters * 2 <= len(word):
        return False
    return len(word) / pieces < (1.0 if unspaced else usual / 2)


def shattered_severity(word: str, pieces: int) -> int:
    """3 for many pieces, or pieces of a character and less; else 2."""
    return 3 if pieces >= MANY_PIECES or len(word) <= pieces else 2


def tell_shattered(document: Document, place: tuple[int, int], word: str, pieces: int) -> TokenFinding:
    """The finding about a shattered word."""
    usual = document.profile.usual.characters
    ids = [int(document.ids[token]) for token in document.tokens_in(*place)]
    message = (
        f"{quoted(word)} is cut into {pieces} pieces of {len(word) / pieces:.1f} characters; usual are {usual:.1f}."
    )
    bare = document.finding("shattered-word", place, shattered_severity(word, pieces), "model", message)
    return said(bare, word=word[:200], pieces=pieces, characters=len(word), usual=round(usual, 2), ids=ids[:50])


def find_digits(document: Document) -> Iterator[TokenFinding]:
    """Numbers of four digits and more whose pieces do not follow the thousands: cut from the left, or unevenly.

    Left alone: one piece, single digits, pieces of one size, and thousands from the right. Behind a decimal point
    digits count from the left, so only uneven cuts are told.
    """
    starts, ends = _runs(_DIGIT[document.raw])
    longer = (ends - starts) >= LEAST_DIGITS
    for start, end in zip(starts[longer].tolist(), ends[longer].tolist(), strict=True):
        groups = digit_groups(document, start, end)
        fraction = start >= 2 and document.data[start - 1 : start] == b"." and _DIGIT[document.data[start - 2]]
        if (how := digit_grouping(groups, fraction=bool(fraction))) is None:
            continue
        yield tell_digits(document, (start, end), groups, how)


def tell_digits(document: Document, place: tuple[int, int], groups: list[int], how: str) -> TokenFinding:
    """The finding about a number that is cut `from-left` or `uneven`."""
    number = document.data[place[0] : place[1]].decode()
    pieces = _cut(number, groups)
    words = "from the left, so that its thousands do not line up" if how == "from-left" else "unevenly"
    message = f"The number {quoted(number)} is cut {words}: {' '.join(pieces[:20])}."
    bare = document.finding("digit-grouping", place, digits_severity(how), "model", message)
    return said(bare, number=number[:200], groups=groups[:50], how=how)


def digits_severity(how: str) -> int:
    """2 for a cut from the left, 3 for an uneven one."""
    return 2 if how == "from-left" else 3


def digit_groups(document: Document, start: int, end: int) -> list[int]:
    """How many of a number's digits each token holds."""
    edges = sorted({start, end, *(int(document.starts[token]) for token in document.tokens_in(start, end))})
    inside = [edge for edge in edges if start <= edge <= end]
    return [right - left for left, right in pairwise(inside)]


def digit_grouping(groups: list[int], *, fraction: bool) -> str | None:
    """How a number is cut, where that is odd: `from-left` or `uneven`; None where it is not."""
    first, last, widest = groups[0], groups[-1], max(groups)
    if len(groups) < 2 or widest == 1 or len(set(groups)) == 1:
        return None
    if set(groups[1:]) == {3} and first < 3:
        return None
    if set(groups[:-1]) == {widest} and last < widest:
        return None if fraction else "from-left"
    return "uneven"


def _cut(number: str, groups: list[int]) -> list[str]:
    at, pieces = 0, []
    for size in groups:
        pieces.append(number[at : at + size])
        at += size
    return pieces


def find_structure(document: Document) -> Iterator[TokenFinding]:
    """Tokens that join signs of JSON or code with each other or with a name, in texts that hold brackets or code.

    One finding for each such token, at its first place, with its number of places.
    """
    for spot in structure_spots(document):
        yield tell_structure(document, spot)


class Joint(NamedTuple):
    """A token that joins signs: its first place in the row of ids, its id, how often it stands there, how bad it is."""

    place: int
    token: int
    times: int
    severity: int


def structure_spots(document: Document) -> list[Joint]:
    """The tokens of a text that join signs, in the order of their first places; none where it holds no code."""
    table = document.profile.structural
    joins = table[np.minimum(document.ids, len(table) - 1)]
    places = np.flatnonzero(joins)
    if not len(places) or JSON_OR_CODE.search(document.data) is None:
        return []
    first, at, times = np.unique(document.ids[places], return_index=True, return_counts=True)
    order = np.argsort(at)
    rows = zip(places[at[order]].tolist(), first[order].tolist(), times[order].tolist(), strict=True)
    return [Joint(place, token, many, 2 if table[token] == 2 else 1) for place, token, many in rows]


def tell_structure(document: Document, joint: Joint) -> TokenFinding:
    """The finding about a token that joins signs."""
    span = int(document.starts[joint.place]), int(document.ends[joint.place])
    entry = document.tokenizer.vocabulary[joint.token]
    shown = quoted(entry.data.decode("utf-8", "replace"))
    often = "once" if joint.times == 1 else f"{joint.times:,} times"
    message = f"The signs {shown} are one token ({often}): the model can't give one without the other."
    bare = document.finding("structural-merge", span, joint.severity, "model", message)
    return said(bare, token=entry.text, id=joint.token, times=joint.times)


def _runs(inside: npt.NDArray[np.bool_]) -> tuple[Places, Places]:
    """Where stretches of true values begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], inside.astype(np.int8), [0]))))
    return edges[::2], edges[1::2]


def _tokens(document: Document, starts: Places, ends: Places) -> Places:
    """How many tokens share a byte with each stretch."""
    first = np.searchsorted(document.ends, starts, "right")
    last = np.searchsorted(document.starts, ends, "left")
    found: Places = np.maximum(last - first, 0)
    return found
