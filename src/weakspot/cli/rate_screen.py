"""The rating screen: a thin face over a `RatingSession`, in textual.

All foreign text passes `rendering.text.visible` and is handed over as plain content, so that neither escape sequences
nor textual's own markup in it do anything. A long answer is shown in parts, because a terminal cannot scroll a
megabyte at once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from weakspot.rendering.expected import expected
from weakspot.rendering.text import one_line, visible

if TYPE_CHECKING:
    from weakspot.rating.session import RatingSession

PART = 12_000
"""Characters of an answer that are shown at once."""
LONGEST_TURN = 12_000
LONGEST_NOTE = 2_000
KEYS = (
    ("p", "pass"),
    ("1-5", "fail"),
    ("s", "skip"),
    ("u", "undo"),
    ("n", "note"),
    ("r", "rubric"),
    ("[ ]", "part"),
    ("q", "quit"),
)
WIDE = 100
Pieces = list[str | tuple[str, str]]


class RatingScreen(App[None]):
    """Shows one answer at a time and takes a key per grade."""

    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - textual declares it per instance
    CSS = """
    #head { height: 1; background: $primary; color: $text; text-style: bold; text-wrap: nowrap; }
    #head { text-overflow: ellipsis; }
    #body { padding: 0 1; }
    #side { width: 40%; max-width: 64; padding: 0 1; border-left: solid $primary; }
    .-narrow #side { display: none; }
    .-wide #below { display: none; }
    #said { height: auto; max-height: 2; color: $text-muted; }
    #keys { height: auto; background: $surface; }
    #note { height: auto; max-height: 3; background: $boost; }
    """

    def __init__(self, session: "RatingSession") -> None:
        super().__init__()
        self.title = "weakspot rate"
        self._session = session
        self._part = 0
        self._draft: str | None = None  # the note that is being typed

    def compose(self) -> ComposeResult:
        """The line of progress, the answer, the rubric beside or below it, the last grade, the keys."""
        yield Static(id="head", markup=False)
        with Horizontal():
            with VerticalScroll(id="body"):
                yield Static(id="item", markup=False)
                yield Static(id="below", markup=False)
            with VerticalScroll(id="side", can_focus=False):
                yield Static(id="rubric", markup=False)
        yield Static(id="said", markup=False)
        yield Static(id="note", markup=False)
        yield Static(_keys(), id="keys", markup=False)

    @property
    def _body(self) -> VerticalScroll:
        return self.query_one("#body", VerticalScroll)

    def on_mount(self) -> None:
        """Show the first answer."""
        self._body.focus()
        self._show()

    def _show(self) -> None:
        session, answer = self._session, self._session.current
        self.query_one("#head", Static).update(Content(self._progress()))
        self.query_one("#item", Static).update(_item(session, self._part) if answer else _finished(session))
        rubric = Content("") if answer is None else _rubric(session)
        self.query_one("#below", Static).update(rubric)
        self.query_one("#rubric", Static).update(rubric)
        self.query_one("#said", Static).update(Content(self._said()))

    def _progress(self) -> str:
        session, answer = self._session, self._session.current
        words = [f"{session.rated + session.skipped} of {session.total}"]
        if answer is not None:
            words = [f"{min(session.total, session.rated + session.skipped + 1)} of {session.total}"]
            words.append(one_line(answer.probe.category, 24))
            words.append("blind" if session.wanted.blind else one_line(answer.candidate, 24))
            if not session.wanted.blind:
                words.append(one_line(answer.probe.id, 32))
        return " · ".join(words)

    def _said(self) -> str:
        """The last grade, with the automatic verdict where the session is not blind; and the pending note."""
        session = self._session
        if session.note:
            return f"note: {one_line(session.note, 120)}"
        latest, answer = session.latest, session.automatic_of_latest()
        if latest is None:
            return ""
        text = f"last: {_verdict(latest.passed, latest.severity)}"
        if answer is not None and answer.score is not None:
            text += f"; the rule: {_verdict(answer.score.passed, answer.score.severity)}"
        return text

    def _next(self) -> None:
        self._part = 0
        self._show()
        self._body.scroll_home(animate=False)
        self.query_one("#side").scroll_home(animate=False)

    def grade(self, level: int) -> None:
        """0 passes; 1 to 5 fail with that severity."""
        if self._session.current is None:
            return
        self._session.rate(passed=level == 0, severity=level or None)
        self._next()

    def skip(self) -> None:
        """No verdict on this one."""
        if self._session.current is not None:
            self._session.skip()
            self._next()

    def undo(self) -> None:
        """Take the last grade back."""
        if self._session.undo() is None:
            self.notify("Nothing to take back.")
        self._next()

    def turn(self, step: int) -> None:
        """Another part of a long answer."""
        if (answer := self._session.current) is not None:
            self._part = max(0, min(_parts(answer.text) - 1, self._part + step))
            self._show()

    def show_rubric(self) -> None:
        """On with the rubric beside the answer, from its end to its beginning; in a narrow terminal down to it."""
        side = self.query_one("#side")
        if not side.display:
            self._body.scroll_to_widget(self.query_one("#below"), top=True, animate=False)
        elif side.scroll_offset.y >= side.max_scroll_y:
            side.scroll_home(animate=False)
        else:
            side.scroll_page_down(animate=False)

    async def on_event(self, event: events.Event) -> None:
        """Take keys here, one after another as they come.

        Bindings and a focused entry line would see them a moment later each, and a note that is typed fast would
        grade answers with its letters.
        """
        if isinstance(event, events.Key) and self._taken(event.key, event.character):
            return
        if isinstance(event, events.Paste) and self._draft is not None:
            self._write_note(self._draft + " ".join(event.text.split()))
            return
        await super().on_event(event)

    def _taken(self, key: str, character: str | None) -> bool:
        """Do what a key asks for; False leaves it to textual."""
        if key == "ctrl+c":
            self.exit()
        elif self._draft is not None:
            self._type(key, character, self._draft)
        elif key in ("p", "1", "2", "3", "4", "5"):
            self.grade(0 if key == "p" else int(key))
        elif (act := self._acts().get(key)) is not None:
            act()
        else:
            return False
        return True

    def _acts(self) -> dict[str, Callable[[], object]]:
        return {
            "s": self.skip,
            "u": self.undo,
            "n": self.open_note,
            "r": self.show_rubric,
            "right_square_bracket": lambda: self.turn(1),
            "left_square_bracket": lambda: self.turn(-1),
            "space": lambda: self._body.scroll_page_down(animate=False),
            "j": lambda: self._body.scroll_relative(y=1, animate=False),
            "k": lambda: self._body.scroll_relative(y=-1, animate=False),
            "q": self.exit,
        }

    def _type(self, key: str, character: str | None, draft: str) -> None:
        """One key of a note: Enter keeps it, Escape drops it."""
        if key in ("enter", "escape"):
            if key == "enter":
                self._session.note = draft.strip()
            self._draft = None
            self.query_one("#note", Static).update(Content(""))
            self._show()
        elif key == "backspace":
            self._write_note(draft[:-1])
        elif key == "ctrl+u":
            self._write_note("")
        elif character is not None and character.isprintable():
            self._write_note(draft + character)

    def open_note(self) -> None:
        """Begin a note, or go on with the one that waits for the next grade."""
        if self._session.current is not None:
            self._write_note(self._session.note)

    def _write_note(self, text: str) -> None:
        self._draft = text[:LONGEST_NOTE]
        line = ("note (Enter keeps, Esc drops): ", "bold")
        self.query_one("#note", Static).update(Content.assemble(line, visible(self._draft), (" ", "reverse")))


def _keys() -> Content:
    pieces: Pieces = []
    for key, word in KEYS:
        pieces += [(f" {key} ", "bold reverse"), f" {word}  "]
    return Content.assemble(*pieces)


def _item(session: "RatingSession", part: int) -> Content:
    answer = session.current
    if answer is None:
        return Content("")
    pieces: Pieces = []
    for role, text in answer.asked():
        pieces += [(f"{role.upper()}\n", "bold dim"), _cut(text), "\n\n"]
    parts = _parts(answer.text)
    where = f", part {part + 1} of {parts}: [ and ] turn" if parts > 1 else ""
    shown = visible(answer.text[part * PART : (part + 1) * PART]) or "(nothing)"
    pieces += [(f"ANSWER{where}\n", "bold $accent"), (shown, "bold"), "\n\n"]
    pieces += [("EXPECTED\n", "bold dim"), _cut(expected(answer.probe.expect)), "\n"]
    return Content.assemble(*pieces)


def _rubric(session: "RatingSession") -> Content:
    answer = session.current
    pieces: Pieces = [("RUBRIC\n", "bold dim")]
    for level, text in () if answer is None else session.rubric(answer.probe):
        pieces += [(visible(level), "bold"), f"  {visible(text)}\n\n"]
    return Content.assemble(*pieces)


def _finished(session: "RatingSession") -> Content:
    skipped = f" {session.skipped} were skipped; they come again when you start anew." if session.skipped else ""
    return Content(f"All {session.total} are done.{skipped}\n\nu takes the last one back, q leaves.")


def _parts(text: str) -> int:
    return max(1, -(-len(text) // PART))


def _cut(text: str) -> str:
    """A turn, its middle left out where it is very long: the question mostly stands at an end."""
    if len(text) <= LONGEST_TURN:
        return visible(text)
    half = LONGEST_TURN // 2
    return f"{visible(text[:half])}\n[… {len(text) - LONGEST_TURN:,} characters left out …]\n{visible(text[-half:])}"


def _verdict(passed: bool | None, severity: int | None) -> str:
    if passed is None:
        return "no verdict"
    return "passed" if passed else f"failed{'' if severity is None else f', severity {severity}'}"
