import asyncio

import pytest

from asking import ask, endpoint, fails, info, user
from fake_endpoint import (
    Answer,
    FakeEndpoint,
    body,
    completion,
    echo_key,
    redirect,
)
from weakspot import errors
from weakspot.models.openai_faults import Endpoint
from weakspot.models.price import estimate_cost
from weakspot.records import ModelInfo, Provenance, to_json

KEY = "sk-weakspot-test/0123456789"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own key out of the tests."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


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

    assert cost == estimate_cost(known.price_in, known.price_out, 100, 200)
