"""A judge's reply, read strictly: exactly the JSON object that was asked for, or no verdict.

Nothing is searched for in a reply that is not that object: words such as "pass" in free text are as likely to come
from the answer that is graded.
"""

from typing import Literal

import msgspec

from weakspot.judging.questions import PASS
from weakspot.records import Response

LONGEST = 4_000


class Verdict(msgspec.Struct, frozen=True):
    """`passed` is None where there is none; `note` is the judge's reason, or why there is no verdict."""

    passed: bool | None
    severity: int | None = None
    note: str = ""
    invalid: bool = False


class Choice(msgspec.Struct, frozen=True):
    """Which of two replies is better, by position; None where there is no verdict."""

    better: Literal["first", "second", "equal"] | None
    note: str = ""
    invalid: bool = False


class _Grade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str
    verdict: Literal["pass", "fail 1", "fail 2", "fail 3", "fail 4", "fail 5"]


class _Better(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str
    better: Literal["first", "second", "equal"]


def read_verdict(response: Response | None) -> Verdict:
    """The verdict in a judge's response; `invalid` where a reply came that is none."""
    text, missing = _text(response)
    if text is None:
        return Verdict(None, note=missing)
    try:
        grade = msgspec.json.decode(text, type=_Grade)
    except msgspec.MsgspecError as error:
        return Verdict(None, note=f"no verdict: {_why(error)}", invalid=True)
    if grade.verdict == PASS:
        return Verdict(True, note=grade.reason.strip())
    return Verdict(False, int(grade.verdict[-1]), grade.reason.strip())


def read_choice(response: Response | None) -> Choice:
    """The choice in a judge's response."""
    text, missing = _text(response)
    if text is None:
        return Choice(None, missing)
    try:
        found = msgspec.json.decode(text, type=_Better)
    except msgspec.MsgspecError as error:
        return Choice(None, f"no verdict: {_why(error)}", invalid=True)
    return Choice(found.better, found.reason.strip())


def unread(found: Verdict | Choice) -> bool:
    """Whether a reply came that is no verdict, so that asking once more may help."""
    return found.invalid


def _text(response: Response | None) -> tuple[str | None, str]:
    """The judge's words, or why there are none."""
    if response is None:
        return None, "not asked"
    if response.final is None:
        return None, f"no reply: {response.error.message if response.error else 'none came'}"
    text = response.final.text.strip()
    return (text, "") if len(text) <= LONGEST else ("", "")


def _why(error: Exception) -> str:
    return str(error)[:200]
