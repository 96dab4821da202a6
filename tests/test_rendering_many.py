"""Three and more candidates side by side, and the pages of the categories."""

import re

import msgspec

from rendering_fixture import HOSTILE, A, B, report
from weakspot.records.summary import Standing
from weakspot.rendering.anchors import Anchors
from weakspot.rendering.category_pages import category_files, category_names
from weakspot.rendering.items import csv_rows
from weakspot.rendering.markdown import render_markdown
from weakspot.rendering.matrix import matrix_rows
from weakspot.rendering.page import render_html
from weakspot.rendering.view import ItemResult, ItemRow, ReportInput


def ranked() -> ReportInput:
    """A report of three candidates with a ranking."""
    made = report([A, B, "c"])
    ranking = (Standing("c", 90, 20, "a"), Standing(A, 90, 30, "ab"), Standing(B, 90, 60, "b"))
    return msgspec.structs.replace(made, summary=msgspec.structs.replace(made.summary, ranking=ranking))


def test_the_matrix_says_each_pair_from_both_sides() -> None:
    """A pair's two cells are each other's negative, interval ends swapped, and carry opposite marks."""
    made = ranked()
    rows = matrix_rows(made, Anchors(made))
    assert [row.name for row in rows] == ["c", A, B]
    for i, row in enumerate(rows):
        for j, cell in enumerate(row.cells):
            other = rows[j].cells[i]
            if i == j:
                assert cell.anchor is None
                continue
            assert cell.anchor == other.anchor
            assert cell.difference.lstrip("+−") == other.difference.lstrip("+−")
            assert cell.difference != other.difference or float(cell.difference) == 0
            assert {cell.mark, other.mark} in ({""}, {"fails less", "fails more"})


def test_the_page_shows_letters_and_cost_beside_failures() -> None:
    """With a ranking there is a section with failures, letters, latency and tokens; without one there is none."""
    assert 'id="candidates"' in render_html(ranked())
    assert 'id="candidates"' not in render_html(report())
    assert "Who shares a letter is not told apart" in render_markdown(ranked())


def test_a_terminal_shows_many_pairs_in_one_table() -> None:
    """Three candidates and more get a row for each pair instead of a table for each."""
    from io import StringIO

    from rich.console import Console

    from weakspot.rendering.terminal import summary_renderable

    out = StringIO()
    Console(file=out, width=200).print(summary_renderable(ranked().summary))
    assert out.getvalue().count(" minus ") == 3
    assert "c 20/90 (a)" in out.getvalue()


def test_every_category_has_a_page_with_every_reply() -> None:
    """A category's page holds each of its items with what was asked and what each candidate said."""
    made = report()
    rows = (
        ItemRow(
            "bias/x", "bias", True, {A: ItemResult(False, reply="aa<b>"), B: ItemResult(True, reply="bb")}, asked="Q?"
        ),
        ItemRow("bias/y", "bias", False, {A: ItemResult(None, reason="why not", reply="")}, arm="control", asked="Z?"),
    )
    pages = category_files(msgspec.structs.replace(made, items=rows))
    assert set(pages) == set(category_names(made).values())
    page = pages[category_names(made)["bias"]]
    for text in ("Q?", "Z?", "aa&lt;b&gt;", "bb", "why not", "(empty)", "control, not counted", "verdicts differ"):
        assert text in page


def test_a_category_page_obeys_nothing() -> None:
    """Replies, questions and reasons of an attacker are text on the page, and names of files are plain letters."""
    evil = ItemRow(HOSTILE, "bias", True, {A: ItemResult(False, reason=HOSTILE, reply=HOSTILE)}, asked=HOSTILE)
    page = category_files(msgspec.structs.replace(report(), items=(evil,)))[category_names(report())["bias"]]
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u200b\ud800-\udfff]", page)
    made = report()
    model = made.summary.models[A]
    odd = msgspec.structs.replace(model, categories={"../../etc/passwd": model.pooled, "": model.pooled})
    names = category_names(
        msgspec.structs.replace(made, summary=msgspec.structs.replace(made.summary, models={A: odd}, comparisons=()))
    )
    assert list(names.values()) == ["category-01-etc-passwd.html", "category-02.html"]


def test_items_csv_holds_question_and_reply() -> None:
    """A reader of the table needs no other file to see what was said."""
    row = ItemRow("p", "bias", True, {A: ItemResult(True, reply="yes")}, asked="Is it?")
    assert [(r["asked"], r["reply"]) for r in csv_rows((row,))] == [("Is it?", "yes")]
