import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakspot.rendering import formats
from weakspot.rendering.expected import expected
from weakspot.rendering.text import excerpt, one_line, runs, visible

ANY = st.text(st.characters(exclude_categories=()))


@given(ANY)
def test_no_control_and_no_surrogate_is_left(text: str) -> None:
    """Visible text holds no control character but the line break, and can always be written as UTF-8."""
    shown = visible(text)
    shown.encode("utf-8")
    assert {c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")} <= {"\n"}


def test_every_invisible_character_of_unicode_is_shown() -> None:
    """Each format character and each space but the plain one becomes a symbol, all of Unicode gone through."""
    left = [
        f"U+{code:04X}"
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cf", "Zs") and visible(chr(code)) == chr(code) != " "
    ]
    assert left == []


def test_a_bidirectional_override_is_a_symbol() -> None:
    """A right-to-left override cannot turn a sentence round."""
    assert visible("safe \u202eelif") == "safe ⟨U+202E⟩elif"
    assert visible("\x1b[2J\x00") == "⟨ESC⟩[2J⟨NUL⟩"


def test_plain_writing_of_the_world_stays() -> None:
    """Letters, accents, emoji and line breaks are not touched."""
    text = "Ünïcödé, 漢字, עברית, हिन्दी\n😀❤️"
    assert visible(text) == text


@given(ANY)
def test_runs_say_the_same_as_visible(text: str) -> None:
    """Joined, the runs are the visible text, and only symbols are marked as such."""
    parts = list(runs(text))
    assert "".join(part.text for part in parts) == visible(text)
    assert all(part.text.startswith("⟨") for part in parts if part.kind == "symbol")


@given(ANY, st.integers(2, 50))
def test_one_line_is_one_short_line(text: str, limit: int) -> None:
    """A cut line has no break and cannot grow beyond twice its limit, however many symbols it needs."""
    line = one_line(text, limit)
    assert "\n" not in line
    assert len(line) <= 2 * limit


@given(st.text(max_size=300), st.tuples(st.integers(-5, 300), st.integers(-5, 300)), st.integers(8, 80))
def test_an_excerpt_loses_nothing_silently(text: str, span: tuple[int, int], limit: int) -> None:
    """What is shown and what is said to be left out add up to the text, wherever the evidence lies."""
    shown = excerpt(text, span, limit)
    gaps = sum(part == " … " and not marked for part, marked in shown.parts if len(text) > limit)
    characters = sum(len(part) for part, _ in shown.parts)
    assert characters + shown.left_out in (len(text), len(text) + 3 * gaps)


def test_far_evidence_is_shown_and_marked() -> None:
    """Evidence far beyond the cut is in the excerpt, marked, and the cut is counted."""
    text = "a" * 9_000 + "EVIDENCE" + "b" * 9_000
    shown = excerpt(text, (9_000, 9_008), 4_000)
    assert [part for part, marked in shown.parts if marked] == ["EVIDENCE"]
    assert 13_000 < shown.left_out < len(text)


@pytest.mark.parametrize(
    ("shown", "expected_text"),
    [
        (formats.percent(0.41249), "41.2%"),
        (formats.percent(None), "–"),
        (formats.percent(math.nan), "–"),
        (formats.points(-0.1234), "−12.3"),
        (formats.points(0.1234), "+12.3"),
        (formats.points(-0.0001), "0.0"),
        (formats.p_value(0.0123), "0.012"),
        (formats.p_value(0.0004), "<0.001"),
        (formats.p_value(None), "–"),
        (formats.interval(0.1, None), "–"),
        (formats.duration(74.3), "1 min 14 s"),
        (formats.duration(7_500), "2 h 5 min"),
        (formats.large(134_515_008), "134.5 M"),
        (formats.size(98_362_432), "98.4 MB"),
        (formats.plural(1, "item"), "1 item"),
        (formats.category("prompt_injection"), "Prompt injection"),
        (formats.date("2026-11-23T21:40:12+01:00"), "2026-11-23 20:40 UTC"),
        (formats.date("soon"), "soon"),
    ],
)
def test_numbers_read_as_the_report_promises(shown: str, expected_text: str) -> None:
    """Rates have one decimal, p three or a bound, and what is missing is a dash."""
    assert expected_text == shown


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ({"type": "exact", "value": "Paris", "ignore_case": True}, "exactly “Paris” (case ignored)"),
        ({"type": "number", "value": 3, "tolerance": 0.5}, "the number 3 ± 0.5"),
        ({"type": "canary_absent", "canary": "X"}, "a reply without “X”"),
        ({"type": "exact"}, '{"type": "exact"}'),
        ({"type": "new_one", "k": [1]}, '{"type": "new_one", "k": [1]}'),
        ({"type": "any_of", "values": 7}, '{"type": "any_of", "values": 7}'),
        ({"type": ["odd"]}, '{"type": ["odd"]}'),
    ],
)
def test_what_was_expected_is_said_in_words(expect: dict[str, object], words: str) -> None:
    """Known types become a phrase; unknown or broken ones are shown as they are."""
    assert words == expected(expect)
