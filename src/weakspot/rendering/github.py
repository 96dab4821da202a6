"""GitHub's workflow commands (`::error title=...::...`), escaped as its runner unescapes them.

In a message `%`, CR and LF are written as %25, %0D and %0A; in a property `:` and `,` too. Foreign text can't begin a
command of its own, since it never begins a line.
"""

from typing import Literal

from weakspot.rendering.text import visible

LONGEST_TITLE = 200
LONGEST_MESSAGE = 4_000
"""GitHub cuts an annotation at 64 KB and shows the first lines; 10 of each level in a step are shown at all."""

Level = Literal["error", "warning", "notice"]


def annotation(level: Level, title: str, message: str) -> str:
    """One workflow command, on one line."""
    head = visible(title)[:LONGEST_TITLE]
    said = visible(message)
    said = said if len(said) <= LONGEST_MESSAGE else said[: LONGEST_MESSAGE - 1] + "…"
    return f"::{level} title={_property(head)}::{_message(said)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
