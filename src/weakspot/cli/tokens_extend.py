"""`weakspot tokens extend MODEL CORPUS... --add N`."""

import sys

from weakspot import registry, tokens
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.cli.tokens_train import change
from weakspot.records import to_builtins
from weakspot.records.training import ExtensionPlan, LossReport, ModelExtension, NewTokenReport

EXAMPLES = """\
  weakspot tokens extend smollm2 contracts/ --add 300 --out smollm2-legal
  weakspot tokens extend smollm2 notes.jsonl --add 500 --init focus --general wiki.txt --out smollm2-medical
  weakspot tokens extend smollm2 contracts/ --add 100 --tune 100 --out smollm2-legal --json"""
SHOWN = 10


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser(
        "tokens extend", "Make words of a domain tokens of a pretrained model; needs weakspot[torch].", EXAMPLES
    )
    parser.add_argument("model", help="a causal model: a bundled name, a GGUF file, a Hugging Face folder, a hub id")
    parser.add_argument("corpus", nargs="+", help="text of the domain: text, JSONL, Parquet or folders")
    parser.add_argument("--add", type=int, required=True, metavar="N", help="how many words become tokens")
    parser.add_argument("--init", choices=("mean", "focus"), default="mean", help="what their rows begin with (mean)")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to write; it must not be there yet")
    parser.add_argument("--held-back", type=float, default=0.1, metavar="S", help="share of texts to measure on (0.1)")
    parser.add_argument("--domain-held", action="append", default=[], metavar="PATH", help="measure on this instead")
    parser.add_argument("--general", action="append", default=[], metavar="PATH", help="general text to measure on")
    parser.add_argument("--tune", type=int, default=0, metavar="STEPS", help="train the new rows, and only them (0)")
    parser.add_argument("--measured", type=int, default=40_000, metavar="BYTES", help="of each part at most (40000)")
    parser.add_argument("--field", default="text", metavar="F", help="field of JSONL, column of Parquet (text)")
    parser.add_argument("--accept-licence", "--accept-license", action="store_true", help="accept the model's terms")
    add_json(parser)
    given = parser.parse_args(words)
    plan = ExtensionPlan(
        add=given.add,
        init=given.init,
        held_back=given.held_back,
        tune=given.tune,
        measured=given.measured,
        field=given.field,
    )
    with registry.load("faces", "progress")() as sink:
        done = tokens.extend(
            given.model,
            given.corpus,
            plan,
            out=given.out,
            domain_held=given.domain_held,
            general=given.general,
            accept_licence=given.accept_licence,
            progress=sink.fetching,
        )
    if given.json:
        print_json(to_builtins(done))
    else:
        sys.stdout.write(told(done))
    return 0


def told(done: ModelExtension) -> str:
    """The record in words."""
    how = f"{done.way}, {done.plan.init}"
    lines = [
        f"{visible(done.folder)}: {visible(done.model)} with {len(done.added):,} new tokens ({how})",
        f"vocabulary {done.vocab_before:,} -> {done.vocab_after:,}, rows {done.rows_before:,} -> {done.rows_after:,}",
    ]
    if done.helpers:
        lines.append(f"{done.helpers:,} more tokens only lead to them")
    saving = ", ".join(f"{visible(word.text.strip())} ({word.saved:,})" for word in done.added[:SHOWN])
    lines.append(f"most tokens saved in the training part: {saving}")
    for report in done.reports:
        lines += ["", *_part(report)]
    if worse := sorted((word for word in done.added if _loss(word) > 0), key=_loss, reverse=True):
        lines += ["", "what got worse: bits that a word's occurrences in the held-back text cost, before -> after"]
        lines += [
            f"  {visible(word.text.strip()):<24}{word.bits_before:8.1f} ->{word.bits_after:8.1f}  ({word.fired} times)"
            for word in worse[:SHOWN]
        ]
    return "\n".join([*lines, "", *(visible(remark) for remark in done.remarks)]) + "\n"


def _loss(word: NewTokenReport) -> float:
    return (word.bits_after or 0.0) - (word.bits_before or 0.0)


def _part(report: LossReport) -> list[str]:
    name = "held-back text of the domain" if report.part == "domain" else "general text"
    tuned = ", new rows trained" if report.state == "tuned" else ""
    old, new = report.bits_per_byte_before, report.bits_per_byte_after
    before, after = report.perplexity_per_byte_before, report.perplexity_per_byte_after
    lines = [
        f"{name}{tuned}: {report.documents:,} documents, {report.bytes:,} bytes",
        f"  tokens         {report.tokens_before:,} -> {report.tokens_after:,}  {change(report.tokens)}",
        f"  bits per byte  {old:.4f} -> {new:.4f}  {change(report.bits)}",
        f"  perplexity per byte  {before:.4f} -> {after:.4f}",
    ]
    if report.changed_without_words:
        lines.append(f"  {report.changed_without_words:,} documents are cut otherwise though they hold no new word")
    return lines
