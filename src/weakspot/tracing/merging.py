"""Merging pairs inside one word, step by step: the heart of byte-pair encoding.

The best pair goes first (lowest rank or highest score), of equals the leftmost. A heap holds the candidates and a
linked list the symbols, so a word of n symbols costs n log n. A candidate whose part another merge takes is not
forgotten but kept as blocked, with the merge that took it: that is what an explanation is made of.

It knows neither vocabularies nor text: symbols are whatever the rule can join.
"""

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
Rule = Callable[[T, T], tuple[float, T] | None]
"""What joining two symbols gives: (order, joined symbol), the lowest order first; None where they can't be joined."""


class Join(NamedTuple, Generic[T]):
    """One merge that fired.

    Attributes:
        order: what put it first: a rank, or a score with its sign turned.
        at: which of the starting symbols its left part begins with.
        middle: which one its right part begins with.
        end: which one comes behind it; the number of symbols where none does.
    """

    order: float
    at: int
    middle: int
    end: int
    left: T
    right: T
    joined: T


class Blocked(NamedTuple, Generic[T]):
    """A merge that could have fired but lost a part to another one first; `by` is that one's place among the joins."""

    join: Join[T]
    by: int


class Merged(NamedTuple, Generic[T]):
    """What became of a word: the symbols left, where each begins among the starting ones, and how it came so."""

    symbols: list[T]
    starts: list[int]
    joins: list[Join[T]]
    blocked: list[Blocked[T]]


class _Word(Generic[T]):
    """A word as a linked list of symbols, with the candidate that joins each symbol and its right neighbour."""

    def __init__(self, symbols: Sequence[T], rule: Rule[T]) -> None:
        self.size = len(symbols)
        self.rule: Rule[T] = rule
        self.parts: list[T] = list(symbols)
        self.after = list(range(1, self.size + 1))
        self.before = list(range(-1, self.size - 1))
        self.candidates: dict[int, Join[T]] = {}

    def look(self, at: int) -> Join[T] | None:
        """The candidate that joins a symbol with its right neighbour, noted and returned."""
        middle = self.after[at]
        if middle >= self.size:
            return None
        left, right = self.parts[at], self.parts[middle]
        found = self.rule(left, right)
        if found is None:
            return None
        self.candidates[at] = join = Join(found[0], at, middle, self.after[middle], left, right, found[1])
        return join

    def join(self, join: Join[T]) -> list[Join[T]]:
        """Do a merge; returns the candidates that lose a part by it."""
        at, middle, end = join.at, join.middle, join.end
        self.parts[at] = join.joined
        self.after[at] = end
        if end < self.size:
            self.before[end] = at
        del self.candidates[at]
        lost = (self.candidates.pop(other, None) for other in (self.before[at], middle))
        return [candidate for candidate in lost if candidate is not None]

    def result(self) -> tuple[list[T], list[int]]:
        """The symbols that are left, and where they begin."""
        symbols, starts, at = [], [], 0
        while at < self.size:
            symbols.append(self.parts[at])
            starts.append(at)
            at = self.after[at]
        return symbols, starts


def merge_word(symbols: Sequence[T], rule: Rule[T]) -> Merged[T]:
    """Merge a word's symbols until no rule applies.

    Args:
        symbols: what the word falls into at the start.
        rule: what joining two neighbours gives.
    """
    word = _Word(symbols, rule)
    heap = [join for at in range(word.size) if (join := word.look(at)) is not None]
    heapify(heap)
    joins: list[Join[T]] = []
    blocked: list[Blocked[T]] = []
    while heap:
        join = heappop(heap)
        if word.candidates.get(join.at) is not join:
            continue  # lost a part in the meantime
        blocked.extend(Blocked(lost, len(joins)) for lost in word.join(join))
        joins.append(join)
        for at in (word.before[join.at], join.at):
            if at >= 0 and (new := word.look(at)) is not None:
                heappush(heap, new)
    return Merged(*word.result(), joins, blocked)
