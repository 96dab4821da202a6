"""The verdict that holds: a person's before the rule's, a judge's only where the rule gave none.

Several hands: the majority; where they are even there is no verdict, and the reason says so. Pure functions of records.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from weakspot.records import Rating, Score

Scores = Mapping[tuple[str, str], Score]
"""(probe id, candidate name) -> score."""


class Voted(msgspec.Struct, frozen=True):
    """What several raters make together: `passed` is None where they are even; `severity` is the lower median of those
    who failed it, set on failures only.
    """

    passed: bool | None
    severity: int | None
    for_it: int
    raters: int


def vote(given: Sequence[Rating]) -> Voted | None:
    """The majority's verdict; None where nobody gave one (a skip is none)."""
    verdicts = [rating for rating in given if rating.passed is not None]
    if not verdicts:
        return None
    failing = [rating for rating in verdicts if not rating.passed]
    passing = len(verdicts) - len(failing)
    if passing == len(failing):
        return Voted(None, None, passing, len(verdicts))
    passed = passing > len(failing)
    levels = sorted(rating.severity for rating in failing if rating.severity is not None)
    severity = None if passed or not levels else levels[(len(levels) - 1) // 2]
    return Voted(passed, severity, max(passing, len(failing)), len(verdicts))


def by_answer(ratings: Iterable[Rating], kind: str) -> dict[tuple[str, str], list[Rating]]:
    """The ratings of one kind ("hand", "judge") by (probe id, candidate name)."""
    found: dict[tuple[str, str], list[Rating]] = {}
    for rating in ratings:
        if rating.kind == kind:
            found.setdefault((rating.probe, rating.candidate), []).append(rating)
    return found


def effective(scores: Scores, ratings: Iterable[Rating]) -> dict[tuple[str, str], Score]:
    """The scores with people's and judges' verdicts put in; whoever is not rated keeps the automatic one.

    A score that changes names "hand" or "judge" as its scorer and says in its reason who decided, and what the rule
    had said. Ratings of answers without a score are left out.
    """
    every = list(ratings)
    hands, judges = by_answer(every, "hand"), by_answer(every, "judge")
    found = dict(scores)
    for key, score in scores.items():
        voted = vote(hands.get(key, ()))
        if voted is not None:
            found[key] = _decided(score, voted, "hand")
        elif score.passed is None and score.reply_class != "error" and (ruled := vote(judges.get(key, ()))) is not None:
            found[key] = _decided(score, ruled, "judge")
    return found


def _decided(score: Score, voted: Voted, who: str) -> Score:
    names = {"hand": ("by hand", "raters"), "judge": ("by a judge", "judges")}[who]
    rule = {True: "passed", False: "failed", None: "no verdict"}[score.passed]
    said = f"the rule {score.scorer} said: {rule}"
    if voted.passed is None:
        reason = f"No verdict {names[0]}: {voted.raters} {names[1]} are even; {said}."
    else:
        word = "Passed" if voted.passed else "Failed"
        count = f", {voted.for_it} of {voted.raters} {names[1]}" if voted.raters > 1 else ""
        reason = f"{word} {names[0]}{count}; {said}."
    return msgspec.structs.replace(
        score,
        scorer=who,
        passed=voted.passed,
        severity=voted.severity,
        reason=reason,
        evidence=score.evidence if voted.passed == score.passed else None,
    )
