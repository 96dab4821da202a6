"""The engine over `tiktoken`: ranks, a pattern that cuts, special tokens.

The library's own `encode` refuses a text that spells a special token. Here the default reads it as plain text
(`encode_ordinary`), which is what its users do with text that is not theirs, and what mistral-common does.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from weakspot.errors import CorruptFile, UsageError
from weakspot.tokens.composing import composed_with_origins
from weakspot.tokens.parts import Batch, FastSource, Segment, Span
from weakspot.tokens.segmenting import AddedMatcher, AddedToken

LONG_WHITE = 100_000
"""Characters of white space in a row from which the pattern is applied here: at 1,000,000 the library's regular
expressions run out of their stack and it panics."""
PATTERN_SECONDS = 60
WHITE = re.compile(r"\s{1000,}")


class TiktokenEngine:
    """`parts.Engine` over a `tiktoken.Encoding`.

    Args:
        encoding: the library's object, special tokens among its own.
        pattern: the regular expression that cuts a text, as it was given to the library.
        special: special tokens and their ids.
        composes: whether a text is brought to NFC first.
        prefix: the ids before a text with special tokens.
    """

    library = "tiktoken"
    parses_special = False

    def __init__(
        self,
        encoding: Any,
        *,
        pattern: str,
        special: Mapping[str, int],
        composes: bool = False,
        prefix: Sequence[int] = (),
    ) -> None:
        from tiktoken import __version__

        self.version: str = __version__
        self._encoding = encoding
        self._pattern = pattern
        self._matcher = AddedMatcher([AddedToken(number, text, special=True) for text, number in special.items()])
        self._composes = composes
        self._prefix = list(prefix)

    def ids(self, text: str, *, parse_special: bool) -> list[int]:
        """The ids of a text."""
        return self._of_normal(self.normalize(text), parse_special)

    def align(self, text: str, *, parse_special: bool) -> list[Span]:
        """The ids with the characters whose bytes they hold; where NFC changed the text, those it came from."""
        normal, at = composed_with_origins(text) if self._composes else (text, range(len(text) + 1))
        ends = np.cumsum([len(character.encode()) for character in normal]).tolist()
        found: list[Span] = []
        here = 0
        for token in self._of_normal(normal, parse_special):
            after = here + len(self._encoding.decode_single_token_bytes(token))
            first, last = bisect_right(ends, here), bisect_left(ends, after)
            end = at[last + 1]
            if end == at[last] and end < at[-1]:
                end = at[bisect_right(at, end)]  # one character that became several
            found.append(Span(token, at[first], end))
            here = after
        return found

    def frame(self, ids: Sequence[int]) -> list[int]:
        """With BOS before, where the encoding has one."""
        return [*self._prefix, *ids]

    def decode(self, ids: Sequence[int]) -> str:
        """Text out of ids.

        Raises:
            UsageError: there is no such id.
        """
        try:
            text: str = self._encoding.decode(list(ids))
        except (KeyError, OverflowError) as error:
            raise UsageError(f"There is no such token: {error}.", hint="Some ids may have no token at all.") from None
        return text

    def normalize(self, text: str) -> str:
        """The text itself, or its NFC."""
        return composed_with_origins(text)[0] if self._composes else text

    def segments(self, text: str, *, parse_special: bool) -> list[Segment]:
        """The stretches that the pattern cuts; their text is plain: the model gets its UTF-8, byte by byte."""
        normal, at = composed_with_origins(text) if self._composes else (text, range(len(text) + 1))
        starts = [0]
        for character in text:
            starts.append(starts[-1] + len(character.encode()))
        cuts = self._cut(normal, parse_special)
        return [Segment(normal[a:b], starts[at[a]], starts[at[b]], token) for a, b, token in cuts]

    def batch(self, texts: Sequence[str]) -> Batch:
        """The ids of many texts, one after the other, without a list on the way."""
        rows = []
        for text in texts:
            normal = self.normalize(text)
            if _long_white(normal):
                rows.append(np.asarray(self._in_pieces(normal, parse_special=False), np.uint32))
            else:
                rows.append(self._guarded(self._encoding.encode_to_numpy, normal, disallowed_special=()))
        counts = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        return Batch(np.concatenate(rows) if rows else np.empty(0, np.uint32), counts)

    def fast_source(self) -> FastSource | None:
        """The library's own object; None where it does not hold the whole way from text to ids."""
        return None if self._composes else FastSource(encoding=self._encoding)

    def _of_normal(self, text: str, parse_special: bool) -> list[int]:
        if _long_white(text):
            return self._in_pieces(text, parse_special)
        encode, options = self._encoding.encode_ordinary, {}
        if parse_special:
            encode, options = self._encoding.encode, {"allowed_special": "all"}
        found: list[int] = self._guarded(encode, text, **options)
        return found

    def _in_pieces(self, text: str, parse_special: bool) -> list[int]:
        """The same ids, by the pattern applied here and the library's merging of one piece."""
        found: list[int] = []
        for start, end, token in self._cut(text, parse_special):
            if token is not None:
                found.append(token)
            else:
                found += self._guarded(self._single_piece, text[start:end].encode())
        return found

    def _cut(self, text: str, parse_special: bool) -> Iterator[tuple[int, int, int | None]]:
        whole = [(0, len(text), None)] if text else []
        for start, end, token in self._matcher.cut(text) if parse_special else whole:
            if token is not None:
                yield start, end, token
                continue
            try:
                for match in self._regex.finditer(text[start:end], timeout=PATTERN_SECONDS):
                    if match.end() > match.start():
                        yield start + match.start(), start + match.end(), None
            except TimeoutError:
                raise CorruptFile("The tokenizer's pattern takes more than a minute on this text.") from None

    @cached_property
    def _regex(self) -> Any:
        import regex  # the standard library's re knows no \p{L}

        return regex.compile(self._pattern)

    def _single_piece(self, piece: bytes) -> list[int]:
        found: list[int] = self._encoding._encode_single_piece(piece)
        return found

    def _guarded(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """The library panics, with a BaseException, where a hostile pattern makes its regular expressions give up."""
        try:
            return call(*args, **options)
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise CorruptFile(f"The tokenizer's pattern can't cut this text: {str(error)[:120]}.") from None


def _long_white(text: str) -> bool:
    return len(text) >= LONG_WHITE and any(len(run) >= LONG_WHITE for run in WHITE.findall(text))
