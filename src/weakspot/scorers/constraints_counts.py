"""Checks of `follows` that count: words, numbers, keywords, sentence types and shares.

They do not know where an instruction comes from.
"""

import re
import string
from typing import Final

from weakspot.scorers.constraints_text import Check, Given, lower, number, sentences, tokens, word
from weakspot.scorers.word_lists import STOP, listed

_CONJUNCTIONS: Final = frozenset(("and", "but", "for", "nor", "or", "so", "yet"))
_PRONOUNS: Final = frozenset(
    listed(
        "i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her "
        "hers herself "
        "it its itself they them their theirs themselves"
    )
)
_NAMES: Final = frozenset(
    listed(
        "emma liam sophia jackson olivia noah ava lucas isabella mason mia ethan charlotte alexander amelia "
        "benjamin harper leo "
        "zoe daniel chloe samuel lily matthew grace owen abigail gabriel ella jacob scarlett nathan victoria elijah "
        "layla "
        "nicholas audrey david hannah christopher penelope thomas nora andrew aria joseph claire ryan stella jonathan"
    )
)


def keywords_multiple(text: str, given: Given) -> bool:
    """Five keywords: the first once, the second twice, the third three times, the fourth five, the fifth seven."""
    found = lower(text)
    names = ("keyword1", "keyword2", "keyword3", "keyword4", "keyword5")
    asked = [m.casefold() for m in re.findall(r"\bkeyword (\w+)", str(given.get("asked", "")))]
    keys = asked if given.get("keyword1") is None and len(asked) == len(names) else [word(given, n) for n in names]
    return all(found.count(key) == times for key, times in zip(keys, (1, 2, 3, 5, 7), strict=True))


def conjunctions(text: str, given: Given) -> bool:
    """At least so many different coordinating conjunctions."""
    return len(_CONJUNCTIONS & set(lower(text))) >= number(given, "small_n", "N")


def numbers(text: str, given: Given) -> bool:
    """Exactly so many numbers in digits."""
    return len(re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?\b", text)) == number(given, "N")


def person_names(text: str, given: Given) -> bool:
    """At least so many different names of the list in the question, or of common first names."""
    listed = re.search(r"list of person names:\s*([^.\n]+)", str(given.get("asked", "")))
    names = {w.casefold() for w in tokens(listed[1])} if listed else _NAMES
    return len(names & set(lower(text))) >= number(given, "N")


def pronouns(text: str, given: Given) -> bool:
    """At least so many pronouns."""
    return sum(w in _PRONOUNS for w in lower(text)) >= number(given, "N")


def punctuation(text: str, _: Given) -> bool:
    """Every standard punctuation mark at least once, and the interrobang."""
    return all(mark in text for mark in ".,!?;:") and ("?!" in text or "!?" in text or "‽" in text)


def words_japanese(text: str, given: Given) -> bool:
    """Every n-th word is in Japanese."""
    n, found = number(given, "N"), text.split()
    at = [found[i] for i in range(n - 1, len(found), n)]
    return bool(at) and all(re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", w) for w in at)


def word_count_range(text: str, given: Given) -> bool:
    """Between so many and so many words."""
    return number(given, "min_words") <= len(text.split()) <= number(given, "max_words")


def unique_word_count(text: str, given: Given) -> bool:
    """At least so many different words."""
    return len(set(lower(text))) >= number(given, "N")


def stop_words(text: str, given: Given) -> bool:
    """Stop words are at most so many percent of all words."""
    found = lower(text)
    return bool(found) and 100 * sum(w in STOP for w in found) / len(found) <= float(number(given, "percentage"))


def sentence_type(text: str, _: Given) -> bool:
    """Two declarative sentences to each question."""
    asked, told = _marks(text, "?"), _marks(text, ".")
    return asked > 0 and told == 2 * asked


def sentence_balance(text: str, _: Given) -> bool:
    """As many statements as questions as exclamations."""
    return _marks(text, ".") == _marks(text, "?") == _marks(text, "!") > 0


def sentence_words(text: str, _: Given) -> bool:
    """Three sentences with the same number of words, all of different words."""
    found = [lower(s) for s in sentences(text)]
    every = [w for s in found for w in s]
    return len(found) == 3 and len({len(s) for s in found}) == 1 and len(set(every)) == len(every)


def overlap(text: str, given: Given) -> bool:
    """Shares about so many percent of its three-word runs with the reference text, give or take two."""
    own, other = _trigrams(text), _trigrams(str(given["reference_text"]))
    share = 100 * len(own & other) / len(own) if own else 0.0
    return abs(share - number(given, "percentage")) <= 2


def _marks(text: str, mark: str) -> int:
    return sum(s.rstrip("\"')]*_ ").endswith(mark) for s in sentences(text))


def _trigrams(text: str) -> set[tuple[str, ...]]:
    found = [w.strip(string.punctuation) for w in text.casefold().split()]
    return set(zip(found, found[1:], found[2:], strict=False))


COUNTS: Final[dict[str, Check]] = {
    "count:keywords_multiple": keywords_multiple,
    "count:conjunctions": conjunctions,
    "count:numbers": numbers,
    "count:person_names": person_names,
    "count:pronouns": pronouns,
    "count:punctuation": punctuation,
    "count:words_japanese": words_japanese,
    "count:word_count_range": word_count_range,
    "count:unique_word_count": unique_word_count,
    "ratio:stop_words": stop_words,
    "ratio:sentence_type": sentence_type,
    "ratio:sentence_balance": sentence_balance,
    "ratio:sentence_words": sentence_words,
    "ratio:overlap": overlap,
}
