"""One face for every tokenizer: encode with byte offsets, decode, the vocabulary, the pipeline, a fingerprint.

It knows no file format and no library: a loader hands it the parts (`weakspot.tokens.parts`).
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from weakspot.records import TokenPiece
from weakspot.tokens.parts import Engine, ModelData, Pipeline, Span
from weakspot.tokens.probe_texts import PROBE_TEXTS
from weakspot.tokens.text import without_surrogates
from weakspot.tokens.vocabulary import Vocabulary


class Encoded(NamedTuple):
    """Ids with the stretch of the input's UTF-8 that each stands for, in bytes."""

    ids: list[int]
    starts: list[int]
    ends: list[int]


class Tokenizer:
    """A tokenizer, whatever file it came from.

    Attributes:
        name: as the user named it.
        format: the kind of file: tokenizer.json, sentencepiece, tiktoken, tekken or gguf.
        engine: the library that encodes and decodes.
        vocabulary: what stands behind each id.
        model: the model's data, for the step-by-step engines.
        pipeline: the five steps in words.
        remarks: what was undone or found amiss while loading, a sentence each.
    """

    def __init__(
        self,
        *,
        name: str,
        format: str,  # noqa: A002 - the field's word for it
        engine: Engine,
        vocabulary: Vocabulary,
        model: ModelData,
        pipeline: Pipeline,
        remarks: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.format = format
        self.engine = engine
        self.vocabulary = vocabulary
        self.model = model
        self.pipeline = pipeline
        self.remarks = tuple(remarks)

    def __repr__(self) -> str:
        return f"Tokenizer({self.name!r}, {self.format}, {len(self.vocabulary):,} tokens, {self.engine.library})"

    def ids(self, text: str, *, add_special: bool = False, parse_special: bool | None = None) -> list[int]:
        """The ids of a text; a lone surrogate in it is read as U+FFFD.

        Args:
            text: the text.
            add_special: add what the post-processor adds around a single text (BOS, EOS, CLS, SEP).
            parse_special: whether text that spells a special token becomes its id; None: the library's default.
        """
        special = self.engine.parses_special if parse_special is None else parse_special
        ids = self.engine.ids(without_surrogates(text), parse_special=special)
        return self.engine.frame(ids) if add_special else ids

    def encode(self, text: str, *, parse_special: bool | None = None) -> Encoded:
        """The ids of a text with byte offsets; a lone surrogate in it is read as U+FFFD (three bytes, as it would be).

        Where the tokens' bytes joined are the text, offsets are their running lengths. Elsewhere (a normalizer changed
        the text) they are those of the library's alignment, refined where tokens share a character.
        """
        text = without_surrogates(text)
        special = self.engine.parses_special if parse_special is None else parse_special
        ids = self.engine.ids(text, parse_special=special)
        pieces = [self.vocabulary[token].data for token in ids]
        if b"".join(pieces) == text.encode():
            ends = np.cumsum([len(piece) for piece in pieces]).tolist() if pieces else []
            return Encoded(ids, [0, *ends[:-1]] if ends else [], ends)
        return self._aligned(text, self.engine.align(text, parse_special=special))

    def decode(self, ids: Sequence[int]) -> str:
        """Text out of ids, by the tokenizer's own decoder; bytes that are no UTF-8 become U+FFFD."""
        return self.engine.decode(ids)

    def pieces(self, encoded: Encoded) -> tuple[TokenPiece, ...]:
        """Records of an encoded text's tokens."""
        found = []
        for token, start, end in zip(encoded.ids, encoded.starts, encoded.ends, strict=True):
            entry = self.vocabulary[token]
            found.append(
                TokenPiece(
                    id=token,
                    text=without_surrogates(entry.text),
                    bytes=entry.data.hex(),
                    start=start,
                    end=end,
                    kind=entry.kind,
                    special=entry.special,
                )
            )
        return tuple(found)

    @cached_property
    def fingerprint(self) -> str:
        """12 digits for the vocabulary and 12 for the ids of a fixed set of texts, joined by a hyphen.

        Two files with one first half hold the same (id, bytes); with one second half they cut the texts alike.
        """
        digest = hashlib.sha256()
        for text in PROBE_TEXTS:
            ids = self.ids(text)
            digest.update(np.asarray([len(ids), *ids], "<u4").tobytes())
        return f"{self.vocabulary.hash}-{digest.hexdigest()[:12]}"

    def _aligned(self, text: str, spans: Sequence[Span]) -> Encoded:
        at = _byte_positions(text)
        raw = text.encode()
        out = Encoded([], [], [])
        group: list[Span] = []
        for span in spans:
            if group and (span.start, span.end) != (group[0].start, group[0].end):
                self._close(group, at, raw, out)
                group = []
            group.append(span)
        if group:
            self._close(group, at, raw, out)
        return out

    def _close(self, group: Sequence[Span], at: Sequence[int], raw: bytes, out: Encoded) -> None:
        """Tokens that the library gives one stretch: cut it between them where their bytes are its bytes."""
        start, end = at[group[0].start], at[group[0].end]
        pieces = [self.vocabulary[span.id].data for span in group]
        exact = b"".join(pieces) == raw[start:end]
        here = start
        for span, piece in zip(group, pieces, strict=True):
            out.ids.append(span.id)
            out.starts.append(here if exact else start)
            here += len(piece)
            out.ends.append(here if exact else end)


def _byte_positions(text: str) -> Sequence[int]:
    """Where each character begins in the text's UTF-8, and at last its length; shape (len(text) + 1,)."""
    if text.isascii():
        return range(len(text) + 1)
    points = np.frombuffer(text.encode("utf-32-le"), "<u4")
    sizes = 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
    positions: list[int] = np.concatenate(([0], np.cumsum(sizes))).tolist()
    return positions
