"""How likely a model finds each of several continuations of one context, in nats: the numbers of lm-evaluation-harness.

The rules are those of its `HFLM` (v0.4.13), taken from its source: trailing white space of the context belongs to the
continuation; context and continuation are tokenized together and cut at the context's own length (an encoder-decoder:
each by itself); special tokens as the tokenizer adds them, unless the text begins with BOS; an empty context is BOS,
or the end token where there is none; what is too long is cut on the left; a log-likelihood is the sum of log-softmax
in float32 over the continuation's tokens, and a continuation is greedy where each of its tokens is the likeliest.

What differs is the work: each token is computed once, however many continuations share it (see
`transformers_likelihood_tree`). A model for which that is not shown to give the same is computed plainly.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from weakspot.errors import ModelError, RequestRejected
from weakspot.models.transformers_likelihood_tree import Fed, Memory, score_tree
from weakspot.models.transformers_load import Loaded, engine_failure, libraries
from weakspot.models.transformers_text import Text
from weakspot.records import ChoiceLogprob, Reply, Request, Timings, Usage

LENGTHS = ("n_positions", "max_position_embeddings", "n_ctx")
"""Where a configuration says how long a sequence may be, in the harness's order."""
UNSTATED = 2048
"""The harness's limit where neither configuration nor tokenizer states one."""
CLOSE = {"float32": 0.01, "float64": 0.01}
LOOSE = 0.5
"""Nats by which the shared and the plain way may differ on the trial (seen: 1e-5 in float32, 0.1 in bfloat16)."""
ROPES = ("dynamic", "longrope")
"""Position codes that hang on how long the whole input is: what is shared would differ by who shares it."""


class Pair(msgspec.Struct, frozen=True):
    """A context and a continuation as ids; the continuation has at least one."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]


class Question(msgspec.Struct, frozen=True):
    """A request with choices, the text of its context, and the ids of each choice behind it."""

    request: Request
    context: str
    pairs: tuple[Pair, ...]


class Likelihood:
    """Scores choices with one loaded model on so many `threads`. Not for two callers at once.

    `shared` says whether tokens are computed once for all that share them; None until the first request.
    """

    def __init__(self, loaded: Loaded, threads: int = 1) -> None:
        self._loaded = loaded
        self._threads = threads
        self._memory = Memory()
        self._limit = longest(loaded)
        self.shared: bool | None = None

    def pairs(self, context: str, choices: Sequence[str]) -> list[Pair]:
        """The ids of a context with each of its continuations.

        Raises:
            RequestRejected: a continuation has no token of its own, or is longer than the model's context.
        """
        text, encoder = self._loaded.text, self._loaded.encoder
        found = [encode_pair(text, context, choice, encoder=encoder) for choice in choices]
        for choice, pair in zip(choices, found, strict=True):
            if not pair.continuation or not pair.context:
                raise RequestRejected(
                    f"The choice {choice[:40]!r} has no token of its own behind this context.",
                    hint="Likelihoods need choices that the tokenizer does not melt into the context.",
                )
            if len(pair.continuation) > self._limit:
                raise RequestRejected(
                    f"The choice {choice[:40]!r} alone is longer than the model's context of {self._limit} tokens.",
                    hint="Shorten it.",
                )
            if max(*pair.context, *pair.continuation) >= self._loaded.vocabulary:
                raise RequestRejected(
                    "The tokenizer gave an id that the model does not know.",
                    hint="The tokenizer and the weights may belong to two models.",
                )
        return found

    def question(self, request: Request, context: str) -> Question:
        """A request with its ids; raises what `pairs` raises."""
        return Question(request, context, tuple(self.pairs(context, request.choices)))

    def answer(self, asked: Sequence[Question], stop: threading.Event) -> list[Reply | ModelError]:
        """A reply or an error for each, all computed together; where that fails each alone, so that one fails alone."""
        began = time.perf_counter()
        libraries()[0].set_num_threads(self._threads)  # OpenMP counts by thread
        try:
            values = self.score([pair for question in asked for pair in question.pairs], stop)
        except Exception as error:  # noqa: BLE001 - the engine raises bare RuntimeErrors, also for too little memory
            if len(asked) > 1 and not stop.is_set():
                return [answer for question in asked for answer in self.answer([question], stop)]
            return [engine_failure(error) for _ in asked]
        timings = Timings(total_s=time.perf_counter() - began)
        replies: list[Reply | ModelError] = []
        for question in asked:
            mine, values = values[: len(question.pairs)], values[len(question.pairs) :]
            replies.append(_reply(question, mine, timings))
        return replies

    def score(self, pairs: Sequence[Pair], stop: threading.Event) -> list[tuple[float, bool]]:
        """(Log-likelihood in nats, greedy) of each pair; (nan, False) where `stop` was set on the way."""
        if self._loaded.encoder:
            return [
                (float("nan"), False) if stop.is_set() else _encoder_decoder(self._loaded, pair, self._limit)
                for pair in pairs
            ]
        sequences = [cut(pair, self._limit) for pair in pairs]
        if self._may_share(max(len(sequence.ids) for sequence in sequences)):
            return score_tree(self._loaded.model, sequences, self._memory, stop)
        return score_plainly(self._loaded.model, sequences, stop)

    def _may_share(self, most: int) -> bool:
        """Whether the shared way gives this model's numbers for sequences of up to `most` tokens."""
        if self.shared is None:
            self.shared = self._shown_equal()
        window = sliding_window(self._loaded.model.config)
        return self.shared and (window is None or most < window)

    def _shown_equal(self) -> bool:
        """Try both ways on a few ids that branch: a model without a cache, or with other positions, differs."""
        model = self._loaded.model
        config = model.config.get_text_config(decoder=True)
        rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
        if isinstance(rope, dict) and rope.get("rope_type", rope.get("type")) in ROPES:
            return False
        trial = _trial(self._loaded.vocabulary)
        never = threading.Event()
        memory = Memory()
        try:
            shared = [value for part in (trial[:2], trial[2:]) for value in score_tree(model, part, memory, never, 4)]
        except Exception:  # noqa: BLE001 - whatever a model raises at a mask or a cache: then it gets neither
            return False
        plain = score_plainly(model, trial, never)
        allowed = CLOSE.get(str(model.dtype).removeprefix("torch."), LOOSE)
        return all(abs(one - other) < allowed for (one, _), (other, _) in zip(shared, plain, strict=True))


def encode_pair(text: Text, context: str, continuation: str, *, encoder: bool) -> Pair:
    """The harness's rule for a context and a continuation; either part may come out empty.

    Raises:
        RequestRejected: the tokenizer refuses the text.
    """
    if context == "":
        ids = tuple(text.harness_ids(continuation, special=False))
        if text.prefix_id is None:
            raise RequestRejected("This tokenizer has neither BOS nor EOS, and the context is empty.", hint="Give one.")
        return Pair(ids[:1], ids[1:]) if ids[:1] == (text.prefix_id,) else Pair((text.prefix_id,), ids)
    kept = context.rstrip()
    continuation, context = context[len(kept) :] + continuation, kept
    first = tuple(text.harness_ids(context))
    if encoder:
        return Pair(first, tuple(text.harness_ids(continuation, special=False)))
    return Pair(first, tuple(text.harness_ids(context + continuation))[len(first) :])


def cut(pair: Pair, limit: int) -> Fed:
    """What is fed and what is to come: the last token is never fed, and what is too long is cut on the left."""
    fed = (pair.context + pair.continuation)[-(limit + 1) :][:-1]
    return Fed(fed, pair.continuation)


def longest(loaded: Loaded) -> int:
    """Tokens that a sequence may have, found where the harness looks."""
    config = getattr(loaded.model.config, "text_config", None) or loaded.model.config
    for name in LENGTHS:
        if (value := getattr(config, name, None)) is not None:
            return int(value)
    return loaded.text.stated_length or UNSTATED


def sliding_window(config: Any) -> int | None:
    """The shortest reach of a layer that does not see the whole text, in tokens; None where all see it."""
    inner = config.get_text_config(decoder=True)
    kinds = set(getattr(inner, "layer_types", None) or ())
    if kinds and kinds <= {"full_attention"}:
        return None
    if not kinds and getattr(inner, "use_sliding_window", True) is False:
        return None
    reaches = [getattr(inner, name, None) for name in ("sliding_window", "attention_chunk_size")]
    found = [reach for reach in reaches if isinstance(reach, int) and reach > 0]
    if kinds - {"full_attention", "sliding_attention", "chunked_attention"}:
        return 0  # a recurrent layer has no keys that could be shared
    return min(found) if found else None


def score_plainly(model: Any, sequences: Sequence[Fed], stop: threading.Event) -> list[tuple[float, bool]]:
    """The same without sharing: one pass for each different text that is fed."""
    torch, _ = libraries()
    found: dict[tuple[int, ...], Any] = {}
    values: dict[Fed, tuple[float, bool]] = {}
    most: dict[tuple[int, ...], int] = {}
    for sequence in sequences:
        most[sequence.ids] = max(most.get(sequence.ids, 0), len(sequence.targets))
    for sequence in sorted(sequences, key=lambda one: one.ids):
        if stop.is_set():
            break
        if sequence.ids not in found:
            found.clear()  # sorted: whoever shares it is next
            with torch.inference_mode():
                logits = model(input_ids=torch.tensor([sequence.ids], device=model.device), use_cache=False).logits
                found[sequence.ids] = logits[0, -most[sequence.ids] :].float().log_softmax(-1)
        values[sequence] = _gathered(torch, found[sequence.ids][-len(sequence.targets) :], sequence.targets)
    return [values.get(sequence, (float("nan"), False)) for sequence in sequences]


def _encoder_decoder(loaded: Loaded, pair: Pair, limit: int) -> tuple[float, bool]:
    torch, _ = libraries()
    model = loaded.model
    with torch.inference_mode():
        logits = model(
            input_ids=torch.tensor([pair.context[-limit:]], device=model.device),
            labels=torch.tensor([pair.continuation[-limit:]], device=model.device),
        ).logits
        return _gathered(torch, logits[0].float().log_softmax(-1), pair.continuation)


def _gathered(torch: Any, rows: Any, targets: Sequence[int]) -> tuple[float, bool]:
    """Sum over the targets' log-probabilities, (positions, vocabulary) each row a distribution."""
    wanted = torch.tensor(targets, device=rows.device)
    total = float(rows.gather(1, wanted[:, None]).sum())
    return total, bool((rows.argmax(-1) == wanted).all())


def _trial(vocabulary: int) -> list[Fed]:
    """Sequences that share beginnings of several lengths, of ids spread over the vocabulary."""
    ids = [(7919 * (n + 1)) % vocabulary for n in range(24)]
    trunk = tuple(ids[:10])
    return [
        Fed(trunk, (ids[10],)),
        Fed((*trunk, ids[11], ids[12]), (ids[11], ids[12], ids[13])),
        Fed((*trunk, ids[14]), (ids[14], ids[15])),
        Fed((*trunk[:6], *ids[16:20]), tuple(ids[18:21])),
    ]


def _reply(question: Question, values: Sequence[tuple[float, bool]], timings: Timings) -> Reply | ModelError:
    pairs = question.pairs
    if not all(value == value and abs(value) != float("inf") for value, _ in values):  # noqa: PLR0124 - nan
        return ModelError(
            "The model's scores are no numbers.", hint="A small data type may overflow: try ?dtype=float32."
        )
    best = max(range(len(values)), key=lambda n: (values[n][0], -n))
    spent = len(pairs[best].context) + sum(len(pair.continuation) for pair in pairs)
    return Reply(
        text=question.request.choices[best],
        finish_reason="stop",
        prompt_text=question.context,
        prompt_ids=pairs[best].context,
        output_ids=pairs[best].continuation,
        choice_logprobs=tuple(
            ChoiceLogprob(value, greedy, len(pair.continuation))
            for (value, greedy), pair in zip(values, pairs, strict=True)
        ),
        usage=Usage(spent, 0, 0),
        timings=timings,
    )
