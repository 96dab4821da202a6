"""A verdict by a person or a judging model, beside the one by rule."""

from typing import Literal

import msgspec


class Rating(msgspec.Struct, frozen=True):
    """What one rater says of one response.

    `rater` names who: a person's own name, or "judge:" and the judge's candidate name. `passed` is None where the
    rater gave no verdict (skipped, or a judge's reply that is none; `note` says why). `severity` (1-5, the anchors of
    `weakspot.scorers.severity`) is set on failures only. `blind` says that the rater did not see which model answered;
    `at` is UTC, ISO 8601.
    """

    probe: str
    candidate: str
    rater: str
    kind: Literal["hand", "judge"]
    passed: bool | None
    severity: int | None = None
    note: str = ""
    blind: bool = False
    at: str = ""
