"""Knowing and not knowing: pairs, samples, and calibration from what is there only."""

from typing import Any

import pytest

from conftest import probe
from weakspot.api.metrics import answer, read_row, stated_confidence
from weakspot.metrics.knowing import calibrations, consistency, known_unknown
from weakspot.metrics.rows import Row
from weakspot.probes.edits_asking import samples, stated
from weakspot.records import Probe, Provenance, Reply, Response
from weakspot.records.response import ChoiceLogprob
from weakspot.scorers import score_reply

CHOICE = {"type": "choice", "options": ["Rome", "Oslo"], "value": "Rome", "letters": False}


def read(item: Probe, text: str, **reply: Any) -> Row:
    """A row as a run makes it."""
    final = Reply(text, finish_reason="stop", **reply)
    response = Response(item.id, "m", "", (final,), Provenance("s", "s", "1"))
    return read_row(item, score_reply(item, "m", final, lambda _: None), response)


def twins(number: int, known: str, unknown: str) -> list[Row]:
    """A question that can be answered and one that can't."""
    a = probe(f"k{number}", "hallucination", value="Rome", tags={"known": "yes"}, group=f"g{number}", arm="control")
    b = probe(
        f"u{number}",
        "hallucination",
        expect={"type": "abstains"},
        tags={"known": "no"},
        group=f"g{number}",
        arm="treatment",
    )
    return [read(a, known), read(b, unknown)]


def test_both_halves_are_needed() -> None:
    """Who always answers and who always holds back are both at 0 for the pair; who knows the difference is at 1."""
    always = known_unknown({"m": [r for i in range(4) for r in twins(i, "Rome", "It was Smith.")]})[0]
    never = known_unknown({"m": [r for i in range(4) for r in twins(i, "I do not know.", "I do not know.")]})[0]
    knows = known_unknown({"m": [r for i in range(4) for r in twins(i, "Rome", "I do not know.")]})[0]
    assert [(k.known.value, k.abstention.value, k.both.value, k.silence.value) for k in (always, never, knows)] == [
        (1, 0, 0, 0),
        (0, 1, 0, 1),
        (1, 1, 1, 0),
    ]


def sampled(*said: str) -> list[Row]:
    """One question, several samples."""
    item = probe("q", "factual", expect=CHOICE)
    return [read(copy, text) for copy, text in zip(samples([item]), said, strict=True)]


def test_agreement_is_the_share_of_the_most_frequent_answer() -> None:
    """Four of five samples say Rome in whatever words: 0.8, and it is right."""
    found = consistency({"m": sampled("Rome", "It is Rome.", "Oslo", "Rome!", "I say Rome")})[0]
    assert (found.questions, found.samples) == (1, 5)
    assert found.agreement.value == pytest.approx(0.8)
    assert found.majority_right.value == 1


def test_a_wrong_majority_is_wrong_and_silence_is_no_answer() -> None:
    """Most frequent and wrong is wrong; so is silence that is most frequent where another sample passed."""
    assert consistency({"m": sampled("Oslo", "Oslo", "Oslo", "Rome", "Rome")})[0].majority_right.value == 0
    assert consistency({"m": sampled("", "", "", "", "Rome")})[0].majority_right.value == 0


def test_samples_held_against_the_first_are_read_too() -> None:
    """In a set whose later samples expect the same as the first, the first one's verdict decides what is right."""
    tags = {"kind": "sampled"}
    same = {"type": "same_as", "probe": "s0", "options": CHOICE["options"]}
    items = [probe(f"s{i}", tags=tags, group="s", expect=same if i else CHOICE) for i in range(3)]
    found = consistency({"m": [read(item, text) for item, text in zip(items, ("Oslo", "Rome", "Rome"), strict=True)]})[
        0
    ]
    assert found.agreement.value == pytest.approx(2 / 3)
    assert found.majority_right.value is None


def asked(texts: list[str]) -> list[Row]:
    """Questions whose replies state a confidence."""
    items = [
        probe(f"c{i}", "factual", value="Rome", messages=[{"role": "user", "content": "Capital?"}])
        for i in range(len(texts))
    ]
    return [read(item, text) for item, text in zip(stated(items), texts, strict=True)]


def test_calibration_reads_stated_confidence_and_counts_what_is_missing() -> None:
    """30 replies at 90% of which 15 are right: overconfident by 40 points; 5 without a per cent are missing, not 0."""
    texts = ["Rome. Confidence: 90%."] * 15 + ["Oslo. Confidence: 90%."] * 15 + ["Rome, I think."] * 5
    found = calibrations({"m": asked(texts)})[0]
    assert (found.source, found.n, found.missing) == ("stated", 30, 5)
    assert found.ece.value == pytest.approx(0.4)
    assert (found.accuracy, found.confidence) == (0.5, pytest.approx(0.9))


def test_too_few_confidences_give_no_calibration() -> None:
    """Under 20 replies with a confidence there is nothing to show."""
    assert calibrations({"m": asked(["Rome. Confidence: 90%."] * 19)}) == ()


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        ("Rome. Confidence: 80%.", 0.8),
        ("I am 95 percent sure", 0.95),
        ("Confidence: 70", 0.7),
        ("50% of them. Confidence 20%", 0.2),
        ("Rome.", None),
        ("In 1995 it was", None),
        ("250%", None),
    ],
)
def test_a_stated_confidence_is_read_or_missing(text: str, confidence: float | None) -> None:
    """The last per cent, or the number behind the word; a text without one has none."""
    assert stated_confidence(text) == confidence


def test_a_choice_by_likelihood_carries_its_own_confidence() -> None:
    """Among three equally likely choices the confidence is a third; without likelihoods there is none."""
    item = probe("l", "factual", expect=CHOICE)
    row = read(item, "Rome", choice_logprobs=tuple(ChoiceLogprob(-2.0) for _ in range(3)))
    assert row.likelihood == pytest.approx(1 / 3)
    assert read(item, "Rome").likelihood is None


@pytest.mark.parametrize(
    ("expect", "text", "said"),
    [
        (CHOICE, "The answer is Oslo.", "Oslo"),
        (CHOICE, "Either of them", None),
        ({"type": "number", "value": 7}, "That makes 7.0", "7"),
        ({"type": "contains", "value": "Rome"}, "I do not know.", None),
        ({"type": "exact", "value": "x"}, "A long-ish TEXT!", "a long ish text"),
    ],
)
def test_answers_are_brought_to_one_form(expect: dict[str, Any], text: str, said: str | None) -> None:
    """Options by name, numbers without zeros, other text without case and punctuation; a decline is no answer."""
    item = probe("f", "factual", expect=expect)
    reply = Reply(text, finish_reason="stop")
    assert answer(item, reply, score_reply(item, "m", reply, lambda _: None)) == said
