"""Multilingual: the same question in eight languages, held against its English form.

The English form is the positive control, so a failure here is one of the language and not of the knowledge: the rate of
a language is the gap to English. Numbers are drawn; answers count in the language of the question and in English.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from weakspot.generators.build import Kind, Matched, lay_out, words
from weakspot.generators.multilingual_tables import LANGUAGES, QUESTIONS, Question
from weakspot.records import Probe


class Multilingual(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ten questions in German, French, Spanish, Russian, Chinese, Japanese, Arabic and Hindi, each beside English."""

    languages: tuple[str, ...] = LANGUAGES
    """Which of the eight, by their codes."""
    tokens: int = 32
    """Tokens after which a reply is cut; other scripts take several tokens for a word."""

    def __post_init__(self) -> None:
        if unknown := [name for name in self.languages if name not in LANGUAGES]:
            raise ValueError(f"there is no language {unknown[0]!r}; there are {', '.join(LANGUAGES)}")

    def probes(self, seed: int, n: int | None) -> list[Probe]:
        """The items for a seed: one set for each question, one treatment for each language."""
        kinds = [Kind(question.name, 1, _maker(self, question)) for question in QUESTIONS]
        return lay_out("multilingual", kinds, seed, n)


def _maker(how: Multilingual, question: Question) -> Any:
    def make(made: Matched) -> None:
        a, b = made.draw.number(5, 9), made.draw.number(3, 9)  # the plurals of Russian and Arabic fit these
        made.tokens = how.tokens
        made.tags |= {"level": question.level}
        english = question.asked["en"]
        expect = _expect(question, ("en",), a, b)
        made.add("positive-control", "en", english.format(a=a, b=b), expect, language="en")
        for language in how.languages:
            asked = question.asked[language].format(a=a, b=b)
            made.add("treatment", language, asked, _expect(question, (language, "en"), a, b), language=language)

    return make


def _expect(question: Question, languages: Sequence[str], a: int, b: int) -> dict[str, Any]:
    if question.sum:
        return {"type": "number", "value": a + b}
    values = dict.fromkeys(value for language in languages for value in question.answers[language])
    return words(*values)
