"""What stands behind a token id: its text, its bytes and its kind.

Byte-level BPE writes bytes as printable letters (the table of GPT-2's encoder); SentencePiece writes a space as U+2581
and lone bytes as <0xXX>; WordPiece joins by ##. How a file writes them is settled by the loader, which hands over
bytes: nothing here guesses.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from weakspot.artifacts.bytelevel import byte_letters
from weakspot.records import TokenKind

BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
LETTERS = byte_letters()
ToBytes = Callable[[str], bytes]


class Token(NamedTuple):
    """One entry of a vocabulary; `rank` is a merge's rank or a score where the file states one."""

    id: int
    text: str
    data: bytes
    kind: TokenKind
    special: bool = False
    score: float | None = None


class Piece(NamedTuple):
    """The bytes behind an id and its kind."""

    data: bytes
    kind: str


class Vocabulary:
    """Ids to tokens and back. Ids need not be dense: a hole has no token.

    Args:
        tokens: the entries, in any order, one per id.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._by_id = {token.id: token for token in sorted(tokens)}
        self.size = max(self._by_id, default=-1) + 1

    def __len__(self) -> int:
        """How many ids have a token."""
        return len(self._by_id)

    def __iter__(self) -> Iterator[Token]:
        """The tokens in the order of their ids."""
        return iter(self._by_id.values())

    def __getitem__(self, token: int) -> Token:
        """The token behind an id; an id that has none is unknown and empty."""
        return self._by_id.get(token) or Token(token, "", b"", "unknown")

    def __contains__(self, token: int) -> bool:
        return token in self._by_id

    def piece(self, token: int) -> Piece:
        """The bytes and the kind behind an id; an id outside the vocabulary is unknown and empty."""
        found = self[token]
        return Piece(found.data, found.kind)

    def id_of(self, text: str) -> int | None:
        """The id of a token as the vocabulary writes it."""
        return self._ids.get(text)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token.text: token.id for token in reversed(self._by_id.values())}

    @cached_property
    def by_bytes(self) -> dict[bytes, int]:
        """Bytes to the lowest id that stands for them, over tokens that plain text can become."""
        plain = (token for token in self if token.kind in ("normal", "byte", "added"))
        return {token.data: token.id for token in reversed(list(plain))}

    @cached_property
    def missing(self) -> list[int]:
        """The ids below the largest that have no token."""
        return [token for token in range(self.size) if token not in self._by_id]

    @cached_property
    def lengths(self) -> npt.NDArray[np.int32]:
        """How many bytes each id stands for, shape (size,); 0 for a hole."""
        found = np.zeros(self.size, np.int32)
        for token in self:
            found[token.id] = len(token.data)
        return found

    @cached_property
    def table(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """All bytes in one row, shape (sum of lengths,), and where each id's begin, shape (size + 1,)."""
        starts = np.zeros(self.size + 1, np.int64)
        np.cumsum(self.lengths, out=starts[1:])
        return np.frombuffer(b"".join(self[token].data for token in range(self.size)), np.uint8), starts

    @cached_property
    def hash(self) -> str:
        """12 hexadecimal digits of the SHA-256 over (id, bytes): the same vocabulary in two formats has one hash."""
        digest = hashlib.sha256()
        for token in self:
            digest.update(token.id.to_bytes(4, "little") + len(token.data).to_bytes(4, "little") + token.data)
        return digest.hexdigest()[:12]


def bytelevel_bytes(text: str) -> bytes:
    """The bytes that byte-level BPE's letters stand for; a text with other letters stands for itself."""
    try:
        return bytes([LETTERS[letter] for letter in text])
    except KeyError:
        return text.encode("utf-8", "replace")


def metaspace_bytes(text: str) -> bytes:
    """The bytes of a SentencePiece token: U+2581 is a space, <0xXX> a byte."""
    if (match := BYTE_TOKEN.fullmatch(text)) is not None:
        return bytes([int(match[1], 16)])
    return text.replace("\u2581", " ").encode("utf-8", "replace")


def wordpiece_bytes(text: str, prefix: str = "##") -> bytes:
    """The bytes of a WordPiece token, without the prefix that says it goes on a word."""
    return (text.removeprefix(prefix) if prefix and text != prefix else text).encode("utf-8", "replace")


def plain_bytes(text: str) -> bytes:
    """The bytes of a token that stands for itself."""
    return text.encode("utf-8", "replace")
