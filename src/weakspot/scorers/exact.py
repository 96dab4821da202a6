"""`exact`: the reply, without outer white space, is the value."""

from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.compare import Span, evidence, find, fold, shorten
from weakspot.scorers.verdict import Finding, verdict

LONGEST: Final = 20_000
"""Characters of a wrong reply in which the value is looked for, to tell a slip of form."""


class Exact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the reply, stripped of outer white space, equals `value` (stripped likewise).

    Case-sensitive and without Unicode normalisation, unless `ignore_case` (case folding) or `normalise`
    (NFKC, typographic quotes and dashes) is set.
    """

    value: Annotated[str, msgspec.Meta(min_length=1)]
    ignore_case: bool = False
    normalise: bool = False

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply; a value that is there among other words is a slip of form."""
        stripped = reply.text.strip()
        start = reply.text.find(stripped)
        span = (start, start + len(stripped))
        given = fold(stripped, ignore_case=self.ignore_case, normalise=self.normalise)
        wanted = fold(self.value.strip(), ignore_case=self.ignore_case, normalise=self.normalise)
        if given.text == wanted.text:
            found = Finding(True, f"The reply is {shorten(self.value)!r}.", evidence("exact", reply.text, span))
            return verdict("exact", found, reply, probe)
        loose = _loosely(stripped[:LONGEST], self.value.strip())
        said = f"The reply is {shorten(stripped)!r}, not {shorten(self.value)!r}."
        if loose:
            span = (start + loose[0], start + loose[1])
            said += " The value is in it, but not alone or not letter by letter."
        fault = Finding(False, said, evidence("exact", reply.text, span), fault="form" if loose else "wrong")
        return verdict("exact", fault, reply, probe)


def _loosely(text: str, value: str) -> Span | None:
    given, wanted = (fold(t, ignore_case=True, normalise=True) for t in (text, value))
    return find(given, wanted, whole_word=True)
