"""Byte-pair encoding from scratch, to be read: learning the merges.

A count is kept for every pair of neighbours, and a heap of pairs. A merge changes only the words that hold its pair,
and only their few counts; nothing is ever counted again. A pair's place in the heap may be out of date: it is looked up
when it comes to the top and put back with its true count (lazy deletion).

Where two pairs are equally frequent, the smaller pair of ids goes first: so does `tokenizers`' trainer, and merges and
ids are equal to its, entry for entry. Two of its habits follow from how it keeps book, and are kept: a joined token
that exists already keeps its id, so two pairs may make one token; and a pair that comes up again after it was merged is
a second entry with words of its own, whose merge then stands at its later rank.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

from weakspot.tracing.pair_encoding import BYTE_OF, Pair, PairEncoding, split_words


class TrainingStep(NamedTuple):
    """One merge learned: the two tokens, what they make, its id, how often they stood together, in how many words."""

    rank: int
    left: str
    right: str
    joined: str
    id: int
    times: int
    words: int


class Trainer:
    """Learns merges from words and their counts.

    Args:
        words: words in letters, with how often each stands in the corpus.
        vocab: how many tokens there shall be, special ones and the alphabet included.
        min_frequency: a pair that stands together less often is not merged.
        whole_alphabet: all 256 letters; otherwise those that were seen.
        special: tokens that take the first ids.
    """

    def __init__(
        self,
        words: Counter[str],
        vocab: int,
        *,
        min_frequency: int = 0,
        whole_alphabet: bool = True,
        special: Sequence[str] = (),
    ) -> None:
        self.vocab, self.min_frequency, self.special = vocab, min_frequency, tuple(dict.fromkeys(special))
        letters = set(BYTE_OF) if whole_alphabet else set().union(*words)
        self.tokens = list(dict.fromkeys([*self.special, *sorted(letters)]))
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self.merges: dict[Pair, int] = {}
        self._words = [[self.ids[letter] for letter in word] for word in words]
        self._times = list(words.values())
        self._counts: defaultdict[Pair, int] = defaultdict(int)
        self._heap: list[tuple[int, Pair, int, list[int]]] = []
        self._entries = 0

    def steps(self) -> Iterator[TrainingStep]:
        """Learn, one merge at a time."""
        self._count()
        rank = 0
        while self._heap and len(self.tokens) < self.vocab:
            noted, pair, entry, where = heappop(self._heap)
            count = self._counts[pair]
            if count != -noted:
                heappush(self._heap, (-count, pair, entry, where))  # out of date: put back with the true count
                continue
            if count < max(1, self.min_frequency):
                return
            left, right = self.tokens[pair[0]], self.tokens[pair[1]]
            new = self.ids.setdefault(left + right, len(self.tokens))
            if new == len(self.tokens):
                self.tokens.append(left + right)
            self.merges.pop(pair, None)  # merged before: the later rank counts
            self.merges[pair] = new
            changed = self._merge(pair, new, where)
            yield TrainingStep(rank, left, right, left + right, new, count, changed)
            rank += 1

    def train(self) -> PairEncoding:
        """Learn to the end."""
        for _ in self.steps():
            pass
        return self.result()

    def result(self) -> PairEncoding:
        """What has been learned so far."""
        return PairEncoding(self.tokens, self.merges, self.special)

    def _count(self) -> None:
        """Count all pairs, once and for all."""
        where: dict[Pair, list[int]] = {}
        for number, word in enumerate(self._words):
            for pair in pairwise(word):
                self._counts[pair] += self._times[number]
                _note(where, pair, number)
        self._queue(where)

    def _queue(self, where: dict[Pair, list[int]]) -> None:
        for pair, numbers in where.items():
            if self._counts[pair] > 0:
                self._entries += 1
                heappush(self._heap, (-self._counts[pair], pair, self._entries, numbers))

    def _merge(self, pair: Pair, new: int, numbers: Sequence[int]) -> int:
        """Merge a pair in the words that hold it, and mend the counts of the neighbours; returns how many changed."""
        left, right = pair
        counts, fresh = self._counts, dict[Pair, list[int]]()
        changed = 0
        for number in numbers:
            word, times, at, found = self._words[number], self._times[number], 0, False
            while (at := _find(word, left, right, at)) >= 0:
                found = True
                if at > 0:
                    before = word[at - 1]
                    counts[before, left] -= times
                    counts[before, new] += times
                    _note(fresh, (before, new), number)
                word[at : at + 2] = [new]
                at += 1
                if at < len(word):
                    counts[right, word[at]] -= times
                    counts[new, word[at]] += times
                    _note(fresh, (new, word[at]), number)
            changed += found
        self._queue(fresh)
        return changed


def _note(where: dict[Pair, list[int]], pair: Pair, number: int) -> None:
    """Remember that a pair stands in a word, once a word: words come one after another."""
    found = where.setdefault(pair, [])
    if not found or found[-1] != number:
        found.append(number)


def _find(word: list[int], left: int, right: int, at: int) -> int:
    """Where a pair stands in a word, from `at` on; -1 where it does not."""
    try:
        while True:
            at = word.index(left, at)
            if word[at + 1] == right:
                return at
            at += 1
    except (ValueError, IndexError):
        return -1


def count_words(texts: Iterable[str | bytes]) -> Counter[str]:
    """The words of many texts with their counts, in letters."""
    counted: Counter[str] = Counter()
    for text in texts:
        counted.update(split_words(text))
    return counted
