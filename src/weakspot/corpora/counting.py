"""Figures of many documents at once: words and their pieces, unknown tokens, byte fallback, how numbers are cut.

A word is a run of letters, marks and digits (and joiners between them) with a letter in it, as in
`weakspot.findings.measures`; a number is a run of four ASCII digits and more.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from weakspot.corpora.characters import BLOCK, DECIMAL, JOINER, LETTER, OTHER, WORD, table
from weakspot.corpora.laying import Flags, Laid, Places
from weakspot.findings.odd_words import LEAST_DIGITS, WORD_BYTE, digit_grouping
from weakspot.findings.profile import Profile
from weakspot.tokens.vocabulary import Vocabulary

CONTROL = 128
"""An ASCII character that `find_invisible` stops at."""


def _ascii_kind(byte: int) -> int:
    if chr(byte).isalpha():
        return LETTER
    if chr(byte).isdigit():
        return OTHER | DECIMAL
    return 0 if 32 <= byte < 127 or byte in b"\t\n\r" else CONTROL


_ASCII = bytes(map(_ascii_kind, range(128)))
_BY_BYTE = _ASCII + bytes(BLOCK - len(_ASCII))
_JOINERS = re.compile(rb"(?:\xe2\x80[\x8c\x8d])+")
_WORD_BYTES = WORD_BYTE.tobytes()

STEERS, UNKNOWN, BYTE, FRAGMENT, JOINS = 1, 2, 4, 8, 16
"""A token that steers; stands for what has no token; is a byte; is no whole UTF-8; joins signs."""


def token_kinds(vocabulary: Vocabulary, profile: Profile) -> npt.NDArray[np.uint8]:
    """What each id is, shape (size + 1,); the last row is for ids outside the vocabulary."""
    found = np.zeros(max(vocabulary.size, 1) + 1, np.uint8)
    for flags, bit in (
        (profile.steering, STEERS),
        (profile.unknown, UNKNOWN),
        (profile.byte, BYTE),
        (profile.structural > 0, JOINS),
    ):
        found[:-1][: len(flags)] |= np.where(flags, bit, 0).astype(np.uint8)
    for token in vocabulary:
        if token.kind == "byte" or _is_broken(token.data):
            found[token.id] |= FRAGMENT
    return found


def _is_broken(data: bytes) -> bool:
    if data.isascii():
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return False


class Numbers(NamedTuple):
    """Runs of digits: where they lie in the laid bytes, and how each is cut, as a place in `CUTS`; shape (numbers,)."""

    starts: Places
    ends: Places
    cuts: Places


CUTS = ("whole", "single", "thousands", "even", "from-left", "uneven")
WHOLE, SINGLE, THOUSANDS, EVEN, FROM_LEFT, UNEVEN = range(6)


class Counted:
    """Figures of laid documents; every array has the shape (documents,).

    Args:
        laid: the documents.
        kinds: what each id is (`token_kinds`).
        straight: whether no two tokens overlap and none stands for nothing.
    """

    def __init__(self, laid: Laid, kinds: npt.NDArray[np.uint8], *, straight: bool) -> None:
        self._laid = laid
        self._straight = straight
        self.kinds = kinds[laid.ids]
        self._bounds = np.append(laid.begins, len(laid.data))

    @cached_property
    def tokens(self) -> Places:
        """How many ids."""
        found: Places = np.diff(self._laid.first)
        return found

    @cached_property
    def characters(self) -> Places:
        """How many code points."""
        return np.fromiter(map(len, self._laid.texts), np.int64, len(self._laid.texts))

    @property
    def words(self) -> Places:
        """How many words."""
        return self._words[0]

    @property
    def pieces(self) -> Places:
        """How many tokens reach into words; one that reaches into two counts twice."""
        return self._words[1]

    @cached_property
    def unknown(self) -> Places:
        """How many unknown tokens."""
        return self._per_document_of_tokens(UNKNOWN)

    @cached_property
    def fallback(self) -> Places:
        """How many tokens that are bytes, or no whole UTF-8 by themselves."""
        return self._per_document_of_tokens(FRAGMENT)

    @cached_property
    def bits(self) -> npt.NDArray[np.uint8]:
        """What is among each document's tokens, as bits."""
        found = np.zeros(len(self._laid.texts), np.uint8)
        filled = np.flatnonzero(self.tokens > 0)
        if len(filled):
            found[filled] = np.bitwise_or.reduceat(self.kinds, self._laid.first[filled])
        return found

    @cached_property
    def kinds_of_bytes(self) -> npt.NDArray[np.uint8]:
        """What each byte's character is, shape (bytes,): bits of `weakspot.corpora.characters`."""
        data = self._laid.data
        if data.isascii():
            return np.frombuffer(data.translate(_BY_BYTE), np.uint8)
        found = np.frombuffer(data.translate(_BY_BYTE), np.uint8).copy()
        raw = self._laid.raw
        leads = np.flatnonzero(raw >= 0xC0)
        sizes = 2 + (raw[leads] >= 0xE0) + (raw[leads] >= 0xF0)
        points = raw[leads].astype(np.int64) & (0x7F >> sizes)
        for step in range(1, 4):
            more = sizes > step
            points[more] = points[more] << 6 | (raw[leads[more] + step] & 0x3F)
        kinds = table().kinds(points)
        found[leads] = kinds
        for step in range(1, 4):
            more = sizes > step
            found[leads[more] + step] = kinds[more]
        if np.any(kinds & JOINER):
            self._join(found)
        return found

    @cached_property
    def controlled(self) -> set[int]:
        """Documents with an odd ASCII character."""
        places = np.flatnonzero(self.kinds_of_bytes & CONTROL)
        return set(self._laid.document_of_byte(places).tolist()) if len(places) else set()

    @cached_property
    def numbers(self) -> Numbers:
        """Runs of four digits and more."""
        laid = self._laid
        digit = (laid.raw - np.uint8(48)) < 10
        long = digit[3:] & digit[2:-1] & digit[1:-2] & digit[:-3]
        starts = np.flatnonzero(long[1:] & ~digit[:-4]) + 1
        ends = np.flatnonzero(long[:-1] & ~digit[4:]) + 4
        if not len(starts):
            return Numbers(starts, ends, starts)
        low = np.searchsorted(laid.ends, starts, "right")
        many = np.searchsorted(laid.starts, ends, "left") - low
        if self._straight:
            return Numbers(starts, ends, _cuts(laid, (starts, ends), low, many))
        rows = zip(starts.tolist(), ends.tolist(), low.tolist(), many.tolist(), strict=True)
        cuts = [_cut(laid.starts[first : first + count].tolist(), start, end) for start, end, first, count in rows]
        return Numbers(starts, ends, np.asarray(cuts, np.int64))

    @property
    def groupings(self) -> dict[str, int]:
        """How numbers are cut, by how many."""
        return dict(zip(CUTS, np.bincount(self.numbers.cuts, minlength=len(CUTS)).tolist(), strict=True))

    @cached_property
    def inside(self) -> Flags:
        """Which bytes belong to runs of letters, marks and digits, shape (bytes,)."""
        found: Flags = (self.kinds_of_bytes & WORD) != 0
        return found

    @cached_property
    def edges(self) -> Places:
        """Where those runs begin and end, in turns."""
        found: Places = np.flatnonzero(self.inside[1:] != self.inside[:-1]) + 1
        return found

    @cached_property
    def inner(self) -> Flags:
        """Which tokens begin inside such a run, shape (tokens,)."""
        found: Flags = self.inside[self._laid.starts] & self.inside[self._laid.starts - 1]
        return found

    @cached_property
    def _words(self) -> tuple[Places, Places]:
        inside = self.inside
        begins, ends = self.edges[::2], self.edges[1::2]
        bare = inside & ((self.kinds_of_bytes & LETTER) == 0)  # digits and marks: alone, they are no word
        edges = np.flatnonzero(bare[1:] != bare[:-1]) + 1
        low, high = edges[::2], edges[1::2]
        alone = ~inside[low - 1] & ~inside[high]
        low, high = low[alone], high[alone]
        words = self._per_document(begins) - self._per_document(low)
        if self._straight:
            inner = self._laid.starts[self.inner]
            of_bare = np.searchsorted(inner, high) - np.searchsorted(inner, low)
            inner_bare = np.zeros_like(words)
            np.add.at(inner_bare, self._laid.document_of_byte(low), of_bare)
            return words, words + self._per_document(inner) - inner_bare
        return words, self._overlaps(begins, ends) - self._overlaps(low, high)

    def _overlaps(self, begins: Places, ends: Places) -> Places:
        """How many tokens reach into stretches, per document."""
        wide = self._laid.ends > self._laid.starts
        lows, highs = self._laid.starts[wide], self._laid.ends[wide]
        many = np.searchsorted(lows, ends, "left") - np.searchsorted(highs, begins, "right")
        found = np.zeros(len(self._laid.texts), np.int64)
        np.add.at(found, self._laid.document_of_byte(begins), np.maximum(many, 0))
        return found

    def _per_document(self, places: Places) -> Places:
        """How many of sorted places in the bytes each document has."""
        found: Places = np.diff(np.searchsorted(places, self._bounds))
        return found

    def _per_document_of_tokens(self, bit: int) -> Places:
        found: Places = np.diff(np.searchsorted(np.flatnonzero(self.kinds & bit), self._laid.first))
        return found

    def _join(self, found: npt.NDArray[np.uint8]) -> None:
        """Joiners belong to a word only between two of its characters."""
        for match in _JOINERS.finditer(self._laid.data):
            start, end = match.span()
            if found[start - 1] & WORD and found[end] & WORD:
                found[start:end] |= OTHER


def _cuts(laid: Laid, places: tuple[Places, Places], low: Places, many: Places) -> Places:
    """How numbers are cut, all at once: the same as `_cut`, for tokens that do not overlap.

    Args:
        laid: the documents.
        places: where the numbers begin and end.
        low: the first token of each.
        many: how many tokens each has.
    """
    first = np.concatenate(([0], np.cumsum(many)[:-1]))
    tokens = np.arange(int(many.sum())) - np.repeat(first - low, many)
    sizes = np.minimum(laid.ends[tokens], np.repeat(places[1], many))
    sizes -= np.maximum(laid.starts[tokens], np.repeat(places[0], many))
    last = first + many - 1
    head, tail = sizes[first], sizes[last]
    widest, least = np.maximum.reduceat(sizes, first), np.minimum.reduceat(sizes, first)
    without_first, without_last = sizes.copy(), sizes.copy()
    without_first[first] = 3
    without_last[last] = widest
    in_threes = (np.minimum.reduceat(without_first, first) == 3) & (np.maximum.reduceat(without_first, first) == 3)
    full = np.minimum.reduceat(without_last, first) == widest
    found: Places = np.select(
        [many == 1, widest == 1, in_threes & (head <= 3), widest == least, full & (tail < widest)],
        [WHOLE, SINGLE, THOUSANDS, EVEN, FROM_LEFT],
        UNEVEN,
    )
    return found


def _cut(starts: Sequence[int], start: int, end: int) -> int:
    """How one number is cut by tokens that may overlap, as a place in `CUTS`."""
    edges = [start, *sorted({edge for edge in starts if start < edge < end}), end]
    groups = [b - a for a, b in pairwise(edges)]
    if len(groups) == 1:
        return WHOLE
    if max(groups) == 1:
        return SINGLE
    if set(groups[1:]) == {3} and groups[0] <= 3:
        return THOUSANDS
    return CUTS.index(digit_grouping(groups, fraction=False) or "even")


def suspect_words(laid: Laid, counted: Counted, least: int) -> tuple[Places, Places, Places]:
    """Where stretches of word bytes that hold `least` tokens and more begin and end, and how many they hold.

    For documents whose tokens do not overlap. Three tokens in a row that begin inside a word are looked for first:
    most words have fewer, and are never looked at. A word byte is as in `find_shattered`: an ASCII letter or digit, or
    any byte of a longer character.
    """
    starts, edges, inner = laid.starts, counted.edges, counted.inner
    if not laid.data.isascii():
        inside = np.frombuffer(laid.data.translate(_WORD_BYTES), np.bool_)
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        inner = inside[starts] & inside[starts - 1]
    many = max(len(inner) - least + 2, 0)
    rows = inner[:many].copy()
    for step in range(1, least - 1):
        rows &= inner[step : many + step]
    hits = starts[np.flatnonzero(rows)]
    runs = np.searchsorted(edges[::2], hits, "right") - 1
    runs = runs[np.flatnonzero(np.diff(runs, prepend=-1))]
    begins, ends = edges[::2][runs], edges[1::2][runs]
    counts = np.searchsorted(starts, ends, "left") - np.searchsorted(laid.ends, begins, "right")
    return begins, ends, counts


assert LEAST_DIGITS == 4  # noqa: S101 - `numbers` looks for four digits in a row
