"""Under-trained tokens by the look of their embeddings.

A token that training never saw is pushed away by the softmax, or pulled in by weight decay, the same way as every other
unseen token: such rows collapse onto one place, or stay where they were initialised. Sources of the indicators:
Land and Bartolo 2024, "Fishing for Magikarp" (norm of the input row, distance to the mean row of known-unused tokens,
and for output rows the cosine distance to it without the first principal component); the distance to the mean of all
rows is added here, for a vocabulary that was resized by "mean of the old rows". It does not ask the model anything (see
`weakspot.vocabularies.repeating`), and cannot see a row that was scrambled but kept its size.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from weakspot.artifacts.embeddings import Embeddings, Matrix, Rows
from weakspot.records.glitch import Group, Indicator
from weakspot.tokens.vocabulary import Token, Vocabulary

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]

CHANCE: Final = 0.05
"""Chance of flagging any token of a vocabulary whose lower tails are log-normal, over all indicators together."""
EFFECT: Final = 0.5
"""A flagged value is at most this share of the median. Without it, a model that trains all norms to nearly one value
(Gemma 3: 1.0276 to 1.0351) would have tokens flagged for a difference of 0.3%. The value was chosen on the unmodified
SmolLM2 and Gemma 3, before anything was planted: no trained token of theirs came near."""
AGREE: Final = 0.25
"""Rows of known-unused tokens agree where they lie closer than this share of what ordinary rows lie apart."""
FEWEST_AGREEING: Final = 3
MOST_SEEDS: Final = 512
SAMPLE: Final = 8192
COSINE: Final = "cosine-to-unused"
_FLOOR: Final = 1e-3  # of the median: a row that is exactly the reference has a distance of 0, and 0 has no logarithm
_PRINTABLE: Final = bytes([*b"\t\n\r", *range(0x20, 0x7F)])
_NEVER_IN_UTF8: Final = frozenset({0xC0, 0xC1, *range(0xF5, 0x100)})


class Measured(NamedTuple):
    """One indicator over all rows: its description, and each row's value and robust z, shape (rows,)."""

    indicator: Indicator
    values: Floats
    scores: Floats


class Suspicion(NamedTuple):
    """What the indicators say of a vocabulary.

    Attributes:
        measured: each indicator.
        flagged: whether any indicator is under its limit, shape (rows,).
        scores: the lowest robust z of each row, shape (rows,).
        reference: how many known-unused rows agree.
        rule: the threshold in words.
    """

    measured: tuple[Measured, ...]
    flagged: npt.NDArray[np.bool_]
    scores: Floats
    reference: int
    rule: str


def groups_of(vocabulary: Vocabulary, rows: int, unreachable: frozenset[int]) -> list[Group]:
    """The sort of each row; a row without a token in the vocabulary is padding."""
    out: list[Group] = ["padding"] * rows
    for token in vocabulary:
        if token.id < rows:
            out[token.id] = _group(token, unreachable)
    return out


def _group(token: Token, unreachable: frozenset[int]) -> Group:
    if token.kind in ("control", "unknown") or token.special:
        return "control"
    if token.kind == "unused":
        return "unused"
    if token.kind == "byte" or (len(token.data) == 1 and token.data not in _PRINTABLE):
        return "byte"
    try:
        token.data.decode()
    except UnicodeDecodeError:
        return "partial"
    return "unreachable" if token.id in unreachable else "ordinary"


def rule(rows: int, indicators: int) -> str:
    """The threshold in words."""
    return (
        f"flagged where an indicator is at most {EFFECT:g} of its median and its robust z is at most "
        f"-{least_z(rows, indicators):.2f} (a {CHANCE:.0%} chance of any false alarm among {rows:,} tokens and "
        f"{indicators} indicators, were the lower tails log-normal, and those of cosine distances normal)"
    )


def least_z(rows: int, indicators: int) -> float:
    """The z that a normal variable falls short of with chance CHANCE / (rows * indicators)."""
    from statistics import NormalDist

    return -NormalDist().inv_cdf(CHANCE / max(1, rows * indicators))


def suspect(
    embeddings: Embeddings, groups: Sequence[Group], vocabulary: Vocabulary, progress: Progress | None = None
) -> Suspicion:
    """Measure every row of the embeddings.

    Args:
        embeddings: the matrices; both are read twice, a block at a time.
        groups: the sort of each row.
        vocabulary: for the bytes that no UTF-8 text has.
        progress: told what is read, and how many of how many rows.

    Raises:
        CorruptFile: a matrix holds values that are no finite numbers.
    """
    ordinary = np.array([group == "ordinary" for group in groups])
    seeds = _seeds(groups, vocabulary)
    tell = progress or (lambda _what, _done, _total: None)
    found, agreeing = _measure("input", embeddings.input, ordinary, seeds, tell)
    if embeddings.output is not None:
        more, others = _measure("output", embeddings.output, ordinary, seeds, tell)
        found += more
        agreeing = max(agreeing, others)
    strict = least_z(int(ordinary.sum()), len(found))
    measured = tuple(_judged(name, matrix, values, ordinary, strict) for name, matrix, values in found)
    flagged = np.zeros(len(groups), bool)
    scores = np.zeros(len(groups))
    for one in measured:
        flagged |= one.values <= one.indicator.limit
        scores = np.minimum(scores, one.scores)
    return Suspicion(measured, flagged, scores, agreeing, rule(int(ordinary.sum()), len(found)))


def _seeds(groups: Sequence[Group], vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """Rows that training probably never saw; evenly thinned where there are many.

    Bytes that no UTF-8 text has, rows beyond the vocabulary, unused, control and unreachable tokens. Many of them are
    trained all the same, which is why only those that agree count (`_reference`).
    """
    order: dict[str, list[int]] = {"byte": [], "padding": [], "unused": [], "control": [], "unreachable": []}
    for row, group in enumerate(groups):
        data = vocabulary[row].data
        if group in order and (group != "byte" or (len(data) == 1 and data[0] in _NEVER_IN_UTF8)):
            order[group].append(row)
    kept: list[int] = []
    for rows in order.values():
        step = max(1, math.ceil(len(rows) / (MOST_SEEDS // len(order))))
        kept += rows[::step]
    return np.array(kept, np.int64)


def _measure(
    matrix: Literal["input", "output"],
    stored: Matrix,
    ordinary: npt.NDArray[np.bool_],
    seeds: npt.NDArray[np.int64],
    tell: Progress,
) -> tuple[list[tuple[str, Literal["input", "output"], Floats]], int]:
    """The raw values of one matrix's indicators, each of shape (rows,), and how many seeds agree."""
    rows = stored.shape[0]
    norms = np.zeros(rows)
    total = np.zeros(stored.shape[1])
    for start, block in stored.blocks():
        norms[start : start + len(block)] = np.linalg.norm(block, axis=1)
        total += block[ordinary[start : start + len(block)]].sum(axis=0, dtype=np.float64)
        tell(f"{matrix} embeddings, first look", start + len(block), rows)
    mean = (total / max(1, int(ordinary.sum()))).astype(np.float32)
    sample = _sample(stored, ordinary)
    reference, agreeing = _reference(stored.take(seeds), sample)
    axis = _first_axis(sample - mean)
    columns = {"distance-to-mean": np.zeros(rows)}
    if reference is not None:
        columns |= {"distance-to-unused": np.zeros(rows), COSINE: np.zeros(rows)}
    for start, block in stored.blocks():
        place = slice(start, start + len(block))
        columns["distance-to-mean"][place] = np.linalg.norm(block - mean, axis=1)
        if reference is not None:
            columns["distance-to-unused"][place] = np.linalg.norm(block - reference, axis=1)
            columns[COSINE][place] = _cosine_distance(block - mean, reference - mean, axis)
        tell(f"{matrix} embeddings, second look", start + len(block), rows)
    return [(name, matrix, values) for name, values in {"norm": norms, **columns}.items()], agreeing


def _sample(stored: Matrix, ordinary: npt.NDArray[np.bool_]) -> Rows:
    rows = np.flatnonzero(ordinary)
    return stored.take(rows[:: max(1, math.ceil(len(rows) / SAMPLE))])


def _reference(seeds: Rows, sample: Rows) -> tuple[Rows | None, int]:
    """Where untrained rows lie: the mean of the largest set of seeds that lie close together; None where none do."""
    if len(seeds) < FEWEST_AGREEING or len(sample) < 2:
        return None, 0
    half = len(sample) // 2
    apart = float(np.median(np.linalg.norm(sample[:half] - sample[half : 2 * half], axis=1)))
    squares = (seeds**2).sum(axis=1, dtype=np.float64)
    between = np.sqrt(np.maximum(0, squares[:, None] + squares[None, :] - 2 * (seeds @ seeds.T).astype(np.float64)))
    near = between < AGREE * apart
    best = int(near.sum(axis=1).argmax())
    members = np.flatnonzero(near[best])
    if len(members) < FEWEST_AGREEING:
        return None, 0
    return np.asarray(np.median(seeds[members], axis=0), np.float32), len(members)


def _first_axis(centred: Rows) -> Rows:
    """The first principal component, shape (width,), by power iteration on a sample of centred rows."""
    axis: Rows = np.asarray(np.random.default_rng(0).standard_normal(centred.shape[1]), np.float32)
    for _ in range(30):
        axis = centred.T @ (centred @ axis)
        length = float(np.linalg.norm(axis))
        if length == 0:
            break
        axis = np.asarray(axis / length, np.float32)
    return axis


def _cosine_distance(rows: Rows, towards: Rows, axis: Rows) -> Floats:
    """1 - cosine to a vector, both without their part along `axis`; shape (rows,). A row of nothing is 1 away."""
    rows = rows - np.outer(rows @ axis, axis)
    towards = towards - (towards @ axis) * axis
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(towards)
    similar = (rows @ towards) / np.maximum(lengths, 1e-12)
    return np.asarray(np.maximum(0.0, 1.0 - similar), np.float64)


def _judged(
    name: str,
    matrix: Literal["input", "output"],
    values: Floats,
    ordinary: npt.NDArray[np.bool_],
    strict: float,
) -> Measured:
    """Robust z of the logarithm: the centre is the median, the spread comes from the 16th percentile.

    A cosine distance has to be low on its own scale too: rows of 64 values that point at random lie 0.125 about 1, and
    of 1,700 such rows one was flagged by its logarithm alone.

    The lower side alone gives the spread, for the upper tail (frequent tokens) is much longer and would hide an outlier
    below; a percentile gives it, so that up to one row in seven may be untrained without moving it.
    """
    usual = values[ordinary]
    median = float(np.median(usual)) if len(usual) else 0.0
    if median <= 0:
        empty = Indicator(name=name, matrix=matrix, median=median, spread=0.0, limit=-1.0, flagged=0)
        return Measured(empty, values, np.zeros(len(values)))
    logs = np.log(np.maximum(values, median * _FLOOR) / median)
    spread = max(1e-6, -float(np.quantile(logs[ordinary], 0.1587)))
    scores = logs / spread
    share = min(EFFECT, math.exp(-strict * spread))
    if name == COSINE:  # directions at random: normal, with a heavier lower tail in logarithms where rows are short
        share = min(share, max(0.0, 1 - strict * (1 - float(np.quantile(usual, 0.1587)) / median)))
    limit = median * share
    count = int((usual <= limit).sum())
    found = Indicator(name=name, matrix=matrix, median=median, spread=spread, limit=limit, flagged=count)
    return Measured(found, values, scores)
