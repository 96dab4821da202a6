"""Which answers a rater is given, and in which order: filters, a sample by strata, a shuffle.

The sample takes equally many answers from each stratum (category by automatic verdict), as far as there are, because
what is rare, such as failures of a good model, is what a rater's time should go to. That makes plain shares of the
sample wrong for the run; `weakspot.rating.agreeing` weighs each answer by what it stands for.
"""

import hashlib
import random
from collections.abc import Iterable, Sequence

import msgspec

from weakspot.errors import UsageError
from weakspot.rating.answers import Answer, Key
from weakspot.rating.effective import by_answer
from weakspot.records import Rating

LONGEST_NAME = 60
FILTERS = ("failed", "passed", "unscored", "disagree", "category=NAME", "candidate=NAME")


class Wanted(msgspec.Struct, frozen=True):
    """What a rater asked for. The sample depends on the run and the seed alone, so that two raters get the same one;
    the order of a blind queue depends on the rater too, so that tiredness does not fall on the same answers.

    Args:
        rater: who rates.
        blind: hide which model answered, and shuffle.
        sample: how many answers, drawn by strata; None for all.
        seed: of the sample and the order.
        only: filters (see `FILTERS`): of one kind any, of different kinds all must hold, so that two categories and
            "failed" are the failures of both categories.
    """

    rater: str = "me"
    blind: bool = False
    sample: int | None = None
    seed: int = 0
    only: tuple[str, ...] = ()

    def check(self) -> None:
        """Whether it makes sense.

        Raises:
            UsageError: it does not.
        """
        name = self.rater
        if not name.strip() or name.startswith("judge:") or len(name) > LONGEST_NAME or not name.isprintable():
            raise UsageError(
                f"{name[:80]!r} is no rater's name: 1 to {LONGEST_NAME} plain characters, not beginning with 'judge:'.",
                hint="Such as: --rater ada",
            )
        if self.sample is not None and self.sample < 1:
            raise UsageError(f"A sample has at least one answer, not {self.sample}.")
        for one in self.only:
            plain, _, value = one.partition("=")
            if one not in FILTERS[:4] and not (plain in ("category", "candidate") and value):
                raise UsageError(f"There is no filter {one!r}.", hint=f"There are: {', '.join(FILTERS)}.")


def queue(every: Sequence[Answer], ratings: Iterable[Rating], wanted: Wanted) -> list[Key]:
    """The keys of the answers to rate, in order.

    Raises:
        UsageError: nothing is left by the filters, or a filter names no category or candidate of the run.
    """
    wanted.check()
    chosen = _filtered(every, list(ratings), wanted.only)
    if not chosen:
        raise UsageError(
            "No answer is left to rate." + (f" The filters were: {', '.join(wanted.only)}." if wanted.only else ""),
            hint="Leave out --only, or see `weakspot report` for what the run holds.",
        )
    if wanted.sample is not None:
        chosen = _sampled(chosen, wanted.sample, wanted.seed)
    keys = [answer.key for answer in chosen]
    if wanted.blind:
        _dice(wanted.seed, "order", wanted.rater).shuffle(keys)
    return keys


def _filtered(every: Sequence[Answer], ratings: list[Rating], only: Sequence[str]) -> list[Answer]:
    known = {"category": {a.probe.category for a in every}, "candidate": {a.candidate for a in every}}
    for one in only:
        plain, _, value = one.partition("=")
        if plain in known and value not in known[plain]:
            raise UsageError(
                f"The run has no {plain} {value!r}.", hint=f"It has: {', '.join(sorted(known[plain])) or 'none'}."
            )
    disputed = _disputed(every, ratings) if "disagree" in only else set()
    kinds: dict[str, list[str]] = {}
    for one in only:
        kinds.setdefault("verdict" if one in FILTERS[:3] else one.partition("=")[0], []).append(one)
    return [
        answer for answer in every if all(any(_holds(answer, one, disputed) for one in kind) for kind in kinds.values())
    ]


def _holds(answer: Answer, one: str, disputed: set[Key]) -> bool:
    plain, _, value = one.partition("=")
    if plain == "category":
        return answer.probe.category == value
    if plain == "candidate":
        return answer.candidate == value
    return answer.key in disputed if plain == "disagree" else answer.stratum[1] == plain


def _disputed(every: Sequence[Answer], ratings: list[Rating]) -> set[Key]:
    """Answers on which two raters, a judge or the rule are of different minds."""
    said: dict[Key, set[bool]] = {}
    for kind in ("hand", "judge"):
        for key, given in by_answer(ratings, kind).items():
            said.setdefault(key, set()).update(r.passed for r in given if r.passed is not None)
    for answer in every:
        if answer.key in said and answer.score is not None and answer.score.passed is not None:
            said[answer.key].add(answer.score.passed)
    return {key for key, verdicts in said.items() if len(verdicts) > 1}


def _sampled(chosen: list[Answer], size: int, seed: int) -> list[Answer]:
    """Equally many of each stratum as far as there are, drawn by the seed; the order stays the suite's."""
    strata: dict[tuple[str, str], list[Key]] = {}
    for answer in chosen:
        strata.setdefault(answer.stratum, []).append(answer.key)
    for name, keys in strata.items():
        _dice(seed, "sample", *name).shuffle(keys)
    taken: set[Key] = set()
    turn = 0
    order = sorted(strata, key=lambda name: (-len(strata[name]), name))
    while len(taken) < min(size, len(chosen)):
        for name in order:
            if turn < len(strata[name]) and len(taken) < size:
                taken.add(strata[name][turn])
        turn += 1
    return [answer for answer in chosen if answer.key in taken]


def _dice(seed: int, *words: str) -> random.Random:
    """Dice that are the same on every machine and Python."""
    digest = hashlib.sha256("\x1f".join((str(seed), *words)).encode("utf-8", "surrogatepass")).digest()
    return random.Random(int.from_bytes(digest[:8]))  # noqa: S311 - a draw of a sample, not of a lock


def counts(every: Iterable[Answer]) -> dict[tuple[str, str], int]:
    """How many answers each stratum has."""
    found: dict[tuple[str, str], int] = {}
    for answer in every:
        found[answer.stratum] = found.get(answer.stratum, 0) + 1
    return found
