"""`weakspot tokens diff -t A -t B PATH...`."""

from collections.abc import Sequence

from weakspot import registry
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.cli.tokens_audit import add_corpus_options, layout_of, say
from weakspot.errors import UsageError
from weakspot.records import to_builtins
from weakspot.rendering.audit import diff_renderable

EXAMPLES = """\
  weakspot tokens diff -t smollm2 -t cl100k src/ --out diff
  weakspot tokens diff -t cl100k -t o200k articles.jsonl --group lang --pair article --price A=30 --price B=2.50

Both tokenizers see the same documents. Costs come with a 95 % interval (documents drawn again), findings with McNemar's
  exact test, adjusted over all codes (Holm). A price is per million tokens; A is the first tokenizer, B the second."""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("tokens diff", "The same corpus under two tokenizers, paired by document.", EXAMPLES)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="text, JSONL, Parquet, each also .gz or .zst; folders")
    parser.add_argument("-t", "--tokenizer", action="append", required=True, help="a tokenizer; give it twice")
    parser.add_argument(
        "--price", action="append", default=[], metavar="T=P", help="a price per million tokens; may be given again"
    )
    add_corpus_options(parser)
    add_json(parser)
    given = parser.parse_args(words)
    with registry.load("faces", "progress")() as sink:
        done = registry.load("token_calls", "diff")(
            given.paths,
            given.tokenizer,
            out=given.out,
            layout=layout_of(given),
            reference=given.reference,
            prices=prices(given.price),
            processes=given.processes,
            progress=sink.fetching,
        )
    if given.json:
        print_json(to_builtins(done.diff))
    else:
        say(diff_renderable(done.diff), done.folder)
    return 0


def prices(given: Sequence[str]) -> dict[str, float]:
    """Prices by tokenizer out of NAME=PRICE.

    Raises:
        UsageError: one is written otherwise.
    """
    found = {}
    for words in given:
        name, sign, price = words.rpartition("=")
        try:
            found[name] = float(price)
        except ValueError:
            sign = ""
        if not sign or not name:
            raise UsageError(f"{words!r} is no price.", hint="--price NAME=2.50, per million tokens.")
    return found
