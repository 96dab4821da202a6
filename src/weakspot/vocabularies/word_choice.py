"""Which words of a domain are worth a token of their own: those whose pieces, summed over the training part, are most.

Words are the model's own: what its normalizer and pre-tokenizer hand to it, so that a new token never reaches across a
boundary that the tokenizer draws. Where a tokenizer draws none but spaces (SentencePiece's kinds), a word is a run of
letters, marks and digits with the U+2581 before it: otherwise `term`, `term,` and `term.` would each take a token.
"""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from weakspot.tokens.vocabulary import bytelevel_bytes, metaspace_bytes

UNCUT = r"\u2581?[\p{L}\p{M}\p{N}]+(?:[-'’][\p{L}\p{M}\p{N}]+)*"
LONGEST = 64
LEAST_COUNT = 3


class NewWord(NamedTuple):
    """A word that shall become a token.

    `text` is how the vocabulary writes it, `plain` how it stands in text (with its leading space), `pieces` the ids
    that it takes now, `occurs` how often it stands in the training part, `saved` how many tokens it would save.
    """

    text: str
    plain: str
    pieces: tuple[int, ...]
    occurs: int
    saved: int


class Words:
    """Cuts texts into the words that a model gets.

    Args:
        tokenizer: the library's object; added tokens are left out of account.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._normalizer = tokenizer.normalizer
        self._pre_tokenizer = tokenizer.pre_tokenizer
        self._model = tokenizer.model
        self._byte_level = "ByteLevel" in repr(tokenizer.pre_tokenizer)

    def of(self, text: str) -> list[str]:
        """The words of a text, as the model gets them."""
        if self._normalizer is not None:
            text = self._normalizer.normalize_str(text)
        if self._pre_tokenizer is None:
            return _uncut(text)
        words = [word for word, _ in self._pre_tokenizer.pre_tokenize_str(text)]
        return words if self._byte_level else [part for word in words for part in _uncut(word)]

    def plain(self, word: str) -> str | None:
        """How a word stands in text; None where its bytes are no UTF-8."""
        raw = bytelevel_bytes(word) if self._byte_level else metaspace_bytes(word)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return None

    def pieces(self, word: str) -> tuple[int, ...]:
        """The ids that the model cuts a word into."""
        return tuple(token.id for token in self._model.tokenize(word))


def _uncut(text: str) -> list[str]:
    return [found.group() for found in _pattern().finditer(text)]


@cache
def _pattern() -> Any:
    import regex  # \p{L} is not in the standard library's re

    return regex.compile(UNCUT)


def choose_words(texts: Iterable[str], words: Words, many: int, unknown: int | None = None) -> list[NewWord]:
    """The words that would save the most tokens, the most saving first; ties by the word itself.

    A word qualifies if it holds a letter and no new line, occurs at least 3 times, is at most 64 characters long and
    takes at least 2 pieces, none of them the unknown token: there is nothing to begin its row from.

    Args:
        texts: the training part.
        words: of the tokenizer that is extended.
        many: how many are wanted; fewer come back where the texts have no more.
        unknown: the id of the unknown token.
    """
    counted: Counter[str] = Counter()
    for text in texts:
        counted.update(words.of(text))
    found = []
    for word, count in counted.items():
        if count < LEAST_COUNT or (plain := words.plain(word)) is None or not _is_word(plain):
            continue
        pieces = words.pieces(word)
        if len(pieces) > 1 and unknown not in pieces:
            found.append(NewWord(word, plain, pieces, count, count * (len(pieces) - 1)))
    return sorted(found, key=lambda one: (-one.saved, one.text))[:many]


def _is_word(plain: str) -> bool:
    letters = any(letter.isalpha() for letter in plain)
    return letters and len(plain) <= LONGEST and not any(letter in "\n\r\t\ufffd" for letter in plain)
