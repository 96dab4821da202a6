"""Why a tokenizer split a text as it did: what `weakspot tokens explain` gives.

Places called `at` count characters of a segment's `text`, which is what the model saw; `start` and `end` count bytes of
the input's UTF-8.
"""

from typing import Literal

import msgspec

Cause = Literal["start", "added-token", "pre-tokenizer"]
"""What cut a segment off from what stands before it."""
SeamReason = Literal["no-token", "no-merge", "blocked"]


class MergeStep(msgspec.Struct, frozen=True, kw_only=True):
    """One merge that fired.

    Attributes:
        rank: its rank, the lowest first; None where scores decide.
        score: its score, the highest first; None where ranks decide.
        at: where its left part begins.
        left: the left part.
        right: the right part.
        joined: what they became.
    """

    rank: int | None
    score: float | None
    at: int
    left: str
    right: str
    joined: str


class LostMerge(msgspec.Struct, frozen=True, kw_only=True):
    """A merge that could have fired, and the one that came first and took a part of it."""

    merge: MergeStep
    by: MergeStep


class Seam(msgspec.Struct, frozen=True, kw_only=True):
    """Why two neighbouring tokens of a segment stayed apart.

    Attributes:
        at: where the right one begins.
        left: the left token.
        right: the right token.
        reason: no-token: both together are no token; no-merge: they are one, but no merge leads there from here;
            blocked: a merge across this place, or one that makes both together, lost a part to an earlier one.
        lost: merges across this place that lost a part to an earlier one, the first in order first.
        message: the same in one sentence.
    """

    at: int
    left: str
    right: str
    reason: SeamReason
    lost: tuple[LostMerge, ...]
    message: str


class Segmentation(msgspec.Struct, frozen=True, kw_only=True):
    """One way through a Unigram lattice; a token without id (-1) is a character that the vocabulary lacks."""

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    scores: tuple[float, ...]
    log_probability: float


class GreedyTurn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of WordPiece: from `at` on, what was looked up in vain (the longest first), and the token found."""

    at: int
    tried: tuple[str, ...]
    found: str | None
    id: int | None


class ExplainedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch that the model got by itself.

    Attributes:
        source: the stretch of the input.
        text: what the model saw: normalised, with byte letters or U+2581 where the format has them.
        start: where the stretch begins in the input.
        end: where it ends, exclusive.
        cause: what cut it off from what stands before it.
        dropped: the input between the segment before and this one, which reaches no model.
        ids: the ids, as traced.
        tokens: the tokens behind them.
        whole: whether it was taken as one token without looking at merges, or is an added token.
        steps: BPE: the merges that fired, in their order.
        seams: BPE: why neighbours stayed apart.
        segmentations: Unigram: the best way and the next ones; empty for a segment too long to look for others.
        trail: WordPiece and WordLevel: the turns.
        unknown: WordPiece and WordLevel: why the segment is unknown as a whole; empty where it is not.
        left_out: how many steps and seams are not listed here because there are so many; ids are always whole.
    """

    source: str
    text: str
    start: int
    end: int
    cause: Cause
    dropped: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    whole: bool = False
    steps: tuple[MergeStep, ...] = ()
    seams: tuple[Seam, ...] = ()
    segmentations: tuple[Segmentation, ...] = ()
    trail: tuple[GreedyTurn, ...] = ()
    unknown: str = ""
    left_out: int = 0


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where traced ids and the encoder's part: from which id on, and the stretch of both until they meet again."""

    at: int
    traced: tuple[int, ...]
    encoded: tuple[int, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a tokenizer split a text as it did.

    Attributes:
        tokenizer: its name.
        fingerprint: its fingerprint.
        algorithm: BPE, Unigram, WordPiece or WordLevel.
        pre_tokenizer: what cuts the text before the model, in words.
        text: the input; a lone surrogate stands as U+FFFD.
        normalized: as the normalizer leaves it.
        ids: the ids of the trace: found step by step, never taken from the encoder.
        agrees: whether they are the encoder's ids.
        difference: where not, the stretch that differs.
        segments: the stretches that the model got, in order.
    """

    tokenizer: str
    fingerprint: str
    algorithm: str
    pre_tokenizer: str
    text: str
    normalized: str
    ids: tuple[int, ...]
    agrees: bool
    difference: Difference | None
    segments: tuple[ExplainedSegment, ...]
