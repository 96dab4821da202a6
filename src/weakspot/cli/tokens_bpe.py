"""`weakspot tokens bpe train | encode | decode`."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from weakspot import registry, tokens
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json

EXAMPLES = """\
  weakspot tokens bpe train book.txt --vocab 1000 --out my.json --steps
  weakspot tokens bpe encode "low lower lowest" --model my.json --steps
  weakspot tokens bpe decode "294 259 256" --model my.json"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("tokens bpe", "Byte-pair encoding from scratch, with every step to be seen.", EXAMPLES)
    parser.add_argument("action", choices=("train", "encode", "decode"))
    parser.add_argument("what", nargs="+", help="files (train), a text (encode; - reads standard input), ids (decode)")
    parser.add_argument("--model", metavar="F", help="what train wrote (encode, decode)")
    parser.add_argument("--vocab", type=int, default=1000, metavar="N", help="tokens, the 256 bytes included (1000)")
    parser.add_argument("--out", metavar="F", help="where train writes the tokenizer.json")
    parser.add_argument("--min-frequency", type=int, default=0, metavar="N", help="least times a pair is seen (0)")
    parser.add_argument("--special", action="append", default=[], metavar="T", help="a special token; repeatable")
    parser.add_argument("--seen-bytes", action="store_true", help="an alphabet of the bytes seen, instead of all 256")
    parser.add_argument("--steps", action="store_true", help="show every merge")
    add_json(parser)
    given = parser.parse_args(words)
    if given.action != "train" and not given.model:
        parser.error(f"{given.action} needs --model")
    actions: dict[str, Callable[[argparse.Namespace], Any]] = {"train": _train, "encode": _encode, "decode": _decode}
    said = actions[given.action](given)
    if given.json:
        print_json(said)
    return 0


def _train(given: argparse.Namespace) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []

    def on_step(step: Any) -> None:
        if given.json:
            steps.append(step._asdict())
            return
        parts = f"{visible(step.left)} + {visible(step.right)} -> {visible(step.joined)}"
        times = f"{step.times:,} times in {step.words:,} words"
        sys.stdout.write(f"{step.rank:>6}  {parts:<40} id {step.id:<6} {times}\n")

    if given.steps:
        encoding = _learn(given, on_step)
    else:
        with registry.load("faces", "progress")() as sink:
            what = "counting words, then learning merges"
            sink.fetching(what, 0, given.vocab)
            encoding = _learn(given, lambda step: sink.fetching(what, step.id + 1, given.vocab))
    if not given.json:
        kept = f", written to {visible(given.out)}" if given.out else ""
        sys.stdout.write(f"{len(encoding.tokens):,} tokens, {len(encoding.merges):,} merges{kept}\n")
    said = {"tokens": len(encoding.tokens), "merges": len(encoding.merges), "out": given.out}
    return {**said, "steps": steps} if given.steps else said


def _learn(given: argparse.Namespace, on_step: Callable[[Any], None]) -> Any:
    return tokens.bpe(
        given.what,
        vocab=given.vocab,
        out=given.out,
        min_frequency=given.min_frequency,
        whole_alphabet=not given.seen_bytes,
        special=given.special,
        on_step=on_step,
    )


def _encode(given: argparse.Namespace) -> dict[str, Any]:
    encoding = tokens.open_bpe(given.model)
    text: str | bytes = sys.stdin.buffer.read() if given.what == ["-"] else " ".join(given.what)
    ids: list[int] = []
    shown: list[dict[str, Any]] = []
    for word in encoding.words(text):
        ids += word.merged.symbols
        pieces = [encoding.tokens[number] for number in word.merged.symbols]
        steps = [
            {
                "rank": int(join.order),
                "at": join.at,
                "left": encoding.tokens[join.left],
                "right": encoding.tokens[join.right],
                "joined": encoding.tokens[join.joined],
            }
            for join in word.merged.joins
        ]
        shown.append({"word": word.word, "pieces": pieces, "ids": word.merged.symbols, "steps": steps})
    if not given.json:
        _print_words(ids, shown, steps=given.steps)
    return {"ids": ids, "words": shown} if given.steps else {"ids": ids}


def _print_words(ids: list[int], shown: list[dict[str, Any]], *, steps: bool) -> None:
    for word in shown if steps else ():
        sys.stdout.write(f"{visible(word['word'])}\n")
        for step in word["steps"]:
            parts = f"{visible(step['left'])} + {visible(step['right'])} -> {visible(step['joined'])}"
            sys.stdout.write(f"  rank {step['rank']:>6}  {parts}\n")
        sys.stdout.write("  = " + " | ".join(map(visible, word["pieces"])) + "\n")
    sys.stdout.write(" ".join(map(str, ids)) + "\n")


def _decode(given: argparse.Namespace) -> dict[str, Any]:
    encoding = tokens.open_bpe(given.model)
    words = " ".join(given.what).replace(",", " ").split()
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        Parser("tokens bpe", "", EXAMPLES).error("ids are whole numbers, separated by blanks or commas")
    data = encoding.decode_bytes(map(int, words))
    text = data.decode("utf-8", "replace")
    if not given.json:
        sys.stdout.write(visible(text) + "\n")
    return {"text": text, "bytes": data.hex()}
