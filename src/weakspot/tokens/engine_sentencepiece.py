"""The engine over `sentencepiece`: encodes, decodes, and shows what the model gets after normalisation.

The library reads control symbols (`<s>`, `</s>`) in a text as text, always; user-defined symbols always match. Tokens
that stand beside the file (a GGUF's control tokens) are cut out before it: each stretch between them is then a text of
its own, with its own dummy prefix, as llama.cpp does it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from weakspot.errors import UsageError
from weakspot.tokens.parts import Batch, FastSource, Segment, Span
from weakspot.tokens.segmenting import AddedMatcher, AddedToken, Cut
from weakspot.tokens.spm_proto import BYTE, CONTROL, USER_DEFINED, SpmModel


class SentencePieceEngine:
    """`parts.Engine` over a `sentencepiece.SentencePieceProcessor`.

    Args:
        processor: the library's object.
        spm: what its file says.
        added: tokens that are matched before the library: those flagged special only where special text is parsed, the
            others always.
        prefix: what `frame` puts before the ids; None: the file's BOS, as the library's `add_bos` would.
        suffix: what it puts behind them; None: the file's EOS, as `add_eos` would.
        parses_special: whether special text is parsed unless the caller says.
    """

    library = "sentencepiece"

    def __init__(
        self,
        processor: Any,
        spm: SpmModel,
        *,
        added: Sequence[AddedToken] = (),
        prefix: Sequence[int] | None = None,
        suffix: Sequence[int] | None = None,
        parses_special: bool = False,
    ) -> None:
        from sentencepiece import __version__

        self.version: str = __version__
        self.parses_special = parses_special
        self._processor = processor
        self._spm = spm
        self._matchers = {
            parse: AddedMatcher([token for token in added if parse or not token.special]) for parse in (False, True)
        }
        self._cuts_by_default = any(parses_special or not token.special for token in added)
        # A file has no post-processor: which of the two a model wants is not said, so both are given where they exist.
        self._prefix = _existing(processor.bos_id()) if prefix is None else list(prefix)
        self._suffix = _existing(processor.eos_id()) if suffix is None else list(suffix)
        self._users = _user_defined(spm)
        self._kept = {number: piece.text for number, piece in enumerate(spm.pieces) if piece.type == CONTROL}
        self._byte_ids = {number for number, piece in enumerate(spm.pieces) if piece.type == BYTE}
        self._kept |= {token.id: token.content for token in added}

    def ids(self, text: str, *, parse_special: bool) -> list[int]:
        """The ids of a text, without BOS and EOS."""
        found: list[int] = []
        for cut in self._matchers[parse_special].cut(text):
            if cut.token is None:
                found += self._processor.encode(text[cut.start : cut.end], return_type=int)
            else:
                found.append(cut.token)
        return found

    def align(self, text: str, *, parse_special: bool) -> list[Span]:
        """The ids with the characters that they come from.

        Tokens that share a character (byte fallback, or one character that the rules turned into several) all get the
        whole of it; the library gives it to the last one only. A dummy prefix stands for nothing.
        """
        found: list[Span] = []
        for cut in self._matchers[parse_special].cut(text):
            if cut.token is None:
                found += self._aligned(text[cut.start : cut.end], cut.start)
            else:
                found.append(Span(cut.token, cut.start, cut.end))
        return found

    def frame(self, ids: Sequence[int]) -> list[int]:
        """With BOS before and EOS behind, where the file has them, as `add_bos` and `add_eos` do."""
        return [*self._prefix, *ids, *self._suffix]

    def decode(self, ids: Sequence[int]) -> str:
        """Text out of ids; control symbols, which the library leaves out, stand as they are written.

        Raises:
            UsageError: there is no such id.
        """
        size = len(self._spm.pieces)
        parts: list[str] = []
        for kept, run in groupby(map(int, ids), self._kept.__contains__):
            group = list(run)
            if kept:
                parts += (self._kept[token] for token in group)
                continue
            if (wrong := next((token for token in group if not 0 <= token < size), None)) is not None:
                raise UsageError(f"There is no token {wrong}.", hint=f"The ids are 0 to {size - 1}.")
            parts.append(self._processor.decode(group))
        return "".join(parts)

    def normalize(self, text: str) -> str:
        """The text as the model gets it: by the file's rules, with U+2581 for spaces and the dummy prefix."""
        return str(self._processor.normalize(text))

    def segments(self, text: str, *, parse_special: bool) -> list[Segment]:
        """The stretches that the model gets: the whole text at once, but for added and user-defined tokens."""
        found: list[Segment] = []
        for cut in self._matchers[parse_special].cut(text):
            if cut.token is None:
                found += self._segments(text, cut)
            else:
                start, end = _bytes_before(text, cut.start), _bytes_before(text, cut.end)
                found.append(Segment(text[cut.start : cut.end], start, end, cut.token))
        return found

    def batch(self, texts: Sequence[str]) -> Batch:
        """The ids of many texts, in one call and one thread of the library."""
        if self._cuts_by_default:
            rows = [np.asarray(self.ids(text, parse_special=self.parses_special), np.uint32) for text in texts]
        else:
            rows = self._processor.encode(list(texts), return_type="numpy", num_threads=1)
        counts = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        joined = np.concatenate(rows).astype(np.uint32) if rows else np.empty(0, np.uint32)
        return Batch(joined, counts)

    def fast_source(self) -> FastSource | None:
        """None: no faster engine reads these files."""
        return None

    def _aligned(self, text: str, shift: int) -> Iterator[Span]:
        normal, at = self._processor.normalize(text, with_offsets=True)
        encoding = self._processor.encode(text, return_type="offset_mapping")
        dummy = 1 if self._has_dummy_prefix(normal) else 0
        here = 0
        left = 0  # byte tokens still to come of the character before `here`
        for token, piece in zip(encoding["ids"], encoding["pieces"], strict=True):
            if token not in self._byte_ids:
                first, here = here, here + len(piece)
            else:
                if not left:
                    left = len(normal[here].encode())
                    here += 1
                first = here - 1
                left -= 1
            start = end = at[first]
            if here > dummy and at[here - 1] < at[-1]:
                # The next place that differs: a stretch that the rules turned into several characters is one unit.
                end = at[bisect_right(at, at[here - 1])]
            yield Span(token, start + shift, end + shift)

    def _segments(self, text: str, cut: Cut) -> Iterator[Segment]:
        piece = text[cut.start : cut.end]
        normal, at = self._processor.normalize(piece, with_offsets=True)
        starts = [_bytes_before(text, cut.start)]
        for character in piece:
            starts.append(starts[-1] + len(character.encode()))
        for stretch in self._users.cut(normal):
            start, end = starts[at[stretch.start]], starts[at[stretch.end]]
            yield Segment(normal[stretch.start : stretch.end], start, end, stretch.token)

    def _has_dummy_prefix(self, normal: str) -> bool:
        return bool(normal) and self._spm.add_dummy_prefix and not self._spm.treat_whitespace_as_suffix


def _existing(token: int) -> list[int]:
    """The library says -1 where a file has no such piece."""
    return [token] if token >= 0 else []


def _user_defined(spm: SpmModel) -> AddedMatcher:
    """User-defined symbols of a BPE model: the library freezes them, longest first, before anything is merged.

    A Unigram model only gives them a bonus in its lattice, so there they stay with the model.
    """
    if spm.kind != "bpe":
        return AddedMatcher([])
    pieces = enumerate(spm.pieces)
    return AddedMatcher([AddedToken(number, piece.text) for number, piece in pieces if piece.type == USER_DEFINED])


def _bytes_before(text: str, end: int) -> int:
    return len(text[:end].encode())
