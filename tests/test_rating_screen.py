"""The rating screen, driven by keys without a terminal."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import weakspot
from rating_fixture import make_run
from weakspot.rating.answers import ratings
from weakspot.records import Rating
from weakspot.store.run import RunStore

pytest.importorskip("textual", reason="the screen needs the extra [rate]")
from textual.pilot import Pilot
from textual.widgets import Static

from weakspot.cli.rate_screen import RatingScreen

Act = Callable[[RatingScreen, "Pilot[None]"], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run; every test rates it under a name of its own."""
    return make_run(tmp_path_factory.mktemp("screen"), number=12)


def drive(run: Path, act: Act, size: tuple[int, int] = (120, 40), **asked: Any) -> dict[tuple[str, str], Rating]:
    """Open the screen, act on it, and give back what this rater's run holds then."""

    async def whole() -> None:
        with weakspot.rate(run, **asked) as session:
            app = RatingScreen(session)
            async with app.run_test(size=size) as pilot:
                await act(app, pilot)

    asyncio.run(whole())
    with RunStore.open(run) as store:
        return {(r.probe, r.candidate): r for r in ratings(store) if r.rater == asked["rater"]}


def shown(app: RatingScreen, name: str) -> str:
    """The text of one part of the screen."""
    return str(app.query_one(f"#{name}", Static).render())


def test_a_key_grades(made: Path) -> None:
    """The key p passes, a figure fails with that severity, s skips: three keys, three records, in the order shown."""

    async def act(app: RatingScreen, pilot: "Pilot[None]") -> None:
        await pilot.press("p", "4", "s")
        assert "4 of 24" in shown(app, "head")

    found = sorted(drive(made, act, rater="keys").values(), key=lambda r: r.at)
    assert [(r.passed, r.severity) for r in found] == [(True, None), (False, 4), (None, None)]


def test_undo_and_a_note(made: Path) -> None:
    """The key u takes a grade back; letters typed into a note are text and grade nothing; the note goes with the next grade."""

    async def act(app: RatingScreen, pilot: "Pilot[None]") -> None:
        await pilot.press("p", "u")
        await pilot.press("n", *"up 5 q", "enter")
        assert "note: up 5 q" in shown(app, "said")
        await pilot.press("2")

    found = list(drive(made, act, rater="noting").values())
    assert [(r.passed, r.severity, r.note) for r in found] == [(False, 2, "up 5 q")]


def test_escape_leaves_a_note(made: Path) -> None:
    """Escape closes the line for a note and keeps nothing of it."""

    async def act(app: RatingScreen, pilot: "Pilot[None]") -> None:
        await pilot.press("n", *"oops", "escape", "p")

    assert [r.note for r in drive(made, act, rater="escaping").values()] == [""]


def test_blind_hides_the_model_and_the_verdict(made: Path) -> None:
    """A blind screen names no candidate and no automatic verdict, before or after a grade; an open one does after it."""

    async def blind(app: RatingScreen, pilot: "Pilot[None]") -> None:
        for _ in range(8):
            text = "\n".join(shown(app, name) for name in ("head", "said", "rubric"))
            assert not any(word in text for word in ("good", "bad", "the rule"))
            await pilot.press("p")

    async def open_eyed(app: RatingScreen, pilot: "Pilot[None]") -> None:
        assert "good" in shown(app, "head")
        assert "the rule" not in shown(app, "said")
        await pilot.press("p")
        assert "the rule: failed" in shown(app, "said")

    drive(made, blind, rater="blind", blind=True)
    drive(made, open_eyed, rater="open")


def test_hostile_answers_are_text(made: Path) -> None:
    """Escape sequences, bidi controls and markup of an answer show as signs, run nothing and colour nothing."""

    async def act(app: RatingScreen, pilot: "Pilot[None]") -> None:
        item = shown(app, "item")
        assert "⟨ESC⟩[31mred" in item
        assert "[bold red]markup[/]" in item
        assert "[@click=app.quit]" in item
        assert "⟨U+202E⟩" in item
        assert not any(c in item for c in "\x1b\x07\u202e\u200b")

    drive(made, act, rater="hostile", only=("candidate=bad",))


def test_a_long_answer_is_turned_in_parts(made: Path) -> None:
    """A reply of a megabyte opens at once, in parts; ] goes on, [ goes back, and the last part has its end."""

    async def act(app: RatingScreen, pilot: "Pilot[None]") -> None:
        await pilot.press("p")
        assert "part 1 of 84" in shown(app, "item")
        assert "start of it" in shown(app, "item")
        await pilot.press("right_square_bracket")
        assert "part 2 of 84" in shown(app, "item")
        app.turn(500)
        assert "part 84 of 84" in shown(app, "item")
        assert "end of it" in shown(app, "item")
        await pilot.press("left_square_bracket")
        assert "part 83 of 84" in shown(app, "item")

    drive(made, act, rater="long", only=("candidate=bad",))


def test_a_tiny_terminal_works(made: Path) -> None:
    """On 40 x 12 the keys, the progress and some of the answer are on the screen, and scrolling reaches the rubric."""

    async def act(app: RatingScreen, pilot: "Pilot[None]") -> None:
        body = app.query_one("#body")
        assert body.size.height >= 4
        assert app.query_one("#keys").region.bottom <= 12
        assert not app.query_one("#side").display
        await pilot.press(*["space"] * 20)
        assert body.scroll_offset.y == body.max_scroll_y
        assert "RUBRIC" in shown(app, "below")
        await pilot.press("1")

    assert len(drive(made, act, size=(40, 12), rater="tiny")) == 1


def test_the_end_is_said(made: Path) -> None:
    """When all are rated further keys write nothing, and undo still works."""

    async def act(app: RatingScreen, pilot: "Pilot[None]") -> None:
        await pilot.press("p", "p", "s", "p", "3")
        assert "All 3 are done" in shown(app, "item")
        await pilot.press("n", "u", "2")
        assert "note (" not in shown(app, "note")

    found = drive(made, act, rater="ending", sample=3)
    assert sorted((r.passed is True, r.severity or 0) for r in found.values()) == [(False, 2), (True, 0), (True, 0)]
