"""`weakspot export`."""

import sys

from weakspot import export, registry
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.errors import UsageError
from weakspot.records import to_builtins

EXAMPLES = """\
  weakspot export runs/today --to inspect              # logs that `inspect view` opens
  weakspot export runs/today --to lm-eval --out elsewhere
  weakspot export runs/today --to junit --out junit.xml
  weakspot export runs/today --to sarif --out weakspot.sarif
  weakspot export runs/today --to csv --candidate my-bot --out items.csv
  weakspot export runs/today --to wandb --option project=support  # offline; `wandb sync` uploads it
  weakspot export runs/today --to github               # prints annotations into a job's log"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("export", "Write a finished run in another tool's form.", EXAMPLES)
    parser.add_argument("run", metavar="RUN", help="the run folder")
    parser.add_argument("--to", required=True, metavar="FORM", help=", ".join(registry.names("exporters")))
    parser.add_argument("--out", metavar="PLACE", help="a folder, or the file (exports/FORM in the run folder)")
    parser.add_argument("--candidate", metavar="NAME", help="this candidate only (all)")
    parser.add_argument(
        "--option", metavar="KEY=VALUE", action="append", default=[], help="wandb: project, entity, name, mode"
    )
    add_json(parser)
    given = parser.parse_args(words)
    if wrong := [text for text in given.option if "=" not in text]:
        raise UsageError(f"--option {wrong[0]!r} is not KEY=VALUE.", hint="Like --option project=support.")
    options = {key: value for key, _, value in (text.partition("=") for text in given.option)}
    result = export(given.run, given.to, out=given.out, candidate=given.candidate, options=options)
    if given.json:
        print_json(to_builtins(result))
        return 0
    sys.stdout.write(result.printed)
    sys.stdout.write("".join(f"{visible(path)}\n" for path in result.files))
    return 0
