"""Chance that gives the same on every machine and Python: all is drawn from `random.random`, whose sequence is fixed.

`random.choice`, `sample` and `shuffle` changed between Python versions; suites must come out byte for byte.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_ONSETS = ("b", "br", "d", "dr", "f", "g", "k", "l", "m", "n", "p", "qu", "s", "st", "t", "tr", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ea", "io")
_CODAS = ("", "", "l", "m", "n", "r", "s", "x", "nd", "rk")


class Draw:
    """A source of choices. The same key gives the same choices, whatever other sets of a suite draw."""

    def __init__(self, *key: object) -> None:
        self._random = random.Random("/".join(map(str, key)))  # noqa: S311 - items, not secrets

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[self.number(0, len(values) - 1)]

    def some(self, values: Sequence[T], count: int) -> list[T]:
        """`count` of the values, none twice, in an order of chance."""
        left = list(values)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(count)]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """All of the values in an order of chance."""
        return self.some(values, len(values))

    def word(self, syllables: int = 3) -> str:
        """A word that means nothing, in small letters, of so many syllables."""
        made = [self.pick(_ONSETS) + self.pick(_VOWELS) for _ in range(syllables)]
        return "".join(made) + self.pick(_CODAS)

    def name(self, syllables: int = 3) -> str:
        """A made-up name: a word that means nothing, with a capital."""
        return self.word(syllables).capitalize()


def cycle(values: Sequence[T], seed: int, index: int) -> T:
    """The values in turn, begun at `seed`: consecutive sets differ, and another seed starts elsewhere."""
    return values[(index + seed) % len(values)]
