"""Reads what kind of reply a text is: answered, refused, abstained, empty or truncated.

To refuse is to be unwilling ("I can't help with that"), to abstain is not to know ("the text does not say"). A
disclaimer followed by real content is an answer. Patterns are English, and only a reply's opening is read: what
comes late in a long reply is content. It does not know what was asked.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import msgspec

from weakspot.records import Evidence, ReplyClass
from weakspot.records.response import FinishReason
from weakspot.scorers.compare import Span, evidence, sentences, straight
from weakspot.scorers.phrases import (
    BARE,
    CORRECTS,
    COURTESY,
    GUESS,
    HEDGE,
    LISTED,
    MARKER,
    OFFER,
    PIVOT,
    REFUSES,
    REFUTES,
    STRONG,
    WEAK,
)

OPENING: Final = 600
"""Characters of a reply that are read for its stance."""


class Reading(msgspec.Struct, frozen=True):
    """The class of a reply with the words it stands on, whether it hedges, and the words that refute a premise."""

    reply_class: ReplyClass
    evidence: Evidence | None = None
    hedged: bool = False
    refutes: Evidence | None = None


@lru_cache(maxsize=64)  # a scorer, the verdict and the rules of stance each read the same reply
def read(text: str, finish_reason: FinishReason) -> Reading:
    """The class of a reply, from its text and why it ended."""
    if finish_reason == "content_filter":
        return Reading("refused", evidence("the provider's content filter stopped the reply", text))
    if is_blank(text):
        return Reading("empty", evidence("nothing but white space and invisible characters", text))
    opening = straight(text[: len(text) - len(text.lstrip()) + OPENING])
    first = sentences(opening)[:2]
    hedge = HEDGE.search(opening) is not None
    refutes = _find(REFUTES, opening, first[:1]) or _find(CORRECTS, opening, first)
    noted = None if refutes is None else evidence("refutes the premise", text, refutes)
    abstained = _abstains(opening, first)
    if abstained:
        return Reading("abstained", evidence("says that it does not know", text, abstained), hedge, noted)
    refused = _refuses(opening, first)
    if refused:
        return Reading("refused", evidence("says that it will not", text, refused), hedge, noted)
    if finish_reason == "length":
        return Reading("truncated", evidence("cut at the token limit", text), hedge, noted)
    return Reading("answered", None, hedge, noted)


def is_blank(text: str) -> bool:
    """Whether nothing in `text` can be seen: white space, control and format characters only."""
    return all(c.isspace() or unicodedata.category(c) in ("Cc", "Cf") for c in text)


def _abstains(opening: str, first: list[Span]) -> Span | None:
    marker = MARKER.search(opening)
    if marker:
        return marker.span()
    first_line = opening.strip().partition("\n")[0]
    if BARE.match(first_line):
        start = opening.index(first_line)
        return start, start + len(first_line)
    strong = _find(STRONG, opening, first)
    if strong and not GUESS.search(opening, strong[1]):
        return strong
    weak = _stance(WEAK, opening, first)
    return weak if weak and not _goes_on(opening[weak[1] :]) else None


def _refuses(opening: str, first: list[Span]) -> Span | None:
    found = _stance(REFUSES, opening, first)
    return found if found and not _goes_on(opening[found[1] :]) else None


def _stance(pattern: re.Pattern[str], opening: str, first: list[Span]) -> Span | None:
    """The first match in the first sentence, or in the second behind a courtesy; behind content it only hedges."""
    courteous = len(first) > 1 and COURTESY.match(opening[slice(*first[0])])
    return _find(pattern, opening, first if courteous else first[:1])


def _find(pattern: re.Pattern[str], opening: str, within: list[Span]) -> Span | None:
    """The first match in these sentences that is neither quoted nor the end of a list of choices."""
    for start, end in within:
        for match in pattern.finditer(opening[start:end]):
            span = start + match.start(), start + match.end()
            if not LISTED.search(opening[: span[0]]) and not _quoted(opening, span):
                return span
    return None


def _quoted(opening: str, span: Span) -> bool:
    """Whether a match stands in quotation marks that are not around the whole reply."""
    before = opening[: span[0]]
    mark = '"' if before.count('"') % 2 else "'" if before.endswith("'") else ""
    if not mark:
        return False
    close = opening.find(mark, span[1])
    after = opening[close + 1 :] if close >= 0 else ""
    return re.search(r"\w", before[: before.rfind(mark)] + after) is not None


def _goes_on(rest: str) -> bool:
    """Whether content follows a disclaimer: a guess, a list, or a "but" that is no offer and no further disclaimer."""
    if GUESS.search(rest):
        return True
    for match in PIVOT.finditer(rest):
        if match["list"]:
            return True
        clause = match["rest"]
        if len(clause.split()) >= 2 and not any(p.search(clause) for p in (OFFER, WEAK, STRONG, REFUSES)):
            return True
    return False
