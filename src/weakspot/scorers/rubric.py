"""`rubric`: a judge or a hand decides; no rule here can."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.compare import evidence
from weakspot.scorers.verdict import Finding, verdict


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Never passes or fails by itself: `rubric` says in words what a judge or a person is to look for."""

    rubric: Annotated[str, msgspec.Meta(min_length=1)]

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """No verdict, with the reason."""
        finding = Finding(None, "The rubric needs a judge or a hand rating.", evidence("rubric", reply.text))
        return verdict("rubric", finding, reply, probe)
