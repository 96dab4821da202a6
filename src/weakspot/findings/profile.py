"""What is usual for a tokenizer: which ids are of which sort, how many characters its pieces hold in common words."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from weakspot.records import Stage
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.vocabulary import BYTE_TOKEN, Token

Flags = npt.NDArray[np.bool_]

MARKER = re.compile(
    r"<[|｜][^<>]{1,80}[|｜]?>|<[^<>]{1,80}[|｜]>|"
    r"\[[A-Z][A-Z0-9_/ ]{1,30}\]|</?[a-z][\w -]{0,40}>|<[A-Z][A-Z0-9_]{1,40}>|\[/[A-Z]+\]"
)
"""What a token that steers a model looks like, whatever its file flags: <|user|>, [INST], <think>, <BOS>."""

_TAGS = """
a abbr b big blockquote body br caption center cite code col colgroup dd del div dl dt em figcaption figure font footer
form h1 h2 h3 h4 h5 h6 head header hr html i iframe img
ins kbd li link main mark math nav ol p pre q s samp section small span strike
strong style sub summary sup svg table tbody td tfoot th thead title tr tt u ul var
"""
HTML_TAGS = frozenset(_TAGS.split())
"""Added tokens that are tags of HTML and not flagged special (Gemma has them) are text like any other."""

STRUCTURAL = frozenset("{}[]()<>:;,=\"'`")
BRACKETS = frozenset("{}[]:,")
_WORDS = """
the of and to in that was his he it with is for as had you not be her on at by which have or from this him but
all she they were my are me one their so an said them we who would been will no when there if more out up into
do any your what has man could other than our some very time about little only like great before two see made
after good know people because first such never should through long where these being between water number way
house place work year back part different small against school found every world under night still country
"""
COMMON_WORDS = tuple(_WORDS.split())
"""Words that are common in English, from 2 letters up: their pieces are a tokenizer's usual."""


class Usual(NamedTuple):
    """`characters`: mean characters per piece in common words; `pieces`: mean pieces per word."""

    characters: float
    pieces: float


class Profile:
    """Facts about a tokenizer that the detectors share; made once per tokenizer.

    Args:
        tokenizer: the tokenizer.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._vocabulary = tokenizer.vocabulary
        self._ids = tokenizer.ids
        self._normalize = tokenizer.engine.normalize
        self._decode = tokenizer.decode
        self._segments = tokenizer.engine.segments

    @cached_property
    def steering(self) -> Flags:
        """Ids that steer a model instead of standing for text, shape (size,)."""
        return self._flags(steers)

    @cached_property
    def unknown(self) -> Flags:
        """Ids that stand for what has no token, shape (size,)."""
        return self._flags(lambda token: token.kind == "unknown")

    @cached_property
    def byte(self) -> Flags:
        """Tokens of a single byte that a character without a token falls back to, shape (size,)."""
        return self._flags(lambda token: token.kind == "byte")

    @cached_property
    def unused(self) -> Flags:
        """Tokens that the file keeps free, shape (size,)."""
        return self._flags(lambda token: token.kind == "unused")

    @cached_property
    def structural(self) -> npt.NDArray[np.int8]:
        """By id: 2 where a token joins a quote with a bracket, a colon or a comma, 1 where it joins other signs."""
        found = np.zeros(max(self._vocabulary.size, 1), np.int8)
        for token in self._vocabulary:
            found[token.id] = _joins(token)
        return found

    @cached_property
    def usual(self) -> Usual:
        """How common English words are cut, each after a space."""
        counts = [len(self._ids(f"a {word}")) - len(self._ids("a")) for word in COMMON_WORDS]
        pieces = max(sum(counts), 1)
        return Usual(sum(map(len, COMMON_WORDS)) / pieces, pieces / len(COMMON_WORDS))

    @cached_property
    def writes_spaces_as_marks(self) -> bool:
        """Whether U+2581 stands for a space in this vocabulary, so that the two can't be told apart."""
        return any("\u2581" in token.text and b" " in token.data for token in self._vocabulary)

    @cached_property
    def mark_stage(self) -> Stage:
        """The stage that writes U+2581 for a space."""
        return "normalizer" if "\u2581" in self._normalize("a b") else "pre-tokenizer"

    @cached_property
    def decoder_spaces(self) -> bool:
        """Whether no token holds the blank between two words and the decoder puts one there (BERT's WordPiece)."""
        seen = "".join(segment.text for segment in self._segments("a b", parse_special=False))
        return seen == "ab" and self._decode(self._ids("a b")) == "a b"

    @cached_property
    def writes_byte_letters(self) -> bool:
        """Whether the vocabulary writes a space as U+0120, as byte-level BPE does."""
        return any(token.text.startswith("\u0120") and token.data[:1] == b" " for token in self._vocabulary)

    def has(self, flags: Flags, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Which tokens, by their place in the text, have a flag; ids outside the vocabulary have none."""
        inside = np.minimum(ids, len(flags) - 1)
        return np.flatnonzero(flags[inside])

    def _flags(self, wanted: Callable[[Token], bool]) -> Flags:
        found = np.zeros(max(self._vocabulary.size, 1), np.bool_)
        for token in self._vocabulary:
            found[token.id] = wanted(token)
        return found


def steers(token: Token) -> bool:
    """Whether a token stands for a step of a dialogue or a task rather than for text.

    True for control and unused tokens, for those flagged special, and for added ones that look like a marker.
    """
    if token.kind in ("control", "unused") or token.special:
        return True
    if token.kind not in ("added", "unknown") or MARKER.fullmatch(token.text) is None:
        return False
    return token.text.strip("</>") not in HTML_TAGS


def literal_byte(token: Token) -> bool:
    """Whether a token is written <0xXX>."""
    return BYTE_TOKEN.fullmatch(token.text) is not None


def _joins(token: Token) -> int:
    if token.kind != "normal" or len(token.data) < 2:
        return 0
    signs = {chr(byte) for byte in token.data} & STRUCTURAL
    if len(signs) >= 2:
        return 2 if signs & {'"', "'"} and signs & BRACKETS else 1
    letters = any(chr(byte).isalnum() for byte in token.data if byte < 128)
    return 1 if signs & {"{", "}", "[", "]", '"', "="} and letters else 0


_PROFILES: "WeakKeyDictionary[Tokenizer, Profile]" = WeakKeyDictionary()


def profile_of(tokenizer: Tokenizer) -> Profile:
    """The tokenizer's profile, made at the first call."""
    if (found := _PROFILES.get(tokenizer)) is None:
        found = _PROFILES[tokenizer] = Profile(tokenizer)
    return found
