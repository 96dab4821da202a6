"""What an OpenAI-compatible endpoint can do wrong, as errors of the tree, with the key kept out of every word.

What a server says is hostile: it is cut short, stripped of control characters and of the key before it is quoted.
It does not know how requests are sent; it is given what came back.
"""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from json import loads
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from weakspot.errors import (
    AuthenticationFailed,
    BadReply,
    ContextExceeded,
    EndpointNotFound,
    ModelError,
    RateLimited,
    RequestRejected,
    ServerFailed,
    Unreachable,
)

QUOTE_LENGTH = 300
REDACTED = "[redacted]"
SECRET_LENGTH = 8
"""A shorter key ("none", "EMPTY") is a placeholder: taking it out of replies would change what a model said."""

_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_WORDS = re.compile(
    r"context (length|window|size)|maximum (model|context|input) length|max_model_len|prompt is too long", re.IGNORECASE
)
_HTML = re.compile(r"^\s*(<!doctype|<html|<head|<body|<\?xml)", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoint:
    """Where requests go and which key goes with them. Its repr shows neither the key nor that there is one.

    Args:
        url: base address without a slash at the end.
        model: the model's name, as far as it is known.
        key_env: name of the environment variable that holds the key.
        key: the key itself, or "" where none is sent.
    """

    url: str
    model: str
    key_env: str
    key: str = field(default="", repr=False)

    def clean(self, text: str) -> str:
        """`text` without the key, wherever the endpoint may have echoed it."""
        return text.replace(self.key, REDACTED) if len(self.key) >= SECRET_LENGTH else text

    def quote(self, text: str) -> str:
        """A short, single-line, printable excerpt of what a server said, in quotation marks; "" for nothing."""
        bare = _without(text, self.key) if self.key else text
        line = "".join(c if c.isprintable() else " " for c in bare[: 4 * QUOTE_LENGTH])
        line = " ".join(line.split())
        if len(line) > QUOTE_LENGTH:
            line = line[:QUOTE_LENGTH] + "…"
        return f'"{line}"' if line else ""


def _without(text: str, key: str) -> str:
    """`text` without `key` as it stands, as JSON or a URL may spell it, and cut off by the end of the text."""
    for spelling in {key, key.replace("/", "\\/"), quote(key, safe="")}:
        text = text.replace(spelling, REDACTED)
    for length in range(len(key) - 1, 3, -1):
        if text.endswith(key[:length]):
            return text[:-length] + REDACTED
    return text


def from_status(at: Endpoint, status: int, headers: Mapping[str, str], body: bytes) -> ModelError:
    """The error behind an HTTP status other than 200."""
    said = _Said.read(body)
    words = at.quote(said.message)
    quoted = f": {words}" if words else ""
    if status == 429 and said.code == "insufficient_quota":
        status = 402  # more tries change nothing
    if status in (401, 402, 403):
        return _refused(at, status, quoted)
    if status in (404, 405, 410) or 300 <= status < 400:
        return _not_found(at, status, quoted, at.quote(headers.get("Location", "")))
    if status == 429:
        return RateLimited(
            f"{at.url} asks to slow down (429){quoted}.",
            hint="Fewer requests at once: add ?concurrency=1 to the reference, or wait and resume.",
            retry_after_s=retry_after_s(headers),
        )
    if status >= 500:
        return ServerFailed(
            f"{at.url} failed on its side ({status}){quoted}.",
            hint="Look at the server's own log; then resume.",
            retry_after_s=retry_after_s(headers),
        )
    if status == 408:
        return timed_out(at)
    return _rejected(at, status, said, quoted)


_CLIENT: tuple[tuple[type[Exception], str, str], ...] = (
    (
        aiohttp.ClientProxyConnectionError,
        "The proxy on the way to {} can't be reached.",
        "Check HTTPS_PROXY, NO_PROXY.",
    ),
    (aiohttp.ClientHttpProxyError, "The proxy lets nothing through to {}.", "Check HTTPS_PROXY and NO_PROXY."),
    (aiohttp.ClientConnectorDNSError, "The host name of {} is not known.", "Check its spelling and the network."),
    (
        aiohttp.ClientSSLError,
        "No trusted connection to {} could be made (TLS).",
        "Check http against https, and the certificates that this machine trusts (SSL_CERT_FILE).",
    ),
    (aiohttp.ClientConnectorError, "Nothing answers at {}.", "Is the server running, and are host and port right?"),
    (Exception, "{} closed the connection without answering.", "Look at the server's own log; then resume."),
)


def from_exception(at: Endpoint, error: Exception, timeout_s: float) -> ModelError:
    """The error behind an exception of the HTTP client. It is not chained: those carry the request's headers."""
    if isinstance(error, TimeoutError):
        return timed_out(at, timeout_s)
    if isinstance(error, aiohttp.ClientPayloadError):
        return bad_reply(at, "a reply that broke off half-way")
    if isinstance(error, aiohttp.ClientResponseError) and not isinstance(error, aiohttp.ClientHttpProxyError):
        return bad_reply(at, "something that is not HTTP")
    sentence, hint = next((said, hint) for kind, said, hint in _CLIENT if isinstance(error, kind))
    return Unreachable(sentence.format(at.url), hint=hint)


def timed_out(at: Endpoint, timeout_s: float | None = None) -> Unreachable:
    """No answer in time."""
    within = f" within {timeout_s:g} s" if timeout_s else " in time"
    return Unreachable(
        f"{at.url} did not answer{within}.",
        hint="Give it longer with ?timeout=300, or less at once with ?concurrency=1.",
    )


def from_body(at: Endpoint, body: bytes) -> ModelError:
    """The error behind a body of a 200 that is no completion."""
    said = _Said.read(body)
    if said.error:
        status = said.status if said.status >= 400 else 500
        return from_status(at, status, {}, body)
    text = body.decode("utf-8", "replace")
    if not text.strip():
        return bad_reply(at, "nothing")
    if _HTML.match(text):
        return bad_reply(at, "an HTML page")
    if not said.is_json:
        return bad_reply(at, f"something that is not whole JSON: {at.quote(text)}")
    return bad_reply(at, f"JSON that is not a completion: {at.quote(text)}")


def bad_reply(at: Endpoint, what: str) -> BadReply:
    """The endpoint answered, but not with a completion."""
    return BadReply(
        f"{at.url} answered with {what}.",
        hint="Is this the base address of an OpenAI-compatible API? It usually ends in /v1.",
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the endpoint asks to wait: Retry-After in seconds or as an HTTP date (RFC 9110, 10.2.3).

    A date is read against the server's own Date header where it sends one, since clocks differ. None where the
    header is missing or makes no sense.
    """
    millis = _number(headers.get("retry-after-ms", ""))  # OpenAI and Azure
    if millis is not None:
        return millis / 1000
    value = headers.get("Retry-After", "")
    seconds = _number(value)
    if seconds is not None:
        return seconds
    then = _http_date(value)
    if then is None:
        return None
    now = _http_date(headers.get("Date", ""))
    return max(0.0, then - (time.time() if now is None else now))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


@dataclass(frozen=True)
class _Said:
    """What an error body says, in any of the shapes that servers use."""

    message: str
    code: str = ""
    status: int = 0
    error: bool = False
    is_json: bool = False

    @classmethod
    def read(cls, body: bytes) -> "_Said":
        text = body.decode("utf-8", "replace")
        try:
            data: Any = loads(text)
        except (ValueError, RecursionError):
            return cls("an HTML page" if _HTML.match(text) else text)
        if not isinstance(data, dict):
            return cls(text, is_json=True)
        error = data.get("error") or (data if data.get("object") == "error" else None)
        inner = error if isinstance(error, dict) else data
        message = error if isinstance(error, str) else inner.get("message") or inner.get("detail") or ""
        code = inner.get("code")
        return cls(
            message=message if isinstance(message, str) else msgspec.json.encode(message).decode(),
            code=next((c for c in (code, inner.get("type")) if isinstance(c, str)), ""),
            status=code if isinstance(code, int) and 400 <= code < 600 else 0,
            error=bool(error),
            is_json=True,
        )


def _refused(at: Endpoint, status: int, quoted: str) -> AuthenticationFailed:
    if status == 402:
        return AuthenticationFailed(
            f"{at.url} says that the account's quota is used up{quoted}.", hint="Top it up, or use another key."
        )
    if at.key:
        return AuthenticationFailed(
            f"{at.url} refused the key from {at.key_env} ({status}){quoted}.",
            hint=f"Check {at.key_env}, or name another variable with ?key_env=NAME.",
        )
    return AuthenticationFailed(
        f"{at.url} wants a key and got none ({status}){quoted}.",
        hint=f"Put it into the environment as {at.key_env}; ?key_env=NAME names another variable.",
    )


def _not_found(at: Endpoint, status: int, quoted: str, location: str) -> EndpointNotFound:
    if 300 <= status < 400:
        return EndpointNotFound(
            f"{at.url} sends requests on to another address ({status}), which are not followed.",
            hint=f"Use that address itself: {location}." if location else "Use the final address itself.",
        )
    named = f", or no model named {at.quote(at.model)}" if at.model else ""
    path = "" if at.url.endswith("/v1") else " Should the address end in /v1?"
    return EndpointNotFound(
        f"{at.url} has no such path{named} ({status}){quoted}.",
        hint=f"Check the address and the name after #; GET {at.url}/models lists the names.{path}",
    )


def _rejected(at: Endpoint, status: int, said: _Said, quoted: str) -> ModelError:
    if status in (400, 413, 422) and (said.code in _CONTEXT_CODES or _CONTEXT_WORDS.search(said.message)):
        return ContextExceeded(
            f"The prompt and the reply are longer than the model's context{quoted}.",
            hint="Leave out the long probes, or serve the model with a longer context.",
        )
    hint = "This request is at fault, not the endpoint; other probes may pass."
    if "max_completion_tokens" in said.message:
        hint = "This model counts differently: add ?limit_field=max_completion_tokens to the reference."
    return RequestRejected(f"{at.url} rejected the request ({status}){quoted}.", hint=hint)
