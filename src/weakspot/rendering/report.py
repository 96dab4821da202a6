"""The report's files in a run folder."""

from pathlib import Path

import msgspec

from weakspot.records import Summary, to_json
from weakspot.rendering.category_pages import category_files
from weakspot.rendering.files import write_atomic
from weakspot.rendering.markdown import render_markdown
from weakspot.rendering.page import render_html
from weakspot.rendering.view import ReportInput

HTML, MARKDOWN, SUMMARY = "report.html", "report.md", "summary.json"


def write_report(report: ReportInput, folder: Path) -> list[Path]:
    """Write report.html, report.md, summary.json and a page per category, each in one step, after all could be made.

    Args:
        report: saved records; no model, tokenizer or network is needed.
        folder: made if it is not there; files of these names in it are replaced.

    Returns:
        The paths written, the page first.

    Raises:
        DiskFull: no room; older files of these names are still there.
    """
    made = {
        HTML: render_html(report).encode("utf-8", "replace"),
        MARKDOWN: render_markdown(report).encode("utf-8", "replace"),
        SUMMARY: summary_json(report.summary),
    }
    if report.items:
        made |= {name: page.encode("utf-8", "replace") for name, page in category_files(report).items()}
    for name, data in made.items():
        write_atomic(folder / name, data)
    return [folder / name for name in made]


def summary_json(summary: Summary) -> bytes:
    """The numbers as indented JSON, with a line break at the end: what `weakspot compare --json` prints."""
    return msgspec.json.format(to_json(summary), indent=2) + b"\n"
