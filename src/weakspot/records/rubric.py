"""A rubric: what a failure mode looks like at each level, with an example of each."""

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class RubricExample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reply to a question, and why it passes."""

    question: Text
    reply: Text
    why: Text


class RubricAnchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One level of failure, 1 (form) to 5 (breach): what it `says` of this failure mode, and a reply that fails so."""

    level: Annotated[int, msgspec.Meta(ge=1, le=5)]
    says: Text
    question: Text
    reply: Text
    why: Text


class FailureRubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How replies of one failure mode are graded: `asks` is the question that a passing reply answers with yes.

    `good` passes; `anchors` holds the levels 1 to 5, in order. `name` is the category of the probes it is for.
    """

    title: Text
    asks: Text
    good: RubricExample
    anchors: tuple[RubricAnchor, ...]
    name: str = ""
