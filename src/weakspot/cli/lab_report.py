"""`weakspot lab report DIR`."""

import sys
from typing import TYPE_CHECKING

from weakspot import lab_report
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins
from weakspot.rendering.lab_terminal import lab_renderable

if TYPE_CHECKING:
    from weakspot.api.lab import LabResult

EXAMPLES = """\
  weakspot lab report runs/lab
  weakspot lab report runs/lab --html lab.html --markdown figures.md
  weakspot lab report runs/lab --json

A lab that is not finished is reported as far as it is. Exit code 1 when a cell failed."""


def run(words: list[str]) -> int:
    """Report a lab."""
    parser = Parser("lab report", "What a lab's finished cells show; nothing is trained.", EXAMPLES)
    parser.add_argument("folder", metavar="DIR", help="the lab's folder")
    parser.add_argument("--html", metavar="FILE", help="where the page goes (DIR/report.html)")
    parser.add_argument("--markdown", metavar="FILE", help="where the Markdown goes (DIR/report.md)")
    add_json(parser)
    given = parser.parse_args(words)
    return show(lab_report(given.folder, html=given.html, markdown=given.markdown), as_json=given.json)


def show(result: "LabResult", *, as_json: bool) -> int:
    """Print a lab's report; returns the exit code."""
    if as_json:
        print_json(to_builtins(result.report))
    else:
        from rich.console import Console

        Console(highlight=False, markup=False, emoji=False).print(lab_renderable(result.report))
        for name, path in result.files.items():
            sys.stdout.write(f"{name:<14}{visible(str(path))}\n")
    return 1 if result.report.failed else 0
