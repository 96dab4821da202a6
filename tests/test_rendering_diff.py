"""The page, the fragment and the terminal tables of two tokenizers on one corpus follow from the record alone."""

import io
import re
from typing import NamedTuple

import msgspec
import pytest
from rich.console import Console

from audit_fixture import CORPUS, HOSTILE, LONG, PARALLEL, Text, compared, lossless_tokenizer, lossy_tokenizer
from test_rendering_audit import CONTROLS, FORBIDDEN, hostile
from test_rendering_page import Page
from weakspot.records import from_json, to_json
from weakspot.records.audit import AuditDiff, DifferingDocument, PairedCode, PairedCost, Price
from weakspot.rendering.audit import diff_fragment, diff_html, diff_renderable
from weakspot.rendering.diff_words import diff_cautions, diff_headline, diff_names, diff_verdict

A, B = "small-wordpiece", "small-bytes"
MORE = tuple(
    Text("more.txt", group, 1000 + n, f"{text} {n}") for group, texts in PARALLEL.items() for n, text in enumerate(texts * 3)
)  # fmt: skip


class Both(NamedTuple):
    """The comparison and the one with the tokenizers swapped."""

    diff: AuditDiff
    swapped: AuditDiff


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The corpus under a WordPiece and a byte-level BPE, with enough documents a group for intervals."""
    folder = tmp_path_factory.mktemp("diff")
    one, other = lossy_tokenizer(folder), lossless_tokenizer(folder)
    return Both(compared(one, other, CORPUS + MORE), compared(other, one, CORPUS + MORE))


def said(diff: AuditDiff) -> str:
    """The sentences of the verdict as one text, with what they link to by name."""
    return " ".join(
        f"{s.lead} {s.text} {' '.join(link.label for link in s.links)} {s.after}" for s in diff_verdict(diff)
    )


def printed(diff: AuditDiff, width: int = 120) -> str:
    """What a terminal with colours is given."""
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=True, color_system="truecolor", markup=True).print(
        diff_renderable(diff)
    )
    return out.getvalue()


def test_nothing_runs_and_every_link_leads_somewhere(both: Both) -> None:
    """The page has no script, handler or address, and every link leads to one place on it."""
    html = diff_html(both.diff, "9.9")
    page = Page(html)
    assert FORBIDDEN.isdisjoint(tag for tag, _ in page.tags)
    assert not [n for _, attributes in page.tags for n in attributes if n.startswith("on") or n in ("src", "srcset")]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page.values("href")} <= set(ids)
    assert "content=\"default-src 'none'; style-src" in html


def test_swapping_the_tokenizers_swaps_the_text(both: Both) -> None:
    """Headline and winners are the same whichever tokenizer comes first; what is said of one is said of the other."""
    assert diff_headline(both.diff) == diff_headline(both.swapped)
    ahead, behind = said(both.diff), said(both.swapped)
    for words in (f"{A} needs fewer tokens in", f"{B} has fewer documents with", f"{A} has fewer documents with"):
        assert words in ahead
        assert words in behind
    assert f"{B} needs fewer tokens in" not in ahead + behind
    lossy = next(code for code in both.diff.codes if code.code == "lossy")
    assert f"{lossy.first_only} documents are changed by {A} only, {lossy.second_only} by {B} only" in ahead
    assert f"{lossy.second_only} documents are changed by {B} only, {lossy.first_only} by {A} only" in behind
    assert f"{B} changes fewer." in ahead
    assert f"{B} changes fewer." in behind


def test_fewer_tokens_by_losing_text_is_said_in_the_headline(both: Both) -> None:
    """A tokenizer that is cheaper and shown to lose more is not praised without saying so."""
    whole = both.diff.costs[0]
    part = (1 - whole.first / whole.second) * 100
    assert diff_headline(both.diff) == f"{A} needs {part:.1f}% fewer tokens than {B}, but changes more documents"
    assert "Costs flatter it:" in {s.lead for s in diff_cautions(both.diff)}
    lossless = tuple(code for code in both.diff.codes if code.code != "lossy")
    assert "but" not in diff_headline(msgspec.structs.replace(both.diff, codes=lossless))


def test_no_difference_is_said_aloud(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A tokenizer against itself: no difference is shown, in tokens, in losses, in any group; names are told apart."""
    one = lossless_tokenizer(tmp_path_factory.mktemp("same"))
    same = compared(one, one)
    assert diff_headline(same) == f"No difference in tokens shown between {B} (first) and {B} (second)"
    text = said(same)
    assert "No difference shown; that is not the same as equal." in text
    assert "No difference in tokens shown in" in text
    assert f"none of the {len(CORPUS)} documents is changed by either" in text
    assert f"{len(CORPUS)} of {len(CORPUS)} documents get the same ids" in text
    assert "both hold the same tokens and also cut the probe texts alike" in text
    page = Page(diff_html(same)).text
    assert "needs fewer tokens" not in page
    assert "needs fewer than" not in page


def test_paths_are_named_by_what_differs(both: Both) -> None:
    """Of two paths the shared folders and the shared file name are left out; what differs is kept, full names below."""
    names = ("models/gpt2/tokenizer.json", "models/o200k/tokenizer.json")
    sides = (
        msgspec.structs.replace(side, tokenizer=name)
        for side, name in zip((both.diff.first, both.diff.second), names, strict=True)
    )
    diff = msgspec.structs.replace(both.diff, **dict(zip(("first", "second"), sides, strict=True)))
    assert diff_names(diff) == ("gpt2", "o200k")
    assert all(name in Page(diff_html(diff)).text for name in names)
    for one, other, shown in (
        ("a/b", "a/c", ("b", "c")),
        ("a/x", "b/x", ("a", "b")),
        ("x", "a/x", ("x", "a/x")),
        ("a/b/x", "a/x", ("b/x", "x")),
        ("/", "//", ("(no name)", "/")),
    ):
        first = msgspec.structs.replace(diff.first, tokenizer=one)
        second = msgspec.structs.replace(diff.second, tokenizer=other)
        assert diff_names(msgspec.structs.replace(diff, first=first, second=second)) == shown


def test_every_group_is_in_one_sentence(both: Both) -> None:
    """Each group is named once: under the tokenizer that needs fewer tokens there, or where nothing is shown."""
    said_of = diff_verdict(both.diff)
    named = [link.label for s in said_of for link in s.links if link.anchor.startswith("g-") and s.lead != "Tokens:"]
    assert sorted(named) == sorted(cost.group for cost in both.diff.costs[1:])
    shown = {cost.group for cost in both.diff.costs[1:] if cost.verdict == "first is cheaper"}
    lead = next(s for s in said_of if s.lead == f"{A} needs fewer tokens in")
    assert {link.label for link in lead.links} == shown


def test_prices(both: Both) -> None:
    """A price per million characters stands in a sentence and in a table; without prices there is neither."""
    prices = (
        Price(tokenizer=A, per_million_tokens=2.5, per_million_characters=0.7125),
        Price(tokenizer=B, per_million_tokens=0.1, per_million_characters=0.0321),
    )
    diff = msgspec.structs.replace(both.diff, prices=prices)
    assert f"A million characters cost 0.71 under {A}, 0.0321 under {B}, at the prices given." in said(diff)
    assert "Per million characters" in Page(diff_html(diff)).text
    bare = msgspec.structs.replace(both.diff, prices=())
    assert 'id="prices"' not in diff_html(bare)
    assert "million characters cost" not in said(bare)


def test_few_documents_have_no_interval(both: Both) -> None:
    """With fewer than eight documents no difference is shown, and the page says why."""
    few = PairedCost(
        group="", documents=5, first=100, second=50, change=-0.5, low=None, high=None, verdict="no difference shown"
    )
    diff = msgspec.structs.replace(both.diff, costs=(few,))
    assert diff_headline(diff).startswith("No difference in tokens shown")
    assert "With fewer than 8 documents no interval can be given" in Page(diff_html(diff)).text


def test_an_incomplete_audit_says_so_first(both: Both) -> None:
    """Where either audit was stopped, the headline and the first line say so."""
    half = msgspec.structs.replace(both.diff, second=msgspec.structs.replace(both.diff.second, complete=False))
    html = diff_html(half)
    assert diff_headline(half).startswith("So far: ")
    assert html.index("Stopped before the end.") < html.index("Tokens:")
    assert f"The numbers under {B} are of what was read so far." in html


def test_an_empty_corpus(both: Both) -> None:
    """Without documents, findings, groups and prices there is still a page, a fragment and a table."""
    empty = msgspec.structs.replace(both.diff, costs=(), codes=(), prices=(), documents=(), same_ids=0)
    for text in (Page(diff_html(empty)).text, Page(diff_fragment(empty)).text, printed(empty)):
        assert "Nothing was compared: the corpus gave no documents" in text


@pytest.mark.parametrize(("evil", "groups"), [(HOSTILE, 5_000), (LONG, 1_200)])
def test_hostile_text_and_thousands_of_groups(both: Both, evil: str, groups: int) -> None:
    """Thousands of groups and 200 kinds with hostile names give a page under 3 MB, in which all of it is text."""
    verdicts = ("first is cheaper", "second is cheaper", "no difference shown")
    costs = tuple(
        PairedCost(group=f"{evil}{n}" if n else "", documents=9, first=100, second=90 + n % 30, change=(n % 30 - 10) / 100,
                   low=-0.2, high=0.2, verdict=verdicts[n % 3])
        for n in range(groups + 1)
    )  # fmt: skip
    codes = tuple(
        PairedCode(code=f"{evil}{n}", first_only=1, second_only=2, both=3, documents=9, p_value=1.0, adjusted=1.0,
                   verdict="no difference shown")
        for n in range(200)
    )  # fmt: skip
    documents = (DifferingDocument(source=evil, document=1, first=0, second=9, opening=evil),) * 500
    sides = hostile(both.diff.first, evil, 1_100), hostile(both.diff.second, evil, 1_100)
    prices = tuple(Price(tokenizer=evil, per_million_tokens=1.0, per_million_characters=float("inf")) for _ in "ab")
    diff = msgspec.structs.replace(
        both.diff, first=sides[0], second=sides[1], costs=costs, codes=codes, documents=documents, prices=prices
    )
    html = diff_html(diff)
    page = Page(html)
    assert len(html.encode()) < 3_000_000
    assert FORBIDDEN.isdisjoint(tag for tag, _ in page.tags)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all(CONTROLS.search(text) is None for text in (html, diff_fragment(diff)))
    assert {href[1:] for href in page.values("href")} <= set(page.values("id"))
    assert f"{groups - 1_000:,} groups more in the JSON" in page.text
    text = printed(diff)
    assert CONTROLS.search(re.sub(r"\x1b\[[0-9;]*m", "", text)) is None
    assert len(text) < 200_000


def test_the_terminal_has_verdicts_and_numbers(both: Both) -> None:
    """The tables in a terminal have each group's tokens, each kind's counts, and the verdicts."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", printed(both.diff, 140))
    assert diff_headline(both.diff) in text
    for cost in both.diff.costs:
        assert f"{cost.first:,}" in text
    for code in both.diff.codes:
        assert ("any loss" if code.code == "lossy" else code.code) in text
    assert "no difference shown" in text


def test_a_saved_comparison_renders_the_same(both: Both) -> None:
    """The page is made of the record alone: read back from JSON it gives the same page."""
    assert diff_html(from_json(to_json(both.diff), AuditDiff)) == diff_html(both.diff)
