"""The last number that a text gives in English words: "twelve", "two hundred and five", "occurs twice".

"One" as a pronoun ("no one", "one of them") and "once" as an adverb ("once again") are no numbers. It does not know
numerals: that is `number`.
"""

import re
from decimal import Decimal
from typing import Final

from weakspot.scorers.compare import Span
from weakspot.scorers.word_lists import CARDINALS_EN
from weakspot.scorers.words import words

_SMALL: Final = "|".join(CARDINALS_EN)
_SCALES: Final = "hundred|thousand|million|billion"
_NUMBER = re.compile(
    rf"(?<!point )(?P<minus>\b(?:minus|negative) )?\b(?P<number>(?>(?:{_SMALL})\b"
    rf"(?:[- ](?:{_SMALL})\b|[- ](?:{_SCALES})\b| and (?:{_SMALL})\b(?! (?:{_SCALES})))*))"
    r"\b(?! (?:point|and a|halves|thirds?|quarters?|fifths?|tenths?)\b)",
    re.IGNORECASE | re.ASCII,
)
"""No number where a fraction goes on ("three and a half", "three point five"): a part of it would be another number."""
_TIMES: Final = {"once": 1, "twice": 2, "thrice": 3}
_ADVERB = re.compile(
    r"\b(?:(?<!at )(?<!even )(?<!not )once(?! (?:again|more|upon|you|we|it|the|a|in a)\b)|twice|thrice)\b",
    re.IGNORECASE,
)
_PRONOUN_BEFORE = re.compile(r"\b(?:no|any|some|each|every|this|that|the|another|which|other)[ -]$", re.IGNORECASE)
_PRONOUN_AFTER = re.compile(r"(?: of\b|'s\b| another\b| can\b| must\b| should\b| might\b| may\b)", re.IGNORECASE)


def last_in_words(text: str) -> tuple[Decimal, Span] | None:
    """The last number in words, with its span; None where there is none."""
    found = [number for m in _NUMBER.finditer(text) if not _pronoun(text, m) and (number := _read(m)) is not None]
    found += [(Decimal(_TIMES[m[0].casefold()]), m.span()) for m in _ADVERB.finditer(text)]
    return max(found, key=lambda number: number[1], default=None)


def _read(match: re.Match[str]) -> tuple[Decimal, Span] | None:
    """The value of what stands there; None where the words make no single number."""
    said = words(match["number"].lower())  # lower: "SixTeen" would be cut where its letter case changes
    if len(said) != 1 or not said[0].isdigit():
        return None
    return Decimal(said[0]) * (-1 if match["minus"] else 1), match.span()


def _pronoun(text: str, match: re.Match[str]) -> bool:
    if match[0].casefold() != "one":
        return False
    before = text[max(0, match.start() - 10) : match.start()]
    return bool(_PRONOUN_BEFORE.search(before) or _PRONOUN_AFTER.match(text, match.end()))
