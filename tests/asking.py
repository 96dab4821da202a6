"""One question to an OpenAI-compatible endpoint, from the outside: what tests of the backend share."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fake_endpoint import (
    FakeEndpoint,
)
from weakspot import errors
from weakspot.models.openai import OpenAIEndpoint
from weakspot.records import Candidate, Message, ModelInfo, Reply, Request
from weakspot.retry import ONE_ATTEMPT


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
