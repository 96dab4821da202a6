"""Judges in words and rows: for the terminal, and for the report's section on them.

What a judge said stands beside what its self-test showed of it; one that has not passed is named as such.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from weakspot.records.judging import Estimated, JudgeTally, JudgeTest, Judging, Pairwise, Share


class JudgeRow(NamedTuple):
    """One judge of the report's table: words, ready to be shown (and hostile until they are escaped)."""

    judge: str
    asked: str
    passed: str
    failed: str
    missing: str
    rule: str
    accuracy: str
    forged: str
    believed: str


def judge_rows(judging: Judging) -> list[JudgeRow]:
    """The table of judges."""
    return [_row(tally) for tally in (*judging.judges, *judging.earlier)]


def judged_context(
    judging: Judging | None, pairwise: Sequence[Pairwise] = ()
) -> dict[str, list[JudgeRow] | list[str] | list[list[str]]]:
    """What the page's section shows; empty without judges."""
    return {
        "rows": [] if judging is None else judge_rows(judging),
        "sentences": [] if judging is None else judging_sentences(judging),
        "pairs": [
            [f"Judge {found.judge}: {first}", *rest] for found in pairwise for first, *rest in [pairwise_lines(found)]
        ],
    }


def judging_sentences(judging: Judging) -> list[str]:
    """What stands under the table: what was asked, how far judges agree, and the notes."""
    which = {"unscored": "without a verdict by rule", "failed": "that failed by rule"}.get(judging.selection, "in all")
    lines = [f"{judging.asked:,} of {judging.available:,} answers {which} were judged, blind to who gave them."]
    if judging.alpha is not None:
        lines.append(f"Agreement between judges, Krippendorff's alpha: {estimated(judging.alpha)}.")
        counted = ", ".join(f"{word} {count}" for word, count in sorted(judging.majority.items()))
        lines.append(f"By majority: {counted}.")
    return [*lines, *judging.notes]


def judging_lines(judging: Judging) -> list[str]:
    """For the terminal."""
    lines = [f"{'judge':<24}{'asked':>7}{'passed':>8}{'failed':>8}{'no verdict':>12}  agrees with the rule"]
    for tally in judging.judges:
        counts = f"{tally.asked:>7}{tally.passed:>8}{tally.failed:>8}{tally.invalid + tally.errors:>12}"
        lines.append(f"{tally.judge[:23]:<24}{counts}  {share(tally.rule)}")
    return [*lines, *judging_sentences(judging)]


def test_lines(test: JudgeTest) -> list[str]:
    """A self-test for the terminal: the words first, then the figures."""
    rows = {
        "balanced accuracy": estimated(test.accuracy),
        "good replies passed": share(test.good),
        "bad replies failed": share(test.bad),
        "no verdict to be read": share(test.invalid),
        "fail turned into pass by a forged verdict": share(test.forged),
        **{f"  {kind}": share(one) for kind, one in test.forged_kinds.items()},
        "verdict changed by filler": share(test.padded),
        "verdict changed when asked twice": share(test.reworded),
        "pairs: chosen by position alone": share(test.first),
        "pairs: decided rightly in both orders": share(test.right_pairs),
    }
    if test.own is not None:
        rows[f"where they differ, own reply passed and not {test.other}'s"] = share(test.own)
    head = f"Self-test of {test.judge} on {test.items} questions."
    return [head, *test.words, *(f"  {name:<52}{value}" for name, value in rows.items())]


def pairwise_lines(found: Pairwise) -> list[str]:
    """Two candidates side by side, for the terminal."""
    return [
        found.verdict,
        f"  {found.a} better in both orders: {found.a_better} of {found.pairs}",
        f"  {found.b} better in both orders: {found.b_better} of {found.pairs}",
        f"  equal in both orders: {found.ties}; hung on the order: {found.inconsistent}; no verdict: {found.invalid}",
        f"  win rate of {found.a} among the decided: {share(found.win)}",
        f"  chosen by position alone: {share(found.by_position)}; took the first of two: {share(found.first)}",
        *([found.caution] if found.caution else []),
    ]


def share(found: Share) -> str:
    """`12 of 40 (30%, 18% to 45%; McNemar exact p = 0.01)`; a dash where there was nothing."""
    if found.value is None or found.low is None or found.high is None:
        return "–"
    tested = "" if found.p is None else f"; {found.test} p = {found.p:.2g}"
    ends = f"{found.low:.0%} to {found.high:.0%}"
    return f"{found.count} of {found.n} ({found.value:.0%}, {ends}{tested})"


def estimated(found: Estimated) -> str:
    """`0.62 (0.50 to 0.73, n = 81)`; the reason where there is none."""
    if found.value is None:
        return f"– ({found.note or 'not defined'})"
    ends = "no interval" if found.low is None or found.high is None else f"{found.low:.2f} to {found.high:.2f}"
    return f"{found.value:.2f} ({ends}, n = {found.n})"


def _row(tally: JudgeTally) -> JudgeRow:
    test = tally.test
    return JudgeRow(
        judge=tally.judge,
        asked=str(tally.asked),
        passed=str(tally.passed),
        failed=str(tally.failed),
        missing=str(tally.invalid + tally.errors),
        rule=share(tally.rule),
        accuracy="not tested" if test is None else estimated(test.accuracy),
        forged="not tested" if test is None else share(test.forged),
        believed="yes" if not tally.caution else "no",
    )


def judging_markdown(judging: Judging | None, pairwise: Sequence[Pairwise] = ()) -> Iterator[str]:
    """Plain sentences, one a line, for the Markdown report; the caller escapes them."""
    for row in [] if judging is None else judge_rows(judging):
        yield (
            f"{row.judge}: {row.passed} passed, {row.failed} failed, {row.missing} without a verdict of {row.asked}; "
            f"agrees with the rule on {row.rule}; self-test's balanced accuracy {row.accuracy}; "
            f"turned by forged verdicts {row.forged}; to be believed: {row.believed}."
        )
    yield from [] if judging is None else judging_sentences(judging)
    for found in pairwise:
        yield f"Judge {found.judge}, side by side: {'; '.join(line.strip() for line in pairwise_lines(found))}."
