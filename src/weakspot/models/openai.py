"""Any OpenAI-compatible endpoint over HTTP: vLLM, llama.cpp's server, Ollama, hosted ones.

The key comes from the environment alone and goes to the endpoint alone: redirects are not followed, errors are not
chained to the client's (which carry the request's headers), and what the server says is stripped of it. It does not
know of retries or concurrency; see `retry.py` and `weakspot.runs`.
"""

import os
import time
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from yarl import URL

from weakspot.errors import (
    AuthenticationFailed,
    ContextExceeded,
    EndpointNotFound,
    ModelError,
    RequestRejected,
    UnknownModel,
    Unreachable,
    UsageError,
)
from weakspot.models.openai_faults import Endpoint, bad_reply, from_body, from_exception, from_status
from weakspot.models.openai_wire import Listed, Options, decode, decode_models, encode, raw, sampler
from weakspot.records import Candidate, Message, ModelInfo, Provenance, Reply, Request
from weakspot.retry import RetryPolicy, with_retry

DEFAULT_KEY = "OPENAI_API_KEY"
BODY_CAP = 8 * 1024 * 1024
"""Bytes of a reply; a few thousand tokens with 20 alternatives each take 2 MB."""
START_CONCURRENCY = 8
OPENING = RetryPolicy(attempts=3, patience_s=60.0)

_TRIAL = Request(messages=(Message("user", "Say OK."),), max_tokens=1)
_SUFFIXES = ("/chat/completions", "/completions", "/models")


class OpenAIEndpoint:
    """A model behind an OpenAI-compatible endpoint.

    `open` asks for the list of models and for one token, so that a wrong address, name or key is known before a run
    starts. Raw prompts go to /completions (`?completions=false`: as one user message); tool turns go as user
    messages that begin with "Tool result:".

    Args:
        candidate: `location` is the base address (http://127.0.0.1:8000/v1), `model` the name, which may be empty
            where the endpoint serves only one; `options` are those of `openai_wire.Options`.
        opening: how the first request is retried.

    Raises:
        UsageError: an address or an option makes no sense.
    """

    def __init__(self, candidate: Candidate, opening: RetryPolicy = OPENING) -> None:
        self._url = _base(candidate.location)
        self._paths = {path: self._url / path for path in ("models", "completions", "chat/completions")}
        self._options = _options(candidate)
        self._opening = opening
        self._asked_for = candidate.model
        self._at = Endpoint(str(self._url), candidate.model, self._options.key_env or DEFAULT_KEY)
        self._session: aiohttp.ClientSession | None = None
        self._info: ModelInfo | None = None
        self._server = ""

    @property
    def info(self) -> ModelInfo:
        """What was opened; it stays the same until the next `open`.

        Raises:
            RuntimeError: before `open`.
        """
        if self._info is None:
            raise RuntimeError("The endpoint is not open yet.")
        return self._info

    @property
    def max_concurrency(self) -> int:
        """The most requests at once that the user allows."""
        return self._options.concurrency or self._options.max_concurrency

    async def open(self, context: int | None = None) -> None:  # noqa: ARG002 - an endpoint has the context it has
        """Connect, find the model, and ask it for one token.

        Raises:
            UnknownModel: no name was given, and the endpoint does not serve exactly one model.
            ModelError: it does not answer as an OpenAI-compatible endpoint does.
        """
        await self.close()
        key = _key(self._at.key_env, self._may_send())
        self._at = Endpoint(str(self._url), self._asked_for, self._at.key_env, key)
        self._session = self._connect(key)
        try:
            entry = self._choose(await self._listing())
            self._at = replace(self._at, model=entry.id)
            self._info = self._describe(entry, await self._trial())
        except BaseException:
            await self.close()
            raise

    async def generate(self, request: Request) -> Reply:
        """Answer one request, in one attempt.

        Raises:
            ModelError: of the kind that `openai_faults` finds.
        """
        return (await self._ask(request))[0]

    async def close(self) -> None:
        """Drop the connections; may be called twice."""
        session, self._session, self._info = self._session, None, None
        if session is not None:
            await session.close()

    def _may_send(self) -> bool:
        """The default key does not go unasked over a network that anyone can read along."""
        return self._options.key_env is not None or self._url.scheme == "https" or _loopback(self._url)

    def _connect(self, key: str) -> aiohttp.ClientSession:
        seconds = self._options.timeout
        # No compression: a reply is small, and a small compressed one may be a huge one.
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "weakspot"}
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.max_concurrency + 1),
            timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=min(10.0, seconds)),
            headers=headers | ({"Authorization": f"Bearer {key}"} if key else {}),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            proxy=_proxy(self._url),  # not trust_env, which would also read passwords out of ~/.netrc
        )

    async def _listing(self) -> list[Listed]:
        """What GET /models lists; nothing where there is no such path but a name was given."""
        answer = await self._attempt("models")
        if not isinstance(answer, ModelError):
            entries = _listed(answer)
            if entries is not None:
                return entries
            answer = from_body(self._at, answer)
        if self._asked_for and not isinstance(answer, AuthenticationFailed | Unreachable):
            return []  # the first request will show whether the name is right
        raise answer

    def _choose(self, entries: list[Listed]) -> Listed:
        if self._asked_for:
            return next((e for e in entries if e.id == self._asked_for), Listed(self._asked_for))
        if len(entries) == 1:
            return entries[0]
        if not entries:
            raise UnknownModel(f"{self._at.url} lists no model.", hint=f"Name one: {self._at.url}#name.")
        names = ", ".join(self._at.quote(entry.id) for entry in entries[:20])
        more = f" and {len(entries) - 20} more" if len(entries) > 20 else ""
        raise UnknownModel(
            f"{self._at.url} serves {len(entries)} models, and none was named.",
            hint=f"Name one as {self._at.url}#name: {names}{more}.",
        )

    async def _trial(self) -> str:
        """The server's fingerprint, from a reply of one token; a model may reject so short a one."""
        fingerprint = ""

        async def attempt() -> Reply:
            nonlocal fingerprint
            reply, fingerprint = await self._ask(_TRIAL)
            return reply

        try:
            await with_retry(attempt, self._opening)
        except (RequestRejected, ContextExceeded):
            return ""
        return fingerprint

    def _describe(self, entry: Listed, fingerprint: str) -> ModelInfo:
        options = self._options
        owner = entry.owned_by if isinstance(entry.owned_by, str) else ""
        prompts = "" if options.completions else ", raw prompts as a user message"
        return ModelInfo(
            provenance=Provenance(
                backend="openai",
                engine=self._at.clean(owner or self._server or "unknown")[:100],
                engine_version=self._at.clean(fingerprint)[:100],
                template=f"the endpoint's own, tool turns as user messages{prompts}",
                system=options.system,
                sampler=sampler(options),
                seed=options.seed,
            ),
            kind="chat",
            local=False,
            concurrency=options.concurrency or min(START_CONCURRENCY, options.max_concurrency),
            max_concurrency=self.max_concurrency,
            adaptive=options.concurrency is None,
            context=entry.context,
            price_in=options.price_in,
            price_out=options.price_out,
        )

    async def _ask(self, request: Request) -> tuple[Reply, str]:
        if request.grammar is not None:
            raise RequestRejected(
                "An OpenAI-compatible endpoint takes no grammar.", hint="Use a JSON schema, or a local model."
            )
        is_raw = raw(request, self._options)
        body = encode(request, self._options, self._at.model)
        began = time.perf_counter()
        answer = await self._attempt("completions" if is_raw else "chat/completions", body)
        elapsed = time.perf_counter() - began
        if isinstance(answer, ModelError):
            raise _no_raw_prompts(answer) if is_raw and isinstance(answer, EndpointNotFound) else answer
        found = _decoded(answer)
        if found is None:
            raise from_body(self._at, answer)
        reply, fingerprint = found
        timings = msgspec.structs.replace(reply.timings, total_s=elapsed)
        return _discreet(msgspec.structs.replace(reply, timings=timings), self._at), fingerprint

    async def _attempt(self, path: str, body: bytes | None = None) -> bytes | ModelError:
        """The body of a 200, or what went wrong: to be raised by the caller, so that no exception hangs on it."""
        if self._session is None:
            raise RuntimeError("The endpoint is not open.")
        method = "GET" if body is None else "POST"
        try:
            async with self._session.request(method, self._paths[path], data=body, allow_redirects=False) as response:
                data = await _read(response)
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
            return from_exception(self._at, error, self._options.timeout)
        self._server = response.headers.get("Server", "")
        if response.status != 200:
            return from_status(self._at, response.status, response.headers, data or b"")
        if data is None:
            return bad_reply(self._at, f"more than {BODY_CAP >> 20} MB")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return bad_reply(self._at, "a compressed reply, though none was asked for")
        return data


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """The body, or None where it is longer than the cap; then the connection is given up."""
    chunks = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > BODY_CAP:
            response.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _listed(body: bytes) -> list[Listed] | None:
    try:
        return decode_models(body)
    except ValueError:
        return None


def _decoded(body: bytes) -> tuple[Reply, str] | None:
    try:
        return decode(body)
    except ValueError:
        return None


def _no_raw_prompts(missing: EndpointNotFound) -> RequestRejected:
    return RequestRejected(
        f"This endpoint does not take raw prompts: {missing.message}",
        hint="Send them as one user message: add ?completions=false to the reference.",
    )


def _discreet(reply: Reply, at: Endpoint) -> Reply:
    """The reply without the key, should the endpoint have echoed it; token by token it cannot be taken out."""
    tokens = reply.logprobs or ()
    texts = [reply.text, "".join(token.token for token in tokens)]
    texts += [alternative for token in tokens for alternative, _ in token.top]
    if all(at.clean(text) == text for text in texts):
        return reply
    return msgspec.structs.replace(reply, text=at.clean(reply.text), logprobs=None, output_ids=None)


def _options(candidate: Candidate) -> Options:
    given = {name: value for name, value in candidate.options.items() if name != "backend"}
    try:
        return msgspec.convert(given, Options, strict=False)
    except msgspec.ValidationError as error:
        problem = str(error).replace("`$.", "`")
    known = ", ".join(Options.__struct_fields__)
    raise UsageError(
        f"An option of {candidate.name} makes no sense: {problem}.",
        hint=f"Known: {known}; key_env is the name of an environment variable, never a key.",
    )


def _base(location: str) -> URL:
    """The base address. What is wrong with it is said without repeating it: it may hold a password."""
    hint = "Write it as http://host:port/v1#model; keys come from the environment only."
    try:
        parts = urlsplit(location)
        url = URL(location.rstrip("/"))
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise UsageError("The endpoint's address is no http or https address.", hint=hint)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError("The endpoint's address holds more than host and path.", hint=hint)
    for suffix in _SUFFIXES:
        if url.path.endswith(suffix):
            return url.with_path(url.path.removesuffix(suffix))
    return url


def _key(name: str, may_send: bool) -> str:
    key = os.environ.get(name, "").strip() if may_send else ""
    if not all("!" <= character <= "~" for character in key):
        raise UsageError(f"The key in {name} holds characters that no HTTP header can carry.", hint="Set it anew.")
    return key


def _loopback(url: URL) -> bool:
    host = url.host or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _proxy(url: URL) -> str | None:
    """The proxy that the environment names for this address (HTTPS_PROXY, NO_PROXY)."""
    host = url.host or ""
    if _loopback(url) or proxy_bypass(host):
        return None
    address = getproxies().get(url.scheme, "")
    return address if address.startswith(("http://", "https://")) else None
