"""Many documents under one tokenizer at once: ids and byte offsets as arrays, and which come back as they were.

Where the bytes behind a document's ids, joined, are its UTF-8, its offsets are running lengths: this is the rule of
`weakspot.tokens.face.Tokenizer.encode`, applied to all documents of a batch at once. Where they are not, the document
is **loose** and goes through the tokenizer's own alignment and decoder, one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weakspot.tokens.face import Encoded, Tokenizer
from weakspot.tokens.parts import Batch

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
WIDTH = 8
"""Bytes that are compared at once."""

SEPARATOR = b" "
"""Stands before, between and behind documents; no token covers it."""

PLAIN_DECODERS = (
    "letters become bytes",
    "joins bytes; what is no UTF-8 becomes U+FFFD",
    "replaces '▁' by ' '; <0xXX> tokens become bytes; joined",
)
"""Decoders, in the pipeline's words, under which ids decode to their joined bytes where those are UTF-8."""


@dataclass(frozen=True)
class Laid:
    """Documents side by side.

    Attributes:
        places: where each document stands in the batch it came from.
        texts: the documents.
        data: their UTF-8, separators around each.
        begins: where each document begins in `data`, shape (documents,).
        sizes: its bytes, shape (documents,).
        ids: all ids, shape (tokens,).
        first: which is each document's first token, and at last how many there are, shape (documents + 1,).
        starts: where each token's stretch begins in `data`, shape (tokens,).
        ends: where it ends, exclusive, shape (tokens,).
        lengths: how many bytes each token stands for, shape (tokens,).
    """

    places: list[int]
    texts: list[str]
    data: bytes
    begins: Places
    sizes: Places
    ids: Places
    first: Places
    starts: Places
    ends: Places
    lengths: Places

    @cached_property
    def raw(self) -> npt.NDArray[np.uint8]:
        """The bytes of `data`."""
        return np.frombuffer(self.data, np.uint8)

    def document_of_byte(self, at: Places) -> Places:
        """The documents that bytes belong to, by their row here."""
        found: Places = np.searchsorted(self.begins, at, "right") - 1
        return found

    def document_of_token(self, at: Places) -> Places:
        """The documents that tokens belong to, by their row here."""
        found: Places = np.searchsorted(self.first, at, "right") - 1
        return found

    def encoded(self, row: int) -> Encoded:
        """A document's ids with its own byte offsets."""
        span = slice(int(self.first[row]), int(self.first[row + 1]))
        begin = int(self.begins[row])
        return Encoded(
            self.ids[span].tolist(), (self.starts[span] - begin).tolist(), (self.ends[span] - begin).tolist()
        )


class Layer:
    """Lays documents out; holds what it looks up in the vocabulary.

    Args:
        tokenizer: the tokenizer.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.plain = tokenizer.pipeline.decoder in PLAIN_DECODERS
        table, self._table_starts = tokenizer.vocabulary.table
        self._table = _words(table.tobytes())
        self._lengths = np.append(tokenizer.vocabulary.lengths.astype(np.int64), 0)
        self._heads = np.append(self._table[self._table_starts[:-1]], np.uint64(0))
        self._masks = np.asarray([(1 << (8 * size)) - 1 for size in range(WIDTH + 1)], np.uint64)
        self._heads &= self._masks[np.minimum(self._lengths, WIDTH)]

    def lay(self, texts: Sequence[str], batch: Batch) -> tuple[Laid, list[int]]:
        """The documents that come back as they were, laid out, and the places of the others.

        Args:
            texts: the documents, without lone surrogates.
            batch: their ids.
        """
        laid = _laid(list(range(len(texts))), texts, batch, self._lengths)
        same = self._same(laid)
        if not same.all():
            kept = np.flatnonzero(same)
            laid = _laid(kept.tolist(), texts, _only(batch, same), self._lengths)
        loose = np.flatnonzero(~same).tolist()
        if not self.plain and laid.places:
            loose = sorted([*loose, *self._decoded_otherwise(laid)])
            kept_places = sorted(set(range(len(texts))) - set(loose))
            mask = np.zeros(len(texts), np.bool_)
            mask[kept_places] = True
            laid = _laid(kept_places, texts, _only(batch, mask), self._lengths)
        return laid, loose

    def lay_loose(self, texts: Sequence[str], places: Sequence[int]) -> Laid:
        """The other documents, by the tokenizer's own alignment, one by one."""
        rows = [self.tokenizer.encode(texts[place]) for place in places]
        data, begins, sizes = _joined([texts[place] for place in places])
        counts = np.asarray([len(row.ids) for row in rows], np.int64)
        shift = np.repeat(begins, counts)
        return Laid(
            list(places),
            [texts[place] for place in places],
            data,
            begins,
            sizes,
            _concatenated([row.ids for row in rows]),
            np.concatenate(([0], np.cumsum(counts))),
            _concatenated([row.starts for row in rows]) + shift,
            _concatenated([row.ends for row in rows]) + shift,
            np.zeros(0, np.int64),
        )

    def _same(self, laid: Laid) -> Flags:
        """Which documents' ids stand for just their bytes, shape (documents,)."""
        counts = np.diff(laid.first)
        last = np.append(laid.ends, 0)[laid.first[1:] - 1]
        same: Flags = np.where(counts > 0, last == laid.begins + laid.sizes, laid.sizes == 0)
        words = _words(laid.data)
        inside = laid.starts if same.all() else np.minimum(laid.starts, len(laid.data))
        wrong = np.flatnonzero((words[inside] & self._masks[np.minimum(laid.lengths, WIDTH)]) != self._heads[laid.ids])
        same[laid.document_of_token(wrong)] = False
        long = np.flatnonzero(laid.lengths > WIDTH)
        left = laid.lengths[long] - WIDTH
        step = WIDTH
        while len(long):
            ids = laid.ids[long]
            mask = self._masks[np.minimum(left, WIDTH)]
            ours = words[np.minimum(laid.starts[long] + step, len(laid.data))] & mask
            wrong = long[ours != (self._table[self._table_starts[ids] + step] & mask)]
            same[laid.document_of_token(wrong)] = False
            more = left > WIDTH
            long, left = long[more], left[more] - WIDTH
            step += WIDTH
        return same

    def _decoded_otherwise(self, laid: Laid) -> list[int]:
        """Documents whose ids the tokenizer's own decoder turns into another text."""
        decode = self.tokenizer.decode
        found = []
        for row, (place, text) in enumerate(zip(laid.places, laid.texts, strict=True)):
            if decode(laid.ids[laid.first[row] : laid.first[row + 1]].tolist()) != text:
                found.append(place)
        return found


def _words(data: bytes) -> npt.NDArray[np.uint64]:
    """The 8 bytes from each place on, as one number, shape (bytes + 1,); zeros behind the end."""
    padded = data + bytes(WIDTH)
    return np.ndarray((len(data) + 1,), "<u8", padded, strides=(1,))


def _joined(texts: Sequence[str]) -> tuple[bytes, Places, Places]:
    parts = [text.encode() for text in texts]
    sizes = np.fromiter(map(len, parts), np.int64, len(parts))
    begins = np.cumsum(sizes + 1) - sizes
    return SEPARATOR + SEPARATOR.join(parts) + SEPARATOR, begins, sizes


def _laid(places: list[int], texts: Sequence[str], batch: Batch, lengths: Places) -> Laid:
    own = list(texts) if len(places) == len(texts) else [texts[place] for place in places]
    data, begins, sizes = _joined(own)
    ids = np.minimum(batch.ids.astype(np.int64), len(lengths) - 1)  # an id outside the vocabulary stands for nothing
    first = np.concatenate(([0], np.cumsum(batch.counts)))
    wide = lengths[ids]
    ends = np.cumsum(wide)
    before = np.concatenate(([0], ends))[first[:-1]]
    ends += np.repeat(begins - before, batch.counts)
    return Laid(places, own, data, begins, sizes, ids, first, ends - wide, ends, wide)


def _only(batch: Batch, rows: Flags) -> Batch:
    return Batch(batch.ids[np.repeat(rows, batch.counts)], batch.counts[rows])


def _concatenated(rows: Sequence[Sequence[int]]) -> Places:
    return np.concatenate([np.asarray(row, np.int64) for row in rows]) if rows else np.zeros(0, np.int64)
