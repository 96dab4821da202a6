"""What a rewriting of a stretch of text took away: case, accents, compatibility forms, white space, invisible signs.

It compares strings and knows no tokenizer.
"""

import re
import unicodedata
from typing import NamedTuple

LEFT_OVER = re.compile(r"\s+")


class Folding(NamedTuple):
    """What was lost: a code of docs/findings.md, a severity (1-5), and the words for it."""

    code: str
    severity: int
    words: str


def folding(old: str, new: str) -> Folding:
    """What was lost when `old` became `new`, by the least rewriting that explains it."""
    if not new.strip() or not old.strip():
        return _removed(old, new)
    for explains, found in _LADDER:
        if explains(old, new):
            return found
    if _same(LEFT_OVER.sub("", old), LEFT_OVER.sub("", new)):
        return _SPACES
    return Folding("rewritten", 4, "was rewritten")


def _removed(old: str, new: str) -> Folding:
    if not old.strip():
        if len(new) > len(old):
            return Folding("space-added", 1, "got white space that was not there")
        return _SPACES
    categories = {_category(character) for character in old if not character.isspace()}
    if categories <= {"Cc", "Cf", "Zs", "Zl", "Zp", "Cn", "Co"}:
        return Folding("invisible-removed", 2, "holds invisible characters, which were removed")
    if categories <= {"Mn", "Me", "Mc"}:
        return Folding("accents-lost", 3, "lost its accents")
    return Folding("character-removed", 5, "was removed")


def _category(character: str) -> str:
    """Unicode's, but a variation selector, which is drawn as nothing, counts as a format character."""
    return "Cf" if "\ufe00" <= character <= "\ufe0f" or character >= "\U000e0000" else unicodedata.category(character)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _plain(text: str) -> str:
    """Without marks that sit on letters."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def _same(old: str, new: str) -> bool:
    return old == new


def _composed(old: str, new: str) -> bool:
    return _nfc(old) == _nfc(new)


def _lowered(old: str, new: str) -> bool:
    return _nfc(old.lower()) == _nfc(new)


def _stripped(old: str, new: str) -> bool:
    return _plain(old) == _plain(new)


def _both(old: str, new: str) -> bool:
    return _plain(old.lower()) == _plain(new)


def _digits(old: str, new: str) -> bool:
    return _compatible(old, new) and any(c.isdigit() for c in new) and not any(_full_width(c) for c in old)


def _full_width(character: str) -> bool:
    return "\uff01" <= character <= "\uffee"


def _compatible(old: str, new: str) -> bool:
    return _nfkc(old) == _nfkc(new) or _spaceless(_nfkc(old)) == _spaceless(_nfkc(new))


def _compatible_plain(old: str, new: str) -> bool:
    return _spaceless(_plain(_nfkc(old).lower())) == _spaceless(_plain(_nfkc(new).lower()))


def _spaceless(text: str) -> str:
    return LEFT_OVER.sub("", text)


_FOLDED = Folding("compatibility-folded", 3, "was folded to a compatible, simpler form")
_SPACES = Folding("white-space-lost", 2, "lost white space")
_LADDER = (
    (_composed, Folding("composed", 1, "was brought to another, equal form of Unicode")),
    (_lowered, Folding("case-lost", 3, "lost its case")),
    (_stripped, Folding("accents-lost", 3, "lost its accents")),
    (_both, Folding("case-lost", 3, "lost its case and its accents")),
    (_digits, Folding("digits-flattened", 4, "has raised, lowered or circled digits, which became plain ones")),
    (_compatible, Folding("compatibility-folded", 3, "was folded to a compatible, simpler form")),
    (
        _compatible_plain,
        Folding("compatibility-folded", 3, "was folded to a compatible, simpler form without case or accents"),
    ),
)
"""From the least loss to the greatest; the first that explains the change is told."""
