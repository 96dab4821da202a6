"""`weakspot compare`."""

import signal

from weakspot import compare
from weakspot.cli.finish import finish
from weakspot.cli.parsing import Parser, add_json, add_suite
from weakspot.cli.progress import ProgressSink

EXAMPLES = """\
  weakspot compare smollm2 gemma3-270m --suite core --quick --accept-licence
  weakspot compare model.gguf "model.gguf?system=Answer in one word.&name=terse" --suite my-probes.jsonl
  weakspot compare http://localhost:8000/v1#my-model smollm2 --out runs/first --json
  weakspot compare candidates.toml
  weakspot compare new.gguf tuned.gguf --baseline old.gguf
  weakspot compare runs/monday runs/tuesday
  weakspot compare smollm2 gemma3-270m --attack typos --attack system-override

A reference is explained by: weakspot models --help"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser(
        "compare",
        "Put models through a suite, compare them on the same items, and write a report into a run folder.",
        EXAMPLES,
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help="model references, two or more; or run folders")
    add_suite(parser)
    parser.add_argument("--quick", action="store_true", help="a fixed stratified third of the suite")
    parser.add_argument("--out", metavar="DIR", help="the run folder (a new one under runs/)")
    parser.add_argument("--no-cache", action="store_true", help="ask everything anew, also what an earlier run asked")
    parser.add_argument(
        "--accept-licence", "--accept-license", action="store_true", help="accept bundled models' terms"
    )
    parser.add_argument("--baseline", metavar="MODEL", help="hold each of the others against this one, not all pairs")
    parser.add_argument(
        "--attack",
        action="append",
        default=[],
        metavar="NAME",
        help="ask the items transformed too, and measure the difference (see: weakspot attacks list); may be repeated",
    )
    add_json(parser)
    given = parser.parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill stops as cleanly as Ctrl-C
    with ProgressSink() as sink:
        result = compare(
            given.models,
            suite="+".join([given.suite, *given.attack]),
            quick=given.quick,
            out=given.out,
            cache=not given.no_cache,
            accept_licence=given.accept_licence,
            baseline=given.baseline,
            sink=sink,
        )
    return finish(result, as_json=given.json)
