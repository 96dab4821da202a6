"""A model's loss in bits a byte of UTF-8, which two tokenizers have in common; perplexity a token they have not.

The loss of the ids that a tokenizer gives is an upper bound on that of the text: other cuts of the same text have some
probability too (Cao and Rimell 2021, "You should evaluate your language model on marginal likelihood over
tokenisations", EMNLP 2021). Before and after are both such bounds.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from weakspot.tokens.face import Encoded, Tokenizer

PASSAGE = 1500
TOKENS_AT_ONCE = 1024

Tell = Callable[[int], None]


@dataclass(frozen=True)
class Losses:
    """What passages cost under one tokenizer.

    Attributes:
        documents: which document each passage is of, shape (passages,).
        sizes: bytes of each passage, shape (passages,).
        encoded: each passage's ids and where they stand.
        bits: of each id, shape (ids of the passage,).
    """

    documents: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    encoded: tuple[Encoded, ...]
    bits: tuple[npt.NDArray[np.float64], ...]

    def by_document(self, values: Sequence[float]) -> npt.NDArray[np.float64]:
        """Passages' values summed by document, shape (documents,)."""
        return np.bincount(self.documents, weights=np.asarray(values, np.float64)).astype(np.float64)

    @property
    def document_bits(self) -> npt.NDArray[np.float64]:
        """Bits of each document."""
        return self.by_document([float(row.sum()) for row in self.bits])

    @property
    def document_tokens(self) -> npt.NDArray[np.float64]:
        """Tokens of each document."""
        return self.by_document([len(row.ids) for row in self.encoded])

    @property
    def bits_per_byte(self) -> float:
        """Bits over all passages, divided by their bytes."""
        return float(self.document_bits.sum() / self.sizes.sum())


def passages(texts: Sequence[str], most_bytes: int) -> tuple[list[str], list[int]]:
    """Documents in stretches of at most `most_bytes` bytes, cut before white space where there is some.

    Both tokenizers get the same stretches, so that one with fewer tokens sees no more context than the other.

    Returns:
        The stretches, and which document each is of.
    """
    found: list[str] = []
    owners: list[int] = []
    for number, text in enumerate(texts):
        rest = text
        while rest:
            head = rest[:most_bytes].encode()[:most_bytes].decode("utf-8", "ignore")
            if len(head) < len(rest):
                at = max((head.rfind(space) for space in " \n\t"), default=-1)
                head = head[:at] if at > len(head) // 2 else head
            found.append(head)
            owners.append(number)
            rest = rest[len(head) :]
    return found, owners


def measure(
    model: Any, tokenizer: Tokenizer, cut: tuple[Sequence[str], Sequence[int]], start: int, tell: Tell = lambda _: None
) -> Losses:
    """The loss of every id of every passage, each passage behind the id `start`.

    Args:
        model: a causal language model of transformers, in evaluation mode.
        tokenizer: gives the ids; text that spells a special token stays text.
        cut: passages and their documents, as `passages` gives them.
        start: what stands in front of every passage and is not predicted (BOS, or what ends a document).
        tell: hears of the bytes of every passage done.
    """
    texts, owners = cut
    encoded = [tokenizer.encode(text, parse_special=False) for text in texts]
    bits: dict[int, npt.NDArray[np.float64]] = {}
    for batch in _batches([len(row.ids) for row in encoded]):
        rows = [encoded[number].ids for number in batch]
        for number, row in zip(batch, _bits(model, rows, start), strict=True):
            bits[number] = row
            tell(len(texts[number].encode()))
    return Losses(
        documents=np.asarray(owners, np.int64),
        sizes=np.asarray([len(text.encode()) for text in texts], np.int64),
        encoded=tuple(encoded),
        bits=tuple(bits[number] for number in range(len(texts))),
    )


def _batches(lengths: Sequence[int]) -> Iterable[list[int]]:
    """Rows of like length together, at most `TOKENS_AT_ONCE` tokens with their padding."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if batch and (len(batch) + 1) * (lengths[batch[0]] + 1) > TOKENS_AT_ONCE:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _bits(model: Any, rows: Sequence[Sequence[int]], start: int) -> list[npt.NDArray[np.float64]]:
    import torch

    longest = max(len(row) for row in rows)
    ids = torch.zeros((len(rows), longest + 1), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for at, row in enumerate(rows):
        ids[at, : len(row) + 1] = torch.tensor([start, *row])
        mask[at, : len(row) + 1] = 1
    found = []
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        for at, row in enumerate(rows):
            said = torch.nn.functional.cross_entropy(
                logits[at, : len(row)].float(), ids[at, 1 : len(row) + 1], reduction="none"
            )
            found.append(said.double().numpy() / np.log(2))
    return found
