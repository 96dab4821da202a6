"""Why a tokenizer split a text as it did, found by running its model step by step.

The ids of an explanation are the trace's own; the library's are asked for only to say whether both agree.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

from weakspot.records.explanation import (
    Cause,
    Difference,
    ExplainedSegment,
    Explanation,
    GreedyTurn,
    MergeStep,
    Seam,
    Segmentation,
)
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.parts import BPE, Segment, Unigram, WordPiece
from weakspot.tokens.text import without_surrogates
from weakspot.tracing.lattice import Lattice, Way, trace_unigram
from weakspot.tracing.seams import find_seams, step_of
from weakspot.tracing.trace_bpe import trace_bpe
from weakspot.tracing.trace_wordpiece import trace_wordlevel, trace_wordpiece

MOST_STEPS = 500
"""Steps, and seams, listed a segment: a page can't show more, and a run of 100,000 letters has 100,000."""
LONGEST_RANKED = 2000
"""Characters of a segment up to which the next best segmentations are looked for: their number grows with the length,
and their differences say less and less."""
MOST_DIFFERENT = 50


class _Traced(NamedTuple):
    """What tracing one segment gives; the same for the same text."""

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    whole: bool = False
    steps: tuple[MergeStep, ...] = ()
    seams: tuple[Seam, ...] = ()
    segmentations: tuple[Segmentation, ...] = ()
    trail: tuple[GreedyTurn, ...] = ()
    unknown: str = ""
    left_out: int = 0


class Tracer:
    """Runs a tokenizer's model step by step; a segment that comes again is not traced again.

    Args:
        tokenizer: any tokenizer.
        others: how many segmentations beside the best one to find (Unigram).
        most_steps: how many steps, and how many seams, to keep a segment.
    """

    def __init__(self, tokenizer: Tokenizer, *, others: int = 4, most_steps: int = MOST_STEPS) -> None:
        self.tokenizer = tokenizer
        self._others = others
        self._most = most_steps
        self._known: dict[str, _Traced] = {}

    def ids(self, text: str, *, parse_special: bool | None = None) -> list[int]:
        """The ids of a text, step by step."""
        return [token for segment in self.segments(text, parse_special) for token in self._ids(segment)]

    def segments(self, text: str, parse_special: bool | None) -> list[Segment]:
        """The stretches that the model gets."""
        engine = self.tokenizer.engine
        special = engine.parses_special if parse_special is None else parse_special
        return engine.segments(without_surrogates(text), parse_special=special)

    def explain(self, segment: Segment, *, source: str, cause: Cause, dropped: str) -> ExplainedSegment:
        """One segment explained."""
        traced = self._traced(segment)
        return ExplainedSegment(
            source=source,
            text=segment.text,
            start=segment.start,
            end=segment.end,
            cause=cause,
            dropped=dropped,
            **traced._asdict(),
        )

    def _ids(self, segment: Segment) -> Sequence[int]:
        return (segment.token,) if segment.token is not None else self._traced(segment).ids

    def _traced(self, segment: Segment) -> _Traced:
        if segment.token is not None:
            return _Traced((segment.token,), (self.tokenizer.vocabulary[segment.token].text,), whole=True)
        found = self._known.get(segment.text)
        if found is None:
            found = self._known[segment.text] = self._run(segment.text)
        return found

    def _run(self, text: str) -> _Traced:
        model = self.tokenizer.model
        if isinstance(model, BPE):
            return self._bpe(model, text)
        if isinstance(model, Unigram):
            return self._unigram(text)
        trace = trace_wordpiece(model, text) if isinstance(model, WordPiece) else trace_wordlevel(model, text)
        turns = (GreedyTurn(at=t.start, tried=t.tried, found=t.found, id=t.id) for t in trace.trail)
        return _Traced(tuple(trace.ids), self._texts(trace.ids), trail=tuple(turns), unknown=trace.reason)

    def _bpe(self, model: BPE, text: str) -> _Traced:
        trace = trace_bpe(model, text)
        joins, seams = trace.merged.joins, len(trace.merged.symbols) - 1
        scored = model.scores is not None
        return _Traced(
            tuple(trace.ids),
            self._texts(trace.ids),
            trace.whole,
            tuple(step_of(join, trace.places, scored=scored) for join in joins[: self._most]),
            tuple(find_seams(model, trace, self._most)),
            left_out=max(0, len(joins) - self._most) + max(0, seams - self._most),
        )

    def _unigram(self, text: str) -> _Traced:
        others = self._others if len(text) <= LONGEST_RANKED else 0
        trace = trace_unigram(self._lattice, text, others=others)
        ways = (_segmentation(way) for way in ((trace.best, *trace.others) if others else ()))
        return _Traced(tuple(trace.ids), self._texts(trace.ids), segmentations=tuple(ways))

    def _texts(self, ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(without_surrogates(self.tokenizer.vocabulary[token].text) for token in ids)

    @cached_property
    def _lattice(self) -> Lattice:
        return _lattice_of(self.tokenizer)


_LATTICES: "WeakKeyDictionary[Tokenizer, Lattice]" = WeakKeyDictionary()


def _lattice_of(tokenizer: Tokenizer) -> Lattice:
    """The tokenizer's lattice, made once (0.3 s for 128,000 tokens), and again where its model was replaced."""
    model = tokenizer.model
    assert isinstance(model, Unigram)  # noqa: S101 - only asked for then
    found = _LATTICES.get(tokenizer)
    if found is None or found.model is not model:
        found = _LATTICES[tokenizer] = Lattice(model, single=tokenizer.engine.library == "sentencepiece")
    return found


def _segmentation(way: Way) -> Segmentation:
    return Segmentation(
        tokens=tuple(step.text for step in way.steps),
        ids=tuple(step.id for step in way.steps),
        scores=tuple(step.score for step in way.steps),
        log_probability=way.log_probability,
    )


def explain_text(
    tokenizer: Tokenizer,
    text: str,
    *,
    words: Sequence[str] = (),
    parse_special: bool | None = None,
    others: int = 4,
    most_steps: int = MOST_STEPS,
) -> Explanation:
    """Why a tokenizer splits a text as it does.

    Args:
        tokenizer: any tokenizer.
        text: any text; a lone surrogate is read as U+FFFD.
        words: keep only the segments whose stretch of the text holds one of these; empty: all. The ids stay whole.
        parse_special: whether text that spells a special token becomes its id; None: as the library does by default.
        others: how many segmentations beside the best one to list (Unigram).
        most_steps: how many steps, and how many seams, to list a segment.
    """
    text = without_surrogates(text)
    tracer = Tracer(tokenizer, others=others, most_steps=most_steps)
    segments = tuple(_explained(tracer, text, tracer.segments(text, parse_special)))
    ids = [token for segment in segments for token in segment.ids]
    difference = first_difference(ids, tokenizer.ids(text, parse_special=parse_special))
    return Explanation(
        tokenizer=tokenizer.name,
        fingerprint=tokenizer.fingerprint,
        algorithm=type(tokenizer.model).__name__,
        pre_tokenizer=tokenizer.pipeline.pre_tokenizer,
        text=text,
        normalized=without_surrogates(tokenizer.engine.normalize(text)),
        ids=tuple(ids),
        agrees=difference is None,
        difference=difference,
        segments=tuple(s for s in segments if not words or any(word in s.source for word in words)),
    )


def _explained(tracer: Tracer, text: str, segments: Sequence[Segment]) -> list[ExplainedSegment]:
    raw = text.encode()
    found: list[ExplainedSegment] = []
    done = 0
    after_added = False
    for number, segment in enumerate(segments):
        added = segment.token is not None
        cause: Cause = "added-token" if added or after_added else "pre-tokenizer" if number else "start"
        dropped = raw[done : segment.start].decode("utf-8", "replace")
        source = raw[segment.start : segment.end].decode("utf-8", "replace")
        found.append(tracer.explain(segment, source=source, cause=cause, dropped=dropped))
        done = max(done, segment.end)
        after_added = added
    return found


def first_difference(traced: Sequence[int], encoded: Sequence[int]) -> Difference | None:
    """Where two rows of ids part and until they meet again; None where they are the same."""
    if list(traced) == list(encoded):
        return None
    shared = min(len(traced), len(encoded))
    at = next((place for place in range(shared) if traced[place] != encoded[place]), shared)
    same = 0
    while same < shared - at and traced[-1 - same] == encoded[-1 - same]:
        same += 1
    ours, theirs = traced[at : len(traced) - same], encoded[at : len(encoded) - same]
    return Difference(at=at, traced=tuple(ours[:MOST_DIFFERENT]), encoded=tuple(theirs[:MOST_DIFFERENT]))
