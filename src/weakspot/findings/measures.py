r"""What a tokenizer makes of one text, in numbers. It knows a tokenizer and a text; not probes, models or failures.

A text is encoded as it is inside a rendered chat template: what spells a special token becomes it, and BOS and the like
are not added. How each number is counted:

- A **word** is a run of letters, marks and digits (and joiners between them) with a letter in it. Its **pieces** are
  the tokens that reach into it. **Fertility** is pieces per word, mean over the words (Rust et al. 2021,
  arXiv:2012.15613, with this notion of a word). A script without spaces makes long words: compare such texts with
  themselves only.
- **Rarest rank**: byte-pair tokens by their merge's rank (tiktoken: by id), SentencePiece's by score, WordPiece's by
  id: what was learned later, or is less likely, has the larger rank. Letters and bytes that were never learned have
  none.
- **Byte fallback**: tokens of the kind byte, and tokens that are no whole UTF-8 by themselves.
- A **number** is a run of two decimal digits or more. Its groups are **even** if all are equally long, or if they are
  counted from the right with a shorter one in front (12|345, as thousands are written).
- **Structural merges**: tokens with one of `{}[]()<>":;,=\|` or a backtick and at least one more visible character.
- **Unstable boundary**: of the continuations " yes", "yes", "1" and a new line, how many change the tokens of the text
  when they are written behind it; those that would only go on its last word are left out.
- **Special ids**: tokens of the kind control or flagged special, and added ones that look like such (`<|x|>`,
  `<think>`).
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from weakspot.records import TokenPiece
from weakspot.records.features import TokenMeasures
from weakspot.tokens.face import Encoded, Tokenizer
from weakspot.tokens.parts import BPE, Unigram
from weakspot.tokens.text import without_surrogates

CONTINUATIONS = (" yes", "yes", "1", "\n")
STRUCTURAL = frozenset('{}[]()<>":;,=\\|`')
LIKE_CONTROL = re.compile(r"<[|｜].+[|｜]>|</?(?:think|tool_\w+|function\w*)>")
JOINERS = "\u200c\u200d"


class Word(NamedTuple):
    """A run of characters and where it lies in the text's UTF-8, in bytes."""

    text: str
    start: int
    end: int


class Measurer:
    """Measures texts under one tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def measure(self, text: str, *, words: bool = True) -> TokenMeasures:
        """The measures of a text; a lone surrogate in it is read as U+FFFD.

        Args:
            text: the text.
            words: whether to keep the pieces of each word.
        """
        text = without_surrogates(text)
        encoded = self.tokenizer.encode(text, parse_special=True)
        tokens = self.tokenizer.pieces(encoded)
        size = len(text.encode())
        found = list(runs(text))
        counts = pieces_of(found, encoded)
        named = [(run.text, count) for run, count in zip(found, counts, strict=True) if is_word(run.text)]
        numbers = list(digit_runs(text))
        rarest = self._rarest(encoded.ids)
        return TokenMeasures(
            bytes=size,
            tokens=len(tokens),
            bytes_per_token=size / len(tokens) if tokens else None,
            words=len(named),
            fertility=sum(count for _, count in named) / len(named) if named else None,
            unknown=sum(token.kind == "unknown" for token in tokens),
            byte_fallback=sum(_is_fragment(token) for token in tokens),
            rarest=None if rarest is None else self._ranks[rarest],
            rarest_token="" if rarest is None else self.tokenizer.vocabulary[rarest].text,
            numbers=len(numbers),
            uneven_numbers=sum(not even(groups(number, encoded)) for number in numbers),
            structural_merges=sum(map(_joins_structure, tokens)),
            unstable_boundary=self._unstable(text, encoded.ids),
            special_ids=sum(map(_is_special, tokens)),
            lossy=self.tokenizer.decode(encoded.ids) != text,
            pieces={word: count for word, count in named if count != 1} if words else {},
        )

    def _rarest(self, ids: Sequence[int]) -> int | None:
        ranked = [token for token in ids if token in self._ranks]
        return max(ranked, key=lambda token: self._ranks[token], default=None)

    def _unstable(self, text: str, ids: Sequence[int]) -> int:
        if not text:
            return 0
        goes_on = text[-1].isalnum()
        tried = [more for more in CONTINUATIONS if not (goes_on and more[0].isalnum())]
        return sum(self.tokenizer.ids(text + more, parse_special=True)[: len(ids)] != list(ids) for more in tried)

    @cached_property
    def _ranks(self) -> dict[int, int]:
        """Id to rank, of the tokens that were learned and that a text can become."""
        model = self.tokenizer.model
        if isinstance(model, BPE) and model.merges:
            found: dict[int, int] = {}
            for (left, right), rank in model.merges.items():
                joined = left + (right.removeprefix(model.prefix) if model.prefix else right)
                if (token := model.vocab.get(joined)) is not None:
                    found[token] = min(rank, found.get(token, rank))
        elif isinstance(model, Unigram):
            found = _by_score(dict(model.vocab.values()))
        elif isinstance(model, BPE) and model.scores is not None:
            scores = model.scores
            found = _by_score({model.vocab[t]: s for t, s in scores.items() if len(t) > 1 and t in model.vocab})
        elif isinstance(model, BPE):  # tiktoken: the first ids are the bytes
            found = {token: token for text, token in model.vocab.items() if len(text) > 1}
        else:
            found = {token: token for token in model.vocab.values()}
        return {token: rank for token, rank in found.items() if self.tokenizer.vocabulary[token].kind == "normal"}


def _by_score(scores: dict[int, float]) -> dict[int, int]:
    order = sorted(scores, key=lambda token: (-scores[token], token))
    return {token: rank for rank, token in enumerate(order)}


def runs(text: str) -> Iterator[Word]:
    """The runs of letters, marks and digits, in order; a joiner counts only between two of them."""
    start = place = 0
    run = ""
    for character in text:
        if _belongs(character) or (run and character in JOINERS):
            run += character
        elif run:
            yield _trimmed(run, start)
            run = ""
        place += _size(character)
        if not run:
            start = place
    if run:
        yield _trimmed(run, start)


def digit_runs(text: str) -> Iterator[Word]:
    """The runs of two decimal digits or more, in order."""
    start = place = 0
    run = ""
    for character in [*text, ""]:
        if character.isdecimal():
            run += character
        else:
            if len(run) > 1:
                yield Word(run, start, place)
            run = ""
        place += _size(character)
        if not run:
            start = place


def is_word(run: str) -> bool:
    """Whether a run has a letter in it."""
    return any(character.isalpha() for character in run)


def pieces_of(found: Sequence[Word], encoded: Encoded) -> list[int]:
    """How many tokens reach into each run; runs and tokens are in the order of the text."""
    counts = []
    first, many = 0, len(encoded.ids)
    for run in found:
        while first < many and encoded.ends[first] <= run.start:
            first += 1
        at = first
        while at < many and encoded.starts[at] < run.end:
            at += 1
        counts.append(sum(encoded.ends[i] > max(run.start, encoded.starts[i]) for i in range(first, at)))
    return counts


def groups(number: Word, encoded: Encoded) -> list[int]:
    """How many bytes of a number each token that reaches into it holds."""
    sizes = []
    for at in range(bisect_right(encoded.ends, number.start), len(encoded.ids)):
        if encoded.starts[at] >= number.end:
            break
        sizes.append(min(encoded.ends[at], number.end) - max(encoded.starts[at], number.start))
    return [size for size in sizes if size > 0]


def even(sizes: Sequence[int]) -> bool:
    """Whether groups are equally long, but for a shorter one in front."""
    return all(one == other for one, other in pairwise(sizes[1:])) and (len(sizes) < 2 or sizes[0] <= sizes[1])


def _belongs(character: str) -> bool:
    return character.isalnum() or (character > "\x7f" and unicodedata.category(character)[0] == "M")


def _trimmed(run: str, start: int) -> Word:
    kept = run.rstrip(JOINERS)
    return Word(kept, start, start + len(kept.encode()))


def _size(character: str) -> int:
    return len(character.encode())


def _is_fragment(token: TokenPiece) -> bool:
    if token.kind == "byte":
        return True
    try:
        bytes.fromhex(token.bytes).decode()
    except UnicodeDecodeError:
        return True
    return False


def _joins_structure(token: TokenPiece) -> bool:
    if token.kind not in ("normal", "added") or token.special:
        return False
    shown = bytes.fromhex(token.bytes).decode("utf-8", "replace").strip()
    return len(shown) > 1 and not STRUCTURAL.isdisjoint(shown)


def _is_special(token: TokenPiece) -> bool:
    return token.kind == "control" or token.special or bool(LIKE_CONTROL.fullmatch(token.text))
