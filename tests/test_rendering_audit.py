"""The page, the fragment and the terminal tables of an audit say what its record says, and obey nothing in it."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from audit_fixture import CORPUS, HOSTILE, LONG, audited, finding, lossless_tokenizer, lossy_tokenizer
from test_rendering_page import Page
from weakspot.records import from_json, to_json
from weakspot.records.audit import AuditedSource, AuditSummary, CodeCount, GroupCost, LoggedFinding, Offender
from weakspot.rendering.audit import audit_fragment, audit_html, audit_renderable
from weakspot.rendering.audit_words import cautions, headline, verdict

FORBIDDEN = {"script", "iframe", "object", "embed", "img", "link", "base", "form", "audio", "video", "image", "use"}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]")


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> AuditSummary:
    """A small mixed corpus under a WordPiece that folds and forgets."""
    return audited(lossy_tokenizer(tmp_path_factory.mktemp("lossy")))


@pytest.fixture(scope="module")
def lossless(tmp_path_factory: pytest.TempPathFactory) -> AuditSummary:
    """The same corpus under a byte-level BPE."""
    return audited(lossless_tokenizer(tmp_path_factory.mktemp("lossless")))


def changed(summary: AuditSummary, **changes: object) -> AuditSummary:
    """The summary with other values; those of `whole` by their own names."""
    whole = {name: changes.pop(name) for name in ("documents", "lossy_documents", "tokens") if name in changes}
    return msgspec.structs.replace(summary, whole=msgspec.structs.replace(summary.whole, **whole), **changes)


def cost(group: str, premium: float | None = None, spread: float = 0.1, **more: object) -> GroupCost:
    """A group's costs."""
    made = GroupCost(
        group=group, documents=10, bytes=1000, characters=800, words=100, tokens=300, lossy_documents=0,
        bytes_per_token=3.33, fertility=1.5, premium=premium, premium_low=premium and premium - spread,
        premium_high=premium and premium + spread, parallel=8 if premium else 0,
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def hostile(summary: AuditSummary, evil: str, groups: int = 3) -> AuditSummary:
    """The summary with a hostile text wherever a text can stand."""
    examples = tuple(
        finding(evil, source=evil, input=evil, decoded=evil, message=evil, before=evil, after=evil,
                ids=tuple(range(50)), span=(0, len(evil)), evidence={evil: evil, "list": [evil] * 40})
        for _ in range(5)
    )  # fmt: skip
    codes = (CodeCount(code=evil, stage="model", severity=5, findings=9, documents=3, examples=examples),) * 3
    kinds = ("word", "character", "token")
    return changed(
        summary, tokenizer=evil, fingerprint=evil, engine=evil, remarks=(evil,), corpus=(evil,), log=evil, codes=codes,
        sources=(AuditedSource(name=evil, kind=evil, documents=1, bytes=9, invalid_bytes=2, invalid_at=(1, 5), remark=evil),),
        groups=tuple(cost(f"{evil}{n}", 1 + n / 10) for n in range(groups)), reference_group=f"{evil}0",
        offenders=tuple(Offender(kind=kind, text=evil, times=2, pieces=9, ids=(1, 2)) for kind in kinds),
        digit_groupings={evil: 3},
    )  # fmt: skip


def printed(summary: AuditSummary, width: int = 100) -> str:
    """What a terminal with colours is given."""
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=True, color_system="truecolor", markup=True).print(
        audit_renderable(summary)
    )
    return out.getvalue()


def said(summary: AuditSummary) -> str:
    """The sentences of the verdict as one text."""
    return " ".join(f"{s.lead} {s.text} {s.after}" for s in verdict(summary))


def test_nothing_runs_and_nothing_is_loaded(lossy: AuditSummary) -> None:
    """The page has no script, handler or address, every link leads to one place on it, and its policy forbids more."""
    html = audit_html(lossy, "9.9")
    page = Page(html)
    assert FORBIDDEN.isdisjoint(tag for tag, _ in page.tags)
    names = {name for _, attributes in page.tags for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("src", "srcset", "action")]
    assert not re.search(r"url\(|@import", html[html.index("<style>") : html.index("</style>")])
    assert "content=\"default-src 'none'; style-src" in html
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page.values("href")} <= set(ids)
    assert "9.9" in page.text


@pytest.mark.parametrize("evil", [HOSTILE, LONG, '"><svg onload=alert(1)>\ud800', ""])
def test_hostile_text_is_text(lossy: AuditSummary, evil: str) -> None:
    """A hostile tokenizer, group, file, code or finding is shown and not obeyed, on the page and in a notebook."""
    for html in (audit_html(hostile(lossy, evil)), audit_fragment(hostile(lossy, evil))):
        page = Page(html)
        assert FORBIDDEN.isdisjoint(tag for tag, _ in page.tags)
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
        assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in page.values("id"))
        assert CONTROLS.search(html) is None
        assert len(html) < 1_000_000
        assert all(len(words) < 1_000 for words in re.findall(r"<li>(.*?)</li>", html))
        if evil == HOSTILE:
            assert "<script>alert('owned')</script>⟨U+202E⟩reversed" in page.text
            assert "{{ 7*7 }}" in page.text


def test_hostile_text_does_nothing_to_a_terminal(lossy: AuditSummary) -> None:
    """In a terminal only the colours of the table itself are escape sequences; rich's own markup is text."""
    text = printed(hostile(lossy, HOSTILE))
    assert CONTROLS.search(re.sub(r"\x1b\[[0-9;]*m", "", text)) is None
    assert "\x1b[31m\x1b]" not in text
    assert "[bold]" in text
    assert len(printed(hostile(lossy, LONG))) < 100_000


def test_a_huge_audit_gives_a_page_that_opens(lossy: AuditSummary) -> None:
    """5,000 groups, 60 kinds of hostile findings and 1,000 files with long names stay under 3 MB, and are counted."""
    many = hostile(lossy, LONG, groups=5_000)
    many = msgspec.structs.replace(
        many,
        codes=many.codes * 20,
        offenders=many.offenders * 2_000,
        sources=many.sources * 1_000,
        more_sources=77_000,
        remarks=many.remarks * 500,
    )
    html = audit_html(many)
    assert len(html.encode()) < 3_000_000
    text = Page(html).text
    assert "4,000 groups more in the summary's JSON" in text
    assert "4,960 groups between them are in the table only" in text
    assert "77,800 files more" in text
    assert "490 more remarks" in text


def test_the_verdict_counts_what_the_record_counts(lossy: AuditSummary) -> None:
    """Documents, tokens, the worst finding and the cost in the verdict are the record's."""
    whole, worst = lossy.whole, lossy.codes[0]
    assert headline(lossy) == f"small-wordpiece changes all {whole.documents} documents"
    text = said(lossy)
    assert f"{whole.documents} documents from 2 files" in text
    assert f"became {whole.tokens:,} tokens" in text
    assert f"Worst: {worst.code} (severity {worst.severity} of 5, {worst.stage}), {worst.findings} times" in text
    assert worst.examples[0].message in text
    assert f"{whole.bytes_per_token:.2f} bytes a token and {whole.fertility:.2f} tokens a word" in text
    fewer = changed(lossy, lossy_documents=3)
    assert headline(fewer) == f"small-wordpiece changes text in 3 of {whole.documents} documents"


def test_unknown_tokens_warn_of_flattered_costs(lossy: AuditSummary, lossless: AuditSummary) -> None:
    """Where a hundredth of the tokens is unknown, the page says that costs look better than they are; else not."""
    assert "Costs flatter it:" in {s.lead for s in cautions(lossy)}
    assert "Costs flatter it:" not in {s.lead for s in cautions(lossless)}


def test_a_lossless_tokenizer_is_said_to_be(lossless: AuditSummary) -> None:
    """Nothing lost is said as such, and no stage has a loss."""
    assert headline(lossless) == f"small-bytes gives back all {len(CORPUS)} documents unchanged"
    text = Page(audit_html(lossless)).text
    assert "Nothing is lost:" in text
    assert "Most losses" not in text
    assert "All losses" not in text


def test_no_findings_no_groups_no_numbers(lossless: AuditSummary) -> None:
    """An audit that found nothing, of documents without groups and numbers, says each of the three."""
    bare = changed(lossless, codes=(), groups=(), reference_group="", offenders=(), digit_groupings={}, numbers=0)
    text = Page(audit_html(bare)).text
    assert "no detector found anything in the corpus" in text
    assert "The documents name no language and no other group" in text
    assert "The corpus has no numbers of four digits or more." in text
    assert "No word, character or token stands behind a finding." in text
    assert "nan" not in printed(bare)


def test_an_empty_corpus(lossless: AuditSummary) -> None:
    """Without a document there is a page that says so, with dashes where a rate would be."""
    nothing = cost("", documents=0, bytes=0, characters=0, words=0, tokens=0, bytes_per_token=None, fertility=None)
    empty = msgspec.structs.replace(
        lossless, whole=nothing, groups=(), codes=(), sources=(), offenders=(), used=0, unknown=0, byte_fallback=0,
        renyi_efficiency=None, reference_group="", digit_groupings={}, numbers=0, seconds=0.0,
    )  # fmt: skip
    assert headline(empty) == "Nothing was audited: the corpus gave no documents"
    text = Page(audit_html(empty)).text
    assert "Nothing was audited" in text
    assert "No file was read." in text
    assert "nan" not in text
    assert "Nothing was audited" in audit_fragment(empty)
    assert "Nothing was audited" in printed(empty)


def test_an_incomplete_audit_says_so_before_anything_else(lossy: AuditSummary) -> None:
    """A stopped audit begins with the words, on the page before the first sentence, and in a terminal."""
    stopped = changed(lossy, complete=False)
    html = audit_html(stopped)
    assert html.index("Stopped before the end.") < html.index("Audited:")
    assert headline(stopped).startswith("So far: ")
    assert "Stopped before the end." in printed(stopped).split("Audited:")[0]
    assert "Stopped before the end." not in audit_html(lossy)


def test_the_premium_is_told_with_its_interval(lossless: AuditSummary) -> None:
    """The costliest group is named with its interval, and groups whose interval holds 1 are told as not shown."""
    groups = (cost("eng"), cost("tha", 6.5, 0.5), cost("deu", 1.02, 0.05), cost("ell", 2.5, 0.2), cost("notes"))
    rated = msgspec.structs.replace(lossless, groups=groups, reference_group="eng")
    text = said(rated)
    assert "of 3 groups, tha has the highest premium, 6.50× (95% interval 6.00–7.00×)" in text
    assert "2 of them need at least twice the tokens. No difference from it is shown for 1." in text
    page = Page(audit_html(rated)).text
    rows = page[page.index("Table of 5 groups") :]
    order = [rows.index(name) for name in ("tha", "ell", "deu", "eng", "notes")]
    assert sorted(order) == order
    assert "no difference shown" in rows
    unrated = msgspec.structs.replace(lossless, reference_group="", groups=tuple(cost(name) for name in ("a", "b")))
    assert "no premium can be given" in said(unrated)
    assert "Premium over" not in audit_html(unrated)


@pytest.mark.parametrize("code", ["unknown-token", "case-lost"])
def test_examples_mark_the_stretch_in_its_context(lossy: AuditSummary, code: str) -> None:
    """An example shows the text around it with the stretch marked, its ids, where it stood, and its sentence."""
    count = next(count for count in lossy.codes if count.code == code)
    example = count.examples[0]
    html = audit_html(msgspec.structs.replace(lossy, codes=(count,)))
    assert f"{example.before}<mark>{example.input}</mark>{example.after}" in html
    text = Page(html).text
    assert " ".join(map(str, example.ids)) in text
    assert example.message in text
    assert f"{example.source}, document {example.document:,}, bytes {example.span[0]:,}–{example.span[1]:,}" in text


def test_a_stretch_of_nothing_and_a_cut_one_are_seen(lossy: AuditSummary) -> None:
    """White space that was added has no stretch, a long one is cut: both are told."""
    added = finding(code="space-added", input="", span=(4, 4), before="a", after="b", severity=2)
    long = finding(code="truncation", input="y" * 200, span=(10, 5_010), after="unseen end")
    html = audit_html(msgspec.structs.replace(lossy, codes=(_alone(added), _alone(long))))
    assert 'a<mark class="nothing" title="nothing stood here"></mark>b' in html
    assert "at byte 4" in html
    assert "… 4,800 bytes more" in html
    assert "unseen end" not in html


def _alone(row: LoggedFinding) -> CodeCount:
    return CodeCount(code=row.code, stage=row.stage, severity=row.severity, findings=1, documents=1, examples=(row,))


def test_broken_input_is_located(lossy: AuditSummary) -> None:
    """Files with bytes that are no UTF-8 stand first, with number and places, and are told at the top."""
    clean = AuditedSource(name="clean.txt", kind="text", documents=1, bytes=10)
    broken = AuditedSource(
        name="broken.txt", kind="text.gz", documents=4, bytes=99, invalid_bytes=3, invalid_at=(17, 18, 4_021)
    )
    summary = msgspec.structs.replace(lossy, sources=(clean, broken))
    text = Page(audit_html(summary)).text
    assert "3 bytes in 1 file are no UTF-8; each was read as U+FFFD." in text
    assert "3, at byte 17, 18, 4,021" in text
    table = text[text.index("Bytes that are no UTF-8") :]
    assert table.index("broken.txt") < table.index("clean.txt")


def test_files_that_were_left_out_are_no_audited_files(lossy: AuditSummary) -> None:
    """A file that gave nothing is counted as left out, with its reason, and not among the files that were audited."""
    left = AuditedSource(name="deep/" * 40 + "data.jsonl", kind="jsonl", documents=0, bytes=0, remark="Left out: why.")
    summary = msgspec.structs.replace(lossy, sources=(*lossy.sources, left))
    assert f"documents from {len(lossy.sources)} files" in said(summary)
    text = Page(audit_html(summary)).text
    assert "Left out: 1 file; why stands beside each." in text
    assert "Left out: why." in text
    assert "deep/data.jsonl" in text
    assert "could not be read as expected" not in text


def test_a_saved_audit_renders_the_same(lossy: AuditSummary) -> None:
    """The page is made of the record alone: read back from JSON it gives the same page."""
    assert audit_html(from_json(to_json(lossy), AuditSummary)) == audit_html(lossy)


def test_the_terminal_has_the_numbers(lossy: AuditSummary) -> None:
    """Headline, findings, groups and facts are in the terminal's tables, 80 columns wide."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", printed(lossy, 120))
    assert headline(lossy) in text
    assert "Losses by stage: input 0 → normalizer" in text
    for count in lossy.codes:
        assert count.code in text
    assert lossy.fingerprint in text
    narrow = re.sub(r"\x1b\[[0-9;]*m", "", printed(lossy, 80))
    assert max(map(len, narrow.splitlines())) <= 80


@pytest.mark.tokenizers
def test_a_real_tokenizer(real_tokenizer: Callable[..., object], tmp_path: Path) -> None:
    """BERT's own file gives a page on which its truncation and its lost accents are told."""
    from weakspot.tokens.face import Tokenizer

    tokenizer = real_tokenizer("bert-minilm")
    assert isinstance(tokenizer, Tokenizer)
    text = Page(audit_html(audited(tokenizer))).text
    assert "accents-lost" in text
    assert "unknown-token" in text
    assert "that was undone" in text
