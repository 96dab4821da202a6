"""`answer` and the words it compares: forms that are one, and answers that are none."""

import pytest

from weakspot.records import Probe, Reply
from weakspot.scorers import score_reply
from weakspot.scorers.answer import ANSWER_RULES
from weakspot.scorers.words import content, stems, words


def passed(reply: str, *values: str, asked: str = "x", without: tuple[str, ...] = ()) -> bool | None:
    """The verdict on a reply where these answers are accepted."""
    expect = {"type": "answer", "values": list(values), "without": list(without)}
    return score_reply(Probe("p", "c", expect, prompt=asked), "m", Reply(reply, "stop"), lambda _: None).passed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("twenty-five km", "25 kilometers"),
        ("two hundred and five", "205"),
        ("1,200 years", "1200 years"),
        ("3.5 million", "3,500,000"),
        ("1979–80", "1979-1980"),
        ("World War II", "World War 2"),
        ("the 21st century", "the 21 century"),
        ("the U.S.", "the United States of America"),
        ("Müller", "Muller"),
        ("don't", "do not"),
    ],
)
def test_forms_that_are_one(one: str, other: str) -> None:
    """Numbers, units, ranges, ordinals, countries, accents and contractions have one form."""
    assert stems(one) == stems(other)


@pytest.mark.parametrize(
    ("gold", "reply", "asked"),
    [
        ("William G. Brownlow", 'William Gannaway "Parson" Brownlow was elected in 1865.', "x"),
        ("Mark Richard Shuttleworth", "It was founded by Mark Shuttleworth.", "x"),
        ("Justice A.K Mathur", "Ashok Kumar Mathur", "x"),
        ("the 1979-80 season", "The league adopted it in 1979.", "when did the league adopt it"),
        ("Chlorofluorocarbons", "It stands for chlorofluorocarbon.", "x"),
        ("Baltimore, Maryland", "Maryland", "x"),
        ("June Gable", "Estelle was played byJune Gable1.", "who played Estelle"),
        ("latitude 90° North", "It lies at ninety degrees north latitude.", "x"),
        ("two", "There were 2 of them.", "how many were there"),
    ],
)
def test_right_answers_in_other_words(gold: str, reply: str, asked: str) -> None:
    """Names in part, initials, inflection, numbers in words, glued words and short answers count as given."""
    assert passed(reply, gold, asked=asked) is True


@pytest.mark.parametrize(
    ("gold", "reply"),
    [
        ("3 April 1973", "It was on April 5, 1973."),
        ("1908", "It began in 1926."),
        ("Paris", "It is not Paris."),
        ("John Smith", "It was John Brown."),
        ("Paris", "I don't know."),
        ("Phosphorus pentoxide", "The compound P4O10 does not exist."),
        ("12 episodes", "There are 13 episodes."),
    ],
)
def test_wrong_answers(gold: str, reply: str) -> None:
    """Another day, year or number, a denied answer, half a name, and no answer at all are not the accepted one."""
    assert passed(reply, gold) is False


def test_a_rule_left_out_changes_what_it_is_about() -> None:
    """Without the rule of dates another day passes; without that of negation a denied answer does."""
    assert passed("It was on April 5, 1973.", "3 April 1973", without=("dates",)) is True
    assert passed("It is not Paris.", "Paris", without=("negated",)) is True
    assert {"dates", "negated"} <= ANSWER_RULES.keys()


def test_spanish_and_stop_words() -> None:
    """Spanish forms of one word share a stem, and stop words of both languages tell nothing."""
    assert content("los países", "es") == content("el país", "es")
    assert content("the of and el la") == []


@pytest.mark.parametrize(
    "text", ["", "\x00\ud800", "∞" * 500, "1" * 5000, "IIIIIIII LLL", "million thousand hundred", "a" * 9999]
)
def test_hostile_texts_have_words(text: str) -> None:
    """No text breaks the reading of words, and a long numeral stays text."""
    assert all(isinstance(w, str) and w for w in words(text))
    assert passed(text, "Paris") is False
