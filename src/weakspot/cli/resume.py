"""`weakspot resume`."""

import signal

from weakspot import resume
from weakspot.cli.finish import finish
from weakspot.cli.parsing import Parser, add_json
from weakspot.cli.progress import ProgressSink

EXAMPLES = """\
  weakspot resume runs/20260101-120000-smollm2-gemma3_270m
  weakspot resume runs/first --json"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser(
        "resume", "Go on with a run that was stopped or killed; what was answered is not asked again.", EXAMPLES
    )
    parser.add_argument("folder", metavar="DIR", help="the run folder")
    parser.add_argument("--trust-code", action="store_true", help="run the Python code that the run names: it is yours")
    add_json(parser)
    given = parser.parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ProgressSink() as sink:
        result = resume(given.folder, trust_code=given.trust_code, sink=sink)
    return finish(result, as_json=given.json)
