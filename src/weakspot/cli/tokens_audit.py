"""`weakspot tokens audit PATH... -t TOKENIZER`."""

import argparse
from typing import Any

from weakspot import registry
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins
from weakspot.rendering.audit import audit_renderable

EXAMPLES = """\
  weakspot tokens audit src/ -t smollm2 --out audit
  weakspot tokens audit notes.jsonl.gz more.parquet -t path/to/tokenizer.json --out audit --processes 4
  weakspot tokens audit articles.jsonl -t cl100k --group lang --pair article --out audit

The folder gets findings.jsonl (or .parquet), summary.json and report.html. An audit that was stopped goes on with the
  same command. Without --out only the figures are shown. docs/findings.md lists all codes."""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("tokens audit", "A corpus: losses and their stage, shattered words, cost by language.", EXAMPLES)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="text, JSONL, Parquet, each also .gz or .zst; folders")
    parser.add_argument("-t", "--tokenizer", required=True, help="the tokenizer")
    add_corpus_options(parser)
    parser.add_argument("--format", choices=("jsonl", "parquet"), default="jsonl", help="of the log (jsonl)")
    parser.add_argument(
        "--log-most", type=int, default=1000, metavar="N", help="rows of the log for one code and stage (1000)"
    )
    add_json(parser)
    given = parser.parse_args(words)
    with registry.load("faces", "progress")() as sink:
        done = registry.load("token_calls", "audit")(
            given.paths,
            given.tokenizer,
            out=given.out,
            layout=layout_of(given),
            reference=given.reference,
            processes=given.processes,
            log=registry.load("token_calls", "log_plan")(given.format, given.log_most),
            progress=sink.fetching,
        )
    if given.json:
        print_json(to_builtins(done.summary))
    else:
        say(audit_renderable(done.summary), done.folder)
    return 0


def add_corpus_options(parser: argparse.ArgumentParser) -> None:
    """The options of audit and diff that say how the corpus lies and where results go."""
    parser.add_argument("--out", metavar="DIR", help="the folder for the log and the report")
    parser.add_argument("--field", default="text", help="the field or column that holds the text (text)")
    parser.add_argument(
        "--group", default="", metavar="F", help="the field of the language or group; :file or :folder takes its name"
    )
    parser.add_argument("--pair", default="", metavar="F", help="the field that is equal for texts that say the same")
    parser.add_argument("--reference", default="", metavar="G", help="the group that premiums are over (English)")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="how many processes encode (1)")


def layout_of(given: argparse.Namespace) -> Any:
    """How the corpus lies, out of the options."""
    return registry.load("token_calls", "corpus_layout")(field=given.field, group=given.group, pair=given.pair)


def say(shown: Any, folder: Any) -> None:
    """Print what a room has drawn, and where the rest lies."""
    from rich.console import Console  # 30 ms: --json needs none

    console = Console(highlight=False, markup=False, emoji=False)
    console.print(shown)
    if folder is not None:
        console.print(f"Report: {visible(str(folder))}/report.html", soft_wrap=True)
