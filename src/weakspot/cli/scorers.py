"""`weakspot scorers list | validate`."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from weakspot import list_scorers, validate_scorers
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins

if TYPE_CHECKING:
    from weakspot.validation.measuring import Agreement, Validation

EXAMPLES = """\
  weakspot scorers list
  weakspot scorers list --json
  weakspot scorers validate --data labelled/
  weakspot scorers validate --data labelled/ --half each --json
  weakspot scorers validate --data labelled/qa.jsonl --ablate
  weakspot scorers validate --data labelled/ --references truthfulqa.csv"""

NOTE = """\
balanced: balanced accuracy of the failing class (rho: Spearman, where people graded), with its 95% interval from a
bootstrap over groups; floor: a naive scorer on the same rows; the verdict is of their paired difference."""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("scorers", "The automatic scorers, and how well they agree with people.", EXAMPLES)
    parser.add_argument("action", choices=("list", "validate"))
    parser.add_argument("--data", metavar="DIR", help="labelled rows: a folder of .jsonl and .csv files, or one file")
    parser.add_argument(
        "--half",
        choices=("all", "tuned", "held-back", "each"),
        default="all",
        help="rows of the half that the scorers were made on, of the half held back, of each apart, or all (all)",
    )
    parser.add_argument("--references", metavar="CSV", help="TruthfulQA's table, for rows without reference answers")
    parser.add_argument("--ablate", action="store_true", help="also measure every scorer without each of its rules")
    parser.add_argument("--resamples", type=int, default=2000, help="draws of the bootstrap (2000)")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (0)")
    add_json(parser)
    given = parser.parse_args(words)
    if given.action == "list":
        return _list(as_json=given.json)
    if not given.data:
        parser.error("validate needs --data DIR")
    if not 100 <= given.resamples <= 100_000:
        parser.error("--resamples must be between 100 and 100000")
    found = validate_scorers(
        given.data,
        half=given.half,
        references=given.references,
        ablate=given.ablate,
        resamples=given.resamples,
        seed=given.seed,
    )
    if given.json:
        print_json(to_builtins(found))
    else:
        _table(found)
    return 0


def _list(*, as_json: bool) -> int:
    found = list_scorers()
    if as_json:
        print_json(to_builtins(found))
        return 0
    for scorer in found:
        sys.stdout.write(f"{visible(scorer.name):<16}{visible(scorer.says)}\n")
    return 0


def _table(found: "Validation") -> None:
    write = sys.stdout.write
    write(
        f"{'scorer':<18}{'set':<26}{'half':<11}{'n':>5}  {'balanced':<24}{'floor':>6}  {'F1':>5} {'AUC':>5}  verdict\n"
    )
    for row in found.rows:
        _row(row, write)
    write("\n" + NOTE + "\n")
    if found.references:
        write(f"reference answers: {visible(found.references)}\n")
    if found.ablation:
        write("\nwhat each rule adds (with it minus without it):\n")
    for part in found.ablation:
        bounds = "" if part.low is None or part.high is None else f" [{part.low:+.3f}, {part.high:+.3f}]"
        adds = "–" if part.adds is None else f"{part.adds:+.3f}"
        place = f"{part.scorer:<18}{visible(part.dataset)[:25]:<26}{part.half:<11}"
        write(f"{place}{part.rule:<13}{adds}{bounds}  {visible(part.says)}\n")
    if found.left_out:
        write("\nnot scored:\n")
    for lost in found.left_out:
        write(f"  {visible(lost.dataset)}: {lost.n} {'row' if lost.n == 1 else 'rows'}: {visible(lost.reason)}\n")


def _row(row: "Agreement", write: Callable[[str], object]) -> None:
    graded = row.spearman is not None
    value, low, high = (
        (row.spearman, row.spearman_low, row.spearman_high) if graded else (row.balanced_accuracy, row.low, row.high)
    )
    floor = row.floor_spearman if graded else row.floor
    bounds = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    measure = f"{'rho ' if graded else ''}{_number(value)}{bounds}"
    name = f"{visible(row.dataset)[:25]:<26}"
    unscored = f" ({row.unscored} unscored)" if row.unscored else ""
    target = "" if row.target == "failure" else f", {row.target}"
    write(
        f"{row.scorer:<18}{name}{row.half:<11}{row.n:>5}  {measure:<24}{_number(floor):>6}  "
        f"{_number(row.f1, 2):>5} {_number(row.auc, 2):>5}  {row.verdict} ({row.floor_name}{target}){unscored}\n"
    )


def _number(value: float | None, places: int = 3) -> str:
    return "–" if value is None else f"{value:.{places}f}"
