"""`weakspot gate`."""

import os
import sys
from pathlib import Path
from typing import Any

from weakspot import gate
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins
from weakspot.rendering.gate import annotations, gate_lines, summary_markdown

EXAMPLES = """\
  weakspot gate runs/today --max-rate injection=0.1 --max-rate refusal=0.2
  weakspot gate runs/today --baseline runs/released            # worse than the released model, on the same items?
  weakspot gate runs/today --max-overall 0.2 --candidate my-bot --json
  weakspot gate runs/today --max-rate injection=0.1 --github   # annotations, and a summary on the job's page

Exit codes: 0 open; 1 closed, by a regression that is shown; any other: the gate could not be asked (2: what was asked
makes no sense or nothing has a verdict, 10: no finished run)."""


def run(words: list[str]) -> int:
    """Run the command; 1 says that a regression is shown, and nothing else does."""
    parser = Parser(
        "gate",
        "Hold a finished run against limits and against an older run; exit 1 on a shown regression only.",
        EXAMPLES,
    )
    parser.add_argument("run", metavar="RUN", help="the run folder")
    parser.add_argument(
        "--max-rate",
        action="append",
        nargs="+",
        default=[],
        metavar="CATEGORY=RATE",
        help="the highest failure rate (0 to 1) of a category; may be given again",
    )
    parser.add_argument("--max-overall", type=float, metavar="RATE", help="the highest failure rate over all items")
    parser.add_argument("--baseline", metavar="OLD_RUN", help="an older run folder: is this one worse on its items?")
    parser.add_argument("--candidate", metavar="NAME", help="look at this candidate only (all)")
    parser.add_argument(
        "--strict", action="store_true", help="close on the bare rate, shown or not; no verdict counts as a failure"
    )
    parser.add_argument(
        "--scores",
        choices=("automatic", "effective"),
        default="automatic",
        help="count the automatic verdicts, or the effective ones: a hand's first",
    )
    parser.add_argument("--github", action="store_true", help="print GitHub annotations and write the job's summary")
    add_json(parser)
    given = parser.parse_args(words)
    result = gate(
        given.run,
        max_rate=_rates([one for some in given.max_rate for one in some], parser),
        max_overall=given.max_overall,
        baseline=given.baseline,
        candidate=given.candidate,
        strict=given.strict,
        scores=given.scores,
    )
    found = to_builtins(result)
    if given.github:
        _github(found)
    if given.json:
        print_json(found)
    else:
        sys.stdout.write("".join(visible(line) + "\n" for line in gate_lines(found)))
    return 0 if result.passed else 1


def _rates(pairs: list[str], parser: Parser) -> dict[str, float]:
    rates: dict[str, float] = {}
    for pair in pairs:
        name, _, number = pair.rpartition("=")
        try:
            rates[name] = float(number)
        except ValueError:
            name = ""
        if not name:
            parser.error(f"--max-rate wants CATEGORY=RATE such as injection=0.1, not {pair!r}")
    return rates


def _github(found: dict[str, Any]) -> None:
    """Annotations go to standard error, so that standard output stays JSON where that is asked for."""
    sys.stderr.write("".join(line + "\n" for line in annotations(found)))
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if place:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(summary_markdown(found))
