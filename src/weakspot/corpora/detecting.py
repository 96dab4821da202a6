"""Findings of a batch of documents that come back as they were: the detectors of `weakspot.findings`, but asked only
where a look at the whole batch says that they would find something.

What is found in a document is what `weakspot.findings.viewing.view_text` finds there; each detector's own code says so.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from weakspot.corpora.characters import Oddities
from weakspot.corpora.counting import BYTE, CUTS, FROM_LEFT, JOINS, STEERS, UNEVEN, UNKNOWN, Counted, suspect_words
from weakspot.corpora.laying import Laid
from weakspot.findings.document import Document, few, few_of
from weakspot.findings.odd_boundaries import ending_of, find_unstable_end
from weakspot.findings.odd_characters import find_forms, find_invisible, find_mixed_scripts
from weakspot.findings.odd_pieces import find_literals, find_special, find_split_characters
from weakspot.findings.odd_words import (
    JSON_OR_CODE,
    LEAST_PIECES,
    digit_groups,
    digits_severity,
    is_shattered,
    shattered_severity,
    structure_spots,
    suspicious,
    tell_digits,
    tell_shattered,
    tell_structure,
)
from weakspot.findings.profile import profile_of
from weakspot.records import TokenFinding
from weakspot.tokens.face import Tokenizer

POINT = 46
SHORT = 40
"""Characters up to which a text's ids are remembered."""
Spot = tuple[int, int, int]
Ids = dict[str, list[int]]


class Sight(NamedTuple):
    """Findings of one code in one document: how many and how bad, and how to tell them."""

    code: str
    many: int
    severity: int
    told: Callable[[], Iterator[TokenFinding]]


class Shattered(NamedTuple):
    """A shattered word and where it lies in the laid bytes."""

    start: int
    end: int
    word: str
    pieces: int


class Slice(Document):
    """A document of a batch: its arrays are cut out of the batch's; ids of endings are looked up in the batch's own.

    Ids of other short texts, such as a ligature and what it folds to, are remembered: a corpus asks for few, often.
    """

    def __init__(self, tokenizer: Tokenizer, laid: Laid, row: int, endings: Ids) -> None:
        super().__init__(tokenizer, laid.texts[row], None)
        first, last = int(laid.first[row]), int(laid.first[row + 1])
        begin = int(laid.begins[row])
        self.data = laid.data[begin : begin + int(laid.sizes[row])]
        self.ids = laid.ids[first:last]
        self.starts = laid.starts[first:last] - begin
        self.ends = laid.ends[first:last] - begin
        self._endings = endings

    def ids_of(self, text: str) -> list[int]:
        """The ids that the tokenizer gives another text."""
        found = self._endings.get(text)
        if found is None:
            found = super().ids_of(text)
            if len(text) <= SHORT:
                self._endings[text] = found
        return found


class Detector:
    """Looks through one batch.

    Args:
        tokenizer: the tokenizer.
        laid: the documents.
        counted: their figures.
        endings: ids of the documents' ends and of their continuations (`endings_of`).
        usual: characters per piece in common words.
        judged: words that were judged before, by (word, pieces); grows.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        laid: Laid,
        counted: Counted,
        *,
        endings: Ids,
        usual: float,
        judged: dict[tuple[bytes, int], bool],
    ) -> None:
        self._tokenizer = tokenizer
        self._laid = laid
        self._counted = counted
        self._endings = endings
        self._usual = usual
        self._judged = judged
        self._oddities = Oddities(laid.texts)
        self._literal = any("<0x" in text for text in laid.texts)
        self._has_forms = {row for row, text in enumerate(laid.texts) if _composable(text)} | self._oddities.forms
        self._numbers, self._first_numbers = self._odd_numbers()

    def document(self, row: int) -> Slice:
        """A document, as detectors take it."""
        return Slice(self._tokenizer, self._laid, row, self._endings)

    @cached_property
    def shattered(self) -> dict[int, list[Shattered]]:
        """Shattered words by document."""
        laid = self._laid
        begins, ends, counts = suspect_words(laid, self._counted, LEAST_PIECES)
        worth = np.flatnonzero(suspicious(counts, ends - begins, self._usual))
        rows = laid.document_of_byte(begins[worth]).tolist()
        found: dict[int, list[Shattered]] = {}
        places = zip(begins[worth].tolist(), ends[worth].tolist(), counts[worth].tolist(), rows, strict=True)
        for start, end, pieces, row in places:
            key = laid.data[start:end], pieces
            if (is_one := self._judged.get(key)) is None:
                is_one = self._judged[key] = is_shattered(key[0].decode(), pieces, self._usual)
            if is_one:
                found.setdefault(row, []).append(Shattered(start, end, key[0].decode(), pieces))
        return found

    def sights(self, row: int, document: Slice) -> Iterator[Sight]:
        """The findings of one code after the other, for the codes that are many."""
        begin = int(self._laid.begins[row])
        if words := self.shattered.get(row):
            yield _shattered_sight(document, words, begin)
        if numbers := self._numbers[self._first_numbers[row] : self._first_numbers[row + 1]]:
            yield _number_sight(document, numbers)
        if (many := self._joints[0][row]) and JSON_OR_CODE.search(document.data) is not None:
            worst = 2 if self._joints[1][row] else 1
            yield Sight("structural-merge", many, worst, lambda: _tell_joints(document))

    def rest(self, row: int, document: Slice, *, goes_on: bool) -> Iterator[TokenFinding]:
        """The findings of all other detectors."""
        for detector in self._asked(row, document, goes_on=goes_on):
            yield from few(detector(document))

    def _asked(
        self, row: int, document: Slice, *, goes_on: bool
    ) -> Iterator[Callable[[Document], Iterable[TokenFinding]]]:
        bits = self._counted.bits[row]
        if bits & (STEERS | UNKNOWN):
            yield find_special
        plain = document.text.isascii()
        if bits & BYTE or (not plain and _cut_inside(document)):
            yield find_split_characters
        if not plain or (self._literal and "<0x" in document.text):
            yield find_literals
        if row in self._oddities.unseen or row in self._counted.controlled:
            yield find_invisible
        if row in self._oddities.mixed:
            yield find_mixed_scripts
        if row in self._has_forms:
            yield find_forms
        if not goes_on:
            yield find_unstable_end

    @cached_property
    def _joints(self) -> tuple[list[int], list[int]]:
        """How many different tokens that join signs each document has, and how many of those are of the worse sort."""
        laid, many = self._laid, len(self._laid.texts)
        places = np.flatnonzero(self._counted.kinds & JOINS)
        size = self._tokenizer.vocabulary.size + 1
        pairs = np.unique(laid.document_of_token(places) * size + laid.ids[places])
        rows = pairs // size
        worse = profile_of(self._tokenizer).structural[pairs % size] == 2
        return np.bincount(rows, minlength=many).tolist(), np.bincount(rows[worse], minlength=many).tolist()

    def _odd_numbers(self) -> tuple[list[Spot], list[int]]:
        """Numbers that are cut oddly, as spots in their documents, and which is each document's first."""
        laid, numbers = self._laid, self._counted.numbers
        raw = laid.raw
        fraction = (raw[numbers.starts - 1] == POINT) & ((raw[numbers.starts - 2] - np.uint8(48)) < 10)
        odd = (numbers.cuts == UNEVEN) | ((numbers.cuts == FROM_LEFT) & ~fraction)  # a fraction counts from the left
        starts, ends = numbers.starts[odd], numbers.ends[odd]
        rows = laid.document_of_byte(starts)
        begins = laid.begins[rows]
        severities = [digits_severity(CUTS[cut]) for cut in numbers.cuts[odd].tolist()]
        spots = list(zip((starts - begins).tolist(), (ends - begins).tolist(), severities, strict=True))
        return spots, np.searchsorted(rows, np.arange(len(laid.texts) + 1)).tolist()


def endings_of(texts: Iterable[str]) -> list[str]:
    """Every text whose ids `find_unstable_end` asks for, each once."""
    found: dict[str, None] = {}
    for text in texts:
        if text.strip():
            tail, tries = ending_of(text)
            found[tail] = None
            found.update((tail + more, None) for more in tries)
    return list(found)


def _composable(text: str) -> bool:
    return not text.isascii() and not unicodedata.is_normalized("NFC", text)


def _cut_inside(document: Document) -> bool:
    """Whether a token begins inside a character."""
    inner = document.starts[(document.starts > 0) & (document.starts < len(document.raw))]
    return bool(np.any((document.raw[inner] & 0xC0) == 0x80))


def _shattered_sight(document: Slice, words: Sequence[Shattered], begin: int) -> Sight:
    spots = [(w.start - begin, w.end - begin, shattered_severity(w.word, w.pieces)) for w in words]

    def tell(number: int) -> TokenFinding:
        return tell_shattered(document, spots[number][:2], words[number].word, words[number].pieces)

    return _sight("shattered-word", spots, tell)


def _number_sight(document: Slice, spots: Sequence[Spot]) -> Sight:
    def tell(number: int) -> TokenFinding:
        start, end, severity = spots[number]
        how = "from-left" if severity == digits_severity("from-left") else "uneven"
        return tell_digits(document, (start, end), digit_groups(document, start, end), how)

    return _sight("digit-grouping", spots, tell)


def _sight(code: str, spots: Sequence[Spot], tell: Callable[[int], TokenFinding]) -> Sight:
    return Sight(code, len(spots), max(severity for _, _, severity in spots), lambda: few_of(spots, tell))


def _tell_joints(document: Slice) -> Iterator[TokenFinding]:
    joints = structure_spots(document)
    spots = [(int(document.starts[j.place]), int(document.ends[j.place]), j.severity) for j in joints]
    return few_of(spots, lambda number: tell_structure(document, joints[number]))
