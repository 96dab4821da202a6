"""The form that answers of a task have: which tokens may come next, and whether a whole answer keeps to it.

Constrained decoding asks a form at each step. A form knows no answer: brackets may open again, JSON may go on.
"""

import json

from weakspot.lab.tasks import END, SEPARATOR
from weakspot.lab.tasks_making import CLOSING, DIGITS, END_KEY, KEYS, LITERALS, MATCH, OPENING

STRINGS = (*KEYS, END_KEY)
VALUES = (*DIGITS, *LITERALS, *STRINGS, "{", "[")


class Brackets:
    """What may follow in a word of nested brackets: any that opens, the one that closes, the end if none is open."""

    def __init__(self) -> None:
        self._open: list[str] = []

    def allowed(self) -> tuple[str, ...]:
        """The tokens that keep to the form."""
        return (*OPENING, self._open[-1]) if self._open else (*OPENING, END)

    def take(self, piece: str) -> None:
        """Goes on by a token, which is one of the allowed ones."""
        if piece in OPENING:
            self._open.append(MATCH[piece])
        elif piece in CLOSING:
            self._open.pop()


class Json:
    """What may follow in a JSON document (RFC 8259) of the lab's tokens."""

    def __init__(self) -> None:
        self._stack: list[str] = []
        self._wanted: tuple[str, ...] = VALUES

    def allowed(self) -> tuple[str, ...]:
        """The tokens that keep to the form."""
        return self._wanted

    def take(self, piece: str) -> None:
        """Goes on by a token, which is one of the allowed ones."""
        if piece == "{":
            self._stack.append("}")
            self._wanted = (*STRINGS, "}")
        elif piece == "[":
            self._stack.append("]")
            self._wanted = (*VALUES, "]")
        elif piece == ",":
            self._wanted = STRINGS if self._stack[-1] == "}" else VALUES
        elif piece == ":":
            self._wanted = VALUES
        elif piece in STRINGS and self._is_key():
            self._wanted = (":",)
        else:
            if piece in ("}", "]"):
                self._stack.pop()
            self._wanted = (",", self._stack[-1]) if self._stack else (END,)

    def _is_key(self) -> bool:
        """Whether a string stands where a key is wanted: nothing else may stand there but the object's end."""
        return self._wanted in (STRINGS, (*STRINGS, "}"))


Form = Brackets | Json
FORMS: dict[str, type[Brackets] | type[Json]] = {"brackets": Brackets, "json": Json}


def form_behind(task: str, prompt: list[str]) -> Form:
    """The form after a prompt's tokens; the separator at the end is none of the text."""
    form = FORMS[task]()
    for piece in prompt:
        if piece != SEPARATOR:
            form.take(piece)
    return form


def is_valid(task: str, prompt: list[str], answer: list[str]) -> bool:
    """Whether prompt and answer together are balanced, or parse as JSON. `answer` is what stands before the end."""
    text = [piece for piece in prompt if piece != SEPARATOR] + answer
    if task == "json":
        try:
            json.loads(" ".join(text))
        except ValueError:
            return False
        return True
    still: list[str] = []
    for piece in text:
        if piece in OPENING:
            still.append(MATCH[piece])
        elif not still or piece != still.pop():
            return False
    return not still
