"""The report as Markdown (CommonMark with tables), for a pull request or a chat.

Foreign text stands in it in two forms only: escaped in one line, or in a fence longer than any in the text. The only
HTML is anchors made of numbers, so that every sentence can link to what it stands on.
"""

import re
from collections.abc import Iterable, Sequence

from weakspot.rendering import formats
from weakspot.rendering.anchors import Anchors, Link, Sentence
from weakspot.rendering.cards import card_notes, card_rows
from weakspot.rendering.failures import Case, Shelf, Trail, shelves
from weakspot.rendering.items import item_blocks
from weakspot.rendering.judging import judging_markdown
from weakspot.rendering.matrix import ranking_sentence
from weakspot.rendering.metrics import blocks
from weakspot.rendering.ratings import rated_blocks
from weakspot.rendering.sentences import cautions, headline, verdict
from weakspot.rendering.suppositions import suppositions
from weakspot.rendering.tables import (
    DifferenceRow,
    Fact,
    RateCell,
    comparison_tables,
    cost_facts,
    provenance_facts,
    rate_rows,
    run_facts,
)
from weakspot.rendering.text import Excerpt, one_line, visible
from weakspot.rendering.view import ReportInput, TrailToken

CASES = 2
"""Failures shown in full per candidate and category; the page shows more."""

LONGEST_CELL = 400


def render_markdown(report: ReportInput) -> str:
    """The whole report as one Markdown text."""
    anchors = Anchors(report)
    found = shelves(report, anchors)
    blocks = [
        _verdict(report, anchors),
        _rates(report, anchors),
        _metrics(report),
        _differences(report, anchors),
        _ratings(report),
        _judging(report),
        _failures(report, found),
        _cards(report),
        _hypotheses(report, anchors),
        _method(report, anchors),
        _facts("Cost and time", "cost", cost_facts(report), report),
        _reproduce(report),
        _items(report, anchors, found),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escaped(text: str, limit: int = LONGEST_CELL) -> str:
    """Foreign text as one line of Markdown that shows as it is: no markup, no HTML, no link, no cell of its own."""
    line = re.sub(r"([\\`*_\[\]<>|~&!$#])", r"\\\1", one_line(text, limit))
    line = line.replace("://", r":\//")
    line = re.sub(r"\b(www)\.", r"\1\\.", line, flags=re.IGNORECASE)
    return re.sub(r"^(\s*)(?:([-+=])|(\d+)([.)])(?=\s|$))", r"\1\3\\\2\4", line)


def fenced(text: str) -> str:
    """Foreign text as a block, in a fence longer than any run of backticks in it."""
    shown = visible(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", shown)), default=0))
    return f"{fence}text\n{shown}\n{fence}"


def _anchor(name: str) -> str:
    return f'<a id="{name}"></a>'


def _heading(text: str, anchor: str, level: int = 2) -> str:
    return f"{_anchor(anchor)}\n\n{'#' * level} {text}"


def _links(links: Iterable[Link]) -> str:
    return " ".join(f"[{escaped(link.label)}](#{link.anchor})" for link in links)


def _sentence(said: Sentence) -> str:
    parts = [
        f"**{escaped(said.lead)}**" if said.lead else "",
        escaped(said.text),
        _links(said.links),
        escaped(said.after),
    ]
    return " ".join(part for part in parts if part)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _models(report: ReportInput) -> list[str]:
    return [escaped(name) for name in report.summary.models]


def _verdict(report: ReportInput, anchors: Anchors) -> str:
    summary = report.summary
    lines = [_anchor("verdict"), "", f"# {escaped(headline(summary))}", ""]
    lines += [f"- {_sentence(said)}" for said in verdict(summary, anchors)]
    if summary.ranking:
        lines.append(f"- {escaped(ranking_sentence(summary), 2_000)}")
    warnings = [*map(escaped, report.notes), *map(_sentence, cautions(summary, anchors))]
    if warnings:
        lines += ["", "To know before trusting it:", "", *(f"- {warning}" for warning in warnings)]
    return "\n".join(lines)


def _rates(report: ReportInput, anchors: Anchors) -> str:
    rows = [
        [f"{_anchor(row.anchor)}{escaped(row.name)}", *(_rate(cell) for cell in row.cells)]
        for row in rate_rows(report.summary, anchors)
    ]
    told = "Failed / (passed + failed), with Wilson's 95% interval."
    return "\n\n".join([_heading("Failure rates", "rates"), told, _table(["Category", *_models(report)], rows)])


def _metrics(report: ReportInput) -> str:
    parts = [_heading("Beyond failure rates", "metrics")]
    for block in blocks(report.summary):
        parts += [_heading(block.title, f"m-{block.anchor}", 3), escaped(block.told, 1000)]
        parts += ["\n".join(f"- {_sentence(said)}" for said in block.sentences)] if block.sentences else []
        for table in block.tables:
            parts += [f"**{escaped(table.title)}**"] if table.title else []
            parts.append(_table([*map(escaped, table.heads)], [[*map(escaped, row)] for row in table.rows]))
    return "\n\n".join(parts) if len(parts) > 1 else ""


def _ratings(report: ReportInput) -> str:
    if report.ratings is None:
        return ""
    parts = [_heading("Hand against automatic", "ratings")]
    for block in rated_blocks(report.ratings, report.scores):
        if isinstance(block, str):
            parts.append(escaped(block, 2_000))
        else:
            parts.append(_table([*map(escaped, block.heads)], [[*map(escaped, row)] for row in block.rows]))
    return "\n\n".join(parts)


def _judging(report: ReportInput) -> str:
    if report.judging is None and not report.pairwise:
        return ""
    lines = [f"- {escaped(line, 1_000)}" for line in judging_markdown(report.judging, report.pairwise)]
    return "\n\n".join([_heading("Judging models", "judging"), "\n".join(lines)])


def _rate(cell: RateCell | None) -> str:
    if cell is None:
        return formats.NONE
    details = "".join(f"; {detail}" for detail in cell.details)
    return f"{cell.rate} ({cell.counts}; {cell.interval}{details})"


def _differences(report: ReportInput, anchors: Anchors) -> str:
    heads = [
        "Category",
        "Difference",
        "95% interval",
        "Verdict",
        "p adjusted",
        "p",
        "Test",
        "Smallest detectable",
        "Items",
    ]
    parts = []
    for table in comparison_tables(report.summary, anchors):
        rows = [[f"{_anchor(row.anchor)}{escaped(row.name)}", *map(escaped, _cells(row))] for row in table.rows]
        parts += [f"### {escaped(table.a)} against {escaped(table.b)}", _table(heads, rows)]
    told = (
        "Failure rate of the first minus that of the second, on the same items, in points; p adjusted by "
        "Holm's weighted method: all categories together have half of the level, each category its share of the rest."
    )
    return "\n\n".join([_heading("Paired differences", "differences"), told, *parts]) if parts else ""


def _cells(row: DifferenceRow) -> tuple[str, ...]:
    numbers = row.difference, row.interval, row.verdict, row.p_adjusted, row.p
    return *numbers, row.test, row.detectable, row.n


def _failures(report: ReportInput, found: Sequence[Shelf]) -> str:
    parts = [_heading("Worst failures", "failures")]
    for shelf in found:
        parts.append(_heading(f"{escaped(shelf.model)}: {formats.plural(shelf.failed, 'failure')}", shelf.anchor, 3))
        for group in shelf.groups:
            parts.append(
                f"{_anchor(group.anchor)}\n\n**{escaped(group.name)}**: {formats.plural(group.failed, 'failure')}"
            )
            parts += [_case(case, dict(report.rubric)) for case in group.cases[:CASES]]
    return "\n\n".join(parts if found else [*parts, "No failures recorded."])


def _case(case: Case, rubric: dict[int, str]) -> str:
    severity = "–" if case.severity is None else f"{case.severity}"
    anchor = escaped(rubric.get(case.severity or 0, ""))
    parts = [f"{_anchor(case.anchor)}\n\n**{escaped(case.probe)}**, severity {severity}, {case.reply_class}"]
    if case.prompt is not None:
        parts += [f"Input, {formats.plural(case.prompt.total, 'token')} (id:piece):", fenced(_trail(case.prompt))]
    else:
        parts += [part for turn in case.turns for part in (f"{escaped(turn.role)}:", fenced(_text(turn.text)))]
    parts += [f"Reply{_noted(case.reply_note)}:", fenced(_text(case.reply) if case.reply else case.error)]
    if case.output is not None:
        parts += ["Its tokens (id:piece):", fenced(_trail(case.output))]
    why = [f"- Expected: {escaped(case.expected)}", f"- Why it failed: {escaped(case.reason)} ({escaped(case.rule)})"]
    why += [f"- Severity {severity}: {anchor}"] if anchor else []
    return "\n\n".join([*parts, "\n".join([*why, f"- {_links(case.links)}"])])


def _noted(note: str) -> str:
    return f" ({note})" if note else ""


def _text(shown: Excerpt) -> str:
    note = f"\n[cut, {shown.left_out:,} characters more in the run folder]" if shown.left_out else ""
    return "".join(text for text, _ in shown.parts) + note


def _trail(trail: Trail) -> str:
    left_out = len(trail.middle) + trail.left_out
    parts = [" ".join(map(_token, trail.head))]
    parts += [f"[… {left_out:,} tokens more …]", " ".join(map(_token, trail.tail))] if left_out else []
    return "\n".join(parts)


def _token(token: TrailToken) -> str:
    piece = token.piece.replace("\n", "⏎").replace(" ", "·")
    return f"{'?' if token.id is None else token.id}:{piece}"


def _cards(report: ReportInput) -> str:
    models = list(report.summary.models)
    rows = card_rows(report.cards, models)
    if not rows:
        return "\n\n".join(
            [_heading("Architecture", "cards"), "No card: none of the candidates shows how it is built."]
        )
    cells = [
        [f"{_anchor(r.anchor)}{r.label}{' ≠' if r.differs else ''}", *(escaped(value) for value in r.values)]
        for r in rows
    ]
    notes = [f"- {escaped(name)}: {escaped(note)}" for name, note in card_notes(report.cards, models)]
    return "\n\n".join([_heading("Architecture", "cards"), _table(["", *_models(report)], cells), *notes])


def _hypotheses(report: ReportInput, anchors: Anchors) -> str:
    parts = [_heading("What could explain the differences", "hypotheses")]
    parts.append("These are hypotheses. Nothing in this report shows a cause; each needs the experiment named with it.")
    for i, (hypothesis, links) in enumerate(suppositions(report, anchors)):
        lines = [f"- {_anchor(f'h-{i}')}{escaped(hypothesis.text)} {_links(links)}"]
        lines += [f"  - What differs: {escaped(hypothesis.difference)}"] if hypothesis.difference else []
        confounds = "; ".join(hypothesis.confounds)
        lines += [f"  - Could also come from: {escaped(confounds)}"] if confounds else []
        lines += [f"  - To test it: {escaped(hypothesis.experiment)}"] if hypothesis.experiment else []
        parts.append("\n".join(lines))
    for comparison in report.summary.comparisons:
        if comparison.confounds:
            parts.append(f"What else differs between {escaped(comparison.a)} and {escaped(comparison.b)}:")
            parts.append("\n".join(f"- {escaped(confound)}" for confound in comparison.confounds))
    return "\n\n".join(parts)


def _method(report: ReportInput, anchors: Anchors) -> str:
    parts = [_heading("How to read it", "method")]
    if report.rubric:
        levels = [
            f"- {_anchor(f'severity-{level}')}Severity {level}: {escaped(words)}" for level, words in report.rubric
        ]
        parts += [_anchor("rubric"), "\n".join(levels)]
    for rubric in report.rubrics:
        lines = [f"- {anchor.level}: {escaped(anchor.says)}" for anchor in rubric.anchors]
        parts.append("\n".join([f"{escaped(rubric.title)}: {escaped(rubric.asks)}", "", *lines]))
    parts.append(f"{_anchor('uninformative')}Left out as uninformative (the candidate failed the item's own control):")
    rows = []
    for entry in report.uninformative:
        item = anchors.item(entry.probe)
        name = f"[{escaped(entry.probe)}](#{item})" if item else escaped(entry.probe)
        rows.append([name, escaped(entry.candidate), escaped(entry.control), escaped(entry.reason)])
    parts.append(_table(["Item", "Candidate", "Failed control", "Reason"], rows) if rows else "None.")
    return "\n\n".join(parts)


def _facts(title: str, anchor: str, facts: Sequence[Fact], report: ReportInput) -> str:
    rows = [[fact.name, *(escaped(value) for value in fact.values)] for fact in facts]
    return "\n\n".join([_heading(title, anchor), _table(["", *_models(report)], rows)])


def _reproduce(report: ReportInput) -> str:
    parts = [_heading("Reproduce it", "reproduce")]
    if report.command:
        parts.append(fenced(report.command))
    parts.append(_table(["", ""], [[escaped(name), escaped(value)] for name, value in run_facts(report)]))
    return "\n\n".join([*parts, _facts("What made the replies", "provenance", provenance_facts(report), report)])


def _items(report: ReportInput, anchors: Anchors, found: Sequence[Shelf]) -> str:
    cases = {case.anchor for shelf in found for group in shelf.groups for case in group.cases[:CASES]}
    parts = [_heading("All items", "items")]
    for block in item_blocks(report, anchors, cases):
        rows = []
        for row in block.rows:
            cells = [f"[{c.word}](#{c.link})" if c.link else c.word for c in row.cells]
            rows.append([f"{_anchor(row.anchor or 'p-x')}{escaped(row.probe)}", row.part, *cells])
        parts.append(_heading(escaped(block.name), block.anchor, 3))
        parts.append(_table(["Item", "Part", *_models(report)], rows))
        parts += [f"{formats.plural(block.unlisted, 'more item')} in items.csv."] if block.unlisted else []
    return "\n\n".join(parts if len(parts) > 1 else [*parts, "No items recorded."])
