"""`weakspot plan`."""

import sys

from weakspot import plan
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, add_suite, print_json
from weakspot.records import Power, to_builtins

EXAMPLES = """\
  weakspot plan smollm2 gemma3-270m --suite core --quick
  weakspot plan smollm2 gemma3-270m --difference 10 --like runs/pilot
  weakspot plan "http://localhost:8000/v1#m?price_in=0.5&price_out=1.5" --suite my-probes.jsonl --json"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser(
        "plan",
        "What a comparison would ask and cost, and the smallest difference it could show, before it starts.",
        EXAMPLES,
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help="model references")
    add_suite(parser)
    parser.add_argument("--quick", action="store_true", help="a fixed stratified third of the suite")
    parser.add_argument("--difference", type=float, metavar="POINTS", help="how many items would show so much (10)")
    parser.add_argument("--like", metavar="RUN", help="a run that tells how often such candidates differ")
    parser.add_argument("--baseline", action="store_true", help="each against one of them, not all pairs")
    add_json(parser)
    given = parser.parse_args(words)
    planned = plan(
        given.models,
        suite=given.suite,
        quick=given.quick,
        difference=None if given.difference is None else given.difference / 100,
        like=given.like,
        baseline=given.baseline,
    )
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
    if planned.power is not None:
        _print_power(planned.power)
    return 0


def _print_power(power: Power) -> None:
    """A table: what could be shown, and the items that the difference asked for needs."""
    tested = "1 pair" if power.pairs == 1 else f"{power.pairs} pairs, corrected together"
    source = f"as in {visible(power.learned_from)}" if power.learned_from else "assumed; --like RUN knows better"
    sys.stdout.write(f"\nSmallest difference shown with 80% chance, in points, at 5% for the whole run ({tested}).\n")
    heads = "".join(f"{f'{a.discordant:.0%} differ':>14}" for a in power.assumptions)
    wanted = "" if power.difference is None else f"   items for {100 * power.difference:g} points"
    sys.stdout.write(f"  {f'({source})':<40}{'items':>7}{heads}{wanted}\n")
    for row in power.rows:
        cells = "".join(f"{'none' if s is None else f'{100 * s:.0f}':>14}" for s in row.smallest)
        needed = " / ".join("none" if n is None else f"{n:,}" for n in row.needed)
        sys.stdout.write(f"  {visible(row.scope):<40}{row.items:>7}{cells}{'   ' if needed else ''}{needed}\n")
