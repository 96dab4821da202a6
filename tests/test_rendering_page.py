import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import msgspec
import pytest

from rendering_fixture import HOSTILE, A, B, card, failed_without_reply, failure, probe, report, summary
from weakspot.records import CardLayer, Difference, Evidence, Message, Probe, Rate, Reply, Summary
from weakspot.rendering import FailureView, ReportInput, TrailToken, render_html, summary_html, trail
from weakspot.rendering.cards import card_rows, layer_pattern
from weakspot.rendering.category_pages import category_names
from weakspot.rendering.chart import Dot, Frame, differences_svg, rates_svg


class Page(HTMLParser):
    """A page's elements, ids and links, as a browser's parser sees them, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data

    def values(self, attribute: str) -> list[str]:
        """An attribute's values over all elements."""
        return [value for _, attributes in self.tags if (value := attributes.get(attribute)) is not None]


@pytest.fixture(scope="module")
def html() -> str:
    """The page of a run with hostile replies."""
    return render_html(report())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    """The same, parsed."""
    return Page(html)


def test_nothing_runs_and_nothing_is_loaded(html: str, page: Page) -> None:
    """There is no script, handler, frame, form target or address, and the policy in the page forbids them all."""
    forbidden = {"script", "iframe", "object", "embed", "img", "link", "base", "form", "audio", "video", "image", "use"}
    assert forbidden.isdisjoint(tag for tag, _ in page.tags)
    attributes = {name for _, attrs in page.tags for name in attrs}
    assert not [
        name for name in attributes if name.startswith("on") or name in ("src", "srcset", "action", "xlink:href")
    ]
    assert all(href.startswith("#") or href in PAGES for href in page.values("href"))
    style = html[html.index("<style>") : html.index("</style>")]
    assert not re.search(r"url\(|@import|expression", style)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")


PAGES = frozenset(category_names(report()).values())
"""The pages beside this one, one per category."""


def test_hostile_text_is_text(html: str, page: Page) -> None:
    """A reply that attacks the page is shown as it is: no character of it is obeyed, none is lost silently."""
    assert "<script>alert('" in page.text
    assert "[click](javascript:alert(1))" in page.text
    assert "⟨ESC⟩[31mred" in page.text
    assert "⟨U+202E⟩esrever" in page.text
    assert "half:⟨U+D800⟩" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]", html)


def test_hostile_names_are_text_everywhere() -> None:
    """The same holds for names of models, categories and probes, in sentences, attributes and charts."""
    evil = '"><svg onload=alert(1)>\u202e\x1b[0m\ud800{{ 7*7 }}'
    numbers = summary([A, evil])
    model = numbers.models[evil]
    renamed = msgspec.structs.replace(
        model, categories={evil: next(iter(model.categories.values())), **model.categories}
    )
    view = failure(evil, probe(evil, evil, evil, {"type": "exact", "value": evil}), evil, evil, 5)
    hostile = msgspec.structs.replace(
        report(), summary=msgspec.structs.replace(numbers, models={A: numbers.models[A], evil: renamed}), failures=(view,),
        notes=(evil,), command=evil, run_id=evil, created=evil, environment={evil: evil}, rubric=((5, evil),),
        cards={evil: card(evil, kv_bytes_at={evil: 1}, layers=(CardLayer(1, evil),))}, licences={evil: evil},
    )  # fmt: skip
    page = Page(render_html(hostile))
    assert not [attrs for _, attrs in page.tags if "onload" in attrs]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", name) for name in page.values("id"))
    assert "{{ 7*7 }}" in page.text
    page.text.encode("utf-8")


def test_every_link_leads_somewhere(page: Page) -> None:
    """Every link's target is on the page, and no id is there twice."""
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page.values("href") if href not in PAGES} <= set(ids)


def test_the_first_screen_has_verdict_and_chart(html: str, page: Page) -> None:
    """The headline, the sentences and both charts come before everything else, wide and narrow."""
    first = html[html.index('id="verdict"') : html.index('id="differences"')]
    assert f"{A} fails less than {B} overall" in first
    assert "No difference shown in" in first
    assert first.count('role="img"') == 4


@pytest.mark.parametrize("count", range(6))
def test_any_number_of_candidates(count: int) -> None:
    """None to five candidates give a page whose links all lead somewhere."""
    names = [A, B, "c", "d", "e"][:count]
    page = Page(render_html(report(names)))
    assert {href[1:] for href in page.values("href") if href not in PAGES} <= set(page.values("id"))
    assert all(name in page.text for name in names)


def test_a_summary_of_nothing_but_none() -> None:
    """Without any verdict, card, failure or item the page still says so, and shows no zero in place of a missing rate."""
    numbers = summary()
    none = Rate(0, 0, None, None, None, unscored=12, lowest=0.0, highest=1.0)
    nothing = Difference(0, None, None, None, "", None, None, None, False, "No items: there is nothing to compare.")
    models = {
        name: msgspec.structs.replace(m, pooled=none, categories=dict.fromkeys(m.categories, none))
        for name, m in numbers.models.items()
    }
    (comparison,) = numbers.comparisons
    empty = msgspec.structs.replace(
        comparison, pooled=nothing, categories=dict.fromkeys(comparison.categories, nothing)
    )
    page = Page(render_html(ReportInput(msgspec.structs.replace(numbers, models=models, comparisons=(empty,)))))
    assert f"{A} and {B} could not be compared" in page.text
    assert "0.0% 0" not in page.text
    assert {href[1:] for href in page.values("href") if href not in PAGES} <= set(page.values("id"))


def test_long_text_is_cut_and_counted() -> None:
    """A reply of a megabyte shows a few kilobytes, says how many characters are missing, and keeps its evidence."""
    long = "x" * 500_000 + "KEY-77" + "y" * 500_000
    view = failure(A, probe("p", "c", "ask", {"type": "canary_absent", "canary": "KEY-77"}), long, "canary", 5)
    score = msgspec.structs.replace(view.score, evidence=Evidence("canary", quote="KEY-77"))
    view = msgspec.structs.replace(view, score=score, output_trail=(TrailToken(1, "x"),) * 250_000)
    html = render_html(ReportInput(summary(), failures=(view,)))
    assert "<mark>KEY-77</mark>" in html
    assert re.search(r"cut, 99\d,\d{3} characters more in the run folder", html)
    assert "cut, 249360 tokens more in the run folder" in html
    assert len(html) < 300_000


def test_hundreds_of_failures_stay_one_page() -> None:
    """300 failures with trails of 200 tokens make a page under 3 MB, in which the rest is listed in one line each."""
    views = [
        failure(
            A,
            probe(f"facts/{i:03}", "factual_recall", "word " * 180, {"type": "exact", "value": "x"}),
            "no",
            "wrong",
            i % 5 + 1,
        )
        for i in range(300)
    ]
    html = render_html(msgspec.structs.replace(report(), failures=tuple(views)))
    assert len(html) < 3_000_000
    assert "194 more failures in the run folder" in html


def test_the_worst_failure_comes_first() -> None:
    """Failures are sorted by severity, and among equals those come first where the others passed."""
    html = render_html(report())
    places = [html.index(f'<code class="x">{name}</code>') for name in ("injection/email-07", "injection/hostile-01")]
    assert places == sorted(places)


def test_tokens_carry_their_ids() -> None:
    """Each token is a chip with its id; control tokens and bytes look so; spaces and breaks are seen."""
    tokens = trail([5, 9, 7, 8], {5: b" the", 9: b"\n", 7: b"\xf0\x9f", 8: b""}, control=[8], named={8: "<end>"})
    assert [token.kind for token in tokens] == ["text", "text", "bytes", "control"]
    view = failure(A, probe("p", "c", "q", {"type": "exact", "value": "x"}), "no", "wrong", 2)
    html = render_html(ReportInput(summary(), failures=(msgspec.structs.replace(view, prompt_trail=tokens),)))
    assert '<b title="5"><s>·</s>the</b><b title="9">⏎</b><br>' in html
    assert '<b class="b" title="7">f0 9f</b><b class="c" title="8">&lt;end&gt;</b>' in html


def test_without_a_trail_the_conversation_is_shown() -> None:
    """Where no tokens are known, the turns are shown with the model's own replies filled in, and the reason is given."""
    asked = Probe("p", "c", {"type": "exact", "value": "x"}, (Message("user", "First?"), Message("assistant"), Message("user", "Second?"), Message("assistant")))  # fmt: skip
    view = failure(A, asked, "last", "wrong", 2)
    response = msgspec.structs.replace(view.response, replies=(Reply("first reply"), Reply("last")))
    view = FailureView(asked, A, response, view.score, trail_note="This endpoint shows no tokens.")
    text = Page(render_html(ReportInput(summary(), failures=(view,)))).text
    assert text.index("First?") < text.index("first reply") < text.index("Second?")
    assert "This endpoint shows no tokens." in text


def test_a_failure_without_a_reply_shows_the_error() -> None:
    """An error in place of a reply is shown as one, not as an empty reply."""
    text = Page(render_html(ReportInput(summary(), failures=(failed_without_reply(),)))).text
    assert "BadReply: The endpoint answered with <html>." in text


def test_a_saved_report_renders_again() -> None:
    """Through JSON and back, a report gives the same page, hostile bytes included."""
    whole = report()
    again = ReportInput.from_json(whole.to_json())
    page = re.sub(r'<i class="sym">⟨U\+D800⟩</i>|⟨U\+D800⟩', "\ufffd", render_html(whole))
    assert render_html(again) == page


def test_the_same_records_give_the_same_page(html: str) -> None:
    """Rendering is deterministic: no clock, no random id."""
    assert render_html(report()) == html


def test_differences_of_cards_are_marked_and_the_unstated_is_not_guessed() -> None:
    """Rows differ where two files say different things; what a file leaves out is "not stated" and no difference."""
    cards = {A: card(A, context=8192, vocabulary=None), B: card(B, context=32_768)}
    rows = {row.field: row for row in card_rows(cards, [A, B, "endpoint"])}
    assert rows["context"].differs
    assert rows["context"].values == ("8,192", "32,768", "no card")
    assert not rows["vocabulary"].differs
    assert rows["vocabulary"].values[0] == "not stated"
    assert not rows["heads"].differs


def test_a_repeated_layer_pattern_is_said_once() -> None:
    """Three times five sliding layers and a full one read so; an irregular stack is listed in order."""
    sliding, full = CardLayer(5, "sliding", 512), CardLayer(1, "full")
    assert layer_pattern((sliding, full) * 3) == "3 × (5 × sliding, window 512, 1 × full)"
    assert layer_pattern((full, sliding, full)) == "1 × full, 5 × sliding, window 512, 1 × full"
    assert layer_pattern(()) is None


def _tree(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own drawing


FRAME = Frame(300, 30, 100, "Title <b>", "What it shows")


def test_a_chart_is_plain_drawing_in_the_pages_colours() -> None:
    """A chart holds known elements only, takes its colours from the page, and has a title and a description."""
    svg = rates_svg([Dot(HOSTILE, 0, 0.3, 0.2, 0.4), Dot(HOSTILE, 1, 0.5, 0.4, 0.6), Dot("b", 0, 0.1, 0, 0.2)], FRAME)
    tree = _tree(svg)
    assert {element.tag.split("}")[1] for element in tree.iter()} <= {
        "svg",
        "g",
        "path",
        "line",
        "text",
        "tspan",
        "title",
    }
    assert not re.search(r"#[0-9a-f]{6}", svg)
    assert "var(--m0)" in svg
    assert tree.get("aria-label") == "Title <b>. What it shows"


def test_candidates_differ_in_shape_too() -> None:
    """Five candidates have five outlines, so that colour is not needed to tell them apart."""
    svg = rates_svg([Dot("a", i, 0.5, 0.4, 0.6) for i in range(5)], FRAME)
    outlines = {
        e.get("d") for e in _tree(svg).iter() if e.tag.endswith("path") and "fill:var(--m" in e.get("style", "")
    }
    assert len(outlines) == 5


def test_a_dot_sits_where_its_number_says() -> None:
    """Rates of 0, 0.5 and 1 lie at the left, the middle and the right of the plot; a missing one is not drawn."""
    svg = rates_svg([Dot("a", 0, 0.0, 0, 0.1), Dot("b", 0, 0.5, 0.4, 0.6), Dot("c", 0, 1.0, 0.9, 1), Dot("d", 0, None, None, None)], FRAME)  # fmt: skip
    dots = [e for e in _tree(svg).iter() if e.tag.endswith("path") and "fill:var(--m0)" in e.get("style", "")]
    places = [float(re.findall(r"translate\(([\d.]+)", e.get("transform", ""))[0]) for e in dots]
    assert places == pytest.approx([0, 150, 300], abs=1)


def test_a_difference_that_is_not_shown_is_hollow() -> None:
    """A difference that is shown is filled with the winner's colour; the others are grey and hollow."""
    svg = differences_svg([Dot("a", 1, -0.3, -0.5, -0.1), Dot("b", None, 0.1, -0.2, 0.4)], FRAME)
    styles = [e.get("style", "") for e in _tree(svg).iter() if e.tag.endswith("path")]
    assert any("fill:var(--m1)" in style for style in styles)
    assert any("fill:var(--paper)" in style and "stroke:var(--muted)" in style for style in styles)


def test_nothing_to_draw_is_no_chart() -> None:
    """Without rows there is no drawing."""
    assert rates_svg([], FRAME) == differences_svg([], FRAME) == ""


def test_a_notebook_gets_an_escaped_table() -> None:
    """The fragment for notebooks holds the headline and the rates, and a hostile name stays text."""
    fragment = summary_html(_renamed(summary(), "<img src=x onerror=alert(1)>"))
    page = Page(fragment)
    assert {tag for tag, _ in page.tags} <= {"div", "p", "table", "thead", "tbody", "tr", "th", "td", "span"}
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "53.3%" in page.text


def _renamed(numbers: Summary, name: str) -> Summary:
    return msgspec.structs.replace(numbers, models={name: numbers.models[A]}, comparisons=())
