"""`weakspot tokens glitch MODEL`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from weakspot import registry
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins
from weakspot.records.glitch import GlitchReport, GlitchToken

EXAMPLES = """\
  weakspot tokens glitch smollm2
  weakspot tokens glitch model.gguf --no-verify --limit 100
  weakspot tokens glitch path/to/folder --most 50 --json

verdicts: verified (the model cannot repeat it, and repeats well-trained tokens of the same length), doubtful (it fails,
  but gives the token more than 1%), repeated (it repeats it), not-askable (no prompt's text becomes this id),
  unmeasurable (the model cannot repeat well-trained tokens either), not-asked"""
SHOWN = 40


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("tokens glitch", "Under-trained and unreachable tokens of a model.", EXAMPLES)
    parser.add_argument("model", help="a GGUF file, a folder with safetensors, or a bundled model")
    parser.add_argument("--no-verify", action="store_true", help="only look at the weights; ask the model nothing")
    parser.add_argument("--most", type=int, default=30, help="how many tokens to ask the model for (30)")
    parser.add_argument("--limit", type=int, default=SHOWN, help=f"how many tokens a table shows ({SHOWN})")
    parser.add_argument("--accept-licence", "--accept-license", action="store_true", help="accept the model's terms")
    add_json(parser)
    given = parser.parse_args(words)
    if given.limit < 0 or given.most < 1:
        parser.error("--limit is at least 0, --most at least 1")
    call: Callable[..., GlitchReport] = registry.load("token_calls", "glitch")
    with _progress() as progress:
        report = call(
            given.model,
            verify=not given.no_verify,
            most=given.most,
            accept_licence=given.accept_licence,
            progress=progress,
        )
    if given.json:
        print_json(to_builtins(report))
    else:
        _print(report, given.limit)
    return 0


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A line on standard error that rewrites itself in a terminal, and one line a step elsewhere."""
    live = sys.stderr.isatty()
    seen: set[str] = set()

    def tell(what: str, done: int, total: int) -> None:
        if live:
            sys.stderr.write(f"\r\x1b[K{visible(what)}: {done:,} of {total:,}")
        elif what not in seen:
            seen.add(what)
            sys.stderr.write(f"{visible(what)}: {total:,}\n")
        sys.stderr.flush()

    try:
        yield tell
    finally:
        if live:
            sys.stderr.write("\r\x1b[K")


def _print(report: GlitchReport, limit: int) -> None:
    out = sys.stdout.write
    kind = "tied" if report.tied else "untied"
    out(f"{visible(report.model)}: {report.rows:,} x {report.width:,} {report.dtype} embeddings, {kind}\n")
    aside = ", ".join(f"{count:,} {group}" for group, count in report.groups.items() if group != "ordinary")
    out(f"{report.ordinary:,} ordinary tokens measured; apart from them: {aside or 'none'}\n")
    out(f"Rule: {report.rule}.\n")
    for one in report.indicators:
        out(
            f"  {one.matrix} {one.name:<20} median {one.median:<10.4g} limit {one.limit:<10.4g} {one.flagged:,} under\n"
        )
    out(f"Rows of known-unused tokens that agree: {report.reference:,}\n\n")
    _table(f"{len(report.flagged):,} tokens look under-trained", report.flagged, limit)
    _table(f"{len(report.aside):,} more of other sorts (not asked for)", report.aside, limit)
    _unreachable(report, limit)
    _abilities(report)
    for note in report.notes:
        out(f"Note: {visible(note)}\n")


def _table(title: str, tokens: tuple[GlitchToken, ...], limit: int) -> None:
    sys.stdout.write(f"{title}{':' if tokens and limit else ''}\n")
    for token in tokens[:limit]:
        given = "" if token.probability is None else f"p {_sign(token)} {token.probability:.1e}"
        said = token.verdict if token.group == "ordinary" else token.group
        sys.stdout.write(
            f"  {token.id:>8} {visible(token.text)[:32]:<33}z {token.score:>7.1f}  "
            f"{token.indicator:<26}{said:<14}{given}".rstrip()
            + "\n"
        )
    if len(tokens) > limit:
        sys.stdout.write(f"  and {len(tokens) - limit:,} more: --limit, --json\n")
    sys.stdout.write("\n")


def _sign(token: GlitchToken) -> str:
    """The token was outside the alternatives that came back: its probability is a bound."""
    bound = any(trial.bound for trial in token.repetitions if trial.probability == token.probability)
    return "<=" if bound else "="


def _unreachable(report: GlitchReport, limit: int) -> None:
    found = report.unreachable
    sys.stdout.write(f"{len(found):,} tokens are unreachable: no text was found to become them\n")
    for token in found[:limit]:
        instead = " ".join(map(str, token.instead[:8]))
        sys.stdout.write(f"  {token.id:>8} {visible(token.text)[:32]:<33}{token.stage:<14} becomes {instead}\n")
    if len(found) > limit:
        sys.stdout.write(f"  and {len(found) - limit:,} more: --limit, --json\n")
    sys.stdout.write("\n")


def _abilities(report: GlitchReport) -> None:
    if not report.abilities:
        return
    sys.stdout.write("How well the model repeats well-trained tokens of the same lengths:\n")
    for one in report.abilities:
        given = "" if one.probability is None else f", median probability {one.probability:.2f}"
        used = "" if one.usable else " (not used: too few)"
        sys.stdout.write(f"  {one.phrasing:<8}{one.repeated} of {one.controls}{given}{used}\n")
    asked = [token for token in report.flagged if token.verdict != "not-asked"]
    verified = sum(token.verdict == "verified" for token in asked)
    sys.stdout.write(f"Verified: {verified} of {len(asked)} asked; of the well-trained ones the same rule would call\n")
    sys.stdout.write(f"verified {report.controls_failed} of {report.controls}.\n")
