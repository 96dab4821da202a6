"""Examples of findings for the page: the stretch marked where it stood, its ids, what they decode to, the evidence."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from weakspot.records.audit import AuditSummary, CodeCount, LoggedFinding
from weakspot.rendering import formats, markup
from weakspot.rendering.audit_codes import is_loss, meaning
from weakspot.rendering.audit_words import ending
from weakspot.rendering.text import Excerpt, one_line

MOST_CODES = 40
MOST_EXAMPLES = 3
"""Examples of one kind; with those of 40 kinds a page stays well under a few MB whatever is in them."""

MOST_CONTEXT = 60
MOST_STRETCH = 200
MOST_DECODED = 300
MOST_EVIDENCE = 10
NOTHING = Markup('<mark class="nothing" title="nothing stood here"></mark>')


class Example(NamedTuple):
    """One finding as it is shown: where, the sentence, the text with its mark, ids, decoded text, evidence."""

    place: str
    severity: int
    message: str
    shown: Markup
    ids: str
    decoded: Markup
    evidence: list[tuple[str, str]]


class ExampleGroup(NamedTuple):
    """Examples of one kind of finding; `open` says whether they are seen without a click."""

    anchor: str
    found: CodeCount
    meaning: str
    loss: bool
    examples: list[Example]
    more: str


def with_examples(summary: AuditSummary) -> list[int]:
    """The places of the kinds of findings of which examples are shown, at most 40."""
    return [place for place, count in enumerate(summary.codes) if count.examples][:MOST_CODES]


def example_groups(summary: AuditSummary) -> list[ExampleGroup]:
    """Examples by kind of finding, in the summary's order."""
    found = []
    for place in with_examples(summary):
        count = summary.codes[place]
        drawn = [_example(finding) for finding in count.examples[:MOST_EXAMPLES]]
        left = count.findings - len(drawn)
        more = f"{left:,} more" if left > 0 else ""
        found.append(ExampleGroup(f"e-{place}", count, meaning(count.code), is_loss(count), drawn, more))
    return found


def _example(finding: LoggedFinding) -> Example:
    start, end = finding.span
    size = f"bytes {start:,}–{end:,}" if end > start else f"at byte {start:,}"
    place = f"{ending(finding.source, 80)}, document {finding.document:,}, {size}"
    return Example(
        place,
        max(1, min(5, finding.severity)),
        one_line(finding.message, 400),
        in_context(finding),
        ids_text(finding.ids),
        _cut(finding.decoded, MOST_DECODED),
        _evidence(finding),
    )


def in_context(finding: LoggedFinding) -> Markup:
    """The stretch, marked, between what stands before and behind it; how much of it is not shown is said."""
    before, after = finding.before[-MOST_CONTEXT:], finding.after[:MOST_CONTEXT]
    stretch = finding.input[:MOST_STRETCH]
    left = finding.span[1] - finding.span[0] - len(stretch.encode("utf-8", "surrogatepass"))
    shown = markup.marked(Excerpt(((stretch, True),), 0)) if stretch else NOTHING
    note = Markup(' <span class="cut">{}</span> ').format(f"… {left:,} bytes more") if left > 3 else ""
    return Markup("{}{}{}{}").format(markup.pretty(before), shown, note, "" if note else markup.pretty(after))


def ids_text(ids: Sequence[int], most: int = 20) -> str:
    """Ids on one line, cut."""
    if not ids:
        return formats.NONE
    return " ".join(map(str, ids[:most])) + (f" … ({len(ids):,} in all)" if len(ids) > most else "")


def _cut(text: str, most: int) -> Markup:
    if not text:
        return Markup('<span class="muted">nothing</span>')
    return markup.marked(Excerpt(((text[:most], False),), 0)) + ("…" if len(text) > most else "")


def _evidence(finding: LoggedFinding) -> list[tuple[str, str]]:
    told = [(key, value) for key, value in finding.evidence.items() if (key, value) != ("input", finding.input)]
    return [(one_line(key, 40), _value(value)) for key, value in told[:MOST_EVIDENCE]]


def _value(value: object) -> str:
    if isinstance(value, list):
        return one_line(", ".join(str(part) for part in value[:24]) + (", …" if len(value) > 24 else ""), 160)
    if value == "":
        return "nothing"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: formats.NONE}[value]
    return f"{value:,.4g}" if isinstance(value, float) else one_line(str(value), 160)
