"""Byte-pair encoding from scratch, to be read: encode and decode, with every step to be seen.

A text falls into words, a word into bytes, each byte is written as a printable letter (GPT-2's table), and then pairs
of neighbours are merged in the order in which training found them (`weakspot.tracing.pair_training`).

It knows no other pre-tokenizer than GPT-2's, and encodes plain text only: nothing in a text becomes a special token.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from weakspot.artifacts.bytelevel import byte_letters
from weakspot.errors import UnknownTokenizer, UsageError
from weakspot.tokens.text import without_surrogates
from weakspot.tracing.merging import Merged, merge_word

Pair = tuple[int, int]
BYTE_OF = byte_letters()
LETTER_OF = {byte: letter for letter, byte in BYTE_OF.items()}
LATIN = {byte: ord(letter) for byte, letter in LETTER_OF.items()}
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""GPT-2's words: contractions, letters, digits, the rest, each with one space before it; white space."""
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


class Encoding(NamedTuple):
    """One word of a text, in letters: what it fell into, and how it was merged (symbols are ids)."""

    word: str
    symbols: list[int]
    merged: Merged[int]


@cache
def _pattern() -> Any:
    import regex  # \p{L} is not in the standard library's re

    return regex.compile(WORDS)


def split_words(text: str | bytes) -> list[str]:
    """The words of a text, each byte written as its letter.

    Bytes need not be UTF-8: one that is not becomes the surrogate U+DC80 to U+DCFF until it is written as a letter.
    """
    plain = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else without_surrogates(text)
    words = _pattern().findall(plain)
    return [word.encode("utf-8", "surrogateescape").decode("latin-1").translate(LATIN) for word in words]


class PairEncoding:
    """A trained byte-pair encoding.

    Args:
        tokens: the tokens in letters; the place is the id.
        merges: the pairs of ids in the order of their ranks, and the id that each makes.
        special: tokens that no text becomes; they have the first ids.
    """

    def __init__(self, tokens: Sequence[str], merges: dict[Pair, int], special: Sequence[str] = ()) -> None:
        self.tokens = list(tokens)
        self.merges = merges
        self.special = tuple(special)
        self._ids = {token: number for number, token in enumerate(tokens)}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}

    def words(self, text: str | bytes) -> Iterator[Encoding]:
        """Encode word by word, with every merge in the order in which it fired."""
        for word in split_words(text):
            symbols = [self._ids[letter] for letter in word if letter in self._ids]
            yield Encoding(word, symbols, merge_word(symbols, self._rule))

    def encode(self, text: str | bytes) -> list[int]:
        """The ids of a text; a byte that the alphabet lacks is left out, as `tokenizers` does."""
        return [token for word in self.words(text) for token in word.merged.symbols]

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes that ids stand for.

        Raises:
            UsageError: there is no such id.
        """
        return b"".join(_bytes(self._token(number), self.special) for number in ids)

    def decode(self, ids: Iterable[int]) -> str:
        """The text that ids stand for; bytes that are no UTF-8 become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def to_tokenizer_json(self) -> str:
        """The encoding as the text of a `tokenizer.json`, which every library of that format reads."""
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        model = {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": self._ids,
            "merges": [[self.tokens[left], self.tokens[right]] for left, right in self.merges],
        }
        document = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{"id": self._ids[text], "content": text, **flags} for text in self.special],
            "normalizer": None,
            "pre_tokenizer": BYTE_LEVEL,
            "post_processor": None,
            "decoder": BYTE_LEVEL,
            "model": model,
        }
        return json.dumps(document, ensure_ascii=False, indent=1)

    @classmethod
    def from_tokenizer_json(cls, text: str) -> "PairEncoding":
        """Read back what `to_tokenizer_json` wrote.

        Raises:
            UnknownTokenizer: it is no such file; `load_tokenizer` takes any kind.
        """
        try:
            document = json.loads(text)
            model, vocab = document["model"], document["model"]["vocab"]
            tokens = sorted(vocab, key=vocab.__getitem__)
            merges = {(vocab[a], vocab[b]): vocab[a + b] for a, b in model["merges"]}
            special = [token["content"] for token in document["added_tokens"]]
            whole = sorted(vocab.values()) == list(range(len(vocab))) and set(special) <= vocab.keys()
            whole &= all(type(number) is int for number in vocab.values())
            whole &= all(letter in BYTE_OF for token in vocab.keys() - special for letter in token)
            kinds = (model["type"], document["normalizer"], document["pre_tokenizer"]["type"])
            pattern = document["pre_tokenizer"].get("use_regex", True)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise UnknownTokenizer(f"This is no byte-pair encoding that can be read: {error!r}.", hint=HINT) from error
        if not whole or kinds != ("BPE", None, "ByteLevel") or not pattern:
            raise UnknownTokenizer("This is a tokenizer, but not one that `tokens bpe train` wrote.", hint=HINT)
        return cls(tokens, merges, special)

    def _rule(self, left: int, right: int) -> tuple[float, int] | None:
        rank = self._ranks.get((left, right))
        return None if rank is None else (rank, self.merges[left, right])

    def _token(self, number: int) -> str:
        if not 0 <= number < len(self.tokens):
            raise UsageError(f"There is no token {number}.", hint=f"The ids are 0 to {len(self.tokens) - 1}.")
        return self.tokens[number]


HINT = (
    "`weakspot tokens bpe train FILE --vocab 1000 --out F` writes one; `weakspot tokens explain` takes any tokenizer."
)


def _bytes(token: str, special: Sequence[str]) -> bytes:
    return token.encode() if token in special else bytes(BYTE_OF[letter] for letter in token)
