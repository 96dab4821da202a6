"""Multiple choice by likelihood: the expectation, the request it makes, and a run's way to its verdict."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

import weakspot
from weakspot.errors import ProbeError
from weakspot.probes.load import parse_lines
from weakspot.records import ChoiceLogprob, Message, Probe, Reply, Request, from_json, to_json
from weakspot.rendering.expected import expected
from weakspot.runs.conversation import Conversation
from weakspot.scorers import score_reply, scorer_for

ASKED: dict[str, Any] = {"type": "likelihood", "choices": ["no", "certainly not", "yes"], "value": 2}


def probe(**changes: Any) -> Probe:
    """A probe with this expectation."""
    return Probe("p", "facts", ASKED | changes, prompt="Is it?")


def verdict(values: list[float], **changes: Any) -> bool | None:
    """Whether a reply with these log-likelihoods passes."""
    asked = probe(**changes)
    reply = Reply("x", "stop", choice_logprobs=tuple(map(ChoiceLogprob, values)))
    return score_reply(asked, "m", reply, lambda _: None).passed


def test_the_likeliest_choice_is_the_answer() -> None:
    """The greatest sum of log-probabilities decides, whatever the reply's text says."""
    assert verdict([-3.0, -2.0, -1.0]) is True
    assert verdict([-1.0, -2.0, -3.0]) is False


def test_normalise_divides_by_the_characters_of_the_choice() -> None:
    """With `normalise` a long choice is not held back by its length: -6/13 is more than -2/3."""
    assert verdict([-5.0, -6.0, -2.0]) is True
    assert verdict([-5.0, -6.0, -2.0], normalise=True) is False
    assert verdict([-5.0, -6.0, -2.0], normalise=True, value=1) is True


def test_of_equal_ones_the_first_is_taken() -> None:
    """A tie goes to the first index, as numpy's argmax has it."""
    assert verdict([-1.0, -1.0, -1.0], value=0) is True
    assert verdict([-1.0, -1.0, -1.0], value=1) is False


def test_several_may_be_right() -> None:
    """A list of indexes passes with any of them, and the reason names the best of them where all lost."""
    assert verdict([-3.0, -1.0, -2.0], value=[1, 2]) is True
    lost = Reply("no", "stop", choice_logprobs=tuple(map(ChoiceLogprob, [-1.0, -4.0, -3.5])))
    score = score_reply(probe(value=[1, 2]), "m", lost, lambda _: None)
    assert (score.passed, score.severity) == (False, 3)
    assert score.reason == "The likeliest choice is 'no', 2.5 nats before the right 'yes'."


def test_a_choice_that_sounds_like_abstaining_is_an_answer() -> None:
    """The reply's class is answered: a choice such as "Can't be determined" was picked, not said."""
    picked = Reply(" I don't know", "stop", choice_logprobs=tuple(map(ChoiceLogprob, [-1.0, -4.0, -3.5])))
    score = score_reply(probe(), "m", picked, lambda _: None)
    assert (score.reply_class, score.passed, score.severity) == ("answered", False, 3)


@pytest.mark.parametrize("given", [None, (), (ChoiceLogprob(-1.0),)])
def test_without_log_likelihoods_there_is_no_verdict(given: tuple[ChoiceLogprob, ...] | None) -> None:
    """A backend that gives none, or not one for each choice, leaves the item unscored with the reason."""
    score = score_reply(probe(), "m", Reply("yes", "stop", choice_logprobs=given), lambda _: None)
    assert score.passed is None
    assert "?backend=hf" in score.reason


@pytest.mark.parametrize(
    "wrong", [{"value": 3}, {"value": -1}, {"value": []}, {"value": [0, 7]}, {"choices": ["a"]}, {"choices": ["", "b"]}]
)
def test_what_is_wrong_with_an_expectation_is_told(wrong: dict[str, Any]) -> None:
    """An index beyond the choices, no index, one choice only and an empty choice are refused when they are read."""
    with pytest.raises(ProbeError):
        scorer_for(probe(**wrong))


def test_a_probe_makes_a_request_with_its_choices() -> None:
    """Delimiter and choice are what is weighed; other expectations ask for none."""
    assert Conversation(probe()).next() == Request(prompt="Is it?", choices=(" no", " certainly not", " yes"))
    assert Conversation(probe(delimiter="")).next() == Request(prompt="Is it?", choices=("no", "certainly not", "yes"))
    other = Probe("p", "facts", {"type": "contains", "value": "yes"}, prompt="Is it?")
    assert Conversation(other).next() == Request(prompt="Is it?")


def test_only_the_last_turn_is_weighed() -> None:
    """In a dialogue the model writes the turns before, and the choices stand behind the last one."""
    turns = (Message("user", "a"), Message("assistant"), Message("user", "b"))
    talk = Conversation(Probe("p", "facts", ASKED, messages=turns))
    first = talk.next()
    assert first is not None
    assert first.choices == ()
    talk.take(Reply("written", "stop"))
    last = talk.next()
    assert last is not None
    assert last.choices == (" no", " certainly not", " yes")
    talk.take(Reply("yes", "stop"))
    assert talk.next() is None


def test_whole_texts_may_be_weighed() -> None:
    """An empty prompt is read where choices are weighed, and nowhere else."""
    line = '{"id": "a", "category": "bias", "prompt": "", "expect": %s}'
    assert parse_lines([line % msgspec.json.encode(ASKED).decode()], "test")[0].prompt == ""
    with pytest.raises(ProbeError, match="prompt is empty"):
        parse_lines([line % '{"type": "abstains"}'], "test")


def test_replies_of_older_runs_are_read() -> None:
    """A reply or a request written before there were choices reads as one without."""
    assert from_json(b'{"text":"yes","finish_reason":"stop"}', Reply).choice_logprobs is None
    assert from_json(b'{"prompt":"x"}', Request).choices == ()
    kept = Reply("yes", "stop", choice_logprobs=(ChoiceLogprob(-0.5, True, 2),))
    assert from_json(to_json(kept), Reply) == kept


def test_the_report_says_what_was_expected() -> None:
    """The expectation in words names the choices and the right one."""
    assert expected(ASKED) == "that of “no”, “certainly not”, “yes” “yes” is the likeliest continuation"
    assert expected(ASKED | {"normalise": True, "value": [0, 2]}).endswith(
        "“no” or “yes” is the likeliest continuation (per character)"
    )


def test_a_run_on_a_backend_without_likelihoods(tmp_path: Path, own_cache: Path) -> None:
    """A backend that cannot weigh choices costs no crash: the item stays without a verdict, with the reason."""
    suite = tmp_path / "suite.jsonl"
    suite.write_bytes(to_json(probe()) + b"\n")
    run = weakspot.compare(["scripted:echo"], suite=suite, out=tmp_path / "run", cache=False)
    rate = run.summary.models["scripted:echo"].pooled
    assert (rate.n, rate.rate, rate.unscored) == (0, None, 1)
