"""What the rows of new tokens begin with: the mean of their old pieces, or a mean of tokens used alike.

The second is after FOCUS: Dobler and de Melo (2023), "FOCUS: Effective Embedding Initialization for Monolingual
Specialization of Multilingual Models", EMNLP 2023. There, a fastText model of the target language says which known
tokens a new one is like, and the new row is their mean weighted by sparsemax of the similarities. Here the auxiliary
vectors are made without fastText: positive pointwise mutual information with the most frequent tokens within 5 places,
beside hashed character n-grams (3 to 5, which is what fastText's subwords are), each half of unit length.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

WINDOW = 5
CONTEXTS = 512
GRAMS = 1024
MOST_KNOWN = 20_000
LIKE = 100
"""Known tokens that a new one is compared with further; sparsemax gives nearly all weight to a handful."""

Floats = npt.NDArray[np.float32]
Mixture = dict[int, tuple[tuple[int, float], ...]]
"""New id to (old id, weight), weights summing to 1."""


def mean_mixture(pieces: Mapping[int, Sequence[int]]) -> Mixture:
    """Each piece with the same weight; a piece that stands twice counts twice."""
    return {new: tuple((old, 1 / len(olds)) for old in olds) for new, olds in pieces.items()}


def focus_mixture(
    pieces: Mapping[int, Sequence[int]], rows: Sequence[Sequence[int]], names: Mapping[int, str], known: int
) -> Mixture:
    """Weights by likeness of use and of spelling; the mean of its pieces for a token that the texts do not hold.

    Args:
        pieces: new id to the old ids it stands for.
        rows: the training part in ids of the new tokenizer.
        names: what each id stands for in text.
        known: ids below this are old.
    """
    counts = np.bincount([token for row in rows for token in row] or [0], minlength=known)
    olds = [int(token) for token in np.argsort(-counts[:known], kind="stable")[:MOST_KNOWN] if counts[token] > 0]
    news = [new for new in pieces if new < len(counts) and counts[new] > 0]
    found = mean_mixture(pieces)
    if not olds or not news:
        return found
    ids = [*olds, *news]
    vectors = np.hstack([_unit(_used_alike(rows, ids, olds[:CONTEXTS])), _unit(_spelt_alike(ids, names))]) / np.sqrt(2)
    likeness = vectors[len(olds) :] @ vectors[: len(olds)].T
    for new, row in zip(news, likeness, strict=True):
        best = np.argsort(-row, kind="stable")[:LIKE]
        weights = sparsemax(row[best])
        found[new] = tuple((olds[at], float(w)) for at, w in zip(best.tolist(), weights, strict=True) if w > 0)
    return found


def sparsemax(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The nearest point of the simplex to `scores`, shape (n,): Martins and Astudillo (2016), algorithm 1."""
    z = np.sort(scores.astype(np.float64))[::-1]
    sums = np.cumsum(z)
    size = int(np.count_nonzero(1 + np.arange(1, z.size + 1) * z > sums))
    shares: npt.NDArray[np.float64] = np.maximum(scores.astype(np.float64) - (sums[size - 1] - 1) / size, 0.0)
    return shares


def mixed_rows(matrix: Floats, mixture: Mixture, new: Sequence[int]) -> Floats:
    """Rows for new ids out of old ones: `matrix` is (tokens, width) or (tokens,), the result (len(new), ...)."""
    made = np.zeros((len(new), *matrix.shape[1:]), np.float64)
    for at, token in enumerate(new):
        olds, weights = zip(*mixture[token], strict=True)
        made[at] = np.tensordot(np.asarray(weights), matrix[list(olds)].astype(np.float64), 1)
    return made.astype(np.float32)


def _used_alike(rows: Sequence[Sequence[int]], ids: Sequence[int], contexts: Sequence[int]) -> Floats:
    """Positive pointwise mutual information, shape (ids, contexts)."""
    size = max((max(row, default=0) for row in rows), default=0) + 1
    place, column = np.full(max(size, max(ids) + 1), -1), np.full(max(size, max(contexts) + 1), -1)
    place[list(ids)] = np.arange(len(ids))
    column[list(contexts)] = np.arange(len(contexts))
    together = np.zeros((len(ids), len(contexts)), np.float32)
    for row in rows:
        line = np.asarray(row, np.int64)
        for step in range(1, WINDOW + 1):
            for here, there in ((line[step:], line[:-step]), (line[:-step], line[step:])):
                seen = (place[here] >= 0) & (column[there] >= 0)
                np.add.at(together, (place[here[seen]], column[there[seen]]), 1)
    total = max(1.0, float(together.sum()))
    expected = np.outer(together.sum(1), together.sum(0)) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(together / expected)
    return np.nan_to_num(np.maximum(information, 0), nan=0.0, posinf=0.0).astype(np.float32)


def _spelt_alike(ids: Sequence[int], names: Mapping[int, str]) -> Floats:
    """Counts of hashed character n-grams, shape (ids, GRAMS)."""
    found = np.zeros((len(ids), GRAMS), np.float32)
    for at, token in enumerate(ids):
        word = f"<{names.get(token, '').strip().casefold()}>"
        for length in (3, 4, 5):
            for begin in range(len(word) - length + 1):
                gram = word[begin : begin + length].encode("utf-8", "replace")
                found[at, int.from_bytes(hashlib.blake2b(gram, digest_size=4).digest(), "big") % GRAMS] += 1
    return found


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
