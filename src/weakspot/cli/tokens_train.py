"""`weakspot tokens train CORPUS... --kind bpe|unigram|wordpiece --vocab N`."""

import sys

from weakspot import registry, tokens
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins
from weakspot.records.training import CompressionReport, MeasuredChange, TokenizerRecipe, TokenizerTraining

EXAMPLES = """\
  weakspot tokens train reports/ --vocab 16000
  weakspot tokens train notes.jsonl --kind unigram --vocab 8000 --out medical.json --general wiki.txt
  weakspot tokens train code/ --vocab 32000 --against cl100k --json"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("tokens train", "Train a tokenizer on a domain and measure it on text it has not seen.", EXAMPLES)
    parser.add_argument("corpus", nargs="+", help="text, JSONL, Parquet or folders")
    parser.add_argument("--kind", choices=("bpe", "unigram", "wordpiece"), default="bpe", help="byte-level BPE (bpe)")
    parser.add_argument("--vocab", type=int, required=True, metavar="N", help="tokens that it shall have")
    parser.add_argument("--pattern", choices=("modern", "gpt2"), default="modern", help="how bpe cuts words (modern)")
    parser.add_argument("--cased", action="store_true", help="wordpiece keeps case and accents")
    parser.add_argument("--out", default="tokenizer.json", metavar="F", help="where it goes (tokenizer.json)")
    parser.add_argument("--held-back", type=float, default=0.1, metavar="S", help="share of texts to measure on (0.1)")
    parser.add_argument("--general", action="append", default=[], metavar="PATH", help="general text to measure on")
    parser.add_argument(
        "--against",
        default="",
        metavar="T",
        help="a tokenizer to compare with (of this recipe, on general text)",
    )
    parser.add_argument("--field", default="text", metavar="F", help="field of JSONL, column of Parquet (text)")
    add_json(parser)
    given = parser.parse_args(words)
    recipe = TokenizerRecipe(kind=given.kind, vocab=given.vocab, pattern=given.pattern, lowercase=not given.cased)
    with registry.load("faces", "progress")() as sink:
        done = tokens.train(
            given.corpus,
            recipe,
            out=given.out,
            held_back=given.held_back,
            general=given.general,
            against=given.against,
            field=given.field,
            progress=sink.fetching,
        )
    if given.json:
        print_json(to_builtins(done))
    else:
        sys.stdout.write(told(done))
    return 0


def told(done: TokenizerTraining) -> str:
    """The record in words."""
    size = f"{done.documents:,} documents ({done.bytes / 1e6:.1f} MB)"
    lines = [
        f"{visible(done.file)}: {done.recipe.kind}, {done.vocab:,} tokens, from {size} in {done.seconds:.1f} s",
        f"fingerprint {done.fingerprint}",
    ]
    if done.reference:
        lines.append(f"measured against {visible(done.reference)}, {done.reference_vocab:,} tokens")
    for report in done.reports:
        lines += ["", *_part(report)]
    return "\n".join([*lines, "", *(visible(remark) for remark in done.remarks)]).rstrip() + "\n"


def _part(report: CompressionReport) -> list[str]:
    name = "held-back text of the domain" if report.part == "domain" else "general text"
    lines = [f"{name}: {report.documents:,} documents, {report.bytes:,} bytes, {report.words:,} words"]
    for what, ours, theirs in (
        ("bytes per token", report.bytes_per_token, report.reference_bytes_per_token),
        ("tokens per word", report.fertility, report.reference_fertility),
    ):
        lines.append(f"  {what}  {ours:6.3f}" + ("" if theirs is None else f"   against {theirs:.3f}"))
    if report.tokens_change:
        lines.append(f"  tokens           {change(report.tokens_change)}")
    lost = f"{report.lossy_documents:,} of {report.documents:,} documents do not come back as they were"
    lines.append(f"  {lost if report.lossy_documents else 'every document comes back as it was'}")
    return lines


def change(found: MeasuredChange) -> str:
    """A change with its interval and what it shows; a small one with more digits, or it would read as none."""
    digits = 1 if abs(found.change) >= 0.001 or found.change == 0 else 3
    low, high = found.low, found.high
    ends = "" if low is None or high is None else f" [{low:+.{digits}%}, {high:+.{digits}%}]"
    few = "; too few documents for an interval" if found.low is None else ""
    worse = f"{found.worse_documents:,} of {found.documents:,} documents worse"
    return f"{found.change:+.{digits}%}{ends}: {found.verdict}, {worse}{few}"
