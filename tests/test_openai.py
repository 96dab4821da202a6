import asyncio
import socket
import time
from email.utils import formatdate
from typing import Any

import pytest

from asking import ask, endpoint, fails, info, user
from fake_endpoint import (
    Answer,
    FakeEndpoint,
    body,
    cut_off,
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
from weakspot.models.openai_faults import retry_after_s
from weakspot.models.price import estimate_cost
from weakspot.records import Request


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own key out of the tests."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


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
        assert estimate_cost(found.price_in, found.price_out, 1_000_000, 1_000_000) == 2.0

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
