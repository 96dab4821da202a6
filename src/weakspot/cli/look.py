"""`weakspot look MODEL PROMPT|- [--answer T] [--ablate L18H6] [--patch PROMPT] [--html F] [--json]`."""

import sys

import msgspec

from weakspot import Experiments, look
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.cli.progress import ProgressSink
from weakspot.cli.writing import write_page
from weakspot.records import to_builtins
from weakspot.rendering.look import look_renderable

EXAMPLES = """\
  weakspot look smollm2 "The Eiffel Tower stands in Paris, which is the capital of" --html page.html
  weakspot look smollm2 "The capital of France is" --answer " Paris" --ablate L18H6 --ablate L17H3+L17H4
  weakspot look smollm2 "The Colosseum stands in" --patch "The Eiffel Tower stands in" --no-induction
  weakspot look path/to/t5-folder "translate English to German: The house is small." --json
  weakspot look smollm2 --run runs/demo --item long-017 --answer "4711"

needs the extra [torch]. The prompt is read raw; --chat puts it through the chat template. Layers and heads count from
  0; effects are in nats of the answer's log-probability. Maps, scores and contributions show what goes together; only
  --ablate and --patch change one part and show what it carries."""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("look", "Inside one model on one prompt: attention, layers, tokens, what a head carries.", EXAMPLES)
    parser.add_argument("model", metavar="MODEL", help="a model reference: a bundled name, a GGUF file, a folder")
    parser.add_argument(
        "prompt", nargs="?", metavar="PROMPT", help="the text; - reads standard input, as it is to the last line break"
    )
    parser.add_argument("--run", metavar="RUN", help="look at an item of this run, as its candidate was fed it")
    parser.add_argument("--item", metavar="ID", help="the probe of --run")
    parser.add_argument("--answer", metavar="TEXT", help="what effects are measured on (the model's likeliest token)")
    parser.add_argument("--chat", action="store_true", help="put the prompt through the chat template")
    parser.add_argument(
        "--ablate", action="append", default=[], metavar="HEAD", help="take a head out: L18H6; several at once with +"
    )
    parser.add_argument("--patch", metavar="PROMPT", help="a second prompt, whose activations are put in")
    parser.add_argument("--how", choices=("mean", "zero"), default="mean", help="what stands in for a head (mean)")
    parser.add_argument(
        "--no-induction", action="store_true", help="leave out the random repeated text, the longest part"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of random tokens and random heads (0)")
    parser.add_argument("--maps", action="store_true", help="put the pictures into the JSON too")
    parser.add_argument("--html", metavar="FILE", help="write the interactive page: it loads nothing")
    parser.add_argument(
        "--accept-licence", "--accept-license", action="store_true", help="accept a bundled model's terms"
    )
    add_json(parser)
    given = parser.parse_args(words)
    if (given.run is None) != (given.item is None):
        parser.error("--run and --item go together")
    with ProgressSink() as sink:
        found = look(
            given.model,
            sys.stdin.buffer.read().decode("utf-8", "replace") if given.prompt == "-" else given.prompt,
            item=None if given.run is None else (given.run, given.item),
            answer=given.answer,
            chat=given.chat,
            experiments=Experiments(
                ablate=tuple(given.ablate),
                patch=given.patch,
                how=given.how,
                induction=not given.no_induction,
                seed=given.seed,
            ),
            accept_licence=given.accept_licence,
            sink=sink,
        )
    if given.json:
        print_json(to_builtins(found.look if given.maps else msgspec.structs.replace(found.look, maps=())))
    else:
        _print(look_renderable(found.look))
    if given.html is not None:  # last: what was seen is not lost where the file can't be written
        write_page(given.html, found.html())
    return 0


def _print(shown: object) -> None:
    from rich.console import Console

    Console(highlight=False, markup=False, emoji=False, soft_wrap=False).print(shown)
