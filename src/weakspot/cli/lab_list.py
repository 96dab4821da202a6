"""`weakspot lab list` and `weakspot lab probes`."""

import sys

from weakspot import lab_list, lab_probes
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json

MOST_DIGITS = 9
EXAMPLES = """\
  weakspot lab list
  weakspot lab list --json"""
PROBES = """\
  weakspot lab probes copy --lengths 1,5,10 --n 20 --out copy.jsonl
  weakspot compare runs/lab/models/copy-gpt-s0-... runs/lab/models/copy-llama-s0-... --suite copy.jsonl"""


def run(words: list[str]) -> int:
    """List what the lab has."""
    parser = Parser("lab list", "The lab's tasks, shapes with their parts, and presets.", EXAMPLES)
    add_json(parser)
    given = parser.parse_args(words)
    found = lab_list()
    if given.json:
        print_json(found)
        return 0
    for kind, rows in found.items():
        sys.stdout.write(f"{kind}\n")
        for row in rows:
            sys.stdout.write(f"  {row['name']!s:<22}{row['line']}\n{_more(kind, row)}")
        sys.stdout.write("\n")
    return 0


def _more(kind: str, row: dict[str, object]) -> str:
    if kind == "tasks":
        return (
            f"{'':<24}trained on {row['low']} to {row['high']} {row['counts']}, tested to {row['far']}; "
            f"{row['steps']:,} steps\n"
        )
    if kind == "shapes":
        parts = row["parts"]
        return "".join(
            f"{'':<24}{', '.join(f'{k}: {v}' for k, v in parts.items())}\n" if isinstance(parts, dict) else ""
        )
    return f"{'':<24}{row['cells']:,} cells, {row['steps']:,} steps in all\n"


def probes(words: list[str]) -> int:
    """Write a task's sequences as probes."""
    parser = Parser("lab probes", "A task's sequences as a probe file for `weakspot compare`.", PROBES)
    parser.add_argument("task", metavar="TASK", help="a task's name (see: weakspot lab list)")
    parser.add_argument("--lengths", default="1,5,10", metavar="A,B", help="which lengths (1,5,10)")
    parser.add_argument("--n", type=int, default=20, help="sequences at each length (20)")
    parser.add_argument("--out", required=True, metavar="FILE", help="the probe file to write")
    add_json(parser)
    given = parser.parse_args(words)
    lengths = [_length(word, parser) for word in given.lengths.split(",")]
    made = lab_probes(given.task, lengths, n=given.n, out=given.out)
    if given.json:
        print_json(made)
    else:
        sys.stdout.write(f"{made['probes']:,} probes in {visible(str(made['file']))}\n")
    return 0


def _length(word: str, parser: Parser) -> int:
    if not word.strip().isdecimal() or len(word) > MOST_DIGITS:
        parser.error(f"{word[:20]!r} is no length")
    return int(word)
