"""What a scorer says of a response."""

from typing import Literal

import msgspec

ReplyClass = Literal["answered", "refused", "abstained", "empty", "truncated", "error"]


class Evidence(msgspec.Struct, frozen=True):
    """Why: the rule that decided, and the span of the reply (characters, end exclusive) it decided on."""

    rule: str
    start: int | None = None
    end: int | None = None
    quote: str = ""


class Score(msgspec.Struct, frozen=True):
    """The verdict on one response.

    `passed` is None where it could not be decided, with the reason in words; missing is never a number.
    `severity` (1-5, by the rubric that the report prints) is set on failures only. `checks` holds partial
    results, such as syntax and values of a JSON reply.
    """

    probe: str
    candidate: str
    scorer: str
    reply_class: ReplyClass
    passed: bool | None
    reason: str
    severity: int | None = None
    evidence: Evidence | None = None
    checks: dict[str, bool | None] = {}
