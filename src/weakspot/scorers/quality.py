"""`quality`: a reply in a dialogue graded 1 to 5 by rule: how much it says, of what, and how stock it is.

A first sorting where no judge is at hand, and a floor for judges: it ranks replies as people do better than length
does, and no more. The weights are a ridge regression on the tuned half of Topical-Chat's human ratings (Mehri and
Eskenazi
2020), stretched to the spread of people's grades, kept as data; `weakspot scorers validate --ablate` says what each
adds.
It does not know what is true or polite.
"""

import re
from collections.abc import Callable, Collection
from typing import Annotated, Final

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.asked import question
from weakspot.scorers.classify import is_blank
from weakspot.scorers.compare import evidence
from weakspot.scorers.verdict import Finding, verdict
from weakspot.scorers.words import content, words

QUALITY_RULES: Final[dict[str, str]] = {
    "substance": "different telling words, up to twelve",
    "dense": "telling words over all words",
    "answers": "takes up words of the last turn",
    "source": "takes up words of the source",
    "stock": "opens with, or is made of, stock phrases",
    "copies": "repeats stretches of earlier turns",
}
"""Rules that can be left out with `without`, with what each says."""

WEIGHTS: Final[dict[str, float]] = {
    "substance": 0.71,
    "dense": 2.18,
    "answers": 0.73,
    "source": 0.20,
    "stock": -1.22,
    "copies": -1.00,
}
BIAS: Final = 0.24

_LONGEST: Final = 20_000
_RUN: Final = 4
_STOCK = re.compile(
    r"\b(?:i think (?:that|it|he|she|they) ?(?:is|was|are|'s)|i do ?n't know|i ?'m not sure|that is a (?:good|great)|"
    r"i know (?:right|that)|i would love|i guess so|i have to agree)\b",
    re.IGNORECASE,
)


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the rule's grade of the reply, 1 to 5, is at least `least`.

    `source` is what the reply may draw on; `lang` the language tag; `without` leaves out rules of `QUALITY_RULES`.
    """

    least: Annotated[float, msgspec.Meta(ge=1, le=5)] = 3.0
    source: str | None = None
    lang: str = "en"
    without: tuple[str, ...] = ()

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the grade in its reason."""
        if is_blank(reply.text):
            found = Finding(False, "The reply is empty: grade 1.", evidence("quality", reply.text), "no_answer")
            return verdict("quality", found, reply, probe)
        grade = self.grade(reply.text, question(probe))
        side = "at least" if grade >= self.least else "under"
        said = f"The rule grades the reply {grade:.1f} of 5, {side} {self.least:g}."
        return verdict("quality", Finding(grade >= self.least, said, evidence("quality", reply.text)), reply, probe)

    def risk(self, reply: Reply, probe: Probe) -> float:
        """Minus the grade."""
        return -self.grade(reply.text, question(probe))

    def grade(self, text: str, asked: str) -> float:
        """The grade of a text that follows `asked` (turns on lines of their own), 1 to 5."""
        found = measures(text[:_LONGEST], asked[-_LONGEST:], self.source or "", self.lang)
        value = BIAS + sum(WEIGHTS[name] * v for name, v in found.items() if name not in self.without)
        return min(5.0, max(1.0, value))


def measures(text: str, asked: str, source: str, lang: str = "en") -> dict[str, float]:
    """What `WEIGHTS` weighs: rule -> value."""
    telling = frozenset(content(text, lang))
    said, before = words(text), words(asked)
    turns = [line for line in asked.splitlines() if line.strip()]
    last = frozenset(content(turns[-1], lang)) if turns else frozenset()
    return {
        "substance": min(len(telling), 12) / 4,
        "dense": len(telling) / max(1, len(said)),
        "answers": float(min(len(telling & last), 3)),
        "source": min(len(telling & frozenset(content(source[:_LONGEST], lang))), 5) / 2,
        "stock": float(_STOCK.search(text) is not None),
        "copies": _copied(said, before),
    }


def _copied(said: list[str], before: Collection[str]) -> float:
    known = set(_runs(list(before)))
    own = _runs(said)
    return sum(run in known for run in own) / len(own) if own else 0.0


def _runs(found: list[str]) -> list[tuple[str, ...]]:
    return [tuple(found[i : i + _RUN]) for i in range(len(found) - _RUN + 1)]
