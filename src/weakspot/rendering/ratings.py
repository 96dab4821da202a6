"""Hand against automatic, and raters against each other, for the terminal, Markdown and the page."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from weakspot.records.agreement import AgainstAutomatic, Agreement, Coefficient, Override
from weakspot.rendering import formats
from weakspot.rendering.text import one_line
from weakspot.rendering.view import ReportInput

MOST_OVERRIDES = 200
"""Rows on the page; `weakspot rate RUN --agreement --json` lists all."""
PER_TERMINAL = 12
AUTOMATIC_HEADS = (
    "",
    "Answers",
    "Both pass",
    "Both fail",
    "Only rule fails",
    "Only hand fails",
    "Balanced accuracy",
    "Recall of failures",
    "Recall of passes",
    "Kappa",
)
PAIR_HEADS = ("Raters", "Answers", "Same verdict", "Cohen's kappa", "Gwet's AC1", "Kappa of grades")
OVERRIDE_HEADS = ("Rater", "Item", "Candidate", "Rule", "Said", "By hand", "Note")


def figure(found: Coefficient) -> str:
    """0.62 (0.41 to 0.78); a dash, or "no interval", where there is none: `reasons` says why."""
    if found.value is None:
        return formats.NONE
    if found.low is None or found.high is None:
        return f"{_signed(found.value)} (no interval)"
    return f"{_signed(found.value)} ({_signed(found.low)} to {_signed(found.high)})"


def reasons(found: Agreement) -> str:
    """Why figures or intervals are missing, each reason once; empty where nothing is."""
    shown = [one for one in found.automatic if one.n or one.of == "all"]
    figures = [f for one in shown for f in (one.balanced_accuracy, one.failure_recall, one.pass_recall, one.kappa)]
    figures += [f for pair in found.pairs for f in (pair.same, pair.kappa, pair.ac1, pair.grade_kappa)]
    figures += [found.alpha, found.grade_alpha] if found.pairs else []
    notes = dict.fromkeys(f.note for f in figures if f.note)
    return f"What is missing: {'; '.join(notes)}." if notes else ""


def alpha_sentences(found: Agreement) -> list[str]:
    """What is said over all people who rated."""
    if sum(rater.kind == "hand" for rater in found.raters) < 2:
        return []
    return [
        f"Krippendorff's alpha over all people, pass or fail: {figure(found.alpha)}.",
        f"Krippendorff's alpha, grades (a pass 0, a failure its severity), ordinal: {figure(found.grade_alpha)}.",
    ]


def rated_sentence(found: Agreement) -> str:
    """How much was rated, and by whom."""
    people = [rater for rater in found.raters if rater.kind == "hand"]
    who = "; ".join(
        f"{one_line(r.name, 60)}: {r.passed} passed, {r.failed} failed, {r.skipped} skipped" for r in found.raters
    )
    tied = f" On {found.tied} of them the raters are even: no verdict by hand." if found.tied else ""
    share = f"{found.rated:,} of {formats.plural(found.rateable, 'answer')}"
    return f"{share} rated by {formats.plural(len(people), 'person', 'people')} ({who or 'nobody'}).{tied}"


def automatic_rows(found: Agreement) -> list[tuple[str, ...]]:
    """One row for the whole, each category and each scorer that has rated answers."""
    return [_automatic_row(one) for one in found.automatic if one.n or one.of == "all"]


def _automatic_row(one: AgainstAutomatic) -> tuple[str, ...]:
    name = {"all": "All", "category": formats.category(one.name), "scorer": f"scorer {one.name}"}[one.of]
    counted = (one.n, one.both_passed, one.both_failed, one.only_automatic_failed, one.only_hand_failed)
    measured = (one.balanced_accuracy, one.failure_recall, one.pass_recall, one.kappa)
    return (one_line(name, 60), *map(str, counted), *map(figure, measured))


def pair_rows(found: Agreement) -> list[tuple[str, ...]]:
    """One row per pair of raters."""
    return [
        (
            one_line(f"{pair.a} / {pair.b}", 120),
            str(pair.n),
            figure(pair.same),
            figure(pair.kappa),
            figure(pair.ac1),
            figure(pair.grade_kappa),
        )
        for pair in found.pairs
    ]


def override_rows(found: Agreement, most: int = MOST_OVERRIDES) -> list[tuple[str, ...]]:
    """Who overrode what: rater, item, candidate, scorer, its verdict, the hand's verdict, the note."""
    return [_override_row(one) for one in found.overrides[:most]]


def _override_row(one: Override) -> tuple[str, ...]:
    return (
        one_line(one.rater, 60),
        one_line(one.probe, 80),
        one_line(one.candidate, 60),
        one_line(one.scorer, 60),
        _verdict(one.automatic, one.automatic_severity),
        _verdict(one.passed, one.severity),
        one_line(one.note, 240),
    )


class Table(NamedTuple):
    """Heads and rows, as text."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def rated_blocks(found: Agreement, scores: str) -> Iterator[str | Table]:
    """All of it for Markdown: sentences and tables, in order."""
    yield f"{rated_sentence(found)} {used_sentence(found, scores)}"
    yield from found.notes
    if found.automatic:
        yield Table(AUTOMATIC_HEADS, automatic_rows(found))
    if found.pairs:
        yield Table(PAIR_HEADS, pair_rows(found))
        yield from alpha_sentences(found)
    if why := reasons(found):
        yield why
    if found.overrides:
        yield f"Overridden by hand: {len(found.overrides)}."
        yield Table(OVERRIDE_HEADS, override_rows(found))


def rated_context(report: ReportInput) -> dict[str, Any]:
    """What the page's section is made of; empty where nobody rated."""
    if (found := report.ratings) is None:
        return {}
    return {
        "sentence": rated_sentence(found),
        "used": used_sentence(found, report.scores),
        "notes": found.notes,
        "automatic_heads": AUTOMATIC_HEADS,
        "automatic": automatic_rows(found),
        "pair_heads": PAIR_HEADS,
        "pairs": pair_rows(found),
        "alpha": alpha_sentences(found),
        "reasons": reasons(found),
        "override_heads": OVERRIDE_HEADS,
        "overrides": override_rows(found),
        "override_probes": [one.probe for one in found.overrides[:MOST_OVERRIDES]],
        "override_count": len(found.overrides),
    }


def used_sentence(found: Agreement, scores: str) -> str:
    """Which verdicts the numbers of the report stand on."""
    if scores == "effective":
        share = f"{found.rated:,} of {found.rateable:,}"
        caution = (
            f" Only {share} answers were rated: where some kinds of answer were looked at more than others, rates are "
            "moved towards what was looked at."
        )
        caution = "" if found.rated == found.rateable else caution
        return (
            "The numbers of this report stand on effective verdicts: a hand's before the rule's, a judge's only where "
            f"the rule gave none.{caution}"
        )
    return (
        "The numbers of this report stand on the automatic verdicts; `weakspot report RUN --scores effective` puts "
        "the hands' in their place."
    )


def agreement_lines(found: Agreement) -> list[str]:
    """All of it for a terminal."""
    return list(_lines(found))


def _lines(found: Agreement) -> Iterator[str]:
    yield rated_sentence(found)
    if found.automatic:
        yield ""
        yield "Hand against automatic (95% intervals in brackets):"
        for row in automatic_rows(found):
            counted = f"both pass {row[2]}, both fail {row[3]}, only the rule fails {row[4]}, only the hand {row[5]}"
            yield f"  {row[0]}: {row[1]} answers; {counted}; balanced accuracy {row[6]}"
            yield f"    recall of failures {row[7]}; recall of passes {row[8]}; kappa {row[9]}"
    if found.pairs:
        yield ""
        yield "Between raters:"
        for pair in pair_rows(found):
            yield f"  {pair[0]}: {pair[1]} answers, same verdict {pair[2]}"
            yield f"    Cohen's kappa {pair[3]}; Gwet's AC1 {pair[4]}; kappa of grades {pair[5]}"
        yield from (f"  {sentence}" for sentence in alpha_sentences(found))
    if why := reasons(found):
        yield why
    if found.overrides:
        yield ""
        yield f"Overridden by hand ({len(found.overrides)}):"
        for rater, probe, candidate, scorer, rule, hand, note in override_rows(found, PER_TERMINAL):
            yield f"  {rater}: {probe} / {candidate}: {scorer} {rule} -> {hand}{f': {note}' if note else ''}"
        if len(found.overrides) > PER_TERMINAL:
            yield f"  and {len(found.overrides) - PER_TERMINAL} more: --json lists all"
    yield from ("", *found.notes) if found.notes else ()


def _verdict(passed: bool | None, severity: int | None) -> str:
    if passed is None:
        return "no verdict"
    return "passed" if passed else f"failed{'' if severity is None else f' ({severity})'}"


def _signed(value: float) -> str:
    text = f"{abs(value):.2f}"
    return f"{formats.MINUS}{text}" if value < 0 and float(text) else text
