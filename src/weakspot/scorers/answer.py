"""`answer`: a free-form reply gives the right answer, in whatever words.

Gold-substring matching calls "William Gannaway Brownlow" wrong where the gold answer is "William G. Brownlow". Here
each accepted answer is found by its telling words: numbers in any form, names in part or with initials, inflected
forms, close spellings. `weakspot scorers validate --ablate` shows what each rule of `ANSWER_RULES` adds against
people's labels.
It knows nothing of the world: an answer right in words that share nothing with the accepted ones is called wrong.
"""

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from rapidfuzz import fuzz

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.asked import question
from weakspot.scorers.classify import read
from weakspot.scorers.compare import evidence, shorten
from weakspot.scorers.verdict import Finding, verdict
from weakspot.scorers.word_lists import NEGATIONS, STOP, listed
from weakspot.scorers.words import bare, is_number, stem, words

ANSWER_RULES: Final[dict[str, str]] = {
    "forms": "numbers in words, ordinals, Roman numerals, units, abbreviations and accents are one form",
    "inflection": "words are compared by their stems",
    "partial": "an answer counts when most of the telling words of an accepted one stand close together",
    "fuzzy": "long words may differ in a letter or two, or share a long beginning (Russia, Russian)",
    "initials": "an initial stands for a name, titles do not count",
    "question": "words of the question tell little",
    "short": "a short reply may be less exact than the accepted answer (Maryland for Baltimore, Maryland)",
    "numbers": "the main number of an accepted answer must be there",
    "dates": "another day of the same month and year is another date",
    "literal": "an accepted answer that stands in the reply letter by letter is found even where words are glued "
    "together",
    "negated": "an answer that is denied ('not Paris') is not given",
    "abstains": "a reply that says that it does not know gives no answer",
}
"""Rules that can be left out with `without`, with what each says."""

_TITLES: Final = frozenset(
    stem(title)
    for title in listed(
        "sir dame lord lady king queen prince princess saint doctor mr mrs ms miss major general colonel captain "
        "justice "
        "judge president senator governor pope rev reverend professor jr sr emperor empress"
    )
)
_THRESHOLD: Final = 0.55
_SPREAD: Final = 10
_LONGEST: Final = 20_000


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the reply gives one of `values`, in whatever form; a reply that abstains or denies it fails.

    `lang` is the language tag of the reply; `without` leaves out rules of `ANSWER_RULES`, for measuring.
    """

    values: Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=1)]
    lang: str = "en"
    threshold: float = _THRESHOLD
    without: tuple[str, ...] = ()

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the accepted answer that it comes nearest to."""
        reading = read(reply.text, reply.finish_reason)
        if reading.reply_class in ("abstained", "empty") and "abstains" not in self.without:
            found = Finding(False, "The reply gives no answer.", reading.evidence, "no_answer")
            return verdict("answer", found, reply, probe, reading)
        match, value = self.nearest(reply.text[:_LONGEST], question(probe))
        passed = match >= self.threshold
        said = f"The reply {'gives' if passed else 'does not give'} {shorten(value)!r} (match {match:.2f})."
        return verdict("answer", Finding(passed, said, evidence("answer", reply.text)), reply, probe, reading)

    def risk(self, reply: Reply, probe: Probe) -> float:
        """How far the reply is from every accepted answer, 0 (given) to 1."""
        return 1.0 - self.nearest(reply.text[:_LONGEST], question(probe))[0]

    def nearest(self, text: str, asked: str) -> tuple[float, str]:
        """The share of an accepted answer's telling words that the reply gives, 0 to 1, for the nearest one."""
        reply = self._words(text)
        folded = bare(text).casefold()
        known = frozenset(self._words(asked)) if "question" not in self.without else frozenset()
        found = ((max(self._match(self._words(v), reply, known), self._literal(v, folded)), v) for v in self.values)
        return max(found, key=lambda pair: pair[0])

    def _literal(self, value: str, folded: str) -> float:
        """1 where `value` stands in the reply as it is, and is long enough not to be part of another word."""
        needle = bare(value).casefold().strip()
        at = folded.find(needle) if len(needle) >= 5 and "literal" not in self.without else -1
        before = folded[max(0, at - 16) : max(at, 0)].split()[-2:]
        return float(at >= 0 and ("negated" in self.without or not NEGATIONS.intersection(before)))

    def _words(self, text: str) -> list[str]:
        if "forms" in self.without:
            found = [w for w in text.casefold().replace("-", " ").split() if w]
            found = [w.strip(".,;:!?\"'()") for w in found]
            found = [w for w in found if w]
        else:
            found = words(text)
        return found if "inflection" in self.without else [stem(w, self.lang[:2]) for w in found]

    def _match(self, gold: list[str], reply: list[str], known: frozenset[str]) -> float:
        telling = _weights(gold, known, titles="initials" in self.without)
        if not telling or not reply:
            return 0.0
        places = {w: [i for i, r in enumerate(reply) if self._equal(w, r)] for w in telling}
        if "negated" not in self.without:
            places = {w: [i for i in at if not _denied(reply, i)] for w, at in places.items()}
        if "numbers" not in self.without and not _main_number(telling, places):
            return 0.0
        if "dates" not in self.without and _another_day(telling, places, reply):
            return 0.0
        if not any(reply[i] == w or len(w) > 1 < len(reply[i]) for w, at in places.items() for i in at):
            return 0.0  # initials alone are no name
        total = sum(telling.values())
        covered = _closest(telling, places, _SPREAD + 3 * len(telling)) / total
        if "partial" in self.without:
            return float(covered > 1 - 1e-9)
        return max(covered, 0.0 if "short" in self.without else self._short(telling, reply, known))

    def _short(self, telling: dict[str, float], reply: list[str], known: frozenset[str]) -> float:
        """1 where a reply of at most six words says nothing but words of the accepted answer, and a new one."""
        said = [r for r in reply if r not in STOP]
        new = [r for r in said if r not in known]
        if not 0 < len(said) <= 6 or not new:
            return 0.0
        return float(all(any(len(w) > 1 and self._equal(w, r) for w in telling) or r in known for r in said))

    def _equal(self, gold: str, given: str) -> bool:
        if gold == given:
            return True
        if is_number(gold) or is_number(given):
            return False
        if len(gold) == 1 or len(given) == 1:
            return "initials" not in self.without and gold[0] == given[0] and len(gold) != len(given)
        if "fuzzy" in self.without or min(len(gold), len(given)) < 4:
            return False
        shared = next(
            (i for i, (a, b) in enumerate(zip(gold, given, strict=False)) if a != b), min(len(gold), len(given))
        )
        if shared >= 5 and shared >= 0.7 * max(len(gold), len(given)):
            return True
        return min(len(gold), len(given)) >= 5 and fuzz.ratio(gold, given) >= 84


def _weights(gold: list[str], known: frozenset[str], *, titles: bool) -> dict[str, float]:
    """The telling words of an accepted answer with their weight; all words where it has no other."""
    out: dict[str, float] = {}
    for word in gold:
        if word in STOP and len(gold) > 1:
            continue
        if word in _TITLES and not titles and len(gold) > 1:
            continue
        weight = (
            2.0 if is_number(word) and len(word) == 4 else 1.5 if is_number(word) else 0.3 if len(word) == 1 else 1.0
        )
        out[word] = weight
    if any(w not in known for w in out):
        out = {w: (0.3 * v if w in known and not is_number(w) else v) for w, v in out.items()}
    return out or dict.fromkeys(gold, 1.0)


def _main_number(telling: dict[str, float], places: dict[str, list[int]]) -> bool:
    """Whether the number that tells most (a year before a day) stands in the reply; True where there is none."""
    numbers = [w for w in telling if is_number(w)]
    if not numbers:
        return True
    most = max(telling[w] for w in numbers)
    return any(places[w] for w in numbers if telling[w] == most)


def _another_day(telling: dict[str, float], places: dict[str, list[int]], reply: list[str]) -> bool:
    """Whether an accepted date's year stands in the reply beside a day that is not the accepted one."""
    years = [w for w in telling if _is_year(w)]
    days = [w for w in telling if is_number(w) and len(w) <= 2]
    if len(years) != 1 or len(days) != 1 or places[days[0]]:
        return False
    near = [reply[j] for i in places[years[0]] for j in range(max(0, i - 2), i)]
    return any(is_number(w) and len(w) <= 2 for w in near)


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdigit()


def _denied(reply: list[str], at: int) -> bool:
    return any(w in NEGATIONS for w in reply[max(0, at - 2) : at])


def _closest(telling: dict[str, float], places: dict[str, list[int]], spread: int) -> float:
    """The greatest weight of telling words that stand within `spread` words of each other."""
    events = sorted((i, w) for w, at in places.items() for i in at)
    best, start = 0.0, 0
    count: dict[str, int] = {}
    weight = 0.0
    for i, word in events:
        count[word] = count.get(word, 0) + 1
        weight += telling[word] * (count[word] == 1)
        while events[start][0] < i - spread:
            gone = events[start][1]
            count[gone] -= 1
            weight -= telling[gone] * (count[gone] == 0)
            start += 1
        best = max(best, weight)
    return best
