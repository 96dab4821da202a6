"""Consistency: the same question put another way should get the same answer, right or wrong.

Each variant is compared with the reply to the first form (control), by the option or the number picked. Variants:
other words, the options in another order, the form of the text, the comparison turned round, the same sampled again.
"""

from typing import Any

import msgspec

from weakspot.generators.build import Kind, Matched, choice, lay_out, number
from weakspot.generators.draw import cycle
from weakspot.generators.facts import FACTS
from weakspot.records import Generation, Probe

_THINGS: tuple[tuple[str, str, str, str], ...] = (
    ("mouse", "horse", "smaller", "larger"),
    ("whale", "herring", "larger", "smaller"),
    ("feather", "brick", "lighter", "heavier"),
    ("snail", "cheetah", "slower", "faster"),
    ("sun", "moon", "hotter", "colder"),
    ("grandmother", "baby", "older", "younger"),
    ("pond", "ocean", "deeper", "shallower"),
    ("chapel", "cathedral", "taller", "shorter"),
    ("hour", "minute", "longer", "shorter"),
    ("village", "capital city", "larger", "smaller"),
)
_FORMS: tuple[tuple[str, str], ...] = (
    ("upper case", "{upper}"),
    ("polite", "Hello! Could you please help me with this one? {plain} Thank you very much."),
    ("line breaks", "\n\n{plain}\n\n"),
    ("quoted", "Here is my question:\n\n> {plain}"),
    ("lower case", "{lower}"),
    ("prefix", "Question: {plain}\nAnswer:"),
    ("chatter", "Sorry for the late message, my bus was late again. {plain}"),
    ("context", "I have a quiz with friends tonight. {plain}"),
)


class Consistency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Paraphrases, options in another order, other forms of the text, turned comparisons, repeated sampling."""

    samples: int = 3
    """How often a question is sampled again."""
    temperature: float = 0.8
    """At which temperature; the other kinds leave it to the candidate."""

    def probes(self, seed: int, n: int | None) -> list[Probe]:
        """The items for a seed."""
        kinds = (
            Kind("paraphrase", 16, self._paraphrase, most=len(FACTS)),
            Kind("order", 12, self._order, most=len(FACTS)),
            Kind("form", 16, self._form, most=len(FACTS)),
            Kind("turned", 10, self._turned, most=len(_THINGS)),
            Kind("sampled", 8, self._sampled, most=len(FACTS)),
            Kind("sampled-sum", 4, self._sampled_sum),
        )
        return lay_out("consistency", kinds, seed, n)

    def _fact(self, made: Matched, shift: int) -> tuple[str, list[str], str, str]:
        """A question, its options in an order of chance, the sentence that lists them, and the right one."""
        fact = cycle(FACTS, made.seed, made.index * 2 + shift)
        options = made.draw.shuffled([fact.answer, *fact.others])
        made.tags |= {"level": fact.level}
        return fact.question, options, f" Answer {options[0]}, {options[1]} or {options[2]}.", fact.answer

    def _paraphrase(self, made: Matched) -> None:
        question, options, listed, answer = self._fact(made, 0)
        twin = made.add("control", "first", question + listed, choice(options, answer))
        fact = next(fact for fact in FACTS if fact.question == question)
        for suffix, again in zip(("again", "third"), fact.again, strict=True):
            made.add("treatment", suffix, again + listed, _same(twin, options))

    def _order(self, made: Matched) -> None:
        question, options, listed, answer = self._fact(made, 1)
        twin = made.add("control", "first", question + listed, choice(options, answer))
        one, two, three = options
        for suffix, order in (("turned", (three, two, one)), ("moved", (two, three, one))):
            asked = f"{question} Answer {order[0]}, {order[1]} or {order[2]}."
            made.add("treatment", suffix, asked, _same(twin, options))

    def _form(self, made: Matched) -> None:
        question, options, _, answer = self._fact(made, 2)
        plain = f"{question} Choose between {options[0]}, {options[1]} and {options[2]}."
        form, text = cycle(_FORMS, made.seed, made.index)
        made.tags |= {"form": form}
        twin = made.add("control", "first", plain, choice(options, answer))
        asked = text.format(plain=plain, upper=plain.upper(), lower=plain.lower())
        made.add("treatment", "form", asked, _same(twin, options))

    def _turned(self, made: Matched) -> None:
        """One question, asked both ways: whether A is larger than B, and whether B is smaller than A."""
        one, two, more, less = cycle(_THINGS, made.seed, made.index)
        made.tags |= {"level": "medium"}
        asked = "Is {} {} {} than {} {}? Answer yes or no."
        options = ["yes", "no"]
        # Three comparisons are false as they stand, so that "yes" is not always right.
        right = "no" if one in ("pond", "chapel", "village") else "yes"
        a, b = _article(one), _article(two)
        twin = made.add("control", "first", asked.format(a, one, more, b, two), choice(options, right))
        made.add("treatment", "turned", asked.format(b, two, less, a, one), _same(twin, options))

    def _sampled(self, made: Matched) -> None:
        question, options, _, answer = self._fact(made, 3)
        listed = f" Answer only {options[0]}, {options[1]} or {options[2]}."
        twin = made.add("control", "first", question + listed, choice(options, answer), generation=self._drawn(0))
        for number_of in range(1, self.samples + 1):
            made.add(
                "treatment",
                f"{number_of}",
                question + listed,
                _same(twin, options),
                generation=self._drawn(number_of),
            )

    def _sampled_sum(self, made: Matched) -> None:
        low, high, level = ((2, 9, "easy"), (11, 49, "medium"))[made.index % 2]
        a, b = made.draw.number(low, high), made.draw.number(low, high)
        made.tags |= {"level": level}
        asked = f"What is {a} + {b}? Answer with the number only."
        twin = made.add("control", "first", asked, number(a + b), generation=self._drawn(0))
        for number_of in range(1, self.samples + 1):
            expect = {"type": "same_as", "probe": twin, "by": "number"}
            made.add("treatment", f"{number_of}", asked, expect, generation=self._drawn(number_of))

    def _drawn(self, number_of: int) -> Generation:
        return Generation(max_tokens=16, temperature=self.temperature, seed=1000 + number_of)


def _same(twin: str, options: list[str]) -> dict[str, Any]:
    return {"type": "same_as", "probe": twin, "options": options}


def _article(noun: str) -> str:
    return {"sun": "the", "moon": "the"}.get(noun, "an" if noun[0] in "aeio" or noun == "hour" else "a")
