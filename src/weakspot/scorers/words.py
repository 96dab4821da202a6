"""Texts as comparable words: accents, inflection, numbers in words, ordinals, Roman numerals, units, country names.

English and Spanish. Two texts that say the same in other forms give the same words: "twenty-five km", "25 kilometres".
It does not know which text is the answer and which the reference.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from weakspot.scorers.word_lists import NEGATIONS, SAME, SCALES, SMALL, STOP, SUFFIXES_EN, SUFFIXES_ES

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)?|[%°$€£]")
_INITIALISM = re.compile(r"\b(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b)?")
_RANGE = re.compile(r"\b((?:1[0-9]|20)\d\d)\s?-\s?(\d\d)\b(?!\d)")
_GLUED = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")  # "sung byNorah Jones": citation marks taken out leave words glued
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th|º|ª)\b", re.IGNORECASE)
_ROMAN = re.compile(r"\b(?=[IVXL]{2,}\b)(?:X{0,3}|XL|L)(?:IX|IV|V?I{0,3})(?<=[IVXL])\b")
_ROMAN_VALUE: Final = {"I": 1, "V": 5, "X": 10, "L": 50}
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("‘’ʼ′", "'"))

_LONGEST_NUMBER: Final = 18

_PHRASES: Final = (
    (re.compile(r"\bUnited States(?: of America)?\b", re.IGNORECASE), " usa "),
    (re.compile(r"\b(?:Great Britain|United Kingdom)\b", re.IGNORECASE), " uk "),
    (re.compile(r"\bEstados Unidos\b", re.IGNORECASE), " usa "),
    (re.compile(r"\bper cent\b", re.IGNORECASE), "percent"),
    (re.compile(r"\b(?:can't|cannot)\b", re.IGNORECASE), "can not"),
    (re.compile(r"\bwon't\b", re.IGNORECASE), "will not"),
    (re.compile(r"(?<=[a-z])n't\b", re.IGNORECASE), " not"),
)


def bare(text: str) -> str:
    """`text` without accents, with plain dashes and apostrophes, in its own letter case."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_DASHES))
    return "".join(c for c in plain if not unicodedata.combining(c))


@lru_cache(maxsize=50_000)
def stem(word: str, lang: str = "en") -> str:
    """A light stem: enough to join the forms of one word, never so much that short words meet."""
    if len(word) < 4 or not word.isalpha():
        return word
    for suffix, put in SUFFIXES_ES if lang == "es" else SUFFIXES_EN:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            if suffix == "s" and word[-2] in "sui":
                return word
            cut = word[: len(word) - len(suffix)] + put
            undoubled = len(cut) > 3 and cut[-1] == cut[-2] and cut[-1] not in "lsz" and suffix in ("ing", "ed")
            return _trim(cut[:-1] if undoubled else cut)
    return _trim(word)


def words(text: str, *, numbers: bool = True) -> list[str]:
    """The words of `text` in order, folded: lower case, no accents, numbers as digits, common abbreviations spelt out.

    Args:
        text: any text; only letters, digits and a few unit signs count.
        numbers: read number words ("twelve", "two hundred") as digits.
    """
    return list(_words(text, numbers))


def stems(text: str, lang: str = "en") -> list[str]:
    """The stems of `words(text)`, in order."""
    return [stem(w, lang[:2]) for w in words(text)]


def content(text: str, lang: str = "en") -> list[str]:
    """The stems of `text` without stop words, in order; negations stay out too (see `negated`)."""
    return [stem(w, lang[:2]) for w in words(text) if w not in STOP and w not in NEGATIONS]


def negations(text: str) -> int:
    """How many negating words `text` has."""
    return sum(w in NEGATIONS for w in words(text))


def is_number(word: str) -> bool:
    """Whether a folded word is a number."""
    return word[:1].isdigit()


@lru_cache(maxsize=512)  # several rules read one reply, every reply to a question its references
def _words(text: str, numbers: bool) -> tuple[str, ...]:
    plain = bare(text)
    for pattern, put in _PHRASES:
        plain = pattern.sub(put, plain)
    plain = _INITIALISM.sub(_initials, plain)
    plain = _RANGE.sub(lambda m: f"{m[1]} {m[1][:2]}{m[2]}", plain)
    plain = _GLUED.sub(" ", plain)
    plain = _ORDINAL.sub(r"\1", plain)
    if numbers:
        plain = _ROMAN.sub(lambda m: str(_roman(m[0])), plain)
    found = [_fold_word(m.group()) for m in _WORD.finditer(plain)]
    return tuple(_join_numbers([w for w in found if w]) if numbers else [w for w in found if w])


def _trim(word: str) -> str:
    return word[:-1] if len(word) > 4 and word[-1] in "ey" else word


def _initials(match: re.Match[str]) -> str:
    letters = match.group().replace(".", "")
    return letters if letters.upper() in ("US", "USA", "UK", "UN", "EU", "DC", "TV", "AD", "BC") else " ".join(letters)


def _roman(text: str) -> int:
    values = [_ROMAN_VALUE[c] for c in text]
    return sum(-v if v < w else v for v, w in zip(values, [*values[1:], 0], strict=True))


def _fold_word(word: str) -> str:
    if word[0].isdigit():
        return _digits(word)
    low = word.casefold().removesuffix("'s").replace("'", "")
    return SAME.get(low, low)


def _digits(word: str) -> str:
    """A numeral without separators: "1,200" and "1.200" are 1200, "2.50" is 2.5."""
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", word) and not word.startswith("0"):
        return re.sub(r"[.,]", "", word)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+\.\d+", word):
        word = word.replace(",", "")
    plain = word.replace(",", ".")
    if plain.count(".") == 1:
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0"


def _join_numbers(found: list[str]) -> list[str]:
    """Number words as digits: "two hundred five" is 205, "3 million" is 3000000; "second" alone is 2."""
    out: list[str] = []
    total = current = 0
    open_ = False

    def close() -> None:
        nonlocal total, current, open_
        if open_:
            out.append(str(total + current))
        total, current, open_ = 0, 0, False

    for i, word in enumerate(found):
        following = found[i + 1] if i + 1 < len(found) else ""
        if word in SMALL:
            value = SMALL[word]
            if open_ and not (
                current == 0 or (current % 100 >= 20 and current % 10 == 0 and value < 10) or current % 100 == 0
            ):
                close()
            current, open_ = current + value, True
        elif word in SCALES and open_ and total + current < 10**_LONGEST_NUMBER:
            scale = SCALES[word]
            if scale == 100:
                current *= 100
            else:
                total, current = total + current * scale, 0
        elif following in SCALES and SCALES[following] > 100 and re.fullmatch(r"\d{1,4}(?:\.\d+)?", word):
            close()
            scaled = float(word) * SCALES[following]
            total, open_ = int(scaled), True
            current = 0
            found[i + 1] = ""
        elif word == "and" and open_ and following in SMALL and current % 100 == 0 and (current or total):
            continue
        else:
            close()
            if word:
                out.append(word)
    close()
    return out
