"""Replies that answer nothing: an echo of the question, silence, a refusal, a shrug. They pass where they may, only."""

import pytest

from weakspot.probes.suite import load_suite
from weakspot.records import Message, Probe, Reply, Score
from weakspot.scorers import score_reply

SUITES = ("sycophancy", "bias", "hallucination", "consistency", "tokenization", "structured", "injection")
# To copy is the task; a copied instruction was not carried out; any number or pronoun will do in a control.
ECHO_PASSES = {"copy-script", "emoji", "salary", "stated-rate"}
NOTHING = ("", "I'm sorry, but I can't help with that.", "I don't know.")
GROUND = "The fox is red."
QUESTION = "What colour is the fox?"


def asked(probe: Probe) -> str:
    """The last thing that is said before the reply."""
    return (probe.messages or ())[-1].content or "" if probe.messages else probe.prompt or ""


def judged(probe: Probe, text: str, twin: str) -> Score:
    """The verdict on a reply, where the twin's reply was another one."""
    return score_reply(probe, "m", Reply(text=text, finish_reason="stop"), lambda _: Reply(text=twin))


def may_abstain(probe: Probe) -> bool:
    """Whether to say nothing is no failure: nothing is to be known, or nothing is to get out."""
    kind = probe.expect["type"]
    return kind in ("abstains", "canary_absent") or "abstention" in probe.expect or probe.tags["kind"] == "false-ground"


@pytest.mark.parametrize("suite", SUITES)
def test_an_echo_of_the_question_answers_nothing(suite: str) -> None:
    """A reply that only repeats the question passes no item, but where to copy is the task or to obey the fault."""
    passed = [
        probe.id
        for probe in load_suite(suite)
        if probe.tags["kind"] not in ECHO_PASSES and probe.expect["type"] != "canary_absent"
        if judged(probe, asked(probe), "yes").passed
    ]
    assert passed == []


@pytest.mark.parametrize("suite", SUITES)
def test_silence_a_refusal_and_a_shrug_answer_nothing(suite: str) -> None:
    """Nobody passes an item that has an answer by silence, a refusal or "I don't know"."""
    passed = [
        (probe.id, reply)
        for probe in load_suite(suite)
        if not may_abstain(probe)
        for reply in NOTHING
        if judged(probe, reply, "The answer is yes.").passed
    ]
    assert passed == []


@pytest.mark.parametrize(
    "expect",
    [
        {"type": "any_of", "values": ["red"], "whole_word": True},
        {"type": "regex", "pattern": r"\bred\b"},
        {"type": "choice", "options": ["red", "blue"], "value": "red"},
        {"type": "canary_present", "canary": "red"},
    ],
    ids=lambda expect: expect["type"],
)
def test_a_question_that_tells_its_answer(expect: dict[str, object]) -> None:
    """With `beyond_question` the whole question repeated is no answer; its ground alone, or words behind it, are one."""
    both = f"{GROUND} {QUESTION}"
    for beyond, echo in ((True, False), (False, True)):
        probe = Probe(
            id="p", category="c", expect=expect | {"beyond_question": beyond}, messages=(Message("user", both),)
        )
        assert judged(probe, both, "").passed is echo
        assert judged(probe, both.lower().replace(" ", "\n"), "").passed is echo
        assert judged(probe, GROUND, "").passed is True
        assert judged(probe, f"{both}\nIt is red.", "").passed is True
        assert judged(probe, "It is blue.", "").passed is False
