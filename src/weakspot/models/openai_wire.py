"""The OpenAI wire format: options of an endpoint, a request as JSON, and JSON as a reply. Pure functions.

What a reply must have is checked (a choice with a message or a text); all else is taken where it makes sense and
left None where it does not, so that one odd field of one server costs no reply. It does not know of HTTP.
"""

import math
from json import loads
from typing import Annotated, Any, Literal

import msgspec

from weakspot.records import Message, Reply, Request, Timings, TokenLogprob, Usage, to_json
from weakspot.records.response import FinishReason

_Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_Price = Annotated[float, msgspec.Meta(ge=0)]

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may stand behind an endpoint's reference as `?key=value`.

    `temperature` None leaves it to the server; `max_tokens` overrides each probe's own; `timeout` is in seconds;
    `concurrency` fixes the number of requests at once, which else moves between 1 and `max_concurrency`; prices are
    USD per million tokens. `completions` says where raw prompts go: to /completions, or with False as one user
    message to /chat/completions, for servers that have nothing else. `limit_field` is for models that only know
    `max_completion_tokens`.
    """

    system: str | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = 0.0
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    max_tokens: _Count | None = None
    seed: int | None = None
    timeout: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 60.0
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    max_concurrency: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 64
    price_in: _Price | None = None
    price_out: _Price | None = None
    key_env: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    completions: bool = True
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"


def sampler(options: Options) -> dict[str, Any]:
    """The sampler settings that go with every request which has none of its own."""
    chosen = {"temperature": options.temperature, "top_p": options.top_p, "max_tokens": options.max_tokens}
    return {name: value for name, value in chosen.items() if value is not None}


def raw(request: Request, options: Options) -> bool:
    """Whether this request goes to /completions."""
    return request.prompt is not None and options.completions


def encode(request: Request, options: Options, model: str) -> bytes:
    """The JSON body of a request."""
    body: dict[str, Any] = {"model": model}
    if raw(request, options):
        body["prompt"] = request.prompt
    else:
        body["messages"] = _messages(request, options)
    body[options.limit_field] = options.max_tokens or request.max_tokens
    _set(body, "temperature", request.temperature, options.temperature)
    _set(body, "top_p", request.top_p, options.top_p)
    _set(body, "seed", request.seed, options.seed)
    if request.stop:
        body["stop"] = list(request.stop)
    if request.logprobs:
        body |= _ask_logprobs(request.logprobs, raw(request, options))
    if request.json_schema is not None:
        # Strict: what was asked for is enforced or rejected, never quietly left out.
        schema = {"name": "reply", "schema": request.json_schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return to_json(body)


def decode(body: bytes) -> tuple[Reply, str]:
    """A reply, without `timings.total_s`, and the server's fingerprint ("" where it gives none).

    Raises:
        ValueError: it is no JSON, or no completion.
    """
    found = _completion(body)
    if not found.choices:
        raise ValueError("no choices")
    choice = found.choices[0]
    text = _text(choice)
    logprobs = _logprobs(choice.logprobs)
    reply = Reply(
        text=text,
        finish_reason=_FINISH.get(choice.finish_reason, "unknown")
        if isinstance(choice.finish_reason, str)
        else "unknown",
        output_ids=_ids(logprobs),
        logprobs=logprobs,
        usage=_usage(found.usage),
        timings=_timings(found.timings),
    )
    return reply, found.system_fingerprint if isinstance(found.system_fingerprint, str) else ""


class Listed(msgspec.Struct, frozen=True):
    """One entry of GET /models."""

    id: str
    owned_by: Any = None
    max_model_len: Any = None
    context_length: Any = None
    context_window: Any = None

    @property
    def context(self) -> int | None:
        """The context in tokens, as vLLM (`max_model_len`) and others say it."""
        sizes = (self.max_model_len, self.context_length, self.context_window)
        return next((n for n in map(_count, sizes) if n), None)


def decode_models(body: bytes) -> list[Listed]:
    """The entries of GET /models.

    Raises:
        ValueError: it is no such list.
    """
    try:
        return msgspec.json.decode(body, type=_Models).data
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


class _Models(msgspec.Struct):
    data: list[Listed]


class _Message(msgspec.Struct):
    content: str | list[Any] | None = None
    refusal: Any = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    text: str | None = None
    finish_reason: Any = None
    logprobs: Any = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: Any = None
    system_fingerprint: Any = None
    timings: Any = None


def _completion(body: bytes) -> _Completion:
    try:
        return msgspec.json.decode(body, type=_Completion)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The standard library also takes what some servers send: NaN among the logprobs, lone surrogates, a BOM.
        try:
            return msgspec.convert(loads(body), type=_Completion)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def _messages(request: Request, options: Options) -> list[dict[str, str]]:
    turns = request.messages if request.prompt is None else (Message("user", request.prompt),)
    sent = [_turn(turn) for turn in turns]
    if options.system is not None and not any(turn.role == "system" for turn in turns):
        sent.insert(0, {"role": "system", "content": options.system})
    return sent


def _turn(turn: Message) -> dict[str, str]:
    if turn.role == "tool":  # endpoints reject a tool turn that answers no tool call of theirs
        return {"role": "user", "content": f"Tool result:\n{turn.content or ''}"}
    return {"role": turn.role, "content": turn.content or ""}


def _set(body: dict[str, Any], name: str, own: float | None, default: float | None) -> None:
    value = default if own is None else own
    if value is not None:
        body[name] = value


def _ask_logprobs(count: int, is_raw: bool) -> dict[str, Any]:
    return {"logprobs": count} if is_raw else {"logprobs": True, "top_logprobs": count}


def _text(choice: _Choice) -> str:
    if choice.message is None:
        if choice.text is None:
            raise ValueError("a choice without a message or a text")
        return _whole(choice.text)
    content = choice.message.content
    if content is None:
        refusal = choice.message.refusal  # OpenAI: a refusal comes in place of the content
        return _whole(refusal) if isinstance(refusal, str) else ""
    if isinstance(content, str):
        return _whole(content)
    return _whole("".join(_part(part) for part in content))


def _part(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    return text if isinstance(text, str) else ""


def _whole(text: str) -> str:
    """Text that can be written as UTF-8: lone surrogates come out as U+FFFD."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _logprobs(data: Any) -> tuple[TokenLogprob, ...] | None:
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("content"), list):
        tokens = [_chat_token(entry) for entry in data["content"]]
    elif isinstance(data.get("tokens"), list):
        tokens = _raw_tokens(data)
    else:
        return None
    known = tuple(token for token in tokens if token is not None)
    return known if len(known) == len(tokens) else None  # with a hole in it, it is no trail


def _chat_token(entry: Any) -> TokenLogprob | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        return None
    if (value := _finite(entry.get("logprob"))) is None:
        return None
    top = entry.get("top_logprobs")
    pairs = [(t.get("token"), t.get("logprob")) for t in top if isinstance(t, dict)] if isinstance(top, list) else []
    return TokenLogprob(_whole(entry["token"]), value, _count(entry.get("id")), _alternatives(pairs))


def _raw_tokens(data: dict[str, Any]) -> list[TokenLogprob | None]:
    tokens, values = data["tokens"], data.get("token_logprobs")
    tops = data.get("top_logprobs")
    if not isinstance(values, list) or len(values) != len(tokens):
        return [None]
    if not isinstance(tops, list) or len(tops) != len(tokens):
        tops = [None] * len(tokens)
    return [_raw_token(*entry) for entry in zip(tokens, values, tops, strict=True)]


def _raw_token(token: Any, value: Any, top: Any) -> TokenLogprob | None:
    number = _finite(value)
    if not isinstance(token, str) or number is None:
        return None
    pairs = list(top.items()) if isinstance(top, dict) else []
    return TokenLogprob(_whole(token), number, None, _alternatives(pairs))


def _alternatives(pairs: list[tuple[Any, Any]]) -> tuple[tuple[str, float], ...]:
    checked = [(token, _finite(value)) for token, value in pairs]
    return tuple((_whole(t), v) for t, v in checked if isinstance(t, str) and v is not None)


def _ids(logprobs: tuple[TokenLogprob, ...] | None) -> tuple[int, ...] | None:
    ids = [token.id for token in logprobs or ()]
    return tuple(i for i in ids if i is not None) if ids and None not in ids else None


def _usage(data: Any) -> Usage:
    if not isinstance(data, dict):
        return Usage()
    details = data.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(_count(data.get("prompt_tokens")), _count(data.get("completion_tokens")), _count(cached))


def _timings(data: Any) -> Timings:
    """The engine's own split, which llama.cpp's server adds in milliseconds."""
    if not isinstance(data, dict):
        return Timings()
    prompt, generate = _finite(data.get("prompt_ms")), _finite(data.get("predicted_ms"))
    return Timings(
        prompt_s=None if prompt is None else prompt / 1000, generate_s=None if generate is None else generate / 1000
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _finite(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and abs(value) < 1e300 and math.isfinite(value) else None
