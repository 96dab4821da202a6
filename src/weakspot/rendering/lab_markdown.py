"""A lab's report as Markdown, for documents: the verdict, exact match by length, trade-off, patterns, crossings."""

from collections.abc import Iterable, Iterator, Sequence

from weakspot.records.lab import LabReport
from weakspot.rendering import formats, lab_words
from weakspot.rendering.lab_charts import ticks
from weakspot.rendering.markdown import escaped, fenced

LONG = 600


def lab_markdown(report: LabReport) -> str:
    """The report. Foreign text is escaped in one line, or fenced."""
    lines = [f"# Lab: {escaped(report.name)}", "", f"**{lab_words.headline(report)}**", ""]
    lines += _bullets(lab_words.verdict(report))
    if cautions := lab_words.cautions(report):
        lines += ["", "What is missing or few:", "", *_bullets(cautions)]
    lines += ["", fenced(report.command or "not recorded"), "", *_by_length(report), *_trades(report)]
    lines += [*_patterns(report), *_decoded(report), *_crossings(report)]
    lines += [
        "",
        "## Method, and its limits",
        "",
        *_bullets([*lab_words.paragraphs(lab_words.METHOD), *lab_words.paragraphs(lab_words.LIMITS)]),
        "",
    ]
    lines.append(f"Weakspot {escaped(report.weakspot)}; {escaped(report.machine) or 'machine not recorded'}")
    return "\n".join(lines) + "\n"


def _bullets(lines: Iterable[str]) -> list[str]:
    return [f"- {escaped(line, LONG)}" for line in lines]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], right: int) -> Iterator[str]:
    """Rows under a head; columns from `right` on are numbers."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' if i < right else '---:' for i in range(len(head)))}|"
    for row in rows:
        yield f"| {' | '.join(escaped(cell, LONG) for cell in row)} |"


def _by_length(report: LabReport) -> Iterator[str]:
    for task in dict.fromkeys(arm.task for arm in lab_words.free_arms(report)):
        arms = [arm for arm in lab_words.free_arms(report) if arm.task == task]
        lengths = ticks(sorted({one.length for arm in arms for one in arm.rates}))
        lengths = sorted({*lengths, *(arm.high for arm in arms)} & {one.length for arm in arms for one in arm.rates})
        yield f"## {escaped(task)}: exact match by length"
        yield ""
        counts = escaped(report.counts.get(task, "tokens"))
        high = max(arm.high for arm in arms)
        yield f"Length in {counts}, trained to {high}. With 95% intervals; a dash where nothing is said."
        yield ""
        rows = []
        for arm in arms:
            by = {one.length: one for one in arm.rates}
            cells = [by.get(length) for length in lengths]
            told = [
                formats.NONE
                if one is None or one.rate is None
                else f"{formats.percent(one.rate)} ({formats.interval(one.low, one.high)})"
                for one in cells
            ]
            rows.append((arm.shape, *told))
        yield from _table(("shape", *map(str, lengths)), rows, 1)
        yield ""


def _trades(report: LabReport) -> Iterator[str]:
    yield "## Trade-off"
    yield ""
    head = ("task", "shape", "seeds passed", "exact, trained lengths", "exact, beyond", "half length")
    yield from _table(
        (*head, "parameters", "steps/s", "training state", "with activations"), lab_words.trades(report), 2
    )
    yield ""


def _patterns(report: LabReport) -> Iterator[str]:
    yield "## How they fail"
    yield ""
    rows = [
        (arm.task, arm.shape, arm.pattern, lab_words.half_words(arm), arm.errors_begin or formats.NONE)
        for arm in lab_words.free_arms(report)
    ]
    yield from _table(("task", "shape", "pattern", "half length", "first errors"), rows, 5)
    yield ""


def _decoded(report: LabReport) -> Iterator[str]:
    if rows := lab_words.decoded(report):
        yield "## Decodings"
        yield ""
        head = ("task", "shape", "decoding", "exact, trained", "valid, trained", "exact, beyond", "valid, beyond")
        yield from _table(head, rows, 3)
        yield ""


def _crossings(report: LabReport) -> Iterator[str]:
    yield "## Crossings"
    yield ""
    if not report.crossings:
        yield "No two of these arms make a crossing."
        return
    rows = [(c.task, c.pair, c.standing, c.sentence) for c in lab_words.crossed(report)]
    yield from _table(("task", "pair", "standing", "what was found"), rows, 4)
