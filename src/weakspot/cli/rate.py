"""`weakspot rate`."""

import argparse
import sys
from typing import Any

from weakspot import agreement, export_ratings, import_ratings, rate
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.errors import MissingExtra, UsageError
from weakspot.records import to_builtins
from weakspot.rendering.ratings import agreement_lines

EXAMPLES = """\
  weakspot rate runs/first --blind --sample 60 --rater ada      # the screen; start it again to go on
  weakspot rate runs/first --only unscored                      # what no rule could decide
  weakspot rate runs/first --only category=bias --only failed
  weakspot rate runs/first --blind --sample 60 --rater ben --export ben.csv    # for a spreadsheet
  weakspot rate runs/first --import ben.csv
  weakspot rate runs/first --agreement                          # raters, and hands against automatic
  weakspot report runs/first                                    # the report with what was rated

On the screen: p passes, 1 to 5 fail with that severity, s skips, u takes the last one back, n notes, r shows the
rubric, q leaves. Every grade is saved at once. The screen needs the extra: pip install 'weakspot[rate]'."""
EXTRA = "pip install 'weakspot[rate]'"


def run(words: list[str]) -> int:
    """Run the command."""
    parser = _parser()
    given = parser.parse_args(words)
    if given.agreement:
        found = agreement(given.run)
        _show(given.json, to_builtins(found), agreement_lines(found))
        return 0
    if given.take is not None:
        taken = import_ratings(given.run, given.take, rater=given.rater)
        who = ", ".join(taken.raters) or "nobody"
        line = f"Took over {taken.taken} ratings by {who}; {taken.replaced} replaced an earlier one."
        _show(given.json, to_builtins(taken), [line])
        return 0
    asked: dict[str, Any] = {
        "rater": "me" if given.rater is None else given.rater,
        "blind": given.blind,
        "sample": given.sample,
        "seed": given.seed,
        "only": tuple(given.only),
    }
    if given.export is not None:
        sheet = export_ratings(given.run, given.export, **asked)
        line = f"{sheet.file}: {sheet.rows} answers, {sheet.rated} of them rated already. Fill in the column verdict "
        line += "(passed, failed, skipped), severity (1 to 5 on a failure) and note; then import the file."
        _show(given.json, to_builtins(sheet), [line])
        return 0
    return _screen(given, asked)


def _parser() -> Parser:
    parser = Parser("rate", "Grade the answers of a finished run by hand; no model is needed.", EXAMPLES)
    parser.add_argument("run", metavar="RUN", help="the run folder")
    parser.add_argument("--rater", metavar="NAME", help="who rates; stands in the report (me)")
    parser.add_argument("--blind", action="store_true", help="hide which model answered, and shuffle")
    parser.add_argument(
        "--sample", type=int, metavar="N", help="so many answers, drawn by category and automatic verdict"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the sample and the order (0)")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WHICH",
        help="failed, passed, unscored, disagree, category=NAME or candidate=NAME; again: any of a kind, all kinds",
    )
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--export", metavar="FILE.csv", help="write the answers for a spreadsheet instead")
    act.add_argument("--import", dest="take", metavar="FILE.csv", help="take over a filled-in spreadsheet")
    act.add_argument("--agreement", action="store_true", help="raters against each other and against the rules")
    add_json(parser)
    return parser


def _show(as_json: bool, data: Any, lines: list[str]) -> None:
    if as_json:
        print_json(data)
    else:
        sys.stdout.write("".join(visible(line) + "\n" for line in lines))


def _screen(given: argparse.Namespace, asked: dict[str, Any]) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("Rating by keys needs a terminal.", hint="For a spreadsheet: --export FILE.csv")
    try:
        from weakspot.cli.rate_screen import RatingScreen
    except ImportError as error:
        raise MissingExtra(
            "The rating screen needs textual.", hint=f"{EXTRA}; or use a spreadsheet: --export FILE.csv"
        ) from error
    with rate(given.run, **asked) as session:
        RatingScreen(session).run()
        state = {"total": session.total, "rated": session.rated, "skipped": session.skipped}
    line = f"{state['rated']} of {state['total']} rated, {state['skipped']} skipped."
    if state["rated"] < state["total"]:
        line += " The same command goes on."
    _show(given.json, state, [line])
    return 0
