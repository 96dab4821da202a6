"""Detectors over words: shattered words, numbers cut unevenly, signs of structure merged with their neighbours.

Words are found on bytes, all at once: a letter is an ASCII letter or digit or any byte of a longer character.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

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
_WORD = np.zeros(256, np.bool_)
_WORD[128:] = True
_WORD[[*range(48, 58), *range(65, 91), *range(97, 123)]] = True
_DIGIT = np.zeros(256, np.bool_)
_DIGIT[48:58] = True


def find_shattered(document: Document) -> Iterator[TokenFinding]:
    """Words whose pieces hold less than half of the characters that this tokenizer's pieces of common words hold.

    Source of "usual": the mean over 100 common English words (`weakspot.findings.profile.COMMON_WORDS`). Words of
    fewer than 4 pieces or 3 letters are left alone. Where a script writes no spaces, a stretch counts when it has more
    pieces than characters.
    """
    usual = document.profile.usual.characters
    starts, ends = _runs(_WORD[document.raw])
    counts = _tokens(document, starts, ends)
    lengths = ends - starts
    least = max(usual / 2, 1) * 4  # bytes: a character has at most 4
    suspects = np.flatnonzero((counts >= LEAST_PIECES) & (lengths < counts * least))
    for place in suspects.tolist():
        start, end, pieces = int(starts[place]), int(ends[place]), int(counts[place])
        word = document.at(start, end)
        unspaced = UNSPACED.search(word) is not None
        letters = sum(map(str.isalpha, word))
        if letters < (2 if unspaced else LEAST_LETTERS) or letters * 2 <= len(word):
            continue
        limit = 1.0 if unspaced else usual / 2
        if len(word) / pieces >= limit:
            continue
        ids = [int(document.ids[token]) for token in document.tokens_in(start, end)]
        message = (
            f"{quoted(word)} is cut into {pieces} pieces of {len(word) / pieces:.1f} characters; usual are {usual:.1f}."
        )
        severity = 3 if pieces >= MANY_PIECES or len(word) <= pieces else 2
        bare = document.finding("shattered-word", (start, end), severity, "model", message)
        yield said(bare, word=word[:200], pieces=pieces, characters=len(word), usual=round(usual, 2), ids=ids[:50])


def find_digits(document: Document) -> Iterator[TokenFinding]:
    """Numbers of four digits and more whose pieces do not follow the thousands: cut from the left, or unevenly.

    Left alone: one piece, single digits, pieces of one size, and thousands from the right. Behind a decimal point
    digits count from the left, so only uneven cuts are told.
    """
    starts, ends = _runs(_DIGIT[document.raw])
    longer = (ends - starts) >= LEAST_DIGITS
    for start, end in zip(starts[longer].tolist(), ends[longer].tolist(), strict=True):
        groups = _groups(document, start, end)
        fraction = start >= 2 and document.data[start - 1 : start] == b"." and _DIGIT[document.data[start - 2]]
        if (how := _grouping(groups, fraction=bool(fraction))) is None:
            continue
        number = document.data[start:end].decode()
        pieces = _cut(number, groups)
        words = "from the left, so that its thousands do not line up" if how == "from-left" else "unevenly"
        message = f"The number {quoted(number)} is cut {words}: {' '.join(pieces[:20])}."
        bare = document.finding("digit-grouping", (start, end), 2 if how == "from-left" else 3, "model", message)
        yield said(bare, number=number[:200], groups=groups[:50], how=how)


def _groups(document: Document, start: int, end: int) -> list[int]:
    """How many of the digits each token holds."""
    edges = sorted({start, end, *(int(document.starts[token]) for token in document.tokens_in(start, end))})
    inside = [edge for edge in edges if start <= edge <= end]
    return [right - left for left, right in pairwise(inside)]


def _grouping(groups: list[int], *, fraction: bool) -> str | None:
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
    table = document.profile.structural
    places = np.flatnonzero(table[np.minimum(document.ids, len(table) - 1)])
    if not len(places) or JSON_OR_CODE.search(document.data) is None:
        return
    tokens, first, counts = np.unique(document.ids[places], return_index=True, return_counts=True)
    for token, at, count in sorted(
        zip(tokens.tolist(), first.tolist(), counts.tolist(), strict=True), key=lambda x: x[1]
    ):
        place = int(places[at])
        span = int(document.starts[place]), int(document.ends[place])
        shown = quoted(document.tokenizer.vocabulary[token].data.decode("utf-8", "replace"))
        strong = int(table[token]) == 2
        often = "once" if count == 1 else f"{count:,} times"
        message = f"The signs {shown} are one token ({often}): the model can't give one without the other."
        bare = document.finding("structural-merge", span, 2 if strong else 1, "model", message)
        yield said(bare, token=document.tokenizer.vocabulary[token].text, id=token, times=count)


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
