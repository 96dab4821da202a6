"""`same_as`: the reply agrees with the reply to another probe, its metamorphic twin."""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.classify import Reading, read
from weakspot.scorers.compare import Span, evidence, shorten
from weakspot.scorers.number import last_number
from weakspot.scorers.picking import pick, shows_letters
from weakspot.scorers.verdict import Finding, verdict

By = Literal["text", "choice", "number"]
_DECLINED = ("refused", "abstained")


class SameAs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the reply says the same as the same candidate's reply to `probe`.

    `by` says what is compared: `text` (stripped, case-folded, without trailing punctuation; the default), `choice`
    (the option picked out of `options`; the default where `options` are given) or `number` (the last one). Two
    replies that both refuse or abstain agree, one that does and one that does not disagree. No verdict where the
    twin has no reply, an empty one, or one without an option or a number.
    """

    probe: Annotated[str, msgspec.Meta(min_length=1)]
    by: By | None = None
    options: tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ()

    def __post_init__(self) -> None:
        if self.by == "choice" and len(self.options) < 2:
            raise ValueError("by 'choice' needs options, at least two")
        if self.options and (len(self.options) < 2 or self.by not in (None, "choice")):
            raise ValueError("options are at least two and go with by 'choice'")

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:
        """The verdict on a pair of replies; the evidence is a span of this one."""
        other = twin(self.probe)
        if other is None:
            said = f"The twin {shorten(self.probe)!r} has no reply to compare with."
            return verdict("same_as", Finding(None, said, evidence("twin", reply.text)), reply, probe)
        reading, its = read(reply.text, reply.finish_reason), read(other.text, other.finish_reason)
        finding = self._stances(reply, reading, its) or self._contents(reply, other, shows_letters(probe))
        return verdict("same_as", finding, reply, probe, reading)

    def _stances(self, reply: Reply, reading: Reading, its: Reading) -> Finding | None:
        if its.reply_class == "empty":
            return Finding(None, "The twin's reply is empty.", evidence("twin", reply.text))
        mine, theirs = reading.reply_class in _DECLINED, its.reply_class in _DECLINED
        if mine and theirs:
            return Finding(True, "Both replies decline.", reading.evidence, "inconsistent")
        if mine or theirs:
            said = f"This reply {'declines' if mine else 'answers'}, its twin {'declines' if theirs else 'answers'}."
            return Finding(False, said, reading.evidence or evidence("one of two declines", reply.text), "inconsistent")
        return None

    def _contents(self, reply: Reply, other: Reply, letters: bool) -> Finding:
        by: By = self.by or ("choice" if self.options else "text")
        given, span = self._content(reply.text, by, letters)
        expected, _ = self._content(other.text, by, letters)
        noted = evidence(f"same {by} as the twin", reply.text, span)
        if expected is None:
            return Finding(None, f"The twin's reply {_NOTHING[by]}: nothing to compare with.", noted)
        if given is None:
            said = f"The reply {_NOTHING[by]}; its twin says {shorten(expected)!r}."
            return Finding(False, said, noted, "no_answer")
        if given == expected:
            return Finding(True, f"Both replies say {shorten(given)!r}.", noted)
        return Finding(
            False, f"The reply says {shorten(given)!r}, its twin {shorten(expected)!r}.", noted, "inconsistent"
        )

    def _content(self, text: str, by: By, letters: bool) -> tuple[str | None, Span | None]:
        if by == "number":
            last = last_number(text)
            return (f"{last[0].normalize():f}", last[1]) if last else (None, None)
        if by == "choice":
            picked = pick(text, self.options, letters=letters)
            return (None if picked.index is None else self.options[picked.index]), picked.span
        stripped = text.strip()
        start = text.find(stripped)
        return stripped.casefold().rstrip(".,;:!?…\"'”’ ") or None, (start, start + len(stripped))


_NOTHING: dict[By, str] = {"text": "is empty", "choice": "names no single option", "number": "has no number"}
