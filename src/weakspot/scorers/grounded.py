"""`grounded`: every claim of a reply stands in a source text.

Word overlap calls a reply grounded that has the source's words and one wrong name. Here each sentence is weighed by
what it adds: words, numbers and names that the source lacks, the order of the words, a negation that the source lacks,
talk of oneself, questions. The weights are a logistic regression (L2) on the tuned half of BEGIN's human labels, kept
as data; `weakspot scorers validate --ablate` shows what each adds.
It does not know what is true, and reads no meaning: a claim in wholly other words counts as not supported.
"""

import re
from collections.abc import Callable, Collection
from itertools import pairwise
from typing import Final

import msgspec
from rapidfuzz import fuzz

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.asked import everything, question
from weakspot.scorers.classify import read
from weakspot.scorers.compare import Span, evidence, sentences, shorten
from weakspot.scorers.verdict import Finding, verdict
from weakspot.scorers.word_lists import listed
from weakspot.scorers.words import content, is_number, negations, stem, stems

GROUNDED_RULES: Final[dict[str, str]] = {
    "added": "words that the source lacks, in the sentence that has most of them",
    "least": "the share of words found in the source, in the sentence that has least",
    "order": "the share of neighbouring words that are neighbours in the source",
    "self": "speaks of itself (I, my, we)",
    "asks": "asks a question",
    "negation": "negates where the source does not",
    "numbers": "numbers that the source lacks",
    "names": "capitalised names that the source lacks",
    "asked": "the added words are the question's own",
    "inflection": "inflected and closely spelt words count as found",
}
"""Rules that can be left out with `without`, with what each says."""

WEIGHTS: Final[dict[str, float]] = {
    "added": 1.67,
    "least": -1.37,
    "order": -1.72,
    "self": 1.03,
    "asks": 0.57,
    "negation": 0.49,
    "numbers": 0.15,
    "names": 0.08,
    "asked": 0.48,
}
BIAS: Final = 0.92

_LONGEST: Final = 50_000
_SELF = re.compile(r"\b(?:i|my|me|mine|myself|we|our|us|i'm|i've|i'd|yo|mi|mis|nosotros|nuestr[oa]s?)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[\w,;:)\"'] )[A-Z][^\W\d_]+")
_CHAT: Final = frozenset(
    listed(
        "yes yeah yep yea no oh wow well ok okay really sure maybe lol haha hi hello thanks cool nice great awesom "
        "interest "
        "true right agre know think guess heard hear definit cours absolut si claro vale"
    )
)


class Grounded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the source supports the reply: `source`, or all that the probe shows where it is left out.

    A reply that says that the source does not tell makes no claim, and passes. `lang` is the language tag of both
    texts; `without` leaves out rules of `GROUNDED_RULES`, for measuring.
    """

    source: str | None = None
    lang: str = "en"
    without: tuple[str, ...] = ()

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the sentence that adds most."""
        reading = read(reply.text, reply.finish_reason)
        if reading.reply_class in ("refused", "empty"):
            found = Finding(False, "The reply gives no answer.", reading.evidence, "no_answer")
            return verdict("grounded", found, reply, probe, reading)
        if reading.reply_class == "abstained" and self.source is None:
            return verdict(
                "grounded", Finding(True, "The reply claims nothing.", reading.evidence), reply, probe, reading
            )
        odds = self.risk(reply, probe)
        span, added = self._worst(reply.text[:_LONGEST], probe)
        if odds <= 0:
            noted = evidence("grounded", reply.text)
            return verdict("grounded", Finding(True, "The source supports the reply.", noted), reply, probe, reading)
        listed = ", ".join(repr(shorten(w, 20)) for w in added[:5])
        said = f"The source does not support the reply{f': it lacks {listed}' if listed else ''}."
        noted = evidence("adds to the source", reply.text, span)
        return verdict("grounded", Finding(False, said, noted, "invention"), reply, probe, reading)

    def risk(self, reply: Reply, probe: Probe) -> float:
        """The log-odds that people say that the source does not wholly support the reply."""
        asked = "" if self.source is None else question(probe)
        found = measures(reply.text[:_LONGEST], self._source(probe), asked, self.lang, self.without)
        return BIAS + sum(WEIGHTS[name] * value for name, value in found.items() if name not in self.without)

    def _source(self, probe: Probe) -> str:
        return (everything(probe) if self.source is None else self.source)[:_LONGEST]

    def _worst(self, text: str, probe: Probe) -> tuple[Span | None, list[str]]:
        known = _Known(content(self._source(probe), self.lang), close="inflection" not in self.without)
        parts = [(span, [w for w in content(text[slice(*span)], self.lang) if w not in _CHAT and w not in known])
                 for span in sentences(text)]  # fmt: skip
        return max(parts, key=lambda part: len(part[1]), default=(None, []))


class _Known:
    """The words of a source; `in` also finds inflected and closely spelt ones."""

    def __init__(self, found: Collection[str], *, close: bool) -> None:
        self._words = frozenset(found)
        self._close = close
        self._answers: dict[str, bool] = {}

    def __contains__(self, word: str) -> bool:
        if word in self._words:
            return True
        if not self._close or len(word) < 4 or is_number(word):
            return False
        if word not in self._answers:
            self._answers[word] = any(_alike(word, other) for other in self._words)
        return self._answers[word]


def measures(text: str, source: str, asked: str, lang: str = "en", without: Collection[str] = ()) -> dict[str, float]:
    """What `WEIGHTS` weighs: rule -> value, about 0 to 2. Empty texts give zeros."""
    known = _Known(content(source, lang), close="inflection" not in without)
    per_sentence = [[w for w in content(text[slice(*s)], lang) if w not in _CHAT] for s in sentences(text)]
    added = [[w for w in part if w not in known] for part in per_sentence]
    every = [w for part in added for w in part]
    most = max(map(len, added), default=0)
    least = min((1 - len(a) / len(p) for a, p in zip(added, per_sentence, strict=True) if p), default=1.0)
    prompt = frozenset(content(asked, lang))
    return {
        "added": min(most, 6) / 3,
        "least": least,
        "order": _order(stems(text, lang), stems(source, lang)),
        "self": float(min(len(_SELF.findall(text)), 2)),
        "asks": float("?" in text),
        "negation": float(negations(text) > 0 and negations(source) == 0),
        "numbers": float(min(sum(is_number(w) and w != "1" for w in every), 2)),
        "names": float(min(sum(stem(m.casefold(), lang) not in known for m in _NAME.findall(text)), 2)),
        "asked": sum(w in prompt for w in every) / len(every) if every else 0.0,
    }


def _order(text: list[str], source: list[str]) -> float:
    pairs = list(pairwise(text))
    there = set(pairwise(source))
    return sum(p in there for p in pairs) / len(pairs) if pairs else 0.0


def _alike(word: str, other: str) -> bool:
    if abs(len(word) - len(other)) > 4 or is_number(other):
        return False
    return (len(word) >= 5 and word[:5] == other[:5]) or (len(other) >= 4 and fuzz.ratio(word, other) >= 80)
