"""`weakspot tokens link`."""

import sys
import textwrap

from weakspot import tokens
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.cli.tokens_features import add_tokenizers, named
from weakspot.records import to_builtins
from weakspot.records.features import FeatureLink, LeftOut

EXAMPLES = """\
  weakspot tokens link runs/first
  weakspot tokens link runs/first --json
  weakspot tokens link runs/first --tokenizer my-endpoint=hf:org/name"""
MOST = 10


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser(
        "tokens link",
        "Which token features go with a run's failures, within categories and corrected for how many are tested; and "
        "suppositions about single failures. Association, not cause.",
        EXAMPLES,
    )
    parser.add_argument("run", metavar="RUN", help="the folder of a finished run")
    add_tokenizers(parser)
    parser.add_argument("--seed", type=int, default=0, help="of random deals, where no exact test is had (0)")
    add_json(parser)
    given = parser.parse_args(words)
    found = tokens.link(given.run, tokenizers=named(given.tokenizer), seed=given.seed)
    if given.json:
        print_json(to_builtins(found))
        return 0
    say(found.caution)
    for name, out in found.left_out.items():
        say(f"{name}: {out.used} items tested{_left_out(out)}.")
    untested = [link for link in found.links if link.p is None]
    say(
        f"{found.tests} tests whose p could have come out small enough, corrected by Holm. An effect of 0 says "
        "nothing, +1: every failed item has more than every passed one of its category, -1: less."
    )
    for link in found.links:
        if link.p is not None:
            say(
                f"{link.candidate} | {link.label} | p {link.p:.2g}, corrected {link.p_adjusted:.2g} | {link.verdict}", 2
            )
    if untested:
        say(f"Not tested, since nothing varies within a category: {'; '.join(_untested(untested))}.")
    for note in found.notes:
        say(note)
    say("Suppositions, to be tested by an experiment:" if found.hypotheses else "No supposition from single words.")
    for one in found.hypotheses[:MOST]:
        say(one.text, 2)
    if len(found.hypotheses) > MOST:
        say(f"... and {len(found.hypotheses) - MOST} more: --json shows them", 2)
    return 0


def say(text: str, indent: int = 0) -> None:
    """A paragraph, wrapped, that can't steer a terminal."""
    first, rest = " " * indent, " " * (indent + 2)
    wrapped = textwrap.fill(
        visible(text), 110, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    sys.stdout.write(wrapped + "\n")


def _left_out(out: LeftOut) -> str:
    parts = {
        "without a verdict": out.unscored,
        "whose own positive control failed": out.uninformative,
        "controls": out.controls,
        "without a response": out.unmeasured,
    }
    said = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
    return f"; left out: {said}" if said else ""


def _untested(links: list[FeatureLink]) -> list[str]:
    return [f"{link.candidate}: {link.label}" for link in links]
