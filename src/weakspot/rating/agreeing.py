"""Raters against each other, and hands against the automatic verdict, out of one run's answers and ratings."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np

from weakspot.rating.answers import Answer, Key
from weakspot.rating.effective import by_answer, vote
from weakspot.rating.queue import counts
from weakspot.records import Rating
from weakspot.records.agreement import (
    AgainstAutomatic,
    Agreement,
    Coefficient,
    Override,
    PairAgreement,
    RaterSummary,
)
from weakspot.stats.agreement import (
    Floats,
    balanced_accuracy,
    cohen_kappa,
    coincidences,
    estimate,
    gwet_ac1,
    krippendorff_alpha,
    pair_tables,
    percent_agreement,
)

GRADES = 6
"""A pass is 0, a failure its severity, 1 to 5."""
Statistic = Callable[[Floats], Floats]


def agreement(every: Sequence[Answer], ratings: Sequence[Rating]) -> Agreement:
    """Everything that the ratings of a run say about raters and rules. Judges stand among the pairs, not in alpha."""
    keys = {answer.key for answer in every}
    known = [rating for rating in ratings if (rating.probe, rating.candidate) in keys]
    votes = {key: voted for key, given in by_answer(known, "hand").items() if (voted := vote(given)) is not None}
    decided = {key: voted.passed for key, voted in votes.items() if voted.passed is not None}
    raters = list(dict.fromkeys((r.rater, r.kind) for r in known))
    sheets = {name: {(r.probe, r.candidate): r for r in known if (r.rater, r.kind) == name} for name in raters}
    hands = [sheets[name] for name in raters if name[1] == "hand"]
    return Agreement(
        rateable=len(every),
        rated=len(votes),
        tied=len(votes) - len(decided),
        raters=tuple(_rater(known, name) for name in raters),
        pairs=tuple(_pair((a, b), (sheets[a], sheets[b]), every) for a, b in combinations(raters, 2)),
        alpha=_alpha(hands, every, verdict_code, 2),
        grade_alpha=_alpha(hands, every, grade_code, GRADES),
        automatic=tuple(_all_against(every, decided)) if decided else (),
        overrides=tuple(_overrides(every, known)),
        notes=tuple(_notes(every, known)),
    )


def verdict_code(rating: Rating | None) -> int | None:
    """0 for a pass, 1 for a failure, None for no verdict."""
    return None if rating is None or rating.passed is None else int(not rating.passed)


def grade_code(rating: Rating | None) -> int | None:
    """0 for a pass, else the severity; None for no verdict, or a failure without one."""
    if rating is None or rating.passed is None:
        return None
    return 0 if rating.passed else rating.severity


def _rater(known: Sequence[Rating], name: tuple[str, str]) -> RaterSummary:
    own = [rating for rating in known if (rating.rater, rating.kind) == name]
    verdicts = [rating.passed for rating in own]
    return RaterSummary(
        name=name[0],
        kind=own[0].kind,
        passed=verdicts.count(True),
        failed=verdicts.count(False),
        skipped=verdicts.count(None),
        blind=sum(rating.blind for rating in own),
    )


def _pair(
    names: tuple[tuple[str, str], tuple[str, str]],
    sheets: tuple[dict[Key, Rating], dict[Key, Rating]],
    every: Sequence[Answer],
) -> PairAgreement:
    both = [answer for answer in every if answer.key in sheets[0] and answer.key in sheets[1]]
    groups = [answer.probe.id for answer in both]
    codes = [[verdict_code(sheet[answer.key]) for answer in both] for sheet in sheets]
    grades = [[grade_code(sheet[answer.key]) for answer in both] for sheet in sheets]
    verdicts = pair_tables(codes[0], codes[1], 2)
    return PairAgreement(
        a=names[0][0],
        b=names[1][0],
        n=int(verdicts.sum()),
        same=_coefficient(verdicts, groups, percent_agreement),
        kappa=_coefficient(verdicts, groups, cohen_kappa),
        ac1=_coefficient(verdicts, groups, gwet_ac1),
        grade_kappa=_coefficient(
            pair_tables(grades[0], grades[1], GRADES), groups, lambda table: cohen_kappa(table, "quadratic")
        ),
    )


def _alpha(
    sheets: Sequence[dict[Key, Rating]], every: Sequence[Answer], code: Callable[[Rating | None], int | None], size: int
) -> Coefficient:
    if len(sheets) < 2:
        return Coefficient(None, note="fewer than two people rated")
    rows = [[code(sheet.get(answer.key)) for answer in every] for sheet in sheets]
    level: Statistic = krippendorff_alpha if size == 2 else lambda table: krippendorff_alpha(table, "ordinal")
    return _coefficient(coincidences(rows, size), [answer.probe.id for answer in every], level)


def _coefficient(tables: Floats, groups: Sequence[str], statistic: Statistic) -> Coefficient:
    found = estimate(tables, groups, statistic)
    return Coefficient(found.value, found.low, found.high, found.n, found.note)


def _all_against(every: Sequence[Answer], decided: dict[Key, bool]) -> Iterator[AgainstAutomatic]:
    yield _against("all", "", every, decided)
    for category in dict.fromkeys(answer.probe.category for answer in every):
        yield _against("category", category, [a for a in every if a.probe.category == category], decided)
    for scorer in dict.fromkeys(answer.score.scorer for answer in every if answer.score is not None):
        own = [a for a in every if a.score is not None and a.score.scorer == scorer]
        yield _against("scorer", scorer, own, decided)


def _against(of: str, name: str, chosen: Sequence[Answer], decided: dict[Key, bool]) -> AgainstAutomatic:
    sizes = {stratum: n for stratum, n in counts(chosen).items() if stratum[1] != "unscored"}
    place = {stratum: number for number, stratum in enumerate(sizes)}
    rated = [answer for answer in chosen if answer.key in decided]
    pairs = [(answer, decided[answer.key], answer.score.passed) for answer in rated if answer.score is not None]
    told = [(answer, hand, rule) for answer, hand, rule in pairs if rule is not None]
    tables = pair_tables([int(not hand) for _, hand, _ in told], [int(not rule) for *_, rule in told], 2)
    by_stratum = _spread(tables, [place[answer.stratum] for answer, *_ in told], len(sizes))
    groups, whole = [answer.probe.id for answer, *_ in told], tables.sum(0)
    seen = {answer.stratum for answer, *_ in told}

    def weighed(statistic: Statistic) -> Coefficient:
        return _coefficient(by_stratum, groups, lambda table: statistic(_weighed(table, list(sizes.values()))))

    return AgainstAutomatic(
        of="all" if of == "all" else "category" if of == "category" else "scorer",
        name=name,
        n=len(told),
        both_passed=int(whole[0, 0]),
        only_automatic_failed=int(whole[0, 1]),
        only_hand_failed=int(whole[1, 0]),
        both_failed=int(whole[1, 1]),
        decided_by_hand=len(rated) - len(told),
        accuracy=weighed(percent_agreement),
        balanced_accuracy=weighed(balanced_accuracy),
        kappa=weighed(cohen_kappa),
        failure_recall=weighed(lambda table: _recall(table, 1)),
        pass_recall=weighed(lambda table: _recall(table, 0)),
        missing=tuple(f"{category}: {verdict}" for category, verdict in sizes if (category, verdict) not in seen),
    )


def _spread(tables: Floats, places: Sequence[int], strata: int) -> Floats:
    """Each answer's table put at its stratum, shape (answers, strata, 2, 2)."""
    found = np.zeros((len(tables), strata, 2, 2))
    found[np.arange(len(tables)), list(places)] = tables
    return found


def _weighed(tables: Floats, sizes: Sequence[int]) -> Floats:
    """Sums by stratum, shape (n, strata, 2, 2), as one table in which each stratum has its weight in the run."""
    rated = tables.sum((-2, -1))
    weights = np.where(rated > 0, np.asarray(sizes) / np.maximum(rated, 1), 0.0)
    found: Floats = (tables * weights[..., None, None]).sum(-3)
    return found


def _recall(table: Floats, code: int) -> Floats:
    row = table[..., code, :]
    total = row.sum(-1)
    found: Floats = np.where(total > 0, row[..., code] / np.maximum(total, 1e-12), np.nan)
    return found


def _overrides(every: Sequence[Answer], known: Sequence[Rating]) -> Iterator[Override]:
    of_key = {answer.key: answer for answer in every}
    for rating in known:
        score = of_key[rating.probe, rating.candidate].score
        if rating.kind != "hand" or rating.passed is None or score is None or score.passed == rating.passed:
            continue
        yield Override(
            rater=rating.rater,
            probe=rating.probe,
            candidate=rating.candidate,
            category=of_key[rating.probe, rating.candidate].probe.category,
            scorer=score.scorer,
            automatic=score.passed,
            automatic_severity=score.severity,
            passed=rating.passed,
            severity=rating.severity,
            note=rating.note,
        )


def _notes(every: Sequence[Answer], known: Sequence[Rating]) -> Iterator[str]:
    rated = {(r.probe, r.candidate) for r in known if r.kind == "hand" and r.passed is not None}
    sizes, done = counts(every), counts(answer for answer in every if answer.key in rated)
    if not rated:
        yield "Nobody has rated this run by hand."
        return
    shares = {done.get(stratum, 0) / size for stratum, size in sizes.items()}
    if max(shares) - min(shares) > 1e-9:
        yield (
            "Not every kind of answer was rated equally often, so plain shares of the rated answers are not shares of "
            "the run: the coefficients against the automatic verdict weigh each answer by how many it stands for."
        )
    if left := [f"{category} ({verdict})" for category, verdict in sizes if not done.get((category, verdict))]:
        shown = ", ".join(left[:6]) + (f" and {len(left) - 6} more" if len(left) > 6 else "")
        yield f"Nothing was rated of: {shown}. What is said here does not cover them."
    hands = [r for r in known if r.kind == "hand" and r.passed is not None]
    if seeing := sum(not r.blind for r in hands):
        yield f"{seeing} of {len(hands)} hand verdicts were given with the model's name in sight."
