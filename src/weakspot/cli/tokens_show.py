"""`weakspot tokens show TEXT|- [--file F] -t TOKENIZER ...`."""

import sys
from collections.abc import Sequence

from weakspot import registry
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.cli.writing import write_page
from weakspot.records import TokenView, to_builtins
from weakspot.rendering.token_view import token_view_renderable

EXAMPLES = """\
  weakspot tokens show "naïve ﬁle x² 🤦🏽‍♂️" -t bert-minilm -t smollm2
  weakspot tokens show "1234567" -t path/to/tokenizer.json --json
  weakspot tokens show --file prompt.txt -t model.gguf --html picture.html
  printf 'caf\\xe9' | weakspot tokens show - -t bert-minilm

offsets count bytes of the text's UTF-8. Findings have a severity from 1 (harmless) to 5 (the model can't see what was
  written) and the stage that caused them; docs/findings.md lists all codes. Exit code 0, whatever is found."""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("tokens show", "The pieces of a text, what is lost and where.", EXAMPLES)
    parser.add_argument("text", nargs="?", help="the text; - reads it from standard input")
    parser.add_argument("--file", help="read the text from a file")
    parser.add_argument("-t", "--tokenizer", action="append", required=True, help="a tokenizer; may be given again")
    parser.add_argument("--html", metavar="F", help="write the picture to this file")
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--add-special", action="store_true", help="with BOS, EOS, CLS, SEP where the tokenizer adds them"
    )
    group.add_argument(
        "--no-special",
        action="store_true",
        help="text that spells a special token stays text, as far as the library can",
    )
    parser.add_argument("--accept-licence", "--accept-license", action="store_true", help="accept a tokenizer's terms")
    add_json(parser)
    given = parser.parse_args(words)
    if (given.text is None) == (given.file is None):
        parser.error("give either a text (or - for standard input) or --file")
    views = registry.load("token_calls", "show")(
        sys.stdin.buffer.read() if given.text == "-" else given.text,
        given.tokenizer,
        file=given.file,
        add_special=given.add_special,
        parse_special=False if given.no_special else None,
        accept_licence=given.accept_licence,
    )
    if given.html:
        write_page(given.html, views.html())
    if given.json:
        print_json(to_builtins(views[0] if len(views) == 1 else list(views)))
    elif not given.html:
        _print(views)
    return 0


def _print(views: Sequence[TokenView]) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    console.print(token_view_renderable(views, colours=console.color_system is not None))
