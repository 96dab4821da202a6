"""`any_of`: at least one of several values is a substring of the reply."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.asked import beyond
from weakspot.scorers.compare import evidence, find, fold, shorten
from weakspot.scorers.verdict import Finding, verdict


class AnyOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when any of `values` is a substring of the reply; the options are those of `contains`.

    With `beyond_question` a place where the reply repeats the whole question is not read.
    """

    values: Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=1)]
    ignore_case: bool = False
    normalise: bool = False
    whole_word: bool = False
    beyond_question: bool = False

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply; the value listed first decides where several are there."""
        read = beyond(reply.text, probe, cut=False) if self.beyond_question else reply.text
        text = fold(read, ignore_case=self.ignore_case, normalise=self.normalise)
        for value in self.values:
            needle = fold(value, ignore_case=self.ignore_case, normalise=self.normalise)
            span = find(text, needle, whole_word=self.whole_word)
            if span:
                name = repr(shorten(value))
                found = Finding(True, f"The reply contains {name}.", evidence(f"contains {name}", reply.text, span))
                return verdict("any_of", found, reply, probe)
        listed = ", ".join(repr(shorten(v, 30)) for v in self.values[:5]) + (", …" if len(self.values) > 5 else "")
        missing = Finding(False, f"The reply contains none of {listed}.", evidence("any_of", reply.text))
        return verdict("any_of", missing, reply, probe)
