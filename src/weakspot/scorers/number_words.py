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
_NUMBER = re.compile(
    rf"\b(?:{_SMALL})(?:[- ](?:{_SMALL})|[- ](?:hundred|thousand|million|billion)| and (?:{_SMALL}))*\b", re.IGNORECASE
)
_TIMES: Final = {"once": 1, "twice": 2, "thrice": 3}
_ADVERB = re.compile(
    r"\b(?:(?<!at )(?<!all at )once(?! (?:again|more|upon|you|we|it|the|a|in a)\b)|twice|thrice)\b", re.IGNORECASE
)
_PRONOUN_BEFORE = re.compile(r"\b(?:no|any|some|each|every|this|that|the|another|which|other)[ -]$", re.IGNORECASE)
_PRONOUN_AFTER = re.compile(r"(?: of\b|'s\b| another\b| can\b| must\b| should\b| might\b| may\b)", re.IGNORECASE)


def last_in_words(text: str) -> tuple[Decimal, Span] | None:
    """The last number in words, with its span; None where there is none."""
    found = [(Decimal(words(m[0])[-1]), m.span()) for m in _NUMBER.finditer(text) if not _pronoun(text, m)]
    found += [(Decimal(_TIMES[m[0].casefold()]), m.span()) for m in _ADVERB.finditer(text)]
    return max(found, key=lambda number: number[1], default=None)


def _pronoun(text: str, match: re.Match[str]) -> bool:
    if match[0].casefold() != "one":
        return False
    before = text[max(0, match.start() - 10) : match.start()]
    return bool(_PRONOUN_BEFORE.search(before) or _PRONOUN_AFTER.match(text, match.end()))
