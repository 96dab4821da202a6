import asyncio
import json
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from fake_endpoint import (
    Answer,
    FakeEndpoint,
    body,
    completion,
    cut_off,
    echo_key,
    endless,
    half_json,
    hang_up,
    html,
    nothing,
    redirect,
    slow,
    status,
)
from weakspot import errors
from weakspot.models.openai import OpenAIEndpoint
from weakspot.models.openai_faults import Endpoint, retry_after_s
from weakspot.models.openai_wire import Options, decode, encode
from weakspot.models.price import estimate_cost
from weakspot.models.retry import ONE_ATTEMPT
from weakspot.records import Candidate, Message, ModelInfo, Provenance, Reply, Request, to_json

KEY = "sk-weakspot-test/0123456789"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own key out of the tests."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def endpoint(url: str, model: str = "tiny", **options: Any) -> OpenAIEndpoint:
    """An endpoint whose first request is tried once."""
    return OpenAIEndpoint(Candidate("e", url, "endpoint", url, model, options), opening=ONE_ATTEMPT)


def user(text: str, **generation: Any) -> Request:
    """A request of one user message."""
    return Request(messages=(Message("user", text),), **generation)


def ask(server: FakeEndpoint, request: Request | None = None, model: str = "tiny", **options: Any) -> Reply:
    """The reply to one request, after the one token that `open` asks for."""

    async def talk() -> Reply:
        async with server:
            it = endpoint(server.url, model, **options)
            await it.open()
            try:
                return await it.generate(request or user("hello"))
            finally:
                await it.close()

    return asyncio.run(talk())


def info(server: FakeEndpoint, model: str = "tiny", **options: Any) -> ModelInfo:
    """What is known of an endpoint once it is open."""

    async def talk() -> ModelInfo:
        async with server:
            it = endpoint(server.url, model, **options)
            await it.open()
            found = it.info
            await it.close()
            return found

    return asyncio.run(talk())


def fails(kind: type[errors.WeakspotError], action: Callable[[], Any]) -> Any:
    """The error that an action raises, checked for a sentence, a hint, and no exception of the client behind it."""
    with pytest.raises(kind) as caught:
        action()
    error = caught.value
    assert type(error) is kind
    assert error.message.endswith(".")
    assert "\n" not in error.message
    assert error.hint
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


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


class TestOpening:
    def test_info(self) -> None:
        """What the endpoint says of itself ends up in the info: engine, fingerprint, context, prices."""
        entry = {"id": "tiny", "owned_by": "vllm", "max_model_len": 4096}
        found = info(FakeEndpoint(models=(entry,)), price_in="0.5", price_out=1.5, seed=3, system="S")
        made = found.provenance

        assert (
            made.backend, made.engine, made.engine_version, made.seed, made.system
        ) == ("openai", "vllm", "fp_1", 3, "S")  # fmt: skip
        assert (
            found.kind, found.local, found.adaptive, found.concurrency, found.context
        ) == ("chat", False, True, 8, 4096)  # fmt: skip
        assert estimate_cost(found, 1_000_000, 1_000_000) == 2.0

    def test_fixed_concurrency(self) -> None:
        """A given concurrency is fixed, and a lower maximum lowers the start."""
        fixed = info(FakeEndpoint(), concurrency="3")
        low = info(FakeEndpoint(), max_concurrency=2)

        assert (fixed.concurrency, fixed.adaptive) == (3, False)
        assert (low.concurrency, low.adaptive) == (2, True)

    def test_no_info_before_open_nor_after_close(self) -> None:
        """The info of an endpoint that is not open is an error, and closing twice is none."""
        it = endpoint("http://127.0.0.1:9/v1")
        asyncio.run(it.close())
        asyncio.run(it.close())

        with pytest.raises(RuntimeError):
            _ = it.info

    def test_the_only_model_is_taken(self) -> None:
        """Without a name the only model is used."""
        server = FakeEndpoint(models=("solo",))
        ask(server, model="")

        assert server.seen[-1].body["model"] == "solo"

    @pytest.mark.parametrize(("models", "word"), [(("a", "b"), '"b"'), ((), "#name")])
    def test_no_name_and_no_only_model(self, models: tuple[str, ...], word: str) -> None:
        """Without a name and with no or several models the hint lists what there is."""
        error = fails(errors.UnknownModel, lambda: info(FakeEndpoint(models=models), model=""))

        assert word in error.hint

    def test_a_name_needs_no_list(self) -> None:
        """Where there is no GET /models, a given name is enough."""
        assert ask(FakeEndpoint(models=None), user("tiny")).text == "tiny"

    def test_no_list_and_no_name(self) -> None:
        """Where there is no GET /models, the name is asked for."""
        fails(errors.EndpointNotFound, lambda: info(FakeEndpoint(models=None), model=""))

    def test_a_rejected_trial_is_no_obstacle(self) -> None:
        """A model that rejects a reply of one token can still be opened."""
        assert info(FakeEndpoint(status(400, "max_tokens too low"))).provenance.engine_version == ""

    @pytest.mark.parametrize(
        "address",
        [
            "ftp://h/v1",
            "http:///v1",
            "http://h:99999/v1",
            "http://[::1/v1",
            "http://h/v1?key=s3cret",
            "http://u:s3cret@h/v1",
        ],
    )
    def test_senseless_addresses(self, address: str) -> None:
        """An address that is none, or holds a password, is refused without being repeated."""
        error = fails(errors.UsageError, lambda: endpoint(address))

        assert "s3cret" not in error.message + error.hint

    @pytest.mark.parametrize(
        "option",
        [
            {"temprature": 1},
            {"temperature": "hot"},
            {"temperature": "nan"},
            {"concurrency": 0},
            {"key_env": "sk-12345"},
        ],
    )
    def test_senseless_options(self, option: dict[str, Any]) -> None:
        """An unknown option or a senseless value is said at once, and a key given as a name is not repeated."""
        error = fails(errors.UsageError, lambda: endpoint("http://h/v1", **option))

        assert "sk-12345" not in error.message + error.hint
        assert next(iter(option)) in error.message

    def test_full_path_is_taken_for_the_base(self) -> None:
        """An address copied with its last path part works."""
        server = FakeEndpoint()

        async def talk() -> None:
            async with server:
                it = endpoint(server.url + "/chat/completions/")
                await it.open()
                await it.close()

        asyncio.run(talk())
        assert server.seen[0].path == "/v1/chat/completions"


BAD: list[tuple[str, Answer, type[errors.ModelError], str]] = [
    ("401", status(401), errors.AuthenticationFailed, "wants a key"),
    ("403", status(403), errors.AuthenticationFailed, "403"),
    ("402", status(402), errors.AuthenticationFailed, "quota"),
    ("429 for good", status(429, code="insufficient_quota"), errors.AuthenticationFailed, "quota"),
    ("404", status(404, "model not found"), errors.EndpointNotFound, '"tiny"'),
    ("405", status(405), errors.EndpointNotFound, "405"),
    ("307", redirect("http://127.0.0.1:9/other"), errors.EndpointNotFound, "not followed"),
    ("429", status(429, retry_after="7"), errors.RateLimited, "slow down"),
    ("500", status(500, "boom"), errors.ServerFailed, "boom"),
    ("503 without JSON", body("busy", 503), errors.ServerFailed, "busy"),
    ("500 with HTML", body("<html>x</html>", 500), errors.ServerFailed, "HTML page"),
    ("408", status(408), errors.Unreachable, "in time"),
    ("HTML", html(), errors.BadReply, "an HTML page"),
    ("half a JSON", half_json(), errors.BadReply, "not whole JSON"),
    ("nothing", nothing(), errors.BadReply, "with nothing"),
    ("cut off", cut_off(), errors.BadReply, "half-way"),
    ("an array", body("[1, 2]"), errors.BadReply, "not a completion"),
    ("no choices", body('{"choices": []}'), errors.BadReply, "not a completion"),
    ("an empty choice", body('{"choices": [{}]}'), errors.BadReply, "not a completion"),
    (
        "content of a wrong type",
        body('{"choices": [{"message": {"content": 5}}]}'),
        errors.BadReply,
        "not a completion",
    ),
    ("no UTF-8", body(b'{"choices": "\xff\xfe"}'), errors.BadReply, "not a completion"),
    ("a deep nest", body('{"choices": ' + "[" * 100_000), errors.BadReply, "not whole JSON"),
    ("compressed unasked", body(b"\x1f\x8b\x08", Content_Encoding="gzip"), errors.BadReply, "compressed"),
    ("endless", endless(), errors.BadReply, "more than 8 MB"),
    ("an error as 200", body('{"error": {"message": "overloaded", "code": 529}}'), errors.ServerFailed, "overloaded"),
    ("a plain error as 200", body('{"error": "model crashed"}'), errors.ServerFailed, "model crashed"),
    ("hang up", hang_up(), errors.Unreachable, "without answering"),
    ("too long, by code", status(400, code="context_length_exceeded"), errors.ContextExceeded, "context"),
    ("too long, by words", status(400, "exceeds the available context size"), errors.ContextExceeded, "context"),
    ("400", status(400, "bad schema"), errors.RequestRejected, "bad schema"),
    ("422", body('{"detail": [{"msg": "field required"}]}', 422), errors.RequestRejected, "field required"),
    ("418", body("", 418), errors.RequestRejected, "418"),
]


class TestBadEndpoints:
    @pytest.mark.parametrize(("answer", "kind", "words"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
    def test_each_fault_has_its_kind(self, answer: Answer, kind: type[errors.ModelError], words: str) -> None:
        """Every fault of an endpoint is one kind of error, with one clear sentence and a hint, and never a reply."""
        error = fails(kind, lambda: ask(FakeEndpoint(None, answer)))

        assert words in error.message
        assert len(error.message) < 600

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (status(401), errors.AuthenticationFailed),
            (status(404), errors.EndpointNotFound),
            (status(429), errors.RateLimited),
            (status(500), errors.ServerFailed),
            (html(), errors.BadReply),
            (half_json(), errors.BadReply),
            (nothing(), errors.BadReply),
            (hang_up(), errors.Unreachable),
        ],
        ids=["401", "404", "429", "500", "html", "half", "nothing", "hang-up"],
    )
    @pytest.mark.parametrize("model", ["", "tiny"])
    def test_open_finds_out(self, answer: Answer, kind: type[errors.ModelError], model: str) -> None:
        """An endpoint that is bad throughout is found out by `open`, with and without a model's name."""
        fails(kind, lambda: info(FakeEndpoint(always=answer), model=model))

    def test_nobody_there(self) -> None:
        """A port where nothing listens is unreachable."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, but not listening
            error = fails(
                errors.Unreachable,
                lambda: asyncio.run(endpoint(f"http://127.0.0.1:{taken.getsockname()[1]}/v1").open()),
            )

        assert "Nothing answers" in error.message
        assert error.retryable

    def test_unknown_host(self) -> None:
        """A host that has no address is unreachable, and the sentence says which."""
        error = fails(errors.Unreachable, lambda: asyncio.run(endpoint("http://no-such-host.invalid/v1").open()))

        assert "no-such-host.invalid" in error.message

    def test_no_http(self) -> None:
        """A port that speaks something else is a bad reply."""

        async def talk() -> None:
            async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
                await writer.drain()
                writer.close()

            async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
                await endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", model="").open()

        fails(errors.BadReply, lambda: asyncio.run(talk()))

    def test_time_out(self) -> None:
        """An answer later than the time-out is unreachable, and the hint names the option."""
        began = time.monotonic()
        error = fails(errors.Unreachable, lambda: ask(FakeEndpoint(None, slow(30)), timeout="0.2"))

        assert time.monotonic() - began < 5
        assert "0.2 s" in error.message
        assert "timeout=" in error.hint

    def test_redirects_are_not_followed(self) -> None:
        """A redirect reaches nobody: the other server sees no request, and thus no key."""

        async def talk() -> tuple[int, errors.ModelError]:
            async with FakeEndpoint() as other, FakeEndpoint(None, redirect(f"{other.url}/chat/completions")) as server:
                it = endpoint(server.url)
                await it.open()
                try:
                    await it.generate(user("q"))
                except errors.EndpointNotFound as error:
                    return len(other.seen), error
                finally:
                    await it.close()
                raise AssertionError("it was followed")

        reached, error = asyncio.run(talk())
        assert reached == 0
        assert "/chat/completions" in error.hint

    def test_no_raw_prompts_is_one_requests_fault(self) -> None:
        """A server without /completions rejects raw prompts only, and the hint says what to do."""
        error = fails(errors.RequestRejected, lambda: ask(FakeEndpoint(None, status(404)), Request(prompt="x")))

        assert "completions=false" in error.hint

    def test_the_other_limit_field(self) -> None:
        """A model that only knows max_completion_tokens: the hint names the option, and the option works."""
        refusal = status(400, "use 'max_completion_tokens' instead")
        error = fails(errors.RequestRejected, lambda: ask(FakeEndpoint(None, refusal)))
        server = FakeEndpoint()
        ask(server, limit_field="max_completion_tokens")

        assert "limit_field=max_completion_tokens" in error.hint
        assert server.seen[-1].body["max_completion_tokens"] == 24

    def test_hostile_words_are_tamed(self) -> None:
        """What a server says is quoted short, on one line and without escape sequences."""
        error = fails(
            errors.ServerFailed, lambda: ask(FakeEndpoint(None, status(500, "\x1b[31mboom\r\n" + "a" * 9999)))
        )

        assert error.message.isprintable()
        assert "boom" in error.message

    def test_it_works_again_after_a_fault(self) -> None:
        """A fault leaves the connection pool usable."""

        async def talk() -> str:
            async with FakeEndpoint(None, cut_off(), endless(), status(500)) as server:
                it = endpoint(server.url)
                await it.open()
                for _ in range(3):
                    with pytest.raises(errors.ModelError):
                        await it.generate(user("q"))
                reply = await it.generate(user("still there?"))
                await it.close()
                return reply.text

        assert asyncio.run(talk()) == "still there?"

    def test_cancelling_is_no_error_of_the_endpoint(self) -> None:
        """A cancelled request ends as cancelled, not as unreachable."""

        async def talk() -> None:
            async with FakeEndpoint(None, slow(30)) as server:
                it = endpoint(server.url)
                await it.open()
                task = asyncio.create_task(it.generate(user("q")))
                await asyncio.sleep(0.05)
                task.cancel()
                try:
                    await task
                finally:
                    await it.close()

        with pytest.raises(asyncio.CancelledError):
            asyncio.run(talk())


class TestRetryAfter:
    def test_seconds(self) -> None:
        """Retry-After in seconds reaches the error."""
        error = fails(errors.RateLimited, lambda: ask(FakeEndpoint(None, status(429, retry_after="7"))))

        assert error.retry_after_s == 7.0

    def test_date_against_the_servers_clock(self) -> None:
        """A date is read against the server's own Date, so that a wrong clock here does no harm."""
        headers = {"Retry-After": formatdate(1_000_030, usegmt=True), "Date": formatdate(1_000_000, usegmt=True)}

        assert retry_after_s(headers) == 30.0

    def test_date_against_our_clock(self) -> None:
        """Without a Date our own clock has to do."""
        seconds = retry_after_s({"Retry-After": formatdate(time.time() + 30, usegmt=True)})

        assert seconds is not None
        assert 25 < seconds <= 30

    @pytest.mark.parametrize(
        "value", ["", "soon", "nan", "inf", "-inf", "Mon, 99 Zzz 2020", "9" * 400, "\u0663\u0660x"]
    )
    def test_nonsense_is_none(self, value: str) -> None:
        """A Retry-After that makes no sense is none."""
        assert retry_after_s({"Retry-After": value}) is None

    def test_the_past_is_now(self) -> None:
        """A moment or a number before now means no wait."""
        assert retry_after_s({"Retry-After": "-5"}) == 0.0
        assert retry_after_s({"Retry-After": formatdate(0, usegmt=True)}) == 0.0


class TestTheKey:
    @pytest.fixture(autouse=True)
    def key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key under a name of its own, with the newline that a shell may leave."""
        monkeypatch.setenv("MY_KEY", KEY + "\n")

    def test_it_is_sent_from_the_named_variable(self) -> None:
        """The key of the variable that key_env names goes into the Authorization header, without its newline."""
        server = FakeEndpoint()
        ask(server, key_env="MY_KEY")

        assert f"Bearer {KEY}" == server.seen[-1].headers["Authorization"]

    def test_none_is_sent_where_none_is_set(self) -> None:
        """Without a key there is no Authorization header."""
        server = FakeEndpoint()
        ask(server)

        assert "Authorization" not in server.seen[-1].headers

    @pytest.mark.parametrize("code", [400, 401, 404, 429, 500])
    def test_an_echo_is_redacted_in_errors(self, code: int) -> None:
        """A server that repeats the key gets it into no error's message, hint, repr or chain."""
        with pytest.raises(errors.ModelError) as caught:
            ask(FakeEndpoint(None, echo_key(code)), key_env="MY_KEY")
        error = caught.value

        assert KEY not in f"{error!r} {error.hint} {error.__cause__!r} {error.__context__!r}"
        assert "[redacted]" in error.message

    @pytest.mark.parametrize(
        "answer",
        [
            body(f'{{"choices": "{KEY}"}}'),
            body('{"choices": "' + KEY.replace("/", "\\/") + '"}'),
            body(f'{{"error": "the key {KEY[:-2]}'),
            body(f"<html>{KEY}</html>", 500),
            redirect(f"http://127.0.0.1:9/?key={KEY.replace('/', '%2F')}"),
        ],
        ids=["wrong shape", "escaped", "cut off", "HTML", "URL"],
    )
    def test_an_echo_is_redacted_in_any_spelling(self, answer: Answer) -> None:
        """The key is found where JSON or a URL spells it otherwise, and where the body ends within it."""
        with pytest.raises(errors.ModelError) as caught:
            ask(FakeEndpoint(None, answer), key_env="MY_KEY")

        assert "0123456" not in f"{caught.value!r} {caught.value.hint}"

    def test_an_echo_is_redacted_in_records(self) -> None:
        """A model that repeats the key gets it into no reply and no info."""
        leaky = completion(f"your key is {KEY}", logprobs={"content": [{"token": KEY, "logprob": 0}]})
        server = FakeEndpoint(reply=leaky | {"system_fingerprint": KEY}, models=({"id": "tiny", "owned_by": KEY},))
        reply = ask(server, key_env="MY_KEY")
        found = info(
            FakeEndpoint(reply=leaky | {"system_fingerprint": KEY}, models=({"id": "tiny", "owned_by": KEY},)),
            key_env="MY_KEY",
        )

        assert (reply.text, reply.logprobs) == ("your key is [redacted]", None)
        assert KEY.encode() not in to_json(reply) + to_json(found)

    def test_a_placeholder_is_no_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key such as "none" is not taken out of replies, which would change what the model said."""
        monkeypatch.setenv("OPENAI_API_KEY", "none")

        assert ask(FakeEndpoint(), user("none of these")).text == "none of these"

    def test_it_is_in_no_repr(self) -> None:
        """Neither the model nor its parts show the key."""
        at = Endpoint("http://h/v1", "m", "MY_KEY", KEY)

        assert KEY not in repr(at)
        assert KEY not in repr(endpoint("http://h/v1", key_env="MY_KEY"))

    def test_an_unusable_key_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key that no header can carry is named by its variable only."""
        monkeypatch.setenv("MY_KEY", "sk-päss\nInjected: yes")
        error = fails(
            errors.UsageError, lambda: asyncio.run(endpoint("http://127.0.0.1:9/v1", key_env="MY_KEY").open())
        )

        assert "MY_KEY" in error.message
        assert "Injected" not in error.message + error.hint

    @pytest.mark.parametrize(
        ("address", "options", "sent"),
        [
            ("http://10.0.0.1/v1", {}, False),
            ("http://10.0.0.1/v1", {"key_env": "OPENAI_API_KEY"}, True),
            ("https://10.0.0.1/v1", {}, True),
            ("http://localhost/v1", {}, True),
            ("http://[::1]:80/v1", {}, True),
        ],
    )
    def test_the_default_key_keeps_off_plain_networks(self, address: str, options: dict[str, str], sent: bool) -> None:
        """The default key goes unasked over TLS and loopback only; naming it sends it anywhere."""
        assert sent == endpoint(address, **options)._may_send()

    def test_a_refused_key_is_named_by_its_variable(self) -> None:
        """A 401 with a key says which variable it came from."""
        error = fails(errors.AuthenticationFailed, lambda: ask(FakeEndpoint(None, echo_key(401)), key_env="MY_KEY"))

        assert "MY_KEY" in error.message


@pytest.mark.parametrize(("price_in", "price_out", "cost"), [(1.0, 2.0, 0.0005), (None, 2.0, None), (1.0, None, None)])
def test_cost(price_in: float | None, price_out: float | None, cost: float | None) -> None:
    """A cost is estimated from both prices, and missing where one of them is."""
    known = ModelInfo(Provenance("openai", "x", ""), price_in=price_in, price_out=price_out)

    assert cost == estimate_cost(known, 100, 200)
