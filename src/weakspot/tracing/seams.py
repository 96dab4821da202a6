"""Why two neighbouring tokens of byte-pair encoding stayed apart: no token, no merge, or one that lost a part.

Everything here is read off the trace (`weakspot.tracing.trace_bpe`): the merges that fired and those that were blocked.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from heapq import nsmallest
from typing import NamedTuple

from weakspot.records.explanation import LostMerge, MergeStep, Seam, SeamReason
from weakspot.tokens.parts import BPE
from weakspot.tracing.merging import Blocked, Join
from weakspot.tracing.trace_bpe import BPETrace

MOST_LOST = 3
"""Lost merges named a seam; the first in order are the ones that came nearest."""


class _Rival(NamedTuple):
    """A merge that makes what two neighbours would be together, and what fired across its middle."""

    rank: int
    left: str
    right: str
    by: Join[str]


def step_of(join: Join[str], places: Sequence[int], *, scored: bool) -> MergeStep:
    """A merge as a record; `places` says where each starting symbol stands in the segment."""
    return MergeStep(
        rank=None if scored else int(join.order),
        score=-join.order if scored else None,
        at=places[join.at],
        left=join.left,
        right=join.right,
        joined=join.joined,
    )


def find_seams(model: BPE, trace: BPETrace, most: int) -> list[Seam]:
    """The seams of a segment, from the left, `most` at most."""
    merged = trace.merged
    inner = merged.starts[1 : most + 1]
    crossing = _crossing(merged.blocked, inner)
    middles = {join.middle: join for join in merged.joins}  # a place inside a token was joined exactly once
    seams = []
    for number, slot in enumerate(inner):
        left, right = merged.symbols[number], merged.symbols[number + 1]
        lost = nsmallest(MOST_LOST, crossing[number], key=lambda blocked: (blocked.join.order, blocked.join.at))
        rival = None
        joined = left + right[len(model.prefix) :]
        if model.scores is None and model.alphabet != "bytes" and joined in model.vocab:
            rival = _rival(model, trace, number, middles)
        seams.append(_seam(model, trace, (left, right), slot, lost, rival))
    return seams


def _crossing(blocked: Sequence[Blocked[str]], inner: Sequence[int]) -> dict[int, list[Blocked[str]]]:
    """For each seam's number the blocked merges that would have joined across it."""
    found: dict[int, list[Blocked[str]]] = defaultdict(list)
    for lost in blocked:
        for number in range(bisect_right(inner, lost.join.at), bisect_left(inner, lost.join.end)):
            found[number].append(lost)
    return found


def _rival(model: BPE, trace: BPETrace, number: int, middles: dict[int, Join[str]]) -> _Rival | None:
    """The first-ranked merge that makes a token and its right neighbour out of other parts than these two."""
    starts, skip = trace.merged.starts, len(model.prefix)
    start, seam = starts[number], starts[number + 1]
    end = starts[number + 2] if number + 2 < len(starts) else len(trace.symbols)
    symbols = trace.symbols[start:end]
    best: _Rival | None = None
    for cut in range(1, len(symbols)):
        left = symbols[0] + "".join(symbol[skip:] for symbol in symbols[1:cut])
        right = symbols[cut] + "".join(symbol[skip:] for symbol in symbols[cut + 1 :])
        rank = model.merges.get((left, right))
        if start + cut != seam and rank is not None and (best is None or rank < best.rank):
            best = _Rival(rank, left, right, middles[start + cut])
    return best


def _seam(
    model: BPE,
    trace: BPETrace,
    pair: tuple[str, str],
    slot: int,
    lost: Sequence[Blocked[str]],
    rival: _Rival | None,
) -> Seam:
    left, right = pair
    scored = model.scores is not None
    joins, places = trace.merged.joins, trace.places
    records = tuple(
        LostMerge(
            merge=step_of(blocked.join, places, scored=scored), by=step_of(joins[blocked.by], places, scored=scored)
        )
        for blocked in lost
    )
    joined = left + right[len(model.prefix) :]
    reason: SeamReason = "no-token" if joined not in model.vocab else "no-merge"
    if records or rival is not None:
        reason = "blocked"
    message = _message(pair, joined, known=joined in model.vocab, rival=rival, lost=records)
    return Seam(at=places[slot], left=left, right=right, reason=reason, lost=records, message=message)


def _message(
    pair: tuple[str, str], joined: str, *, known: bool, rival: _Rival | None, lost: Sequence[LostMerge]
) -> str:
    said = [f"No merge joins {pair[0]!r} and {pair[1]!r}"]
    if not known:
        said.append(f": {joined!r} is no token.")
    elif rival is None:
        said.append(f", though {joined!r} is a token: no merge makes it.")
    else:
        said.append(f": {joined!r} is made of {rival.left!r} + {rival.right!r} (rank {rival.rank:,})")
        said.append(f", but {rival.by.left!r} + {rival.by.right!r} (rank {int(rival.by.order):,}) came first.")
    said += [
        f" {named(one.merge)} would have joined here, but {named(one.by)} came first and took a part." for one in lost
    ]
    return "".join(said)


def named(step: MergeStep) -> str:
    """A merge in words."""
    place = f"rank {step.rank:,}" if step.rank is not None else f"score {step.score:g}"
    return f"{step.left!r} + {step.right!r} ({place})"
