"""The picture of `tokens show`: everything is escaped, nothing is loaded, and long texts stay readable."""

import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models

from weakspot import tokens
from weakspot.findings.viewing import view_text
from weakspot.records import TokenView
from weakspot.rendering.token_view import (
    MOST_PIECES,
    token_view_fragment,
    token_view_html,
    token_view_renderable,
)
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_hf import from_json

HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e[bold]x[/bold]&amp;\n"
VOCAB = {letter: number for number, letter in enumerate(sorted({*HOSTILE, *"abc \n"}))}


class Tags(HTMLParser):
    """Collects what a page is made of: elements, and every attribute that could load something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loads: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.names.add(tag)
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset", "onclick", "onload")]
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """An element ends where the last one began."""
        assert self.open.pop() == tag


def letters(name: str = "letters") -> Tokenizer:
    """A tokenizer of single letters."""
    made = Library(models.BPE({**VOCAB, "<unk>": len(VOCAB)}, [], unk_token="<unk>"))
    made.decoder = decoders.Fuse()
    return from_json(made.to_str(), name)


def view(text: str, name: str = "letters") -> TokenView:
    """A text under a tokenizer of single letters."""
    return view_text(letters(name), text)


def terminal(views: list[TokenView], *, colours: bool) -> str:
    """What is printed."""
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=colours, markup=False, highlight=False, emoji=False)
    console.print(token_view_renderable(views, colours=colours))
    return out.getvalue()


@pytest.mark.parametrize("name", ["letters", HOSTILE])
def test_a_page_is_whole_and_loads_nothing(name: str) -> None:
    """Whatever a text and a name hold, the page has no script, no link, and every element is closed."""
    page = token_view_html([view(HOSTILE, name), view("a\n\nbß", name)], "1.0")
    tags = Tags(page)
    assert tags.open == []
    assert tags.loads == []
    assert tags.names <= {
        "html", "head", "meta", "title", "style", "body", "header", "main", "section", "div", "p", "h1", "h2", "h3", "b",
        "i", "s", "br", "ul", "li", "code", "small", "span", "footer", "details", "summary", "dl", "dt", "dd",
    }  # fmt: skip
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "default-src 'none'" in page


def test_a_fragment_is_whole() -> None:
    """The fragment for notebooks is escaped and closed likewise."""
    tags = Tags(token_view_fragment([view(HOSTILE)]))
    assert tags.open == []
    assert tags.loads == []
    assert "script" not in tags.names


def test_the_page_says_what_the_record_says() -> None:
    """Every id, finding and the fingerprint stand on the page, and lossy is said so."""
    shown = view("a\n\nbß\x00")
    page = token_view_html([shown])
    assert re.findall(r"<i>(\d+)</i>", page) == [str(token) for token in shown.ids]
    assert shown.fingerprint in page
    assert "lossy" in page
    for finding in shown.findings:
        assert f"<code>{finding.code}</code>" in page
        assert f"bytes {finding.start}–{finding.end}" in page


def test_lines_break_where_the_text_does() -> None:
    """A line ends behind a piece that ends one."""
    page = token_view_html([view("a\nb\n")])
    pieces = page[page.index('<div class="toks view">') : page.index("<h3>Decoded")]
    assert pieces.count("<br>") == 2


def test_long_texts_are_cut_and_counted() -> None:
    """Only the first 2,000 pieces are drawn, and the page and the terminal say how many more there are."""
    shown = view("a" * (MOST_PIECES + 1234))
    page = token_view_html([shown])
    assert len(re.findall(r"<i>\d+</i>", page)) == MOST_PIECES
    assert "1,234 pieces more" in page
    assert "1,234 pieces more" in terminal([shown], colours=False)


@pytest.mark.parametrize("colours", [True, False])
def test_the_terminal_is_not_steered(colours: bool) -> None:
    """Neither escape sequences nor rich's own markup in a text do anything; columns of two tokenizers stand in line."""
    printed = terminal([view(HOSTILE), view(HOSTILE, "other")], colours=colours)
    plain = re.sub(r"\x1b\[[\d;]*m", "", printed)
    assert "\x1b" not in plain
    assert "\u202e" not in plain
    assert "[bold]" in plain.replace("│", "")
    assert "lossless" in plain


def test_an_empty_text_has_a_picture() -> None:
    """No pieces, no findings: the page and the lines say so."""
    shown = view("")
    assert "Nothing to remark" in token_view_html([shown])
    assert "no tokens" in terminal([shown], colours=False)


def test_views_draw_themselves_in_a_notebook() -> None:
    """What `show` returns is a row of views with a picture of its own and a short word in the prompt."""
    found = tokens.show("abß", letters())
    assert len(found) == 1
    assert repr(found) == "TokenViews(letters: 3 tokens, lossy)"
    assert found._repr_html_() == token_view_fragment(found.views)
    assert found.html().startswith("<!doctype html>")
