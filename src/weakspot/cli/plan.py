"""`weakspot plan`."""

import sys

from weakspot import plan
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins

EXAMPLES = """\
  weakspot plan smollm2 gemma3-270m --suite core --quick
  weakspot plan "http://localhost:8000/v1#m?price_in=0.5&price_out=1.5" --suite my-probes.jsonl --json"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("plan", "What a comparison would ask of each candidate, and cost, before it starts.", EXAMPLES)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="model references")
    parser.add_argument("--suite", default="core", help="a suite's name, a probe file or a folder of them (core)")
    parser.add_argument("--quick", action="store_true", help="a fixed stratified third of the suite")
    add_json(parser)
    given = parser.parse_args(words)
    planned = plan(given.models, suite=given.suite, quick=given.quick)
    if given.json:
        print_json(to_builtins(planned))
        return 0
    size = planned.estimate
    sys.stdout.write(f"{planned.probes} probes ({planned.counted} counted, the rest controls) for each candidate:\n")
    for category, count in planned.categories.items():
        sys.stdout.write(f"  {visible(category):<22}{count:>5}\n")
    sys.stdout.write(
        f"{size.requests} requests, at most about {size.prompt_tokens:,} prompt and {size.completion_tokens:,} reply "
        f"tokens; {size.context:,} tokens of context a request.\n"
    )
    for name, usd in planned.usd.items():
        sys.stdout.write(f"  {visible(name)}: at most about {usd:.2f} USD\n")
    return 0
