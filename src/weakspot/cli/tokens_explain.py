"""`weakspot tokens explain`."""

import sys
from collections.abc import Iterator

from weakspot import registry, tokens
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.errors import UsageError
from weakspot.records import to_builtins
from weakspot.records.explanation import ExplainedSegment, Explanation, MergeStep, Seam, Segmentation

EXAMPLES = """\
  weakspot tokens explain "pembrolizumab" -t bert-minilm
  weakspot tokens explain "unbelievable lowercase" -t smollm2 --word lowercase
  weakspot tokens explain "naïve" -t tokenizer.json --json
  echo "some text" | weakspot tokens explain - -t tokenizer.model"""
CAUSES = {
    "start": "the text begins here",
    "added-token": "cut off by an added token",
    "pre-tokenizer": "cut off by the pre-tokenizer",
}
ROWS = 40


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("tokens explain", "Why a text splits as it does, found step by step and checked.", EXAMPLES)
    parser.add_argument("text", metavar="TEXT", help="the text; - reads standard input")
    parser.add_argument("-t", "--tokenizer", required=True, metavar="REF", help="a file, a name, a model or a hub id")
    parser.add_argument(
        "--word", action="append", default=[], metavar="W", help="only segments that hold W; may be given again"
    )
    parser.add_argument("--others", type=int, default=4, metavar="N", help="Unigram: how many next best ways (4)")
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N", help=f"rows to print a segment ({ROWS})")
    parser.add_argument(
        "--plain", action="store_true", help="text that spells a special token stays text, where the library can"
    )
    parser.add_argument("--accept-licence", action="store_true", help="accept a bundled file's own terms")
    add_json(parser)
    given = parser.parse_args(words)
    if given.others < 0 or given.rows < 1:
        raise UsageError("--others is at least 0 and --rows at least 1.")
    with registry.load("faces", "progress")() as sink:
        found = tokens.explain(
            _text(given.text),
            given.tokenizer,
            words=given.word,
            others=given.others,
            parse_special=False if given.plain else None,
            accept_licence=given.accept_licence,
            progress=sink.fetching,
        )
    if given.json:
        print_json(to_builtins(found))
    else:
        sys.stdout.writelines(line + "\n" for line in picture(found, given.rows))
    return 0 if found.agrees else 1


def _text(given: str) -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace") if given == "-" else given


def picture(found: Explanation, rows: int = ROWS) -> Iterator[str]:
    """An explanation in lines for a terminal; nothing in it can steer one."""
    yield f"{visible(found.tokenizer)} ({found.algorithm}, {found.fingerprint})"
    yield f"pre-tokenizer: {visible(found.pre_tokenizer)}"
    if found.normalized != found.text:
        yield f"normalised: {_quoted(found.normalized)}"
    for segment in found.segments:
        yield ""
        yield from _segment(segment, found.algorithm, rows)
    yield ""
    if found.difference is None:
        yield f"{len(found.ids):,} ids, the same as the library's."
    else:
        yield f"The trace differs from the library from id {found.difference.at} on, which should not be:"
        yield f"  traced  {' '.join(map(str, found.difference.traced))}"
        yield f"  library {' '.join(map(str, found.difference.encoded))}"


def _segment(segment: ExplainedSegment, algorithm: str, rows: int) -> Iterator[str]:
    dropped = f"; dropped before it: {_quoted(segment.dropped)}" if segment.dropped else ""
    yield f"{_quoted(segment.source)}  bytes {segment.start}-{segment.end}, {CAUSES[segment.cause]}{dropped}"
    if segment.text != segment.source:
        yield f"  the model sees   {_quoted(segment.text)}"
    parts = "  ".join(f"{_quoted(t)} {i}" for t, i in zip(segment.tokens[:rows], segment.ids[:rows], strict=True))
    yield f"  tokens           {parts}{_more(len(segment.ids), rows)}"
    if segment.whole:
        yield "  taken whole: no merge was looked at"
    elif algorithm == "BPE":
        yield from _merges(segment, rows)
    elif algorithm == "Unigram":
        yield from _ways(segment.segmentations)
    else:
        yield from _trail(segment, rows)


def _merges(segment: ExplainedSegment, rows: int) -> Iterator[str]:
    shown = [
        (_order(step), *(_quoted(part) for part in (step.left, step.right, step.joined))) for step in segment.steps
    ]
    shown = shown[:rows]
    widths = [max(map(_width, column)) for column in zip(*shown, strict=True)] if shown else []
    for number, cells in enumerate(shown):
        order, left, right, joined = (_padded(cell, width) for cell, width in zip(cells, widths, strict=True))
        head = "merges in order" if number == 0 else ""
        yield f"  {head:<17}{order}  {left} + {right} -> {joined.rstrip()}"
    if more := _more(len(segment.steps) + segment.left_out, rows):
        yield f"  {'':<17}{more.strip()}"
    for number, seam in enumerate(segment.seams[:rows]):
        yield f"  {'why not joined' if number == 0 else '':<17}{_seam(seam)}"


def _seam(seam: Seam) -> str:
    return f"{_quoted(seam.left)} | {_quoted(seam.right)}: {visible(seam.message)}"


def _order(step: MergeStep) -> str:
    return f"rank {step.rank:,}" if step.rank is not None else f"score {step.score:g}"


def _ways(ways: tuple[Segmentation, ...]) -> Iterator[str]:
    if not ways:
        yield "  (other ways are not looked for in a segment this long)"
    for number, way in enumerate(ways):
        head = "best" if number == 0 else "next" if number == 1 else ""
        parts = "  ".join(f"{_quoted(t)} {s:.2f}" for t, s in zip(way.tokens, way.scores, strict=True))
        yield f"  {head:<17}{way.log_probability:10.3f}  {parts}"


def _trail(segment: ExplainedSegment, rows: int) -> Iterator[str]:
    for number, turn in enumerate(segment.trail[:rows]):
        found = "no token begins here" if turn.found is None else f"{_quoted(turn.found)} is the longest token"
        tried = f"; in vain: {', '.join(map(_quoted, turn.tried[-3:]))}" if turn.tried else ""
        more = f" and {len(turn.tried) - 3} longer ones" if len(turn.tried) > 3 else ""
        yield f"  {'greedy turns' if number == 0 else '':<17}from character {turn.at + 1}: {found}{tried}{more}"
    if segment.unknown:
        yield f"  unknown as a whole: {visible(segment.unknown)}"


def _more(count: int, rows: int) -> str:
    return f" ... and {count - rows:,} more: --rows or --json shows them" if count > rows else ""


def _quoted(text: str, most: int = 120) -> str:
    """A text between quotation marks, safe for a terminal and cut where it is long."""
    shown = visible(text if len(text) <= most else text[:most] + "…")
    return f"‘{shown}’"


def _width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    from rich.cells import cell_len  # its tables know which characters are wide

    return cell_len(text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
