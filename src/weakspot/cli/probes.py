"""`weakspot probes list | show | check | schema`."""

import sys
from collections import Counter

from weakspot import check_probes, load_probes, probe_schema
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins

EXAMPLES = """\
  weakspot probes list
  weakspot probes list --suite my-probes.jsonl
  weakspot probes show injection/email-01
  weakspot probes check my-probes.jsonl
  weakspot probes schema > probe.schema.json"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("probes", "The items that models are put to.", EXAMPLES)
    parser.add_argument("action", choices=("list", "show", "check", "schema"))
    parser.add_argument("what", nargs="?", help="a probe's id (show) or a probe file (check)")
    parser.add_argument("--suite", default="core", help="a suite's name, a probe file or a folder of them (core)")
    add_json(parser)
    given = parser.parse_args(words)
    if given.action in ("show", "check") and not given.what:
        parser.error(f"{given.action} needs {'an id' if given.action == 'show' else 'a file'}")
    if given.action == "schema":
        print_json(probe_schema())
        return 0
    if given.action == "check":
        return _check(given.what, as_json=given.json)
    if given.action == "show":
        return _show(given.what, given.suite, parser)
    return _list(given.suite, as_json=given.json)


def _list(suite: str, *, as_json: bool) -> int:
    probes = load_probes(suite)
    if as_json:
        print_json(to_builtins(probes))
        return 0
    counted = Counter(probe.category for probe in probes if probe.counted)
    everything = Counter(probe.category for probe in probes)
    for category, count in counted.items():
        sys.stdout.write(f"{visible(category):<22}{count:>5} counted {everything[category] - count:>5} controls\n")
    sys.stdout.write(f"{'together':<22}{counted.total():>5} counted {len(probes) - counted.total():>5} controls\n")
    return 0


def _show(name: str, suite: str, parser: Parser) -> int:
    found = next((probe for probe in load_probes(suite) if probe.id == name), None)
    if found is None:
        parser.error(f"there is no probe {name!r} in {suite}")
    print_json(to_builtins(found))
    return 0


def _check(file: str, *, as_json: bool) -> int:
    """Exit code 8 where there are errors; warnings alone are fine."""
    problems = check_probes(file)
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        print_json(to_builtins(problems))
    else:
        for problem in problems:
            sys.stdout.write(f"line {problem.line}: {problem.severity}: {visible(problem.message)}\n")
        sys.stdout.write(f"{errors} errors, {len(problems) - errors} warnings\n")
    return 8 if errors else 0
