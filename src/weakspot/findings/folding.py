"""What a rewriting of a stretch of text took away: case, accents, compatibility forms, white space, invisible signs.

It compares strings and knows no tokenizer.
"""

import re
import unicodedata
from typing import NamedTuple

LEFT_OVER = re.compile(r"\s+")
_UNDRAWN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10))))


class Folding(NamedTuple):
    """What was lost: a code of docs/findings.md, a severity (1-5), and the words for it."""

    code: str
    severity: int
    words: str


def folding(old: str, new: str) -> Folding:
    """What was lost when `old` became `new`, by the least rewriting that explains it."""
    if not new.strip() or not old.strip():
        return _removed(old, new)
    if _spaceless(old) == _spaceless(new):
        return _SPACES if len(new) <= len(old) else _ADDED
    tight = _spaceless(old), _spaceless(new)
    for explains, found in _LADDER:
        if explains(old, new):
            return found
        if explains(*tight):
            return found._replace(severity=max(found.severity, _SPACES.severity))
    return Folding("rewritten", 4, "was rewritten")


def _removed(old: str, new: str) -> Folding:
    if not old.strip():
        return _SPACES._replace(words="is white space that was not kept") if len(new) <= len(old) else _ADDED
    categories = {_category(character) for character in old if not character.isspace()}
    if categories <= {"Cc", "Cf", "Zs", "Zl", "Zp", "Cn", "Co"}:
        return Folding("invisible-removed", 2, "holds invisible characters, which were removed")
    if categories <= {"Mn", "Me", "Mc", "Cf"}:
        return Folding("accents-lost", 3, "lost its accents")
    return Folding("character-removed", 5, "was removed")


def _category(character: str) -> str:
    """Unicode's, but what is drawn as nothing counts as a format character."""
    return "Cf" if undrawn(character) else unicodedata.category(character)


def undrawn(character: str) -> bool:
    """Whether a character that Unicode calls a letter or a mark is drawn as nothing: variation selectors, fillers."""
    return character in _UNDRAWN or character >= "\U000e0000"


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _plain(text: str) -> str:
    """Without marks that sit on letters."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def _composed(old: str, new: str) -> bool:
    return _nfc(old) == _nfc(new)


def _lowered(old: str, new: str) -> bool:
    return _nfc(_lower(old)) == _nfc(_lower_sigma(new))


def _stripped(old: str, new: str) -> bool:
    return _plain(old) == _plain(new)


def _both(old: str, new: str) -> bool:
    return _plain(_lower(old)) == _plain(_lower_sigma(new))


def _lower(text: str) -> str:
    return _lower_sigma(text.lower())


def _lower_sigma(text: str) -> str:
    """With one small sigma: a tokenizer that goes character by character does not know a word's end."""
    return text.replace("\u03c2", "\u03c3")


def _digits(old: str, new: str) -> bool:
    return _compatible(old, new) and any(c.isdigit() for c in new) and not any(_full_width(c) for c in old)


def _full_width(character: str) -> bool:
    return "\uff01" <= character <= "\uffee"


def _compatible(old: str, new: str) -> bool:
    return _spaceless(_nfkc(old)) == _spaceless(_nfkc(new))


def _compatible_plain(old: str, new: str) -> bool:
    return _spaceless(_plain(_nfkc(old).lower())) == _spaceless(_plain(_nfkc(new).lower()))


def _spaceless(text: str) -> str:
    return LEFT_OVER.sub("", text)


_FOLDED = Folding("compatibility-folded", 3, "was folded to a compatible, simpler form")
_ADDED = Folding("space-added", 1, "got white space that was not there")
_SPACES = Folding("white-space-lost", 2, "lost white space")
_LADDER = (
    (_composed, Folding("composed", 1, "was brought to another, equal form of Unicode")),
    (_lowered, Folding("case-lost", 3, "lost its case")),
    (_stripped, Folding("accents-lost", 3, "lost its accents")),
    (_both, Folding("case-lost", 3, "lost its case and its accents")),
    (_digits, Folding("digits-flattened", 4, "has raised, lowered or circled digits, which became plain ones")),
    (_compatible, _FOLDED),
    (_compatible_plain, _FOLDED._replace(words=f"{_FOLDED.words} without case or accents")),
)
"""From the least loss to the greatest; the first that explains the change is told."""
