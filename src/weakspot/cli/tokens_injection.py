"""`weakspot tokens injection MODEL | -t TOKENIZER [-t TOKENIZER ...]`."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from weakspot import registry
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins
from weakspot.records.injection import ChatReport, InjectionReport, Spelling, Twin
from weakspot.rendering.text import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

EXAMPLES = """\
  weakspot tokens injection smollm2
  weakspot tokens injection -t path/to/tokenizer.json
  weakspot tokens injection -t tokenizer.model -t tokenizer.json
  weakspot tokens injection model.gguf --json

A model is looked at with its chat template; a tokenizer alone (-t) is not. More than one -t: the others are held beside
  the first. Exit code 0, whatever is found."""
SHOWN = 40
EFFECTS = {
    "passes": "passed on as they are",
    "removed": "taken out",
    "changed": "rewritten",
    "refused": "refused",
}
OUTCOMES = {
    "forged": "yes",
    "partly": "in part",
    "stopped": "no",
    "plain-text": "yes: the turn is plain text",
}
STYLES = {"forged": "bold red", "plain-text": "bold red", "partly": "yellow", "stopped": "green"}


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("tokens injection", "What plain user text can turn into a control id.", EXAMPLES)
    parser.add_argument("model", nargs="?", help="a model, looked at with its chat template")
    parser.add_argument("-t", "--tokenizer", action="append", default=[], help="a tokenizer; may be given again")
    parser.add_argument("--limit", type=int, default=SHOWN, help=f"how many rows a table shows ({SHOWN})")
    parser.add_argument("--accept-licence", "--accept-license", action="store_true", help="accept a file's own terms")
    add_json(parser)
    given = parser.parse_args(words)
    named = [*([given.model] if given.model is not None else []), *given.tokenizer]
    if not named:
        parser.error("name a model, or a tokenizer with -t")
    if given.limit < 0:
        parser.error("--limit is at least 0")
    call: Callable[..., InjectionReport] = registry.load("token_calls", "injection")
    report = call(named[0], against=named[1:], template=given.model is not None, accept_licence=given.accept_licence)
    if given.json:
        print_json(to_builtins(report))
    else:
        _print(report, given.limit)
    return 0


def _print(report: InjectionReport, limit: int) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    for part in _parts(report, limit):
        console.print(part)


def _parts(report: InjectionReport, limit: int) -> "Iterator[RenderableType]":
    yield from _headline(report)
    own = [one for one in report.spellings if not one.variant]
    past = [one for one in own if one.protected]
    default = [one for one in own if one.default and not one.protected]
    asked = [one for one in own if not one.default and not one.protected]
    yield from _spellings("Past the library's own protection", past, limit)
    yield from _spellings("By default, stopped by the protection", default, limit)
    yield from _spellings("Only where parsing is asked for", asked, limit)
    yield from _spellings("Other spellings that fold to a marker", [s for s in report.spellings if s.variant], limit)
    if report.unreached:
        groups = list(_families([one.text for one in report.unreached]))
        shown = ", ".join(map(_name, groups[: limit or 1])) + (", …" if len(groups) > max(limit, 1) else "")
        yield _said(f"{len(report.unreached):,} steering tokens that no text becomes: {shown}")
        yield ""
    for twin in report.twins:
        yield from _twin(report, twin, limit)
    if report.chat is not None:
        yield from _chat(report.chat, limit)
    for note in report.notes:
        yield _said(f"Note: {note}")


def _headline(report: InjectionReport) -> "Iterator[RenderableType]":
    counts = report.counts
    free = f" and {report.reserved:,} are kept free" if report.reserved else ""
    name = one_line(report.tokenizer, 80)
    yield _said(
        f"{name} ({report.format}, {report.library}): {report.steering - report.reserved:,} tokens steer{free}."
    )
    past, past_free = counts["protected"], counts["reserved_protected"]
    also = f", and {past_free:,} of those kept free" if past_free else ""
    yield _said(
        f"{past:,} of them get past the library's own protection{also}; {counts['default']:,} come in by default, "
        f"{counts['asked']:,} where parsing is asked for.",
        "bold red" if past or past_free else "bold",
    )
    yield _said(report.protection)
    if report.plain_added:
        yield _said(f"{report.plain_added:,} more added tokens come out of text that do not steer: white space, tags.")
    yield ""


def _spellings(title: str, found: Sequence[Spelling], limit: int) -> "Iterator[Table | str]":
    if not found:
        return
    table = _table(f"{title}: {len(found):,}", "Text", "Id", "Kind", "How")
    groups: dict[tuple[str, ...], list[Spelling]] = {}
    for one in found:
        key = re.sub(r"\d+", "0", one.token) if one.reserved else one.token
        groups.setdefault((key, one.kind, one.variant), []).append(one)
    for members in list(groups.values())[:limit]:
        first, last = members[0], members[-1]
        ids = f"{first.id}" if len(members) == 1 else f"{first.id} … {last.id}"
        _row(table, _name([one.text for one in members]), ids, first.kind, _how(first))
    if len(groups) > limit:
        _row(table, f"and {len(groups) - limit:,} more: --limit, --json", "", "", "")
    yield table
    yield ""


def _how(one: Spelling) -> str:
    if one.protected and one.through == "model":
        how = "the model's own pieces join to it"
    elif one.protected:
        how = "always matched" if one.special else "not flagged special"
    else:
        how = "matched, flagged special" if one.special else "matched"
    how = f"{one.variant} folds to {one_line(one.token, 40)}; {how}" if one.variant else how
    sides = [side for side, takes in (("before", one.takes_before), ("behind", one.takes_behind)) if takes]
    how += f"; takes the white space {' and '.join(sides)} it" if sides else ""
    return how if one.inside_word else f"{how}; not inside a word"


def _families(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts that differ in their number only, together."""
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(re.sub(r"\d+", "0", text), []).append(text)
    yield from groups.values()


def _name(texts: Sequence[str]) -> str:
    """One text, or the first and the last of several."""
    if len(texts) == 1:
        return one_line(texts[0], 60)
    return f"{one_line(texts[0], 30)} … {one_line(texts[-1], 30)} ({len(texts):,})"


def _twin(report: InjectionReport, twin: Twin, limit: int) -> "Iterator[RenderableType]":
    name = one_line(twin.tokenizer, 60)
    yield _said(f"Beside {name} ({twin.format}): {twin.shared:.1%} of the ids stand for the same bytes.")
    if not twin.differences:
        yield _said("Both let the same markers in by default.")
    else:
        table = _table(f"Markers that only one of the two lets in by default: {len(twin.differences):,}", "Text")
        table.add_column(_said(one_line(report.tokenizer, 40)), overflow="fold")
        table.add_column(_said(name), overflow="fold")
        for one in twin.differences[:limit]:
            _row(table, one_line(one.text, 40), _ids(one.ids, one.steers), _ids(one.other_ids, one.other_steers))
        yield table
    yield ""


def _ids(ids: Sequence[int], steers: bool) -> str:
    shown = " ".join(map(str, ids[:12])) + (" …" if len(ids) > 12 else "")
    return f"{shown} (its id)" if steers else f"{shown} (text)"


def _chat(chat: ChatReport, limit: int) -> "Iterator[RenderableType]":
    own = ", ".join(one_line(text, 40) for text in dict.fromkeys(chat.markers)) or "no marker of its own"
    trims = "trims a user's message" if chat.trims else "leaves a user's message as it is"
    yield _said(f"Chat template ({one_line(chat.template, 40)}): writes {own}; {trims}.")
    effects = [trial.effect for trial in chat.trials]
    passed = ", ".join(f"{effects.count(name)} {EFFECTS[name]}" for name in dict.fromkeys(effects)) or "none tried"
    yield _said(f"Markers in a user's message: {passed}. In the user's stretch of the prompt become ids:")
    yield _outcomes(chat)
    for forged in chat.forgeries:
        real = "the very prompt of a real conversation" if forged.real else "of the template's own pieces"
        yield _said(f"The {forged.role}'s turn, {real}: {one_line(forged.content, 300)}", "dim")
    if left := [trial.text for trial in chat.trials if trial.split]:
        more = f", and {len(left) - limit:,} more" if len(left) > limit else ""
        yield _said(f"Ids even where the user's text is encoded apart: {', '.join(map(one_line, left[:limit]))}{more}.")
    for note in chat.notes:
        yield _said(f"Note: {note}")
    yield ""


def _outcomes(chat: ChatReport) -> "Table":
    """What comes of the markers, and of whole turns, under each way of encoding."""
    table = _table("", "", "by default", "whole prompt protected", "user's text apart, protected")
    counted = [[trial.default, trial.protected, trial.split] for trial in chat.trials]
    inside = [f"{sum(column):,} of {len(counted):,}" for column in zip(*counted, strict=True)]
    _row(table, "markers", *(inside or ["0", "0", "0"]))
    kept = (chat.kept_default, chat.kept_protected, len(chat.markers))
    _row(table, "the template's own, kept", *(f"{count} of {len(chat.markers)}" for count in kept))
    for forged in chat.forgeries:
        outcomes = (forged.default, forged.protected, forged.split)
        cells = [_said(OUTCOMES[outcome], STYLES[outcome]) for outcome in outcomes]
        table.add_row(_said(f"a user writes the {forged.role}'s turn"), *cells)
    return table


def _table(title: str, *columns: str) -> "Table":
    from rich.table import Table

    table = Table(title=_said(title) if title else None, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _row(table: "Table", *cells: str) -> None:
    table.add_row(*map(_said, cells))


def _said(text: str, style: str = "") -> "Text":
    """Text in which neither rich's markup nor an escape sequence does anything."""
    from rich.text import Text

    return Text(one_line(text, 2_000), style=style)
