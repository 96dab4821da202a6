"""The parts that a loader hands to the one face: model data, the pipeline in words, and the library that encodes.

Model data is plain: the step-by-step engines (`weakspot.tokens.trace`) run on it without any library.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class BPE:
    """Byte-pair encoding.

    Attributes:
        vocab: token, as the model sees it, to id.
        merges: pair of tokens to rank; the lowest rank is merged first.
        scores: instead of merges (SentencePiece): the pair whose joined token has the highest score is merged first.
        alphabet: what a word falls into at the start: letters of byte-level BPE, characters, or raw bytes (tiktoken,
            where vocab's keys are bytes read as Latin-1).
        byte_fallback: whether a character without a token becomes <0xXX> tokens.
        ignore_merges: whether a word that is a token as a whole is taken as it is, merges or not.
        unknown: the id for a character that has no token; None where there is no such id.
        fuse_unknown: whether neighbouring unknown characters share one id.
        prefix: what a token inside a word begins with (GPT-1's kind); mostly empty.
        suffix: what a token at a word's end ends with; mostly empty.
    """

    vocab: dict[str, int]
    merges: dict[tuple[str, str], int] = field(default_factory=dict)
    scores: dict[str, float] | None = None
    alphabet: Literal["byte-letters", "characters", "bytes"] = "characters"
    byte_fallback: bool = False
    ignore_merges: bool = False
    unknown: int | None = None
    fuse_unknown: bool = False
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True)
class Unigram:
    """Unigram language model: the segmentation with the highest sum of log-probabilities.

    Attributes:
        vocab: token to (id, log-probability).
        unknown: the id for a character that has no token.
        byte_fallback: whether such a character becomes <0xXX> tokens instead.
        fuse_unknown: whether neighbouring unknown characters share one id.
        user_defined: tokens that always win over the model (SentencePiece's user-defined symbols).
    """

    vocab: dict[str, tuple[int, float]]
    unknown: int | None
    byte_fallback: bool = False
    fuse_unknown: bool = True
    user_defined: frozenset[str] = frozenset()


@dataclass(frozen=True)
class WordPiece:
    """Greedy longest match from the left; a word with a part that no token matches is unknown as a whole."""

    vocab: dict[str, int]
    unknown: int
    prefix: str = "##"
    longest_word: int = 100


@dataclass(frozen=True)
class WordLevel:
    """A token a word."""

    vocab: dict[str, int]
    unknown: int | None


ModelData = BPE | Unigram | WordPiece | WordLevel


class Pipeline(NamedTuple):
    """The five steps in words; "none" where a step does nothing."""

    normalizer: str
    pre_tokenizer: str
    model: str
    post_processor: str
    decoder: str


class Segment(NamedTuple):
    """A stretch of text as the model gets it.

    Attributes:
        text: what the model sees: normalised, with byte letters or U+2581 where the format has them.
        start: where in the input's UTF-8 it begins, in bytes.
        end: where it ends, exclusive.
        token: the id, where an added token was cut out before the model; None for the model's own work.
    """

    text: str
    start: int
    end: int
    token: int | None = None


class Span(NamedTuple):
    """A token and its stretch of the input, in characters, as the library aligns it."""

    id: int
    start: int
    end: int


class Batch(NamedTuple):
    """Ids of many texts: all in one row, shape (sum of counts,), and how many each text has, shape (texts,)."""

    ids: npt.NDArray[np.uint32]
    counts: npt.NDArray[np.int64]


class Engine(Protocol):
    """A library that encodes and decodes. Texts hold no lone surrogates: the face replaces them before.

    `parse_special` says whether text that spells a special token becomes its id.
    """

    library: str
    version: str
    parses_special: bool
    """What the library does by default with text that spells a special token."""

    def ids(self, text: str, *, parse_special: bool) -> list[int]:
        """The ids of a text, without BOS, EOS and the like."""
        ...

    def align(self, text: str, *, parse_special: bool) -> list[Span]:
        """The ids with the characters of the input that the library says they come from."""
        ...

    def frame(self, ids: Sequence[int]) -> list[int]:
        """With what the post-processor adds around a single text (BOS, EOS, CLS, SEP)."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text out of ids, by the library's own decoder, special tokens kept."""
        ...

    def normalize(self, text: str) -> str:
        """The text as the normalizer leaves it, before it is cut."""
        ...

    def segments(self, text: str, *, parse_special: bool) -> list[Segment]:
        """The stretches that the model gets, in order."""
        ...

    def batch(self, texts: Sequence[str]) -> Batch:
        """The ids of many texts at once, with the library's default for special tokens, without BOS and the like."""
        ...

    def fast_source(self) -> "FastSource | None":
        """What a faster engine can be built from, proven equal before use; None where there is none."""
        ...


class FastSource(NamedTuple):
    """What a faster engine can be built from: a `tokenizer.json` (a file, or its text), or a tiktoken `Encoding`."""

    path: Path | None = None
    json: str | None = None
    encoding: Any = None
