"""Unigram segmentation of one segment: the lattice of all tokens in it, the best way through and the next ones.

The best way is found as the libraries find it (Viterbi from the left; of equals the one whose last token begins first),
with their arithmetic, because a rounding decides ties: `tokenizers` adds in double precision, `sentencepiece` keeps
sums in single precision. A character without a token of its own scores the lowest score less 10 (both use that). A
token whose score is minus infinity can't be reached by text: control tokens and bytes of SentencePiece.
"""

from collections.abc import Iterable, Mapping
from ctypes import c_float
from heapq import nlargest
from math import inf
from typing import NamedTuple

from weakspot.tokens.parts import Unigram
from weakspot.tracing.trace_bpe import byte_tokens

UNKNOWN_PENALTY = 10.0


class Step(NamedTuple):
    """One token on a way: its text, id and score, and where it begins in the segment, in characters."""

    text: str
    id: int
    score: float
    start: int


class Way(NamedTuple):
    """A segmentation: its tokens before unknown ones are fused or fall into bytes, and the sum of their scores."""

    steps: tuple[Step, ...]
    log_probability: float


class UnigramTrace(NamedTuple):
    """How a segment became ids: ids, tokens, where each begins (in characters), the best way and the next ones."""

    ids: list[int]
    tokens: list[str]
    starts: list[int]
    best: Way
    others: list[Way]


class Lattice:
    """What every segment's lattice needs of a model; made once a model.

    Args:
        model: the model's data.
        single: sums in single precision, as in `sentencepiece`.
    """

    def __init__(self, model: Unigram, *, single: bool = False) -> None:
        self.model = model
        self.single = single
        reachable = {token: score for token, (_, score) in model.vocab.items() if score > -inf}
        lowest = min(reachable.values(), default=0.0)
        self.unknown_score = _single(_single(lowest) - UNKNOWN_PENALTY) if single else lowest - UNKNOWN_PENALTY
        self.ids = {token: number for token, (number, _) in model.vocab.items()}
        self._scores = {token: _single(score) if single else score for token, score in reachable.items()}
        self._longest: dict[str, int] = {}
        """By their first two characters: how long tokens get."""
        for token in reachable:
            self._longest[token[:2]] = max(self._longest.get(token[:2], 0), len(token))

    def tokens_at(self, text: str, start: int) -> Iterable[Step]:
        """The tokens that begin at a place, the shortest first, and the unknown one where no single character is."""
        single = False
        scores = self._scores
        longest = max(self._longest.get(text[start], 0), self._longest.get(text[start : start + 2], 0))
        for end in range(start + 1, min(start + longest, len(text)) + 1):
            piece = text[start:end]
            score = scores.get(piece)
            if score is not None:
                single |= end == start + 1
                yield Step(piece, self.ids[piece], score, start)
        if not single:
            yield Step(text[start], -1, self.unknown_score, start)

    def best(self, text: str) -> Way:
        """The best way, by the library's own arithmetic."""
        sums = [0.0] * (len(text) + 1)
        last: list[Step | None] = [None] * (len(text) + 1)
        for start in range(len(text)):
            here = sums[start]
            for step in self.tokens_at(text, start):
                end = start + len(step.text)
                total = _single(here + step.score) if self.single else here + step.score
                if last[end] is None or total > sums[end]:
                    sums[end] = total
                    last[end] = step
        steps: list[Step] = []
        end = len(text)
        while end > 0:
            step_back = last[end]
            assert step_back is not None  # noqa: S101 - the unknown token leads everywhere
            steps.append(step_back)
            end = step_back.start
        return _way(reversed(steps))

    def next_best(self, text: str, best: Way, count: int) -> list[Way]:
        """The `count` best ways other than the best one, in the order of their sums."""
        wanted = count + 1
        ranked: list[list[tuple[float, Step | None, int]]] = [[] for _ in range(len(text) + 1)]
        ranked[0] = [(0.0, None, 0)]
        for start in range(len(text)):
            here = ranked[start] = nlargest(wanted, ranked[start], key=lambda found: found[0])
            for step in self.tokens_at(text, start):
                there = ranked[start + len(step.text)]
                there.extend((total + step.score, step, place) for place, (total, _, _) in enumerate(here))
        ranked[-1] = nlargest(wanted, ranked[-1], key=lambda found: found[0])
        ways = [self._back(ranked, len(text), place) for place in range(len(ranked[-1]))]
        return [way for way in ways if way.steps != best.steps][:count]

    @staticmethod
    def _back(ranked: list[list[tuple[float, Step | None, int]]], end: int, place: int) -> Way:
        steps: list[Step] = []
        while end > 0:
            _, step, place = ranked[end][place]
            assert step is not None  # noqa: S101 - only the beginning has none
            steps.append(step)
            end = step.start
        return _way(reversed(steps))


def _way(steps: Iterable[Step]) -> Way:
    found = tuple(steps)
    return Way(found, sum(step.score for step in found))


def _single(value: float) -> float:
    """A number as single precision holds it; one too large is infinite."""
    return c_float(value).value


def trace_unigram(lattice: Lattice, segment: str, *, others: int = 4) -> UnigramTrace:
    """Encode one segment.

    Args:
        lattice: the model's lattice.
        segment: the text as the model gets it (`Segment.text`).
        others: how many further segmentations to find.
    """
    best = lattice.best(segment)
    trace = UnigramTrace([], [], [], best, lattice.next_best(segment, best, others) if others and segment else [])
    model = lattice.model
    for text, number, start in _fused(lattice, best):
        if number >= 0:
            _add(trace, [text], [number], start)
        elif model.byte_fallback and (fallen := byte_tokens(lattice.ids, text)):
            _add(trace, fallen, [lattice.ids[token] for token in fallen], start)
        elif model.unknown is not None:
            _add(trace, [text], [model.unknown], start)
    return trace


def _add(trace: UnigramTrace, tokens: list[str], ids: list[int], start: int) -> None:
    trace.ids.extend(ids)
    trace.tokens.extend(tokens)
    trace.starts.extend([start] * len(ids))


def _fused(lattice: Lattice, way: Way) -> Iterable[tuple[str, int, int]]:
    """Text, id and place of each token, neighbouring unknown ones as one; -1 for unknown.

    `tokenizers` looks the fused text up again, so that it can become a token after all; `sentencepiece` does not.
    """
    unknown = lattice.model.unknown
    again: Mapping[str, int] = {} if lattice.single else lattice.ids
    waiting, place = "", 0
    for step in way.steps:
        missing = step.id < 0 or step.id == unknown
        if missing and lattice.model.fuse_unknown:
            place = place if waiting else step.start
            waiting += step.text
            continue
        if waiting:
            yield waiting, again.get(waiting, -1), place
            waiting = ""
        yield step.text, step.id, step.start
    if waiting:
        yield waiting, again.get(waiting, -1), place
