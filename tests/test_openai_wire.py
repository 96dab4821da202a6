import json
from typing import Any

import pytest

from asking import ask, fails, info, user
from fake_endpoint import (
    FakeEndpoint,
    completion,
)
from weakspot import errors
from weakspot.models.openai_wire import Options, decode, encode
from weakspot.records import Message, Request, to_json


class TestOrdinaryReplies:
    def test_reply_carries_text_usage_and_finish(self) -> None:
        """Text, finish reason, usage and time come out of a chat completion."""
        reply = ask(FakeEndpoint(latency_s=0.01), user("ping"))

        assert (reply.text, reply.finish_reason) == ("ping", "stop")
        assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.cached_tokens) == (7, 3, 2)
        assert 0.01 <= reply.timings.total_s < 5

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            (None, ""),
            ([{"type": "text", "text": "a"}, {"type": "image"}, "b"], "ab"),
            ("", ""),
            ("x\u0000y", "x\u0000y"),
        ],
    )
    def test_odd_contents_become_text(self, content: Any, text: str) -> None:
        """Null is an empty text, and parts are joined."""
        assert text == decode(json.dumps(completion(content)).encode())[0].text

    def test_refusal_in_place_of_content(self) -> None:
        """A refusal that comes in its own field is the text."""
        data = {"choices": [{"message": {"content": None, "refusal": "I won't."}}]}

        assert decode(json.dumps(data).encode())[0].text == "I won't."

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("length", "length"),
            ("content_filter", "content_filter"),
            ("end_turn", "stop"),
            (None, "unknown"),
            (7, "unknown"),
        ],
    )
    def test_finish_reasons(self, given: Any, expected: str) -> None:
        """Every server's word for why it stopped becomes one of ours, unknown ones included."""
        assert expected == decode(json.dumps(completion("x", finish_reason=given)).encode())[0].finish_reason

    def test_chat_logprobs(self) -> None:
        """Log-probabilities, alternatives and token ids come out where the server gives them."""
        content = [{"token": "hi", "id": 5, "logprob": 0.0, "top_logprobs": [{"token": "hi", "logprob": 0.0}]}]
        reply, _ = decode(json.dumps(completion("hi", logprobs={"content": content})).encode())

        assert reply.logprobs is not None
        assert (
            reply.logprobs[0].token, reply.logprobs[0].logprob, reply.logprobs[0].id, reply.logprobs[0].top
        ) == ("hi", 0.0, 5, (("hi", 0.0),))  # fmt: skip
        assert reply.output_ids == (5,)

    def test_completion_logprobs(self) -> None:
        """The other form of log-probabilities, that of /completions, is read as well."""
        logprobs = {"tokens": ["a", "b"], "token_logprobs": [-1, -0.5], "top_logprobs": [{"a": -1}, None]}
        reply, _ = decode(json.dumps({"choices": [{"text": "ab", "logprobs": logprobs}]}).encode())

        assert reply.logprobs is not None
        assert [(t.token, t.logprob, t.top) for t in reply.logprobs] == [("a", -1.0, (("a", -1.0),)), ("b", -0.5, ())]
        assert reply.output_ids is None

    @pytest.mark.parametrize("hole", [None, "x", float("nan"), float("-inf"), True])
    def test_a_hole_in_the_logprobs_leaves_none(self, hole: Any) -> None:
        """A token without a finite number makes the whole trail missing, never a made-up number; the text stays."""
        content = [{"token": "a", "logprob": -1.0}, {"token": "b", "logprob": hole}]
        reply, _ = decode(json.dumps(completion("ab", logprobs={"content": content})).encode())

        assert (reply.text, reply.logprobs) == ("ab", None)

    @pytest.mark.parametrize(
        "usage", [None, [], "many", {"prompt_tokens": -1}, {"prompt_tokens": True}, {"prompt_tokens": 1e9}]
    )
    def test_senseless_usage_is_missing(self, usage: Any) -> None:
        """Usage that is no count is None, and costs no reply."""
        reply, _ = decode(json.dumps(completion("x") | {"usage": usage}).encode())

        assert (reply.text, reply.usage.prompt_tokens) == ("x", None)

    def test_lone_surrogates_become_text(self) -> None:
        """Half a surrogate pair in a reply is kept as replacement characters, and the record can be written."""
        reply, _ = decode(b'{"choices": [{"message": {"content": "a\\ud800b"}}]}')

        assert reply.text.startswith("a\ufffd")
        assert b"b" in to_json(reply)

    def test_engine_timings(self) -> None:
        """The split that llama.cpp's server adds comes out in seconds."""
        reply, _ = decode(json.dumps(completion("x") | {"timings": {"prompt_ms": 250, "predicted_ms": 1000}}).encode())

        assert (reply.timings.prompt_s, reply.timings.generate_s) == (0.25, 1.0)


class TestWhatIsSent:
    def sent(self, request: Request, **options: Any) -> dict[str, Any]:
        """The body that goes out for a request."""
        found: dict[str, Any] = json.loads(encode(request, Options(**options), "m"))
        return found

    def test_defaults(self) -> None:
        """Without options a request is greedy, and nothing unasked for is sent."""
        assert self.sent(user("q")) == {
            "model": "m",
            "messages": [{"role": "user", "content": "q"}],
            "max_tokens": 24,
            "temperature": 0.0,
        }

    def test_request_wins_over_candidate_but_for_max_tokens(self) -> None:
        """A probe's own sampler settings win; the candidate's max_tokens overrides."""
        request = user("q", temperature=0.5, seed=1, max_tokens=10, stop=("\n",))
        body = self.sent(request, temperature=1.0, top_p=0.9, seed=2, max_tokens=99)

        assert tuple(body[k] for k in ("temperature", "top_p", "seed", "max_tokens", "stop")) == (
            0.5,
            0.9,
            1,
            99,
            ["\n"],
        )

    def test_system_goes_first_unless_there_is_one(self) -> None:
        """The candidate's system prompt is prepended, and left out where the probe has its own."""
        own = Request(messages=(Message("system", "mine"), Message("user", "q")))

        assert [m["content"] for m in self.sent(user("q"), system="Be brief.")["messages"]] == ["Be brief.", "q"]
        assert [m["content"] for m in self.sent(own, system="Be brief.")["messages"]] == ["mine", "q"]

    def test_tool_turns_become_user_turns(self) -> None:
        """A bare tool turn, which endpoints reject, is sent as a user turn that says what it is."""
        request = Request(messages=(Message("user", "q"), Message("assistant", "a"), Message("tool", "42")))

        assert self.sent(request)["messages"][-1] == {"role": "user", "content": "Tool result:\n42"}

    def test_schema_and_logprobs(self) -> None:
        """A JSON schema is asked for strictly, and logprobs in the form of the path."""
        schema = {"type": "object"}
        body = self.sent(user("q", json_schema=schema, logprobs=3))

        assert {"name": "reply", "schema": schema, "strict": True} == body["response_format"]["json_schema"]
        assert (body["logprobs"], body["top_logprobs"]) == (True, 3)
        assert self.sent(Request(prompt="p", logprobs=3))["logprobs"] == 3

    def test_raw_prompts_go_to_completions(self) -> None:
        """A raw prompt goes to /completions as it stands, and its text comes back."""
        server = FakeEndpoint()
        reply = ask(server, Request(prompt="Once upon"))

        assert (server.seen[-1].path, server.seen[-1].body["prompt"]) == ("/v1/completions", "Once upon")
        assert reply.text == "Once upon"

    def test_raw_prompts_as_messages_where_told(self) -> None:
        """With completions=false a raw prompt is one user message, and the provenance says so."""
        server = FakeEndpoint()
        ask(server, Request(prompt="Once upon"), completions="false")

        assert server.seen[-1].body["messages"] == [{"role": "user", "content": "Once upon"}]
        assert "raw prompts as a user message" in info(FakeEndpoint(), completions=False).provenance.template

    def test_lone_surrogates_can_be_sent(self) -> None:
        """Hostile text that is no Unicode is sent with replacement characters instead of failing."""
        assert "\ufffd" in self.sent(user("a\ud800b"))["messages"][0]["content"]

    def test_grammar_is_refused_and_not_left_out(self) -> None:
        """A grammar, which the format has no field for, is an error of this request."""
        fails(errors.RequestRejected, lambda: ask(FakeEndpoint(), user("q", grammar="root ::= [a]")))
