"""Checks of `follows` on the words and sentences themselves: letters, lengths, order, repetition.

They do not know where an instruction comes from.
"""

import re
from collections import Counter
from itertools import pairwise
from typing import Final

from weakspot.scorers.constraints_text import Check, Given, lower, number, paragraphs, sentences, syllables, word

_VOWELS: Final = "aeiou"
_CLUSTER = re.compile(r"[bcdfghjklmnpqrstvwxyz]{2}")
_PRIMES: Final = frozenset((2, 3, 5, 7, 11, 13, 17, 19, 23, 29))


def words_position(text: str, given: Given) -> bool:
    """The second word and the second to last word are the keyword."""
    found = lower(text)
    return len(found) > 2 and found[1] == found[-2] == word(given, "keyword")


def sentence_keyword(text: str, given: Given) -> bool:
    """The word stands in the n-th sentence."""
    found, n = sentences(text), number(given, "N")
    return len(found) >= n and word(given, "word") in found[n - 1].casefold()


def consonants(text: str, _: Given) -> bool:
    """Every word has two consonants side by side."""
    found = [w for w in lower(text) if w.isalpha()]
    return bool(found) and all(_CLUSTER.search(w) for w in found)


def alliteration_increment(text: str, _: Given) -> bool:
    """Each sentence has a longer run of words with one first letter than the sentence before."""
    runs = [_longest_run(lower(s)) for s in sentences(text)]
    return len(runs) > 1 and all(a < b for a, b in pairwise(runs))


def increment(text: str, given: Given) -> bool:
    """Each sentence has exactly so many words more than the one before."""
    counts = [len(s.split()) for s in sentences(text)]
    more = number(given, "small_n")
    return len(counts) > 1 and all(b - a == more for a, b in pairwise(counts))


def odd_even_syllables(text: str, _: Given) -> bool:
    """Words with odd and even numbers of syllables by turns."""
    parity = [syllables(w) % 2 for w in lower(text) if w.isalpha()]
    return len(parity) > 1 and all(a != b for a, b in pairwise(parity))


def last_first(text: str, _: Given) -> bool:
    """The last word of each sentence is the first word of the next."""
    found = [lower(s) for s in re.split(r"(?<=[.!?])\s+", text)]
    kept = [s for s in found if s]
    return bool(kept) and all(a[-1] == b[0] for a, b in pairwise(kept))


def paragraph_last_first(text: str, _: Given) -> bool:
    """Each paragraph ends with the word it began with."""
    found = [lower(p) for p in (paragraphs(text) if "\n\n" in text else text.splitlines())]
    kept = [p for p in found if p]
    return bool(kept) and all(p[0] == p[-1] for p in kept)


def prime_lengths(text: str, _: Given) -> bool:
    """Every word has a prime number of letters."""
    found = lower(text)
    return bool(found) and all(len(w.replace("'", "").replace("’", "")) in _PRIMES for w in found)


def vowel(text: str, _: Given) -> bool:
    """At most three different vowels in all."""
    return 0 < len({c for c in text.casefold() if c in _VOWELS}) <= 3


def alphabet(text: str, _: Given) -> bool:
    """Each word begins with the letter after that of the word before, Z followed by A."""
    first = [ord(w[0]) - ord("a") for w in lower(text) if w[0].isascii() and w[0].isalpha()]
    return len(first) > 1 and all((a + 1) % 26 == b for a, b in pairwise(first))


def palindrome(text: str, _: Given) -> bool:
    """At least ten different palindromes of five letters or more."""
    return len({w for w in lower(text) if len(w) >= 5 and w.isalpha() and w == w[::-1]}) >= 10


def repeats(text: str, given: Given) -> bool:
    """No word more often than so many times."""
    return max(Counter(lower(text)).values(), default=0) <= number(given, "small_n")


def no_consecutive(text: str, _: Given) -> bool:
    """No two words side by side begin with the same letter."""
    found = lower(text)
    return len(found) > 1 and all(a[0] != b[0] for a, b in pairwise(found))


def _longest_run(found: list[str]) -> int:
    best = run = 0
    for i, w in enumerate(found):
        run = run + 1 if i and w[0] == found[i - 1][0] else 1
        best = max(best, run)
    return best


WORDS: Final[dict[str, Check]] = {
    "words:words_position": words_position,
    "words:consonants": consonants,
    "words:odd_even_syllables": odd_even_syllables,
    "words:last_first": last_first,
    "words:paragraph_last_first": paragraph_last_first,
    "words:prime_lengths": prime_lengths,
    "words:vowel": vowel,
    "words:alphabet": alphabet,
    "words:palindrome": palindrome,
    "words:repeats": repeats,
    "words:no_consecutive": no_consecutive,
    "sentence:keyword": sentence_keyword,
    "sentence:alliteration_increment": alliteration_increment,
    "sentence:increment": increment,
}
