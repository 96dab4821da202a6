"""`weakspot report`."""

from weakspot import report
from weakspot.cli.finish import finish
from weakspot.cli.parsing import Parser, add_json

EXAMPLES = """\
  weakspot report runs/first
  weakspot report runs/first --json"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("report", "Write a run's report again from its saved records; no model is needed.", EXAMPLES)
    parser.add_argument("folder", metavar="DIR", help="the run folder")
    add_json(parser)
    given = parser.parse_args(words)
    return finish(report(given.folder), as_json=given.json)
