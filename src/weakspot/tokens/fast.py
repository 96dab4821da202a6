"""The fastest engine that gives the same ids: `gigatoken` where it is shown equal on the spot, else the library itself.

Shown equal means: on the fixed probe texts, on texts that spell this vocabulary's own added tokens, and, while a corpus
is encoded, on the first documents and a sample of the later ones (`Encoder.check`).
"""

import base64
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from weakspot.tokens.face import Tokenizer
from weakspot.tokens.parts import Batch, FastSource
from weakspot.tokens.probe_texts import PROBE_TEXTS

SCHEMES = ("cl100k", "o200k", "gpt2", "qwen2")
"""Ways of cutting words that gigatoken knows by name; which one a tiktoken file's pattern is, the probe texts say."""

MOST_ADDED = 300
Giga = Any


class Differs(Exception):
    """The fast engine gave other ids than the library on a document of the corpus."""


class Encoder:
    """Encodes many texts at once, as `Tokenizer.ids` would one by one.

    Args:
        tokenizer: the tokenizer.
        fast: whether to look for a faster engine than the library.

    Attributes:
        engine: the library that encodes, with its version.
        is_fast: whether that is another one than the tokenizer's own.
    """

    def __init__(self, tokenizer: Tokenizer, *, fast: bool = True) -> None:
        self._tokenizer = tokenizer
        self._giga = _proven(tokenizer) if fast else None
        own = tokenizer.engine
        self.engine = f"{own.library} {own.version}"
        self.is_fast = self._giga is not None
        if self.is_fast:
            from importlib.metadata import version

            self.engine = f"gigatoken {version('gigatoken')}, shown equal to {self.engine}"

    def batch(self, texts: Sequence[str]) -> Batch:
        """The ids of texts without lone surrogates, with the library's default for special tokens."""
        if self._giga is None:
            return self._tokenizer.engine.batch(texts)
        encode = self._giga.encode
        rows = [encode(text) for text in texts]
        counts = np.fromiter(map(len, rows), np.int64, len(rows))
        return Batch(np.concatenate(rows) if rows else np.empty(0, np.uint32), counts)

    def check(self, texts: Sequence[str], most: int) -> None:
        """Encode texts by both engines, as far as `most` characters go.

        Raises:
            Differs: the ids are not the same.
        """
        if self._giga is None:
            return
        for text in texts:
            part = text[:most]
            if not np.array_equal(self._giga.encode(part), np.asarray(self._tokenizer.ids(part), np.uint32)):
                raise Differs
            most -= len(part)
            if most <= 0:
                return


def _proven(tokenizer: Tokenizer) -> Giga | None:
    source = tokenizer.engine.fast_source()
    if source is None:
        return None
    texts = [*PROBE_TEXTS, *_own_texts(tokenizer)]
    wanted: list[Any] | None = None
    for build in _builds(source):
        if (giga := _built(build)) is None:
            continue
        wanted = wanted or [np.asarray(tokenizer.ids(text), np.uint32) for text in texts]
        if all(np.array_equal(giga.encode(text), ids) for text, ids in zip(texts, wanted, strict=True)):
            return giga
    return None


def _own_texts(tokenizer: Tokenizer) -> Iterator[str]:
    """Texts that spell the vocabulary's own added and control tokens."""
    kinds = ("control", "added", "unused", "unknown")
    named = [token.text for token in tokenizer.vocabulary if token.kind in kinds or token.special]
    step = max(1, len(named) // MOST_ADDED)
    for text in named[::step]:
        yield f"x {text} y{text}z"
    yield from ("  ".join(["x", *named[:20], ""]), "a" * 3000, " " * 300, "\n" * 100)


def _builds(source: FastSource) -> Iterator[Callable[[], Giga]]:
    from gigatoken import Tokenizer as Gigatoken  # 60 ms: only a corpus needs it

    if source.path is not None:
        path = source.path
        yield lambda: Gigatoken.from_json(path.read_bytes())
    elif source.json is not None:
        text = source.json
        yield lambda: Gigatoken.from_json(text)
    elif source.encoding is not None:
        encoding = source.encoding
        for scheme in SCHEMES:
            yield lambda scheme=scheme: _from_ranks(encoding, scheme)  # type: ignore[misc]  # the loop's own value


def _from_ranks(encoding: Any, scheme: str) -> Giga:
    """A tiktoken object's ranks, written to a file for a moment: the engine reads no other form of them."""
    from gigatoken import Tokenizer as Gigatoken

    lines = (b"%s %d" % (base64.b64encode(data), rank) for data, rank in encoding._mergeable_ranks.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ranks.tiktoken"
        path.write_bytes(b"\n".join(lines))
        return Gigatoken.from_tiktoken(path, pretokenizer=scheme, special_tokens={})


def _built(build: Callable[[], Giga]) -> Giga | None:
    """The engine, or None where it can't take this tokenizer; it says so by errors of many kinds, and by panics."""
    try:
        return build()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return None
        raise
