"""Two candidates' replies compared by a judge, each pair in both orders; what hangs on the order is a tie."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from weakspot.judging.measuring import share
from weakspot.judging.questions import Versus
from weakspot.judging.verdicts import Choice
from weakspot.records.judging import Pairwise
from weakspot.stats.paired import mcnemar_exact

LEVEL = 0.05


class Pair(msgspec.Struct, frozen=True):
    """One item with the replies of `a` and `b`."""

    probe: str
    asked: str
    expected: str
    a: str
    b: str


def both_orders(pairs: Sequence[Pair]) -> Iterator[Versus]:
    """Each pair twice; the key's end says whose reply stands first."""
    for pair in pairs:
        yield Versus(f"{pair.probe}/ab", pair.asked, pair.expected, pair.a, pair.b)
        yield Versus(f"{pair.probe}/ba", pair.asked, pair.expected, pair.b, pair.a)


def preferred(ahead: Choice | None, behind: Choice | None) -> str:
    """Out of the choices with a's reply first and with b's first: "a", "b", "tie", "inconsistent" or "invalid".

    One order that says equal and another that takes a side is inconsistent too.
    """
    if ahead is None or behind is None or ahead.better is None or behind.better is None:
        return "invalid"
    if ahead.better == behind.better:
        return "tie" if ahead.better == "equal" else "inconsistent"
    if {ahead.better, behind.better} == {"first", "second"}:
        return "a" if ahead.better == "first" else "b"
    return "inconsistent"


def tally(judge: str, a: str, b: str, pairs: Sequence[Pair], choices: Mapping[str, Choice], note: str) -> Pairwise:
    """The counts, the win rate with its exact sign test, and how much hangs on position.

    Args:
        judge: its name.
        a: the one candidate.
        b: the other.
        pairs: what was compared.
        choices: by the keys of `both_orders`.
        note: the judge's caution.
    """
    found = [preferred(choices.get(f"{p.probe}/ab"), choices.get(f"{p.probe}/ba")) for p in pairs]
    count = {word: found.count(word) for word in ("a", "b", "tie", "inconsistent", "invalid")}
    decided = count["a"] + count["b"]
    p = mcnemar_exact(count["a"], count["b"])
    sided = [choice.better for choice in choices.values() if choice.better in ("first", "second")]
    alone = sum(
        ahead.better == behind.better != "equal"
        for pair in pairs
        if (ahead := choices.get(f"{pair.probe}/ab"))
        and (behind := choices.get(f"{pair.probe}/ba"))
        and ahead.better is not None
        and behind.better is not None
    )
    return Pairwise(
        judge=judge,
        a=a,
        b=b,
        pairs=len(pairs),
        a_better=count["a"],
        b_better=count["b"],
        ties=count["tie"],
        inconsistent=count["inconsistent"],
        invalid=count["invalid"],
        win=share(count["a"], decided, p if decided else None, "exact sign test" if decided else ""),
        first=share(sided.count("first"), len(sided)),
        by_position=share(alone, len(pairs) - count["invalid"]),
        verdict=_verdict(a, b, count["a"], count["b"], p),
        caution=note,
    )


def _verdict(a: str, b: str, for_a: int, for_b: int, p: float) -> str:
    if for_a + for_b == 0:
        return "No preference shown: no pair was decided alike in both orders."
    if p > LEVEL:
        return f"No preference shown: {for_a} for {a}, {for_b} for {b} (p = {p:.3g})."
    winner, more, fewer = (a, for_a, for_b) if for_a > for_b else (b, for_b, for_a)
    return f"It prefers {winner}: {more} to {fewer} of the pairs decided alike in both orders (p = {p:.3g})."
