"""`choice`: the reply picks the right one of several options."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.asked import beyond
from weakspot.scorers.classify import Reading, read
from weakspot.scorers.compare import evidence, sentences, shorten
from weakspot.scorers.picking import Pick, pick, shows_letters
from weakspot.scorers.severity import Fault
from weakspot.scorers.verdict import Finding, verdict


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the one option that the reply picks is `value` (see `picking.pick` for how it is found).

    A reply that names no option, or several without a clear pick, fails: the question was which one. A, B, ...
    stand for the options in their order where `letters` is true, or left out and the question shows them.
    `abstention` names the option that a reply picks which abstains in its own words ("The text does not say").
    With `beyond_question` a place where the reply repeats the whole question is not read.
    """

    options: Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=2)]
    value: str
    letters: bool | None = None
    abstention: str | None = None
    beyond_question: bool = False

    def __post_init__(self) -> None:
        if self.value not in self.options:
            raise ValueError(f"value {shorten(self.value)!r} is none of the options")
        if self.abstention is not None and self.abstention not in self.options:
            raise ValueError(f"abstention {shorten(self.abstention)!r} is none of the options")
        if len({o.strip().casefold() for o in self.options}) < len(self.options):
            raise ValueError("two options are the same")

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the words that picked."""
        letters = shows_letters(probe) if self.letters is None else self.letters
        text = beyond(reply.text, probe, cut=False) if self.beyond_question else reply.text
        reading = read(text, reply.finish_reason)
        picked = self._pick(text, reading, letters)
        noted = evidence(picked.rule, reply.text, picked.span)
        fault: Fault = "wrong" if picked.index is not None else "no_answer"
        if picked.index is None:
            said = f"The reply named {'none' if picked.outcome == 'none' else 'several'} of the options."
            return verdict("choice", Finding(False, said, noted, fault), reply, probe, reading)
        given = self.options[picked.index]
        passed = given == self.value
        said = f"The reply picks {shorten(given)!r}{'' if passed else f', not {shorten(self.value)!r}'}."
        return verdict("choice", Finding(passed, said, noted, fault), reply, probe, reading)

    def _pick(self, text: str, reading: Reading, letters: bool) -> Pick:
        """The option picked; `abstention` where the reply abstains before or while it first names options."""
        picked = pick(text, self.options, letters=letters)
        noted = reading.evidence
        if self.abstention is None or reading.reply_class != "abstained" or noted is None or noted.start is None:
            return picked
        if picked.index is not None and picked.span and (picked.stated or _before(picked.span[0], noted.start, text)):
            return picked
        span = noted.start, noted.end or noted.start
        return Pick(self.options.index(self.abstention), "one", "abstains in its own words", span)


def _before(first: int, second: int, text: str) -> bool:
    """Whether the sentence around `first` ends before `second`."""
    return any(start <= first < end <= second for start, end in sentences(text))
