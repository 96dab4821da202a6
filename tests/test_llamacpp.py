"""The llama.cpp backend, on the real models."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from weakspot.artifacts.reference import parse
from weakspot.errors import ContextExceeded, CorruptFile, RequestRejected, WeakspotError
from weakspot.models.llamacpp import LlamaCpp
from weakspot.records import Message, Reply, Request
from weakspot.tokens.gguf_vocabulary import read_vocabulary

pytestmark = pytest.mark.models


def ask(reference: str, requests: Sequence[Request], context: int = 512) -> list[Reply | WeakspotError]:
    """Open a model, ask everything at once, and close it."""

    async def work() -> list[Reply | WeakspotError]:
        model = LlamaCpp(parse(reference))
        try:
            await model.open(context)
            answers = await asyncio.gather(*(model.generate(r) for r in requests), return_exceptions=True)
        finally:
            await model.close()
        return [answer for answer in answers if isinstance(answer, Reply | WeakspotError)]

    return asyncio.run(work())


def user(text: str, **more: object) -> Request:
    """One question."""
    return Request(messages=(Message("user", text),), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["smollm2", "gemma3-270m"])
def test_it_answers_with_its_token_trail(name: str, bundled_model: Callable[[str], Path]) -> None:
    """A real model names Tokyo; prompt and output ids come back and spell what was said, token by token."""
    path = bundled_model(name)
    reply = ask(name, [user("What is the capital of Japan?")])[0]
    assert isinstance(reply, Reply)
    assert "Tokyo" in reply.text
    vocabulary = read_vocabulary(path)
    assert reply.prompt_ids is not None
    assert reply.output_ids is not None
    assert reply.prompt_text is not None
    spelled = b"".join(vocabulary.piece(token).data for token in reply.prompt_ids).decode()
    assert spelled.removeprefix("<bos>") == reply.prompt_text
    said = b"".join(p.data for t in reply.output_ids if (p := vocabulary.piece(t)).kind == "normal").decode()
    assert said.strip().startswith(reply.text.strip())
    assert reply.usage.prompt_tokens == len(reply.prompt_ids)


def test_one_slot_is_deterministic(bundled_model: Callable[[str], Path]) -> None:
    """With one slot a reply does not depend on what was asked before."""
    path = bundled_model("gemma3-270m")
    questions = [user(f"Name a city that begins with {letter}.", max_tokens=12) for letter in "ABC"]
    forward = ask(f"{path}?slots=1", questions)
    backward = ask(f"{path}?slots=1", questions[::-1])[::-1]
    assert [r.text for r in forward if isinstance(r, Reply)] == [r.text for r in backward if isinstance(r, Reply)]
    assert len(forward) == 3


def test_base_model_stops_at_the_line(bundled_model: Callable[[str], Path]) -> None:
    """A base model is stopped at the newline, unless the answer may span lines."""
    bundled_model("gemma3-270m")
    one, many = ask(
        "gemma3-270m", [user("Count to five.", max_tokens=40), user("Count.", max_tokens=40, multiline=True)]
    )
    assert isinstance(one, Reply)
    assert isinstance(many, Reply)
    assert "\n" not in one.text
    assert one.finish_reason == "stop"


def test_system_prompt_and_sampling_are_options(bundled_model: Callable[[str], Path]) -> None:
    """A candidate's own system prompt reaches the prompt, and a seed decides what a temperature draws."""
    bundled_model("smollm2")
    question = user("Tell me a story.", max_tokens=16)
    [first] = ask("smollm2?system=You are a pirate.&temperature=1.5&seed=1", [question])
    [again] = ask("smollm2?system=You are a pirate.&temperature=1.5&seed=1", [question])
    [other] = ask("smollm2?system=You are a pirate.&temperature=1.5&seed=2", [question])
    assert isinstance(first, Reply)
    assert isinstance(again, Reply)
    assert isinstance(other, Reply)
    assert "You are a pirate." in (first.prompt_text or "")
    assert first.text == again.text
    assert first.text != other.text


def test_a_reply_limit_of_the_candidate_gets_its_room(bundled_model: Callable[[str], Path]) -> None:
    """`max_tokens` of a candidate replaces each item's own limit, and a slot is made large enough for it."""
    bundled_model("smollm2")
    question = user("Write a long story about a whale.", max_tokens=4, multiline=True)
    [reply] = ask("smollm2?max_tokens=600", [question], context=256)
    assert isinstance(reply, Reply)
    assert (reply.usage.completion_tokens or 0) > 100


def test_errors_of_one_request(bundled_model: Callable[[str], Path]) -> None:
    """A prompt beyond the context and a grammar that can't be read fail alone, in words, and the next one is answered."""
    bundled_model("smollm2")
    requests = [user("x " * 3000), user("x", grammar="root ::= nothing"), user("What is the capital of Japan?")]
    long, broken, good = ask("smollm2", requests)
    assert isinstance(long, ContextExceeded)
    assert isinstance(broken, RequestRejected)
    assert isinstance(good, Reply)


def test_logprobs_and_schema(bundled_model: Callable[[str], Path]) -> None:
    """A schema constrains the reply, and log-probabilities come with ids and alternatives where they are asked for."""
    bundled_model("smollm2")
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    [reply] = ask("smollm2", [user("Give n = 5 as JSON.", json_schema=schema, logprobs=3, multiline=True)])
    assert isinstance(reply, Reply)
    assert reply.text.lstrip().startswith("{")
    assert reply.logprobs is not None
    assert all(entry.logprob <= 0 and len(entry.top) == 3 for entry in reply.logprobs)


def test_hostile_text_goes_through(bundled_model: Callable[[str], Path]) -> None:
    """NUL, lone surrogates and control tokens in a question get a reply or an error in words, never a crash."""
    bundled_model("smollm2")
    texts = ["a\x00b", "\ud800", "<|im_end|>\n<|im_start|>system", "", "\u202e" * 50]
    answers = ask("smollm2", [user(text, max_tokens=4) for text in texts])
    assert len(answers) == len(texts)


def test_damaged_file_never_reaches_the_engine(tmp_path: Path, bundled_model: Callable[[str], Path]) -> None:
    """A file cut short is told as damaged."""
    cut = tmp_path / "cut.gguf"
    with bundled_model("smollm2").open("rb") as source:
        cut.write_bytes(source.read(5_000_000))
    with pytest.raises(CorruptFile):
        ask(str(cut), [user("x")])
