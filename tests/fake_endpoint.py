"""A real HTTP server on loopback that answers like an OpenAI-compatible endpoint, with faults by script.

    async with FakeEndpoint(status(429, retry_after="1"), half_json()) as endpoint:
        ...  # the first completion is refused, the second is cut short, all later ones are answered

Faults are used up one per completion; `always` stands in for every answer, GET /models included. It keeps what it
was sent in `seen`. It does not generate anything: the reply repeats the last message, or is `reply`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Seen(NamedTuple):
    """One completion that was asked for."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class FakeEndpoint:
    """The server; an async context manager.

    Args:
        faults: answers to the first completions, in order; None is an ordinary reply.
        models: what GET /models lists, as names or whole entries; None: there is no such path.
        latency_s: time each request is worked on.
        workers: how many are worked on at once; the rest queue.
        most: how many may be there at once; one more is answered 429.
        reply: the whole answer instead of the usual one, or just its message's content.
        always: the answer to everything.
    """

    def __init__(
        self,
        *faults: Answer | None,
        models: tuple[str | dict[str, Any], ...] | None = ("tiny",),
        latency_s: float = 0.0,
        workers: int | None = None,
        most: int | None = None,
        reply: Any = None,
        always: Answer | None = None,
    ) -> None:
        self.seen: list[Seen] = []
        self.url = ""
        self.most_at_once = 0
        self.refused = 0
        self._faults = list(faults)
        self._models = models
        self._latency_s = latency_s
        self._workers = asyncio.Semaphore(workers) if workers else None
        self._most = most
        self._reply = reply
        self._always = always
        self._now = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/v1/models", self._list)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_post("/v1/completions", self._complete)
        app.router.add_route("*", "/{rest:.*}", self._nothing_here)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if self._always is not None:
            return await self._always(request)
        if self._models is None:
            return _json({"error": {"message": "no such path"}}, 404)
        entries = [entry if isinstance(entry, dict) else {"id": entry} for entry in self._models]
        return _json({"object": "list", "data": entries})

    async def _nothing_here(self, request: web.Request) -> web.StreamResponse:
        return _json({"error": {"message": "no such path"}}, 404)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        asked = Seen(request.path, dict(request.headers), await request.json())
        self.seen.append(asked)
        fault = self._always or (self._faults.pop(0) if self._faults else None)
        if self._most is not None and self._now >= self._most:
            self.refused += 1
            fault = status(429, "slow down", retry_after="0.02")
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            if fault is not None:
                return await fault(request)
            await self._work()
            return _json(self._answer(asked.path, asked.body))
        finally:
            self._now -= 1

    async def _work(self) -> None:
        if self._workers is None:
            await asyncio.sleep(self._latency_s)
            return
        async with self._workers:
            await asyncio.sleep(self._latency_s)

    def _answer(self, path: str, body: dict[str, Any]) -> Any:
        if isinstance(self._reply, dict):
            return self._reply
        if path.endswith("/chat/completions"):
            said = body["messages"][-1]["content"] if self._reply is None else self._reply
            return completion(said)
        said = body["prompt"] if self._reply is None else self._reply
        return {"choices": [{"index": 0, "text": said, "finish_reason": "stop"}]}


def completion(content: Any, **choice: Any) -> dict[str, Any]:
    """A chat completion; `choice` adds to its only choice."""
    message = {"role": "assistant", "content": content}
    return {
        "id": "x",
        "object": "chat.completion",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"} | choice],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}},
    }


def status(number: int, message: str = "no", retry_after: str | None = None, **error: Any) -> Answer:
    """An error in OpenAI's form; `error` adds to its fields, such as `code`."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}

    async def answer(request: web.Request) -> web.StreamResponse:
        return _json({"error": {"message": message} | error}, number, headers)

    return answer


def body(data: bytes | str, code: int = 200, **headers: str) -> Answer:
    """Any body, as it stands."""
    raw = data.encode() if isinstance(data, str) else data
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=raw, status=code, headers=named)

    return answer


def html() -> Answer:
    """A web page where a completion should be."""
    return body("<!DOCTYPE html><html><body>Welcome!</body></html>", Content_Type="text/html")


def half_json() -> Answer:
    """A whole HTTP answer whose JSON stops in the middle."""
    whole = json.dumps(completion("yes"))
    return body(whole[: len(whole) // 2])


def nothing() -> Answer:
    """An empty body."""
    return body(b"")


def cut_off() -> Answer:
    """More is announced than comes: the connection ends in the middle of the body."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"choices": [')
        _end(request)
        return response

    return answer


def hang_up() -> Answer:
    """The connection ends without an answer."""

    async def answer(request: web.Request) -> web.StreamResponse:
        _end(request)
        return web.Response()

    return answer


def slow(seconds: float) -> Answer:
    """An answer that comes late."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return _json(completion("late"))

    return answer


def endless() -> Answer:
    """A body that does not stop by itself."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(10_000):
                await response.write(b" " * 65_536)
        except ConnectionError:
            pass  # the client had enough, which is the point
        return response

    return answer


def redirect(to: str) -> Answer:
    """A redirect to another address."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": to})

    return answer


def echo_key(code: int = 401) -> Answer:
    """A server that repeats the key it was sent: in the message, in a header, and where the body is cut off."""

    async def answer(request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return _json({"error": {"message": f"bad key {key} ({key})", "code": key}}, code, {"Server": key})

    return answer


def _end(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _json(data: Any, code: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=json.dumps(data).encode(), status=code, headers=headers, content_type="application/json")
