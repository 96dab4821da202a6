"""The page of `weakspot look`: whole without its script, safe whatever a model says, and its script runs."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import msgspec
import pytest

from weakspot.records.look import (
    Agreement,
    AttentionMap,
    Head,
    HeadEffect,
    Induction,
    LensCell,
    LensLayer,
    Look,
    LookAnswer,
    LookToken,
    Massive,
    PatchEffect,
    Patching,
    Residual,
    Stack,
)
from weakspot.rendering.look import headline
from weakspot.rendering.look import said as lines_of
from weakspot.rendering.look_page import data_json, look_html
from weakspot.rendering.look_rows import arrives, settles, strongest
from weakspot.rendering.look_words import agreement_words, signed

HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>\u202e\x00\u2028\"'`${1}{{ 7*7 }}\n&lt;"
MEGABYTE = 1_000_000


def attention(
    stack: Stack, layer: int, head: int, size: tuple[int, int], tiles: tuple[int, int] = (1, 1)
) -> AttentionMap:
    """Each query looks half at the first key, half at its own."""
    rows, columns = size
    data = bytearray(rows * columns)
    for row in range(rows):
        data[row * columns] = data[row * columns + min(row, columns - 1)] = 180
    return AttentionMap(stack, layer, head, rows, columns, *tiles, base64.b64encode(bytes(data)).decode())


def effect(
    *heads: str, own: float = -1.5, others: tuple[float, ...] = (0.1, -0.2, 0.05), how: str = "mean"
) -> HeadEffect:
    """An effect that is larger than all others."""
    as_large = sum(abs(one) >= abs(own) for one in others)
    p = (as_large + 1) / (len(others) + 1)
    said = f"Without {', '.join(heads)} the answer is {abs(own):.2f} nats less likely."
    return HeadEffect(heads, "the answer", how, -0.5, own - 0.5, own, others, as_large, p, sentence=said)  # type: ignore[arg-type]


def tokens(text: str, count: int, *, grouped: bool = False) -> tuple[LookToken, ...]:
    """So many tokens of one text, with all values; the first has no surprisal."""
    return tuple(
        LookToken(n, text, n / 7 if n else None, (n % 5 - 2) / 3, 0.1, -0.2, n // 16 if grouped else None)
        for n in range(count)
    )


def a_look(text: str = " word", *, layers: int = 3, heads: int = 2, length: int = 6, side: int = 96) -> Look:
    """A decoder with everything that a record can hold, every text of it the one given."""
    tile = -(-length // side)
    size = -(-length // tile)
    names = list(product(range(layers), range(heads)))
    return Look(
        model=text,
        reference=text,
        architecture=text,
        layers={"decoder": layers},
        dtype="float32",
        prompt=text * 3,
        tokens=tokens(text, length, grouped=length > 128),
        answer=LookAnswer((3,), text, -0.25, 0, True, ((text, 0.8), (text, 0.1))),
        heads=tuple(Head("decoder", x, y, 1.2, 0.5, 0.6, 0.2, 3.5, 0.9 / (x + y + 1)) for x, y in names),
        maps=tuple(attention("decoder", x, y, (size, size), (tile, tile)) for x, y in names),
        lens=tuple(LensLayer(n, 10 ** (layers - n), 0.1 * n, 1.0, ((text, 0.5),)) for n in range(layers + 1)),
        lens_grid=tuple(LensCell(n, at, text, 0.3) for n in range(layers + 1) for at in range(max(0, length - 24), length)),
        residual=(Residual("decoder", tile, ((1.5,) * size,) * (layers + 1), ((9.0,) * size,) * (layers + 1)),),
        massive=(Massive("decoder", 1, 2, 0, text, 507, -2255.0, 11855.0),),
        agreement=(Agreement("ablation", "gradient x input", 0.05, length, 1, 5),),
        induction=Induction(60, 4, 8, 0.6, ("L0H0",), 14.0, 2.7, (effect("L0H0", own=-3.0),)),
        ablations=(effect("L1H1"), effect("L0H0", "L1H1", own=0.01)),
        patching=Patching(
            text, (text,) * length, text, text, 5.0, -5.0, True,
            residual=tuple(PatchEffect("residual", n, at, 1.0 * n, 0.1 * n) for n in range(layers) for at in (1, 2)),
            by_head=tuple(PatchEffect(f"L{x}H{y}", x, None, -0.5, -0.05) for x, y in names),
            heads=(effect("L1H1", own=0.3, how="patch"),),
        ),
        notes=(text,),
    )  # fmt: skip


def encoder_decoder() -> Look:
    """Three stacks, a target, heads named with their stack; what is measured in decoders alone is missing."""
    names: list[tuple[Stack, int, int]] = [
        (stack, layer, head) for stack in ("encoder", "decoder", "cross") for layer in range(4) for head in range(3)
    ]
    sizes = {"encoder": (9, 9), "decoder": (4, 4), "cross": (4, 9)}
    bare = [msgspec.structs.replace(one, surprisal=None) for one in tokens(" read", 9)]
    return msgspec.structs.replace(
        a_look(length=9),
        layers={"encoder": 4, "decoder": 4},
        tokens=tuple(bare),
        target=tuple(LookToken(n, f" said{n}", float(n) if n else None) for n in range(4)),
        heads=tuple(
            Head(stack, x, y, 1.0, 0.5, 0.4, None if stack == "cross" else 0.2, None if stack == "cross" else 2.0)
            for stack, x, y in names
        ),
        maps=tuple(attention(stack, x, y, sizes[stack]) for stack, x, y in names),
        lens_grid=tuple(LensCell(n, 0, " said", 0.3) for n in range(5)),
        residual=(
            Residual("encoder", 1, ((2.0,) * 9,) * 5, ((3.0,) * 9,) * 5),
            Residual("decoder", 1, ((2.0,),) * 5, ((3.0,),) * 5),
        ),
        induction=None,
        ablations=(effect("cross:L1H1"),),
        patching=Patching(
            " other", (" other",) * 9, " said", " else", 5.0, -5.0, True,
            residual=(
                PatchEffect("encoder residual", 0, 2, 1.0, None),
                PatchEffect("decoder residual", 0, 0, -1.0, None),
            ),
            by_head=(PatchEffect("cross:L1H1", 1, None, 2.5, None),),
            heads=(),
        ),
    )  # fmt: skip


def empty() -> Look:
    """A look at which nothing could be seen."""
    answer = LookAnswer((), "", 0.0, 0, False)
    return Look(model="m", reference="m", architecture="A", layers={}, dtype="?", prompt="", tokens=(), answer=answer)


class Page(HTMLParser):
    """Elements, attributes that could load or run something, and the text of scripts and of the rest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loads: list[str] = []
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.names.add(tag)
        self.loads += [f"{name}={value}" for name, value in attrs if name in ("src", "srcset") or name[:2] == "on"]
        self.loads += [
            f"{name}={value}" for name, value in attrs if name == "href" and not (value or "").startswith("#")
        ]
        if tag not in ("meta", "br", "line", "circle", "rect", "path", "polyline"):
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        """An element ends where the last one began; those without content end at once."""
        if tag not in ("line", "circle", "rect", "path", "polyline"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text, apart from the scripts'."""
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif self.open and self.open[-1] != "style":
            self.text += data


LOOKS = {
    "whole": a_look(),
    "hostile": a_look(HOSTILE),
    "encoder-decoder": encoder_decoder(),
    "empty": empty(),
    "no pictures": msgspec.structs.replace(a_look(), maps=(), residual=(), lens=(), patching=None, agreement=()),
    "long": a_look(length=2_000),
}


@pytest.mark.parametrize("name", LOOKS)
def test_the_page_loads_nothing_and_runs_its_own_script_alone(name: str) -> None:
    """Whatever a record holds or lacks, every element is closed, nothing is loaded, and one script's hash is allowed."""
    page = look_html(LOOKS[name])
    seen = Page(page)
    assert seen.open == []
    assert seen.loads == []
    assert seen.names.isdisjoint({"img", "iframe", "object", "embed", "link", "base", "form", "input"})
    data, script = seen.scripts
    assert page.count("<script") == page.count("</script") == 2
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith(f"default-src 'none'; script-src 'sha256-{digest}'; style-src")
    assert json.loads(data)["tokens"] == json.loads(data_json(LOOKS[name]))["tokens"]


def test_hostile_texts_stay_text() -> None:
    """Neither markup nor what turns text round gets through, in the page or in the JSON; what is seen is a symbol."""
    page = look_html(LOOKS["hostile"])
    seen = Page(page)
    for evil in ("<img", "<!--", "\u202e", "\x00", "\u2028"):
        assert evil not in page
    assert not set("<>&\u2028\u2029") & set(seen.scripts[0])
    assert json.loads(seen.scripts[0])["tokens"][0].startswith("</script><img·src=x")
    assert "⟨U+202E⟩" in seen.text
    assert "{{·7*7·}}" in seen.text


def test_the_data_are_the_records_own() -> None:
    """The JSON gives back every head, every picture's bytes and every value; what is missing or infinite is null."""
    look = a_look()
    odd = msgspec.structs.replace(look.tokens[1], ablation=float("nan"), gradient=float("inf"), surprisal=None)
    look = msgspec.structs.replace(look, tokens=(look.tokens[0], odd, *look.tokens[2:]))
    found = json.loads(data_json(look))
    assert [one[-1] for one in found["maps"]] == [one.data for one in look.maps]
    assert [(one[0], one[4]) for one in found["heads"]] == [(f"L{h.layer}H{h.head}", h.sink) for h in look.heads]
    assert found["values"]["ablation"][:3] == [pytest.approx(-2 / 3, abs=1e-6), None, 0.0]
    assert found["values"]["gradient"][1] is None
    assert found["values"]["surprisal"][:2] == [None, None]
    assert found["said"]["L1H1"] == [one.sentence for one in (*look.ablations, *look.patching.heads)]  # type: ignore[union-attr]


def test_without_the_script_the_figures_are_there() -> None:
    """Tokens, heads, layers, effects, patches and sentences stand on the page as text."""
    look = a_look()
    text = " ".join(Page(look_html(look)).text.split())
    for one in (*look.ablations, *look.induction.effects, *look.patching.heads):  # type: ignore[union-attr]
        assert one.sentence in text
    assert "Measures of 6 heads" in text
    assert "hardly agree: the agreement is weak" in text
    assert "−2,255: dimension 507 at position 0 (·word), from layer 1 to layer 2; 11,855 times" in text
    assert "8 strings of 30 random tokens cost 14.00 nats a token at first, and 2.70 in their second copy" in text
    assert "Only here is something changed" in text


def test_empty_records_say_that_nothing_was_seen() -> None:
    """Each part that is missing is said to be missing, and no zero stands in for it."""
    text = Page(look_html(empty())).text
    for said in ("No tokens were read", "No attention could be seen", "No lens is shown", "The stream was not read",
                 "None was asked for", "Not measured", "No heads were taken out"):  # fmt: skip
        assert said in text
    assert "No answer was measured" in text
    assert "0.0" not in text


def test_the_strongest_result_is_one_that_stands_out() -> None:
    """The smallest p among effects above all others is told, and that it was chosen; where none is above, that is."""
    look = a_look()
    weak = msgspec.structs.replace(look, induction=None, patching=None, ablations=(effect("L0H0", own=0.01),))
    said = "Without L0H0 the answer is 3.00 nats less likely."
    assert strongest(look) == f"{said} It was chosen among 4 interventions, for which p is not corrected."
    assert strongest(msgspec.structs.replace(look, patching=None, ablations=())) == said
    assert strongest(weak) == "Of 1 intervention, none does more than others of the same layers."
    assert "No heads were taken out" in strongest(msgspec.structs.replace(weak, ablations=()))


@pytest.mark.parametrize(
    ("value", "said"), [(0.9, "agree well"), (0.5, "agree in part"), (0.1, "weak"), (-0.8, "disagree")]
)
def test_agreement_is_said_in_words(value: float, said: str) -> None:
    """A weak agreement is called weak, and the figure, its n and the shared top stand beside."""
    words = agreement_words(Agreement("ablation", "gradient x input", value, 13, 2, 5))
    assert said in words
    assert f"Spearman {signed(value)} over 13 tokens; 2 of the top 5" in words


def test_where_the_answer_settles_is_told() -> None:
    """The sentences name the layer from which on it holds to the end, not the first one where it happened to hold."""
    look = a_look(layers=4)
    ranks = (3, 0, 5, 0, 0)
    lens = tuple(msgspec.structs.replace(one, rank=rank) for one, rank in zip(look.lens, ranks, strict=True))
    assert settles(msgspec.structs.replace(look, lens=lens)) == (
        "The answer is the likeliest after 3 of 4 layers, and stays so."
    )
    assert "is number 6 of" in settles(msgspec.structs.replace(look, lens=lens[:3]))
    assert look.patching is not None
    shares = (0.9, 0.1, 0.6, 1.0)
    residual = tuple(PatchEffect("residual", n, 5, 1.0, share) for n, share in enumerate(shares))
    patched = msgspec.structs.replace(look, patching=msgspec.structs.replace(look.patching, residual=residual))
    assert arrives(patched).startswith("From layer 2 on, the last position alone (position 5)")
    assert settles(look) == "After the last layer the answer is number 2 of the vocabulary."
    late = tuple(msgspec.structs.replace(one, rank=rank) for one, rank in zip(look.lens, (0, 0, 0, 1, 0), strict=True))
    assert "only after the last of 4 layers" in settles(msgspec.structs.replace(look, lens=late))
    assert arrives(look) == ""
    assert arrives(encoder_decoder()) == ""


def test_a_thousand_heads_fit_into_one_page() -> None:
    """32 layers of 32 heads over 2,000 tokens, in pictures of 54 tiles a side, stay below 8 MB."""
    look = a_look(layers=32, heads=32, length=2_000, side=54)
    assert len(look.maps) == 1024
    assert len(look_html(look).encode()) < 8 * MEGABYTE


@pytest.mark.parametrize("name", LOOKS)
def test_the_script_runs(name: str, tmp_path: Path) -> None:
    """In a browser the policy lets the script run, it ends without an error, and every picture has its canvas."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium to open the page with")
    page = tmp_path / "page.html"
    page.write_text(look_html(LOOKS[name]), "utf-8")
    options = ("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # the sandbox refuses the superuser
    where = f"--user-data-dir={tmp_path / 'profile'}"
    logs = ("--enable-logging=stderr", "--v=0", "--window-size=1000,6000", "--dump-dom")
    done = subprocess.run(
        [browser, *options, *sandbox, where, *logs, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    assert 'data-drawn="yes"' in done.stdout
    pictured = LOOKS[name].residual
    assert done.stdout.count("<canvas") == (2 if LOOKS[name].heads else 0) + len(pictured)


def test_what_several_tokens_or_a_group_share_is_said_to_be_shared() -> None:
    """An answer of two tokens is not called the likeliest for its first one, and a group's value is no token's own."""
    look = a_look(length=300)
    one, two = (msgspec.structs.replace(look, answer=LookAnswer((3,) * n, " word", -5.0, 0, True)) for n in (1, 2))
    assert headline(one).endswith("(the likeliest)")
    assert headline(two).endswith("(all 2 tokens; the first one: the likeliest)")
    assert settles(one).startswith("After the last layer the answer is")
    assert settles(two).startswith("After the last layer the answer's first token is")
    assert any(line.startswith("its first token's rank after") for line in lines_of(two))
    assert any("each carries its whole group's value" in line for line in lines_of(look))
    assert not any("group" in line for line in lines_of(a_look()))


def test_the_terminal_says_what_the_page_says() -> None:
    """Agreement, the cost of copying and the layers of an activation are worded as on the page."""
    look = msgspec.structs.replace(
        a_look(),
        agreement=(Agreement("ablation", "gradient x input", 0.45, 9, 1, 5),),
        massive=(Massive("decoder", -1, 2, 0, " word", 507, -2255.0, 11855.0),),
    )
    lines = " ".join(lines_of(look))
    assert "disagree" not in lines
    assert "the embeddings to layer 2" in lines
    assert "8 strings of 30 random tokens cost 14.00 nats a token at first, and 2.70 in their second copy" in lines
