"""A text under a tokenizer as the detectors see it: bytes, ids and offsets as arrays, words and characters in bytes.

Detectors work on arrays first and touch Python objects only where they found something: a corpus can be audited so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt

from weakspot.findings.folding import undrawn
from weakspot.findings.profile import Profile, profile_of
from weakspot.records import Stage, TokenFinding
from weakspot.tokens.face import Encoded, Tokenizer
from weakspot.tokens.vocabulary import Token

MOST_OF_A_KIND = 20
"""Findings of one code per text; what is left over is one finding that covers it and says how many there were."""

LONGEST_QUOTE = 60

Evidence = dict[str, str | int | float | bool | list[str] | list[int] | None]
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


class Document:
    """A text, without lone surrogates, and its ids.

    Args:
        tokenizer: the tokenizer.
        text: the input.
        encoded: its ids with byte offsets; None where they are set as arrays (`weakspot.corpora`).
    """

    def __init__(self, tokenizer: Tokenizer, text: str, encoded: Encoded | None) -> None:
        self.tokenizer = tokenizer
        self.text = text
        if encoded is not None:
            self.encoded = encoded

    @cached_property
    def encoded(self) -> Encoded:
        """The ids with byte offsets, as lists."""
        return Encoded(self.ids.tolist(), self.starts.tolist(), self.ends.tolist())

    def ids_of(self, text: str) -> list[int]:
        """The ids that the tokenizer gives another text."""
        return self.tokenizer.ids(text)

    @cached_property
    def profile(self) -> Profile:
        """What is usual for the tokenizer."""
        return profile_of(self.tokenizer)

    @cached_property
    def data(self) -> bytes:
        """The text's UTF-8."""
        return self.text.encode()

    @cached_property
    def raw(self) -> Bytes:
        """The text's UTF-8, shape (bytes,)."""
        return np.frombuffer(self.data, np.uint8)

    @cached_property
    def ids(self) -> Places:
        """The ids, shape (tokens,)."""
        return np.asarray(self.encoded.ids, np.int64)

    @cached_property
    def starts(self) -> Places:
        """Where each token's stretch begins, in bytes, shape (tokens,)."""
        return np.asarray(self.encoded.starts, np.int64)

    @cached_property
    def ends(self) -> Places:
        """Where each token's stretch ends, in bytes, exclusive, shape (tokens,)."""
        return np.asarray(self.encoded.ends, np.int64)

    @cached_property
    def positions(self) -> Sequence[int]:
        """Where each character begins, in bytes, and at last the length; shape (characters + 1,)."""
        if self.text.isascii():
            return range(len(self.text) + 1)
        points = np.frombuffer(self.text.encode("utf-32-le"), "<u4")
        sizes = 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
        places: list[int] = np.concatenate(([0], np.cumsum(sizes))).tolist()
        return places

    def at(self, start: int, end: int) -> str:
        """The text between two places in bytes; characters cut by them count whole."""
        while start > 0 and self.data[start : start + 1] and self.data[start] & 0xC0 == 0x80:
            start -= 1
        while end < len(self.data) and self.data[end] & 0xC0 == 0x80:
            end += 1
        return self.data[start:end].decode("utf-8", "replace")

    def token(self, place: int) -> Token:
        """The vocabulary's entry of the token at a place in the row of ids."""
        return self.tokenizer.vocabulary[int(self.ids[place])]

    def stretch(self, place: int) -> str:
        """The input's text that a token stands for."""
        return self.at(int(self.starts[place]), int(self.ends[place]))

    def tokens_in(self, start: int, end: int) -> range:
        """The tokens whose stretch shares a byte with the bytes from `start` to `end`."""
        first = int(self.ends.searchsorted(start, "right"))
        last = int(self.starts.searchsorted(end, "left"))
        return range(first, max(first, last))

    def finding(self, code: str, place: tuple[int, int], severity: int, stage: Stage, message: str) -> TokenFinding:
        """A finding without evidence."""
        return TokenFinding(
            code=code, start=place[0], end=place[1], severity=severity, stage=stage, message=message, evidence={}
        )


def said(finding: TokenFinding, **evidence: str | float | list[str] | list[int] | None) -> TokenFinding:
    """The finding with the values that its sentence stands on."""
    return msgspec.structs.replace(finding, evidence={**finding.evidence, **evidence})


def quoted(text: str) -> str:
    """A stretch of a text for a sentence: cut, in quotes, and with everything escaped that can't be seen."""
    shown = text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
    return "'" + "".join(c if c == " " or (c.isprintable() and not undrawn(c)) else escaped(c) for c in shown) + "'"


def escaped(character: str) -> str:
    """A character as Python writes it where it can't print it."""
    written = repr(character)[1:-1]
    return written if written != character else f"\\u{ord(character):04x}"


def code_points(text: str, most: int = 8) -> list[str]:
    """U+XXXX of the first characters of a text."""
    return [f"U+{ord(character):04X}" for character in text[:most]]


def few(found: Iterable[TokenFinding], most: int = MOST_OF_A_KIND) -> Iterator[TokenFinding]:
    """At most `most` findings of each code, and one more that covers what was left out."""
    kept: dict[str, int] = {}
    rest: dict[str, list[TokenFinding]] = {}
    for finding in found:
        kept[finding.code] = kept.get(finding.code, 0) + 1
        if kept[finding.code] <= most:
            yield finding
        else:
            rest.setdefault(f"{finding.code} {finding.stage}", []).append(finding)
    for left in rest.values():
        yield _rest(left)


def few_of(
    spots: Sequence[tuple[int, int, int]], tell: Callable[[int], TokenFinding], most: int = MOST_OF_A_KIND
) -> Iterator[TokenFinding]:
    """What `few` gives for findings of one code and stage, without making those that are told together.

    Args:
        spots: start, end and severity of each.
        tell: makes a finding out of its number in `spots`.
        most: how many are told one by one.
    """
    for number in range(min(most, len(spots))):
        yield tell(number)
    if len(spots) > most:
        left = spots[most:]
        yield _covering(tell(most), left) if len(left) > 1 else tell(most)


def _rest(left: Sequence[TokenFinding]) -> TokenFinding:
    if len(left) == 1:
        return left[0]
    return _covering(left[0], [(finding.start, finding.end, finding.severity) for finding in left])


def _covering(first: TokenFinding, left: Sequence[tuple[int, int, int]]) -> TokenFinding:
    return TokenFinding(
        code=first.code,
        start=min(start for start, _, _ in left),
        end=max(end for _, end, _ in left),
        severity=max(severity for _, _, severity in left),
        stage=first.stage,
        message=f"{len(left):,} more of this kind; the first: {first.message}",
        evidence={**first.evidence, "more": len(left)},
    )
