"""A request, the reply to it, and the response to a whole probe."""

from typing import Any, Literal

import msgspec

from weakspot.records.model import Provenance
from weakspot.records.probe import Message

FinishReason = Literal["stop", "length", "content_filter", "unknown"]


class Request(msgspec.Struct, frozen=True):
    """One call of a model: messages or a raw prompt, and how to generate. Seconds, tokens and nats throughout.

    `logprobs` is how many alternatives per token to return (0: none). With `choices` nothing is generated: the
    log-likelihood of each of these continuations of the prompt is asked for.
    """

    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    max_tokens: int = 24
    stop: tuple[str, ...] = ()
    multiline: bool = False
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    json_schema: dict[str, Any] | None = None
    grammar: str | None = None
    logprobs: int = 0
    choices: tuple[str, ...] = ()


class Usage(msgspec.Struct, frozen=True):
    """Tokens that a request cost; None where the engine does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


class Timings(msgspec.Struct, frozen=True):
    """Wall-clock seconds: of the whole call, and the engine's own split where it gives one."""

    total_s: float = 0.0
    prompt_s: float | None = None
    generate_s: float | None = None


class TokenLogprob(msgspec.Struct, frozen=True):
    """The log-probability (nats) of one token of the reply, with the alternatives asked for."""

    token: str
    logprob: float
    id: int | None = None
    top: tuple[tuple[str, float], ...] = ()


class ChoiceLogprob(msgspec.Struct, frozen=True):
    """How likely one choice is: the sum of its tokens' log-probabilities (nats) behind the prompt.

    `is_greedy` says whether each of its tokens is the likeliest there, None where the engine does not tell.
    """

    logprob: float
    is_greedy: bool | None = None
    tokens: int = 0


class SourceText(msgspec.Struct, frozen=True):
    """A text that a candidate's own retrieval found for its answer: where it is from, and how well it fitted."""

    text: str
    name: str = ""
    score: float | None = None


class Reply(msgspec.Struct, frozen=True):
    """What a model gave back for one request.

    `choice_logprobs` answers a request's `choices`, in their order; `text` is then the likeliest of them.
    `prompt_ids`, `output_ids` and `prompt_text` (the rendered template) are None where the engine does not give them.
    `sources` are what a candidate's own retrieval gave it, where it says so.
    `attempts` counts tries, `throttled` how many of them were answered 429.
    """

    text: str
    finish_reason: FinishReason = "unknown"
    prompt_text: str | None = None
    prompt_ids: tuple[int, ...] | None = None
    output_ids: tuple[int, ...] | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    choice_logprobs: tuple[ChoiceLogprob, ...] | None = None
    usage: Usage = Usage()
    timings: Timings = Timings()
    attempts: int = 1
    throttled: int = 0
    cached: bool = False
    sources: tuple[SourceText, ...] = ()


class ErrorRecord(msgspec.Struct, frozen=True):
    """An error as a record: its kind, one sentence, a hint, and whether trying again can help."""

    code: str
    message: str
    hint: str = ""
    retryable: bool = False


class Response(msgspec.Struct, frozen=True):
    """All that a candidate gave back for one probe; one reply for each turn that the model filled in.

    `error` is set where no final reply came; then `replies` holds the turns before it.
    """

    probe: str
    candidate: str
    request_hash: str
    replies: tuple[Reply, ...]
    provenance: Provenance
    error: ErrorRecord | None = None

    @property
    def final(self) -> Reply | None:
        """The reply that is scored, or None where there is none."""
        return self.replies[-1] if self.replies and self.error is None else None
