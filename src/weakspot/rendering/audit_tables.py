"""The rows of an audit's page and terminal tables: numbers as they are shown, capped so that any page opens."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from weakspot.records.audit import AuditedSource, AuditSummary, CodeCount, GroupCost, Offender
from weakspot.rendering import formats
from weakspot.rendering.audit_codes import STAGES, is_loss, meaning, of_stage
from weakspot.rendering.audit_figures import share, speed, times, times_interval
from weakspot.rendering.audit_words import WHOLE, shown
from weakspot.rendering.text import one_line

MOST_GROUPS = 1_000
MOST_OFFENDERS = 50
MOST_SOURCES = 200
MOST_PLACES = 8
"""Places of broken bytes that are named for a file."""

OFFENDERS = (
    ("word", "Shattered words", "Words that were cut into many pieces."),
    ("character", "Characters without a token", "Each is unknown to the model or written as bytes."),
    ("token", "Tokens that join signs", "Signs of JSON or code that can't be had one by one."),
)
GROUPINGS = {
    "whole": "one token",
    "single": "one token a digit",
    "thousands": "thousands from the right: 12|345",
    "even": "pieces of one size: 1234|5678",
    "from-left": "from the left: 123|45",
    "uneven": "unevenly: 12|3|456",
}
"""How a number can be cut, in words."""


class Stage(NamedTuple):
    """One step of the pipeline: how many losses it caused, the worst severity, and the codes (code, findings)."""

    name: str
    findings: int
    severity: int
    codes: list[tuple[str, str]]


class CodeRow(NamedTuple):
    """One kind of finding; `share` is of all documents, `examples` an id on the page or empty."""

    anchor: str
    found: CodeCount
    meaning: str
    loss: bool
    share: str
    examples: str


class GroupRow(NamedTuple):
    """One group's costs, as text."""

    name: str
    documents: str
    tokens: str
    per_token: str
    fertility: str
    premium: str
    interval: str
    parallel: str
    lossy: str
    reference: bool
    shown: bool


class Bar(NamedTuple):
    """A share as a bar: its name in words, the number, the share in words and as per cent (0-100) for the drawing."""

    name: str
    number: str
    share: str
    width: float


class OffenderTable(NamedTuple):
    """Offenders of one kind, and how many are left out."""

    kind: str
    title: str
    note: str
    rows: list[Offender]
    left_out: int


class SourceRow(NamedTuple):
    """One file; `invalid` says how many bytes are no UTF-8 and where."""

    source: AuditedSource
    size: str
    invalid: str
    remark: str
    amiss: bool


def stages(codes: Sequence[CodeCount]) -> list[Stage]:
    """The pipeline with what was lost at each step; `vocabulary` and `post-processor` only where something was."""
    found = []
    for stage in STAGES:
        lost = [count for count in of_stage(codes, stage) if is_loss(count)]
        if not lost and stage in ("vocabulary", "post-processor", "truncation"):
            continue
        severity = max((count.severity for count in lost), default=0)
        named = [(count.code, formats.count(count.findings)) for count in lost]
        found.append(Stage(stage, sum(count.findings for count in lost), severity, named))
    return found


def code_rows(summary: AuditSummary, with_examples: Iterable[int]) -> list[CodeRow]:
    """One row for each kind of finding, in the summary's order.

    Args:
        summary: the audit.
        with_examples: the places, in the summary's order, of those whose examples the page shows.
    """
    shown_for = frozenset(with_examples)
    return [
        CodeRow(
            f"c-{place}",
            count,
            meaning(count.code),
            is_loss(count),
            share(count.documents, summary.whole.documents),
            f"e-{place}" if place in shown_for else "",
        )
        for place, count in enumerate(summary.codes)
    ]


def by_cost(groups: Sequence[GroupCost], reference: str) -> list[GroupCost]:
    """The costliest first: by premium where it is known, by bytes per token where not; unknown ones last."""

    def key(cost: GroupCost) -> tuple[int, float, str]:
        if cost.group == reference and reference:
            return (0, -(cost.premium if cost.premium is not None and formats.known(cost.premium) else 1.0), cost.group)
        if cost.premium is not None and formats.known(cost.premium):
            return (0, -cost.premium, cost.group)
        if cost.bytes_per_token is not None and formats.known(cost.bytes_per_token):
            return (1, cost.bytes_per_token, cost.group)
        return (2, 0.0, cost.group)

    return sorted(groups, key=key)


def group_rows(summary: AuditSummary) -> tuple[GroupRow, list[GroupRow], int]:
    """The whole corpus, the groups with the costliest first, and how many are left out."""
    ordered = by_cost(summary.groups, summary.reference_group)
    rows = [_group_row(cost, summary.reference_group) for cost in ordered[:MOST_GROUPS]]
    return _group_row(summary.whole, ""), rows, len(ordered) - len(rows)


def _group_row(cost: GroupCost, reference: str) -> GroupRow:
    is_reference = bool(reference) and cost.group == reference
    return GroupRow(
        one_line(cost.group, 60) if cost.group else WHOLE,
        formats.count(cost.documents),
        formats.count(cost.tokens),
        formats.decimal(cost.bytes_per_token, 2),
        formats.decimal(cost.fertility, 2),
        "1 (reference)" if is_reference else times(cost.premium),
        times_interval(cost.premium_low, cost.premium_high),
        formats.count(cost.parallel) if cost.parallel else formats.NONE,
        f"{formats.count(cost.lossy_documents)} ({share(cost.lossy_documents, cost.documents)})"
        if cost.lossy_documents
        else "0",
        is_reference,
        is_reference or shown(cost),
    )


def digit_bars(summary: AuditSummary) -> list[Bar]:
    """How numbers were cut, the most frequent way first."""
    total = sum(summary.digit_groupings.values())
    found = sorted(summary.digit_groupings.items(), key=lambda item: -item[1])
    return [
        Bar(GROUPINGS.get(name, one_line(name, 40)), formats.count(n), share(n, total), _width(n, total))
        for name, n in found
        if n
    ]


def _width(part: float, whole: float) -> float:
    return round(max(0.0, min(100.0, 100 * part / whole)), 1) if whole else 0.0


def offender_tables(summary: AuditSummary, most: int = MOST_OFFENDERS) -> list[OffenderTable]:
    """One table for each kind that has any, in the summary's order."""
    found = []
    for kind, title, note in OFFENDERS:
        rows = [offender for offender in summary.offenders if offender.kind == kind]
        if rows:
            found.append(OffenderTable(kind, title, note, rows[:most], len(rows) - min(most, len(rows))))
    return found


def source_rows(summary: AuditSummary) -> tuple[list[SourceRow], int]:
    """The files, those with something amiss first, and how many are left out."""
    rows = [_source_row(source) for source in summary.sources]
    rows.sort(key=lambda row: not row.amiss)
    return rows[:MOST_SOURCES], max(0, len(rows) - MOST_SOURCES) + summary.more_sources


def _source_row(source: AuditedSource) -> SourceRow:
    invalid = ""
    if source.invalid_bytes:
        places = ", ".join(f"{place:,}" for place in source.invalid_at[:MOST_PLACES])
        more = source.invalid_bytes > min(len(source.invalid_at), MOST_PLACES)
        where = f", at byte {places}{', …' if more else ''}" if places else ""
        invalid = f"{formats.count(source.invalid_bytes)}{where}"
    remark = source.remark.replace(source.name, "this file") if len(source.name) > 2 else source.remark
    amiss = bool(source.invalid_bytes or source.remark)
    return SourceRow(source, formats.size(source.bytes), invalid, one_line(remark, 300), amiss)


def made_facts(summary: AuditSummary) -> list[tuple[str, str]]:
    """How the audit was made: name and value."""
    corpus = ", ".join(one_line(path, 120) for path in summary.corpus[:20])
    if len(summary.corpus) > 20:
        corpus += f" and {len(summary.corpus) - 20:,} more"
    rows = formats.plural(summary.logged, "row")
    left = f"; {summary.not_logged:,} more findings counted and not logged" if summary.not_logged else ""
    return [
        ("Tokenizer", one_line(summary.tokenizer, 200)),
        ("Fingerprint", one_line(summary.fingerprint, 80)),
        ("Engine", one_line(summary.engine, 120)),
        ("Corpus", corpus or formats.NONE),
        ("Processes", formats.count(summary.processes)),
        ("Time", f"{formats.duration(summary.seconds)} ({speed(summary.whole.bytes, summary.seconds)})"),
        ("Log", f"{one_line(summary.log, 200)}, {rows}{left}" if summary.log else "none was kept"),
        ("Complete", "yes" if summary.complete else "no, stopped before the end"),
    ]
