"""`weakspot probes list | show | make | check | rates | schema`."""

import argparse
import sys
from collections.abc import Callable, Sequence

from weakspot import (
    list_generators,
    list_suites,
    load_probes,
    make_probes,
    probe_schema,
    rates_by,
    survey_probes,
)
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, add_suite, print_json
from weakspot.cli.probes_show import sheet
from weakspot.records import to_builtins

EXAMPLES = """\
  weakspot probes list
  weakspot probes list --suite bias,my-probes.jsonl
  weakspot probes list --generators
  weakspot probes show injection/email-01
  weakspot probes show bias/scene-03-open --suite bias --json
  weakspot probes make injection --seed 7 --out fresh.jsonl
  weakspot probes make long-context --set lengths=100,300 --set depths=0,50,100 --n 12 --out short.jsonl
  weakspot probes check my-probes.jsonl
  weakspot probes rates runs/first --by language
  weakspot probes schema > probe.schema.json"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("probes", "The items that models are put to.", EXAMPLES)
    parser.add_argument("action", choices=("list", "show", "make", "check", "rates", "schema"))
    told = "a probe's id (show), a generator (make), a probe file or a suite (check), a run folder (rates)"
    parser.add_argument("what", nargs="?", help=told)
    add_suite(parser)
    parser.set_defaults(suite=None)
    parser.add_argument("--generators", action="store_true", help="list: what can make suites, and its settings")
    parser.add_argument("--seed", type=int, default=0, help="make: which items (0: those of the suite that ships)")
    parser.add_argument("--n", type=int, help="make: matched sets in all (as many as the suite that ships)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="make: a generator's setting")
    parser.add_argument("--out", metavar="FILE", help="make: the probe file to write")
    parser.add_argument(
        "--by", metavar="TAG", default="kind", help="rates: language, level, depth, channel, ... (kind)"
    )
    add_json(parser)
    given = parser.parse_args(words)
    needed = {"show": "an id", "make": "a generator", "check": "a file", "rates": "a run folder"}
    if given.action in needed and not given.what:
        parser.error(f"{given.action} needs {needed[given.action]}")
    if given.action == "make" and not given.out and not given.json:
        parser.error("make needs --out FILE, or --json")
    ways: dict[str, Callable[[], int]] = {
        "list": lambda: _list(given.suite, generators=given.generators, as_json=given.json),
        "show": lambda: _show(given.what, given.suite, parser, as_json=given.json),
        "make": lambda: _make(given, parser),
        "check": lambda: _check(given.what, as_json=given.json),
        "rates": lambda: _rates(given.what, given.by, as_json=given.json),
        "schema": _schema,
    }
    return ways[given.action]()


def _schema() -> int:
    print_json(probe_schema())
    return 0


def _suites(*, as_json: bool) -> int:
    suites = list_suites()
    if as_json:
        print_json(to_builtins(suites))
        return 0
    for suite in suites:
        sys.stdout.write(f"{visible(suite.name):<15}{suite.counted:>5} counted {suite.controls:>5} controls\n")
        sys.stdout.write(f"    {visible(suite.about)}\n")
        sys.stdout.write(f"    {visible(', '.join(f'{row.category} {row.counted}' for row in suite.categories))}\n")
    return 0


def _list(suite: str | None, *, generators: bool, as_json: bool) -> int:
    if generators:
        return _generators(as_json=as_json)
    if suite is None:
        return _suites(as_json=as_json)
    if as_json:
        print_json(to_builtins(load_probes(suite)))
        return 0
    survey = survey_probes(suite)
    load_probes(suite)  # a wrong line is told as everywhere
    for row in survey.categories:
        sys.stdout.write(f"{visible(row.category):<22}{row.counted:>5} counted {row.controls:>5} controls\n")
    counted = sum(row.counted for row in survey.categories)
    sys.stdout.write(f"{'together':<22}{counted:>5} counted {survey.read - counted:>5} controls\n")
    return 0


def _generators(*, as_json: bool) -> int:
    found = list_generators()
    if as_json:
        print_json(to_builtins(found))
        return 0
    for one in found:
        sys.stdout.write(f"{visible(one.name):<22}{one.counted:>5} counted {one.controls:>5} controls\n")
        sys.stdout.write(f"    {visible(one.about)}\n")
        for name, value in one.settings.items():
            shown = ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value).lower()
            sys.stdout.write(f"    --set {visible(name)}={visible(shown)}\n")
    return 0


def _rates(folder: str, tag: str, *, as_json: bool) -> int:
    """Failure rates by a tag's values: a look into the run, no test."""
    rows = rates_by(folder, tag)
    if as_json:
        print_json(to_builtins(rows))
        return 0
    sys.stdout.write(f"{'category':<20}{visible(tag):<18}{'candidate':<18}{'failed':>9}  95% interval  left out\n")
    for row in rows:
        rate = row.rate
        if rate.rate is None or rate.low is None or rate.high is None:
            shown = f"{'none':>9}  {'':<12}"
        else:
            shown = f"{rate.failed:>4} / {rate.n:<3} {rate.low:>4.0%} to {rate.high:<5.0%}"
        left = f"{rate.uninformative} uninformative" + (f", {rate.unscored} unscored" if rate.unscored else "")
        head = f"{visible(row.category):<20}{visible(row.value):<18}{visible(row.candidate):<18}"
        sys.stdout.write(f"{head}{shown}  {left}\n")
    return 0


def _settings(given: Sequence[str], parser: Parser) -> dict[str, str]:
    found = {}
    for word in given:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            parser.error(f"--set takes KEY=VALUE, not {word!r}")
        found[key.strip()] = value
    return found


def _make(given: argparse.Namespace, parser: Parser) -> int:
    probes = make_probes(given.what, seed=given.seed, n=given.n, settings=_settings(given.set, parser), out=given.out)
    if given.json:
        print_json(to_builtins(probes))
    else:
        counted = sum(probe.counted for probe in probes)
        sys.stdout.write(f"{len(probes)} probes written, {counted} counted: {visible(given.out)}\n")
    return 0


def _show(name: str, suite: str | None, parser: Parser, *, as_json: bool) -> int:
    """Without a suite, every one that ships is looked through."""
    probes = load_probes(suite or "all")
    found = next((probe for probe in probes if probe.id == name), None)
    if found is None:
        parser.error(f"there is no probe {name!r} in {suite or 'any suite'}")
    if as_json:
        print_json(to_builtins(found))
    else:
        sys.stdout.write(sheet(found, probes))
    return 0


def _check(what: str, *, as_json: bool) -> int:
    """Exit code 8 where there are errors; warnings alone are fine."""
    survey = survey_probes(what)
    if as_json:
        told = [to_builtins(problem) | {"file": file} for file, problem in survey.problems]
        print_json(to_builtins(survey) | {"errors": survey.errors, "problems": told})
        return 8 if survey.errors else 0
    several = len({file for file, _ in survey.problems}) > 1
    for file, problem in survey.problems:
        where = f"{visible(file)} " if several else ""
        who = f" {visible(problem.id)}:" if problem.id else ""
        sys.stdout.write(f"{where}line {problem.line}: {problem.severity}:{who} {visible(problem.message)}\n")
    sys.stdout.write(f"{survey.read} probes read\n")
    for row in survey.categories:
        sys.stdout.write(f"  {visible(row.category):<20}{row.counted:>5} counted {row.controls:>5} controls\n")
    for floor in survey.floors:
        guessed = f"guessing passes about {floor.rate:.0%} of the {floor.choices} items with options"
        sys.stdout.write(f"  {visible(floor.category)}: {guessed}\n")
    sys.stdout.write(f"{survey.errors} errors, {len(survey.problems) - survey.errors} warnings\n")
    return 8 if survey.errors else 0
