"""`weakspot tokens features`."""

import argparse
import sys

from weakspot import tokens
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.errors import UsageError
from weakspot.records import to_builtins
from weakspot.records.features import CandidateFeatures, TokenFeatures

EXAMPLES = """\
  weakspot tokens features runs/first
  weakspot tokens features runs/first --csv features.csv
  weakspot tokens features runs/first --tokenizer my-endpoint=hf:org/name --json"""
ROWS = 20
COLUMNS = {
    "tokens": "tokens",
    "bytes_per_token": "bytes/token",
    "fertility": "pieces/word",
    "unknown": "unknown",
    "byte_fallback": "parts",
    "rarest": "rarest",
    "uneven_numbers": "uneven",
    "structural_merges": "merged",
    "unstable_boundary": "boundary",
    "special_ids": "special",
    "lossy": "lossy",
}


LEGEND = """\
parts: tokens that hold a part of a character. rarest: rank of the token learned last (0 was learned first).
uneven: numbers cut in uneven groups. merged: brackets, quotes and the like in one token with something else.
boundary: short continuations, of 4, that would change the last tokens. special: control tokens out of plain text.
lossy: whether the ids decode to another text.
"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser(
        "tokens features",
        "The token features of every response of a run, of what the user says; kept in the run folder.",
        EXAMPLES,
    )
    parser.add_argument("run", metavar="RUN", help="the run folder")
    add_tokenizers(parser)
    parser.add_argument("--again", action="store_true", help="measure again what was saved")
    parser.add_argument("--csv", metavar="FILE", help="write a row a response into a file, of the prompt as well")
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N", help=f"rows to print a candidate ({ROWS})")
    add_json(parser)
    given = parser.parse_args(words)
    found = tokens.features(given.run, tokenizers=named(given.tokenizer), again=given.again, csv=given.csv)
    if given.json:
        print_json(to_builtins(found))
        return 0
    for one in found:
        _print(one, given.rows)
    sys.stdout.write(LEGEND)
    if given.csv:
        sys.stdout.write(f"written: {visible(given.csv)}\n")
    return 0


def add_tokenizers(parser: argparse.ArgumentParser) -> None:
    """The option that names tokenizers for candidates."""
    parser.add_argument(
        "--tokenizer",
        action="append",
        default=[],
        metavar="NAME=REF",
        help="the tokenizer of a candidate that has none here, such as an endpoint; may be given again",
    )


def named(given: list[str]) -> dict[str, str]:
    """Candidate to reference, out of NAME=REF; a candidate's name may have an equals sign in it.

    Raises:
        UsageError: there is no equals sign, or nothing on one side of it.
    """
    found = {}
    for words in given:
        name, _, reference = words.rpartition("=")
        if not name or not reference:
            raise UsageError(
                f"--tokenizer {words!r} is not NAME=REF.", hint="Like --tokenizer my-endpoint=hf:org/name."
            )
        found[name] = reference
    return found


def _print(one: CandidateFeatures, most: int) -> None:
    if one.missing:
        sys.stdout.write(f"{visible(one.missing)}\n")
        return
    sys.stdout.write(f"{visible(one.candidate)}: tokenizer {visible(one.tokenizer)} ({one.fingerprint})\n")
    for remark in one.remarks:
        sys.stdout.write(f"  {visible(remark)}\n")
    shown = one.rows[: max(0, most)]
    width = max([len(visible(row.probe)) for row in shown], default=5)
    sys.stdout.write(f"  {'probe':<{width}}" + "".join(f"{head:>12}" for head in COLUMNS.values()) + "\n")
    for row in shown:
        sys.stdout.write(f"  {visible(row.probe):<{width}}" + "".join(f"{_cell(row, name):>12}" for name in COLUMNS))
        sys.stdout.write("\n")
    if len(one.rows) > len(shown):
        sys.stdout.write(f"  ... and {len(one.rows) - len(shown)} more: --rows, --csv or --json shows them\n")


def _cell(row: TokenFeatures, name: str) -> str:
    value = getattr(row.user, name)
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}"
