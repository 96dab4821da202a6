"""`weakspot judge`."""

import signal
import sys
from argparse import Namespace

from weakspot import judge, judge_pairs, judge_test, rubrics, show_rubric
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.cli.progress import ProgressSink
from weakspot.records import to_builtins
from weakspot.rendering.judging import judging_lines, pairwise_lines, test_lines

EXAMPLES = """\
  weakspot judge test smollm2                           is this judge to be believed? (self-test)
  weakspot judge test smollm2 --other gemma3-270m --quick
  weakspot judge runs/first --judge smollm2             answers that no rule could decide
  weakspot judge runs/first --judge smollm2 --judge "http://localhost:8000/v1#m" --only all --sample 50
  weakspot judge runs/first --judge smollm2 --pairwise smollm2 gemma3-270m
  weakspot judge rubrics
  weakspot judge --rubric sycophancy
  weakspot judge runs/first --judge smollm2 --rubrics my-rubrics.toml

Verdicts are kept in the run as ratings; `weakspot report RUN` shows them. A judge that has not passed its self-test
is named in every report."""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = _parser()
    given = parser.parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill stops as cleanly as Ctrl-C
    if given.rubric is not None:
        return _show(given.rubric, given.rubrics, as_json=given.json)
    if not given.what:
        parser.error("name a run folder, `test MODEL` or `rubrics`")
    if given.what[0] == "rubrics":
        return _list(given.rubrics, as_json=given.json)
    if given.what[0] == "test":
        if len(given.what) != 2:
            parser.error("test needs one model reference")
        return _test(given)
    if len(given.what) != 1:
        parser.error(f"one run folder at a time, not {len(given.what)}")
    if not given.judge:
        parser.error("name a judge: --judge MODEL")
    return _pairs(given, parser) if given.pairwise else _judge(given)


def _parser() -> Parser:
    parser = Parser("judge", "Let models judge answers by rubric, and find out whether they can be believed.", EXAMPLES)
    parser.add_argument("what", nargs="*", metavar="RUN", help="a run folder; or `test MODEL`; or `rubrics`")
    parser.add_argument("--judge", action="append", metavar="MODEL", help="a judging model; several may be named")
    parser.add_argument("--only", choices=("unscored", "failed", "all"), default="unscored", help="which answers")
    parser.add_argument("--sample", type=int, metavar="N", help="at most so many answers (or pairs), always the same")
    parser.add_argument("--pairwise", nargs=2, metavar=("A", "B"), help="which of two candidates answers better")
    parser.add_argument("--rubric", metavar="NAME", help="show the rubric of a failure mode")
    parser.add_argument("--rubrics", metavar="FILE", help="a TOML file of your own rubrics")
    parser.add_argument("--other", metavar="MODEL", help="test: a model whose replies are held against the judge's own")
    parser.add_argument("--quick", action="store_true", help="test: a third of the items")
    parser.add_argument("--out", metavar="DIR", help="test: keep the questions and replies here")
    parser.add_argument("--no-cache", action="store_true", help="ask everything anew")
    parser.add_argument(
        "--accept-licence", "--accept-license", action="store_true", help="accept bundled models' terms"
    )
    add_json(parser)
    return parser


def _judge(given: Namespace) -> int:
    with ProgressSink() as sink:
        found = judge(
            given.what[0],
            given.judge,
            only=given.only,
            sample=given.sample,
            rubrics=given.rubrics,
            cache=not given.no_cache,
            accept_licence=given.accept_licence,
            sink=sink,
        )
    if given.json:
        print_json(to_builtins(found))
        return 0
    _print(judging_lines(found))
    return 0


def _pairs(given: Namespace, parser: Parser) -> int:
    if len(given.judge) != 1:
        parser.error("--pairwise takes one judge")
    with ProgressSink() as sink:
        found = judge_pairs(
            given.what[0],
            given.judge[0],
            *given.pairwise,
            sample=given.sample,
            rubrics=given.rubrics,
            cache=not given.no_cache,
            sink=sink,
        )
    if given.json:
        print_json(to_builtins(found))
        return 0
    _print(pairwise_lines(found))
    return 0


def _test(given: Namespace) -> int:
    with ProgressSink() as sink:
        found = judge_test(
            given.what[1],
            other=given.other,
            quick=given.quick,
            out=given.out,
            cache=not given.no_cache,
            accept_licence=given.accept_licence,
            sink=sink,
        )
    if given.json:
        print_json(to_builtins(found))
        return 0
    _print(test_lines(found))
    return 0


def _show(name: str, file: str | None, *, as_json: bool) -> int:
    known = rubrics(file)
    if name not in known:
        sys.stderr.write(f"weakspot: {visible(name)} has no rubric of its own; this is the general one.\n")
    if as_json:
        print_json(to_builtins(known.get(name, known["general"])))
        return 0
    _print(show_rubric(name, file).splitlines())
    return 0


def _list(file: str | None, *, as_json: bool) -> int:
    known = rubrics(file)
    if as_json:
        print_json(to_builtins(known))
        return 0
    _print([f"{name:<20}{rubric.asks}" for name, rubric in known.items()])
    return 0


def _print(lines: list[str] | tuple[str, ...]) -> None:
    sys.stdout.writelines(f"{visible(line)}\n" for line in lines)
