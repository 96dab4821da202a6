"""Words, sentences, paragraphs and list items of a reply, as the checks of `follows` count them.

It does not know what is asked for.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Given = Mapping[str, Any]
Check = Callable[[str, Given], bool]

_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")


def sentences(text: str) -> list[str]:
    """Sentences by their closing mark or a line break, without empty ones."""
    return [s.strip() for s in _SENTENCE.split(text) if re.search(r"\w", s)]


def tokens(text: str) -> list[str]:
    """Words with their apostrophes and hyphens, without punctuation around them, in their own letter case."""
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text)


def lower(text: str) -> list[str]:
    """`tokens` in lower case."""
    return [w.casefold() for w in tokens(text)]


def paragraphs(text: str) -> list[str]:
    """Stretches between empty lines."""
    return [p.strip() for p in re.split(r"\n\s*\n", text) if p.strip()]


def lines(text: str) -> list[str]:
    """Lines with something on them, their indent kept."""
    return [line for line in text.splitlines() if line.strip()]


def number(given: Given, *names: str) -> int:
    """The first of these that is given, as a whole number; raises KeyError where none is."""
    for name in names:
        if given.get(name) is not None:
            return int(given[name])
    raise KeyError(names[0])


def word(given: Given, name: str) -> str:
    """A word that is given, in lower case; raises KeyError where it is missing."""
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise KeyError(name)
    return value.casefold()


def syllables(token: str) -> int:
    """About how many syllables an English word has: groups of vowels, a silent e left out."""
    low = token.casefold()
    count = len(re.findall(r"[aeiouy]+", low))
    if low.endswith("e") and not low.endswith(("le", "ee", "ye")) and count > 1:
        count -= 1
    return max(1, count)
