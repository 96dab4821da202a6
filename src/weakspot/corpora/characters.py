"""What each code point is, as a number in a table: letters, digits, marks, scripts, and what a detector looks for.

A table is filled where a text needs it, 256 code points at a time.
"""

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

from weakspot.findings.odd_characters import COMPATIBLE, INVISIBLE, NO_SCRIPT, TOGETHER, script_of

LETTER, OTHER, MARK, DECIMAL, JOINER, UNSEEN, COMPATIBILITY = 1, 2, 4, 8, 16, 32, 64
"""A letter; a digit or another number; a mark; a decimal digit (which is OTHER too); ZWNJ and ZWJ; what
`find_invisible` looks for; what `find_forms` looks for."""

WORD = LETTER | OTHER | MARK
BLOCK = 256
EAST = ("HAN", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "CJK")
ELSEWHERE = 1 << len(EAST)
Codes = npt.NDArray[np.uint8]
Points = npt.NDArray[np.int64]


class Table:
    """Numbers by code point: what it is, its script, and its script's part in East Asian writing."""

    def __init__(self) -> None:
        self._kinds = np.zeros(0x110000, np.uint8)
        self._scripts = np.zeros(0x110000, np.uint8)
        self._known = np.zeros(0x110000 // BLOCK, np.bool_)
        self._known_scripts = np.zeros(0x110000 // BLOCK, np.bool_)
        self._names: dict[str, int] = {}
        self._groups = np.zeros(256, np.uint8)

    def kinds(self, points: Points) -> Codes:
        """What each code point is."""
        for block in _new(points, self._known):
            start = block * BLOCK
            self._kinds[start : start + BLOCK] = [_kind(chr(point)) for point in range(start, start + BLOCK)]
        found: Codes = self._kinds[points]
        return found

    def scripts(self, points: Points) -> tuple[Codes, Codes]:
        """The number of each letter's script (0: none of its own), and which East Asian one it is, as a bit."""
        for block in _new(points, self._known_scripts):
            start = block * BLOCK
            self._scripts[start : start + BLOCK] = [self._script(chr(p)) for p in range(start, start + BLOCK)]
        found: Codes = self._scripts[points]
        return found, self._groups[found]

    def _script(self, character: str) -> int:
        if not character.isalnum() or character.isdecimal():
            return 0
        name = script_of(character)
        if name in NO_SCRIPT:
            return 0
        if name not in self._names:
            number = self._names[name] = len(self._names) + 1
            self._groups[number] = 1 << EAST.index(name) if name in EAST else ELSEWHERE
        return self._names[name]


def _new(points: Points, known: npt.NDArray[np.bool_]) -> list[int]:
    blocks = np.flatnonzero(np.bincount(points >> 8, minlength=len(known)).astype(np.bool_) & ~known)
    known[blocks] = True
    found: list[int] = blocks.tolist()
    return found


def _kind(character: str) -> int:
    kind = 0
    if character.isalpha():
        kind |= LETTER
    elif character.isalnum():
        kind |= OTHER
        if character.isdecimal():
            kind |= DECIMAL
    elif character > "\x7f" and unicodedata.category(character)[0] == "M":
        kind |= MARK
    if character in "\u200c\u200d":
        kind |= JOINER
    if INVISIBLE.match(character):
        kind |= UNSEEN
    if COMPATIBLE.match(character):
        kind |= COMPATIBILITY
    return kind


@cache
def table() -> Table:
    """The one table of this process."""
    return Table()


ALLOWED = np.zeros(256, np.bool_)
"""By the bits of a word's East Asian scripts: whether they may stand together."""
for _bits in range(ELSEWHERE):
    _names = {name for place, name in enumerate(EAST) if _bits >> place & 1}
    ALLOWED[_bits] = any(_names <= together for together in TOGETHER)


class Oddities:
    """Which documents of a batch hold characters that a detector of `odd_characters` would look at twice.

    Attributes:
        unseen: documents for `find_invisible`.
        mixed: documents for `find_mixed_scripts`.
        forms: documents for `find_forms`, beside those that are not in NFC.
    """

    def __init__(self, texts: list[str]) -> None:
        self.unseen: set[int] = set()
        self.mixed: set[int] = set()
        self.forms: set[int] = set()
        lines, owners = _lines(texts)
        if not lines:
            return
        sizes = np.fromiter(map(len, lines), np.int64, len(lines)) + 1
        ends = np.cumsum(sizes)
        points = np.frombuffer("\n".join([*lines, ""]).encode("utf-32-le"), "<u4").astype(np.int64)
        kinds = table().kinds(points)

        def owning(places: Points) -> set[int]:
            return {owners[line] for line in np.unique(np.searchsorted(ends, places, "right")).tolist()}

        self.unseen = owning(np.flatnonzero(kinds & UNSEEN))
        self.forms = owning(np.flatnonzero(kinds & COMPATIBILITY))
        self.mixed = owning(_mixed(points, kinds))


def _lines(texts: list[str]) -> tuple[list[str], list[int]]:
    """The lines that are not ASCII: no word, and nothing else that is looked for, goes over a line's end."""
    lines: list[str] = []
    owners: list[int] = []
    for number, text in enumerate(texts):
        if text.isascii():
            continue
        found = [line for line in text.split("\n") if not line.isascii()]
        lines += found
        owners += [number] * len(found)
    return lines, owners


def _mixed(points: Points, kinds: Codes) -> Points:
    """Where words begin whose letters are of several scripts that do not belong together."""
    letters = ((kinds & (LETTER | OTHER)) != 0) & ((kinds & DECIMAL) == 0)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], letters.view(np.int8), [0]))))
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return begins
    inside = points[letters]
    scripts, groups = table().scripts(inside)
    first = np.concatenate(([0], np.cumsum(ends - begins)[:-1]))
    highest = np.maximum.reduceat(scripts, first)
    lowest = np.minimum.reduceat(np.where(scripts == 0, 255, scripts), first)
    together = np.bitwise_or.reduceat(groups, first)
    found: Points = begins[(highest > lowest) & ~ALLOWED[together]]
    return found
