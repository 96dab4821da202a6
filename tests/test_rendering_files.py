import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from rendering_fixture import HOSTILE, A, B, items, report, summary
from weakspot.errors import DiskFull
from weakspot.records import Summary, from_json
from weakspot.rendering import csv_rows, render_markdown, summary_renderable, write_csv, write_report
from weakspot.rendering.category_pages import category_names
from weakspot.rendering.csv import cell
from weakspot.rendering.markdown import escaped, fenced
from weakspot.rendering.text import one_line, visible

MARKDOWN = MarkdownIt("commonmark").enable("table")
ANY = st.text(st.characters(exclude_categories=()))
# Pieces that mean something in Markdown: random characters alone hardly ever form any of it.
MARKUP = st.lists(
    st.sampled_from(["`", "``", "*", "_", "[a]", "(b)", "<b>", "&amp;", "|", "\\", "#", "- ", "1. ", "> ", "!", "~~", "x", " ", "\n"])
).map("".join)  # fmt: skip


def test_a_report_is_three_files_and_a_page_per_category(tmp_path: Path) -> None:
    """The pages, the Markdown and the numbers are written, the numbers read back, and nothing else is left."""
    written = write_report(report(), tmp_path / "run")
    names = ["report.html", "report.md", "summary.json", *category_names(report()).values()]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(names)
    assert from_json(written[2].read_bytes(), Summary) == report().summary
    assert json.loads(written[2].read_text())["models"][A]["pooled"]["n"] == 92
    assert "\r" not in written[0].read_text(encoding="utf-8")


def test_a_full_disk_keeps_the_old_report(small_disk: Path) -> None:
    """Where the new page does not fit, the old one is still whole, and no half file is left."""
    (small_disk / "report.html").write_text("old")
    (small_disk / "fill").write_bytes(b"0" * (900 << 10))
    with pytest.raises(DiskFull, match=r"report\.html"):
        write_report(report(), small_disk)
    assert (small_disk / "report.html").read_text() == "old"
    assert sorted(path.name for path in small_disk.iterdir()) == ["fill", "report.html"]


def test_markdown_holds_no_html_but_its_own_anchors() -> None:
    """Parsed as Markdown, the report has no foreign HTML, no outside link, and every link's target exists."""
    text = render_markdown(report())
    found = list(_tokens(MARKDOWN.parse(text)))
    html = [token.content for token in found if token.type in ("html_inline", "html_block")]
    assert all(re.fullmatch(r'(<a id="[a-zA-Z0-9_-]+">(</a>)?|</a>)\s*', part) for part in html)
    links = {token.attrGet("href") for token in found if token.type == "link_open"}
    ids = re.findall(r'<a id="([^"]+)"></a>', text)
    assert links
    assert {link[1:] for link in links} <= set(ids)
    assert len(ids) == len(set(ids))
    assert not [token for token in found if token.type == "image"]


def test_markdown_says_what_the_page_says() -> None:
    """The verdict, a rate, a difference, a failure, a card, a hypothesis and the command are all in it."""
    text = render_markdown(report())
    for part in (
        f"# {A} fails less than {B} overall",
        "53.3% (49/92; 43.1–63.1%",
        "−35.7",
        "ZEBRA-4417",
        "134.5 M",
        "sliding window",
    ):
        assert part in text
    assert f"weakspot compare {A} {B} --suite core --quick --out run" in text


@given(st.one_of(ANY, MARKUP))
def test_escaped_text_reads_as_it_was(text: str) -> None:
    """Foreign text, escaped and parsed as a list item and as a table cell, is that one line of text and nothing else."""
    line = one_line(text, 400)
    for source, head in ((f"- {escaped(text)}", ""), (f"| a |\n| --- |\n| {escaped(text)} |", "a")):
        found = [token for token in _tokens(MARKDOWN.parse(source)) if token.type not in STRUCTURE]
        shown = "".join(token.content for token in found)
        assert {token.type for token in found} <= {"text", "text_special", "inline"}
        assert shown.removeprefix(head).strip() == line.strip()


STRUCTURE = frozenset(
    f"{name}_{end}" for name in ("bullet_list", "list_item", "paragraph", "table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")
)  # fmt: skip


@given(st.one_of(ANY, MARKUP))
def test_nothing_gets_out_of_a_fence(text: str) -> None:
    """A fenced block of foreign text is one block with that text, whatever backticks it holds."""
    blocks = MARKDOWN.parse(fenced(text))
    assert [block.type for block in blocks] == ["fence"]
    assert blocks[0].content == visible(text) + "\n"


def test_a_bare_address_is_no_link() -> None:
    """Addresses in foreign text are broken up, so that even a Markdown with automatic links makes none."""
    assert escaped("see http://evil.example and www.evil.example") == r"see http:\//evil.example and www\.evil.example"


def _tokens(tokens: list) -> list:  # type: ignore[type-arg]
    """All tokens, those inside of lines in place of their line."""
    return [inner for token in tokens for inner in (_tokens(token.children) if token.children else [token])]


def test_csv_has_a_row_per_probe_and_candidate(tmp_path: Path) -> None:
    """Every item of every candidate is a row; missing is empty, true is `true`."""
    write_csv(csv_rows(items()), tmp_path / "items.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "items.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 2 * len(items())
    odd = [row for row in rows if row["probe"] == "bias/pair-99"]
    assert [(row["candidate"], row["passed"], row["reason"]) for row in odd] == [
        (A, "", "cut before a verdict"),
        (B, "", "cut before a verdict"),
    ]
    assert {row["passed"] for row in rows} == {"true", "false", ""}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1", "=cmd|' /C calc'!A0", "＝1"]
)
def test_a_formula_is_text(text: str) -> None:
    """What a spreadsheet would run starts with an apostrophe."""
    assert cell(text).startswith("'")


@given(ANY)
def test_no_text_cell_can_start_a_formula(text: str) -> None:
    """No text, whatever it holds, comes out as a cell that starts a formula, and plain text stays as it is."""
    assert not cell(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    if text.isalnum():
        assert cell(text) == visible(text)


def test_numbers_stay_numbers() -> None:
    """A negative number is no formula, and a boolean no number."""
    assert [cell(value) for value in (-1.5, 3, True, False, None)] == ["-1.5", "3", "true", "false", ""]


def test_hostile_cells_come_back_whole(tmp_path: Path) -> None:
    """Quotes, commas and line breaks survive a round trip, and the columns are those asked for."""
    rows = [{"a": 'x,"y"\nz', "b": HOSTILE, "c": 1}, {"a": "only"}]
    write_csv(rows, tmp_path / "x.csv", ["b", "a"])
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["b", "a"], [visible(HOSTILE), 'x,"y"\nz'], ["", "only"]]


def test_no_rows_is_a_file_with_a_head_only(tmp_path: Path) -> None:
    """An empty table has its columns, or nothing at all."""
    write_csv([], tmp_path / "x.csv", ["a"])
    assert (tmp_path / "x.csv").read_bytes() == b"a\r\n"


def _terminal(numbers: Summary, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(summary_renderable(numbers))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_the_terminal_shows_rates_and_verdict() -> None:
    """The table has a rate for each model and category, and the verdict stands in words."""
    text = _terminal(summary())
    assert f"{A} fails less than {B} overall" in text
    assert re.search(r"Hallucination +50\.0% \(7/14; 26\.8–73\.2%\) +85\.7%", text)
    assert "No difference shown in Factual recall" in text


def test_a_terminal_obeys_no_name() -> None:
    """Escape sequences and rich's own markup in a model's name are shown as text."""
    name = "\x1b]0;owned\x07\x1b[2J[red]x[/red][link=http://evil.example]"
    text = _terminal(summary([A, name]), 200)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]x" in text


@pytest.mark.parametrize("names", [[], [A], [A, B, "c", "d", "e"]], ids=len)
def test_a_terminal_takes_any_number_of_candidates(names: list[str]) -> None:
    """None, one or five candidates fit a narrow terminal without an error, and each is named."""
    text = _terminal(summary(names), 60)
    assert all(name[:5] in text for name in names)
