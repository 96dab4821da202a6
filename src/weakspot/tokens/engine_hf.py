"""The engine over Hugging Face's `tokenizers`: encodes, decodes, and shows its steps one by one.

The library's own default lets text that spells an added token become its id; `encode_special_tokens` protects those
that the file flags special, and only those.
"""

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from weakspot.errors import CorruptFile, UsageError, WeakspotError
from weakspot.tokens.parts import Batch, FastSource, Segment, Span
from weakspot.tokens.segmenting import AddedMatcher, AddedToken, Cut


class TokenizersEngine:
    """`parts.Engine` over a `tokenizers.Tokenizer`.

    Args:
        tokenizer: the library's object; its post-processor, padding and truncation are taken off it.
        added: its added tokens.
        source: what a faster engine can be built from.
    """

    library = "tokenizers"
    parses_special = True

    def __init__(self, tokenizer: Any, added: Sequence[AddedToken], source: FastSource | None) -> None:
        from tokenizers import __version__

        self.version: str = __version__
        self._tokenizer = tokenizer
        self._added = tuple(added)
        self._source = source
        self._lock = threading.Lock()  # what to do with special text is a switch on the library's object
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._post = tokenizer.post_processor
        if self._post is not None:
            tokenizer.post_processor = None  # some trim the offsets even where they add nothing

    def ids(self, text: str, *, parse_special: bool) -> list[int]:
        """The ids of a text, without BOS, EOS and the like."""
        found: list[int] = self._encode(text, parse_special).ids
        return found

    def align(self, text: str, *, parse_special: bool) -> list[Span]:
        """The ids with the characters that the library lays them to."""
        encoding = self._encode(text, parse_special)
        return [Span(token, *span) for token, span in zip(encoding.ids, encoding.offsets, strict=True)]

    def frame(self, ids: Sequence[int]) -> list[int]:
        """With what the post-processor adds around a single text."""
        before, after = self._frame
        return [*before, *ids, *after]

    def decode(self, ids: Sequence[int]) -> str:
        """Text out of ids, special tokens kept."""
        try:
            text: str = _guarded(self._tokenizer.decode, list(ids), skip_special_tokens=False)
        except OverflowError as error:
            raise UsageError(f"There is no such token: {error}.", hint="Ids are whole numbers from 0 on.") from None
        return text

    def normalize(self, text: str) -> str:
        """The text as the normalizer leaves it."""
        normalizer = self._tokenizer.normalizer
        return text if normalizer is None else str(_guarded(normalizer.normalize_str, text))

    def segments(self, text: str, *, parse_special: bool) -> list[Segment]:
        """The stretches that the model gets: added tokens cut out, the rest normalised and cut into words."""
        raw, late = self._matchers[parse_special]
        steps = _Steps(self._tokenizer.normalizer, self._tokenizer.pre_tokenizer, raw, late)
        found: list[Segment] = _guarded(steps.run, text)
        return sorted(found, key=lambda segment: segment.start)

    def batch(self, texts: Sequence[str]) -> Batch:
        """The ids of many texts."""
        with self._lock:
            self._tokenizer.encode_special_tokens = False
            encodings = _guarded(self._tokenizer.encode_batch_fast, list(texts), add_special_tokens=False)
        rows = [encoding.ids for encoding in encodings]
        counts = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        return Batch(np.fromiter((token for row in rows for token in row), np.uint32, int(counts.sum())), counts)

    def fast_source(self) -> FastSource | None:
        """The file it came from."""
        return self._source

    def _encode(self, text: str, parse_special: bool) -> Any:
        with self._lock:
            self._tokenizer.encode_special_tokens = not parse_special
            return _guarded(self._tokenizer.encode, text, add_special_tokens=False)

    @cached_property
    def _frame(self) -> tuple[list[int], list[int]]:
        if self._post is None:
            return [], []
        encoding = self._encode("a", parse_special=False)
        plain = encoding.ids
        framed: list[int] = self._post.process(encoding, None, True).ids
        for at in range(len(framed) - len(plain) + 1):
            if framed[at : at + len(plain)] == plain:
                return framed[:at], framed[at + len(plain) :]
        return [], []

    @cached_property
    def _matchers(self) -> dict[bool, tuple[AddedMatcher, AddedMatcher]]:
        """By `parse_special`: what is matched in the raw text, and what in the normalised one."""

        def of(parse_special: bool, normalized: bool) -> AddedMatcher:
            wanted = (t for t in self._added if t.normalized == normalized and (parse_special or not t.special))
            if not normalized:
                return AddedMatcher(list(wanted))
            return AddedMatcher([token._replace(content=self.normalize(token.content)) for token in wanted])

        return {special: (of(special, False), of(special, True)) for special in (True, False)}


def _guarded(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """The library raises a bare Exception, or panics, where a file's parts do not fit a text."""
    try:
        return call(*args, **options)
    except (WeakspotError, OverflowError, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the Rust library is a BaseException of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160].rstrip(".")
        raise CorruptFile(
            f"The tokenizers library can't take this text by the file's rules: {reason}.",
            hint="The file contradicts itself: its unknown token or one of its patterns may be at fault.",
        ) from None


class _Steps:
    """One text through the library's own normalizer and pre-tokenizer, added tokens set aside."""

    def __init__(self, normalizer: Any, pre_tokenizer: Any, raw: AddedMatcher, late: AddedMatcher) -> None:
        self._normalizer = normalizer
        self._pre_tokenizer = pre_tokenizer
        self._raw = raw
        self._late = late

    def run(self, text: str) -> list[Segment]:
        if not text:
            return []
        cuts = self._raw.cut(text)
        found = [
            Segment(text[c.start : c.end], len(text[: c.start].encode()), len(text[: c.end].encode()), c.token)
            for c in cuts
            if c.token is not None
        ]
        if not (between := [cut for cut in cuts if cut.token is None]):
            return found
        late = self._late_tokens(text, between)
        state = self._state(text, between)
        if late:
            found += late
            state.split(self._between)
        if self._pre_tokenizer is not None:
            self._pre_tokenizer.pre_tokenize(state)
        return found + [Segment(word, *span) for word, span, _ in state.get_splits("original", "byte") if word]

    def _state(self, text: str, between: Sequence[Cut]) -> Any:
        from tokenizers import PreTokenizedString

        state = PreTokenizedString(text)
        if len(between) != 1 or (between[0].start, between[0].end) != (0, len(text)):
            state.split(lambda _, piece: [piece[cut.start : cut.end] for cut in between])
        if self._normalizer is not None:
            state.normalize(self._normalizer.normalize)
        return state

    def _between(self, _: int, piece: Any) -> list[Any]:
        cuts = self._late.cut(piece.normalized)
        return [piece[cut.start : cut.end] for cut in cuts if cut.token is None]

    def _late_tokens(self, text: str, between: Sequence[Cut]) -> list[Segment]:
        """Tokens that are matched after normalising; their place in the input comes from the library's alignment."""
        state = self._state(text, between)
        marks: list[int | None] = []

        def cut(_: int, piece: Any) -> list[Any]:
            stretches = self._late.cut(piece.normalized)
            marks.extend(stretch.token for stretch in stretches)
            return [piece[stretch.start : stretch.end] for stretch in stretches]

        state.split(cut)
        splits = state.get_splits("original", "byte")
        return [
            Segment(word, span[0], span[1], token)
            for (word, span, _), token in zip(splits, marks, strict=True)
            if token is not None
        ]
