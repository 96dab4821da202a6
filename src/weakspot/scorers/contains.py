"""`contains`: the value is a plain substring of the reply."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.compare import evidence, find, fold, shorten
from weakspot.scorers.verdict import Finding, verdict


class Contains(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when `value` is a plain substring of the reply.

    Case-sensitive and without Unicode normalisation, unless `ignore_case` or `normalise` is set. With `whole_word`
    no letter or digit may stand beside it.
    """

    value: Annotated[str, msgspec.Meta(min_length=1)]
    ignore_case: bool = False
    normalise: bool = False
    whole_word: bool = False

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the first place where the value stands."""
        text = fold(reply.text, ignore_case=self.ignore_case, normalise=self.normalise)
        value = fold(self.value, ignore_case=self.ignore_case, normalise=self.normalise)
        span = find(text, value, whole_word=self.whole_word)
        name = repr(shorten(self.value))
        said = f"The reply contains {name}." if span else f"The reply does not contain {name}."
        found = Finding(span is not None, said, evidence(f"contains {name}", reply.text, span))
        return verdict("contains", found, reply, probe)
