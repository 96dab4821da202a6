"""`weakspot report`."""

from weakspot import report
from weakspot.cli.finish import finish
from weakspot.cli.parsing import Parser, add_json

EXAMPLES = """\
  weakspot report runs/first
  weakspot report runs/first --scores effective   # what people said counts, see `weakspot rate`
  weakspot report runs/first --json"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("report", "Write a run's report again from its saved records; no model is needed.", EXAMPLES)
    parser.add_argument("folder", metavar="DIR", help="the run folder")
    parser.add_argument(
        "--scores",
        choices=("automatic", "effective"),
        default="automatic",
        help="count the automatic verdicts, or the effective ones: a hand's first, a judge's where the rule has none",
    )
    add_json(parser)
    given = parser.parse_args(words)
    return finish(report(given.folder, scores=given.scores), as_json=given.json)
