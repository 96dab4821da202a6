"""Suppositions about single failures from the pieces of their words. It knows words, pieces and outcomes, nothing else.

The rule: of a probe that one candidate fails and the other passes, the word that loses most by the first one's
tokenizer, if it is at least 3 pieces more there than in the other's; of several such words the one of more pieces, then
the first by the alphabet. Without a second tokenizer: the word of most pieces, if it is at least 4.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from weakspot.records.features import TokenHypothesis

MORE_PIECES = 3


class Fate(NamedTuple):
    """What became of one item: the verdict, and the pieces of its words (one piece where a word is not named)."""

    failed: bool
    pieces: Mapping[str, int]


class Term(NamedTuple):
    """A word and its pieces under two tokenizers."""

    word: str
    pieces: int
    other: int


def worst_term(pieces: Mapping[str, int], other: Mapping[str, int]) -> Term | None:
    """The word of the rule; None where no word is 3 pieces more."""
    terms = [Term(word, count, other.get(word, 1)) for word, count in pieces.items()]
    able = [term for term in terms if term.pieces - term.other >= MORE_PIECES]
    return min(able, key=lambda term: (term.other - term.pieces, -term.pieces, term.word), default=None)


def suppose(
    candidate: str, fates: Mapping[str, Fate], other: str = "", other_fates: Mapping[str, Fate] | None = None
) -> list[TokenHypothesis]:
    """Suppositions about the failures of a candidate, those of the largest difference first.

    Args:
        candidate: who failed.
        fates: by probe, of the candidate.
        other: who passed; empty where there is no second tokenizer.
        other_fates: by probe, of the other.
    """
    found = []
    for probe, fate in fates.items():
        against = None if other_fates is None else other_fates.get(probe)
        if not fate.failed or (other_fates is not None and (against is None or against.failed)):
            continue
        term = worst_term(fate.pieces, {} if against is None else against.pieces)
        if term is not None:
            found.append((term, _hypothesis(probe, candidate, other, term)))
    found.sort(key=lambda pair: pair[0].other - pair[0].pieces)
    return [hypothesis for _, hypothesis in found]


def _hypothesis(probe: str, candidate: str, other: str, term: Term) -> TokenHypothesis:
    if other:
        text = (
            f"Probe {probe} fails on {candidate} and passes on {other}; its term `{term.word}` is {term.pieces} pieces "
            f"in {candidate} and {term.other} in {other}."
        )
    else:
        text = (
            f"Probe {probe} fails on {candidate}; its term `{term.word}` is {term.pieces} pieces there. No second "
            "tokenizer is in this run to compare with."
        )
    return TokenHypothesis(
        probe=probe,
        candidate=candidate,
        other=other,
        term=term.word,
        pieces=term.pieces,
        other_pieces=term.other if other else None,
        text=text,
    )


def common_terms(one: str, fates: Mapping[str, Fate], other: str, other_fates: Mapping[str, Fate]) -> Iterator[str]:
    """How common such words are where both pass: what is there as often weighs little where one fails."""
    for name, mine, second, theirs in ((one, fates, other, other_fates), (other, other_fates, one, fates)):
        shared = [(fate, theirs[probe]) for probe, fate in mine.items() if probe in theirs]
        alone = [pair for pair in shared if pair[0].failed and not pair[1].failed]
        fine = [pair for pair in shared if not pair[0].failed and not pair[1].failed]
        if not alone:
            continue
        with_term, without = (
            sum(worst_term(a.pieces, b.pieces) is not None for a, b in part) for part in (alone, fine)
        )
        yield (
            f"Of {_probes(len(alone))} that {name} fails and {second} passes, {with_term} hold a word that is "
            f"{MORE_PIECES} pieces more in {name}; of {_probes(len(fine))} that both pass, {without}."
        )


def shattered_by_both(one: str, fates: Mapping[str, Fate], other: str, other_fates: Mapping[str, Fate]) -> str:
    """How common words are that both shatter, where both fail and where both pass; empty without one where both fail.

    It is no supposition about either: nothing is there to compare with.
    """
    shared = {probe: (fate, other_fates[probe]) for probe, fate in fates.items() if probe in other_fates}
    lost = {probe: pair for probe, pair in shared.items() if pair[0].failed and pair[1].failed}
    fine = [pair for pair in shared.values() if not pair[0].failed and not pair[1].failed]
    found = [(term, probe) for probe, pair in lost.items() if (term := _shattered(*pair)) is not None]
    if not found:
        return ""
    worst, probe = min(found, key=lambda pair: (-pair[0].pieces, pair[1]))
    return (
        f"Of {_probes(len(lost))} that both fail, {len(found)} hold a word of {MORE_PIECES + 1} pieces or more in "
        f"both, the worst `{worst.word}` in {probe}: {worst.pieces} in {one} and {worst.other} in {other}; of "
        f"{_probes(len(fine))} that both pass, {sum(_shattered(*pair) is not None for pair in fine)}."
    )


def _shattered(one: Fate, other: Fate) -> Term | None:
    terms = [Term(word, count, other.pieces.get(word, 1)) for word, count in one.pieces.items()]
    able = [term for term in terms if min(term.pieces, term.other) > MORE_PIECES]
    return min(able, key=lambda term: (-term.pieces, term.word), default=None)


def _probes(count: int) -> str:
    return f"{count} probe" if count == 1 else f"{count} probes"
