"""Models run by the library transformers on PyTorch: Hugging Face folders, hub ids and, where asked for, GGUF files.

Decoder-only models continue the prompt; encoder-decoder models read it with the encoder, so that `prompt_ids` are
the encoder's. Requests are answered in batches, decoder prompts padded on the left; sorting by length is the
caller's job. One thread of its own does the work, so that the event loop lives and requests never share the cores.

Measured with SmolLM2-135M (unpacked from Q4_1) on 2 cores shared with other work: batch 16 gives 67 tokens/s in
bfloat16 and 34 in float32, one request alone 11 and 12. A batch of another shape adds up numbers in another order,
so that near-ties fall the other way: of 24 replies 7 changed between batch 16 and alone in bfloat16, none in float32.
Where replies must not hang on their company, `?dtype=float32` is the setting.

A request with `choices` generates nothing: see `transformers_likelihood`.

Not supported here: grammars and JSON schemas, which need the sampler to be constrained.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from weakspot.errors import ContextExceeded, ModelError, RequestRejected, UsageError
from weakspot.models.sampler import recorded, sampler
from weakspot.models.template import Template, choose, stops, with_system
from weakspot.models.transformers_likelihood import Likelihood, Question
from weakspot.models.transformers_load import (
    Loaded,
    bfloat16_is_native,
    cores,
    engine_failure,
    find,
    libraries,
    load,
)
from weakspot.models.transformers_rows import Batch, Chooser, Row, Stopper, Wish
from weakspot.records import (
    Candidate,
    ChoiceLogprob,
    ModelInfo,
    Provenance,
    Reply,
    Request,
    Timings,
    TokenLogprob,
    Usage,
)
from weakspot.records.model import ModelKind

BATCH = 16
DEFAULT_SEED = 0
DTYPES = {
    "float32": "float32",
    "bfloat16": "bfloat16",
    "float16": "float16",
    "fp32": "float32",
    "bf16": "bfloat16",
    "fp16": "float16",
}
CHUNK = 256
"""Positions whose distributions are held in float32 at once: 256 of a vocabulary of 262,144 take 268 MB."""


class Transformers:
    """A model run by transformers.

    Options: system, template, temperature (0), top_p (1), max_tokens, seed (0), threads (this machine's), batch (16),
    dtype (float32, bfloat16 or float16; bfloat16 where the processor has it).

    Raises:
        UsageError: an option's value makes no sense.
    """

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._options = candidate.options
        self._batch = self._positive("batch", BATCH)
        self._threads = self._positive("threads", cores())
        if (dtype := self._options.get("dtype")) is not None and dtype not in DTYPES:
            raise UsageError(f"There is no dtype {dtype!r}.", hint=f"Known: {', '.join(DTYPES)}.")
        if "quantisation" in self._options:
            raise UsageError(
                "The transformers backend quantises nothing.", hint="Name a quantised GGUF file, or set ?dtype=."
            )
        self._loaded: Loaded | None = None
        self._likelihood: Likelihood | None = None
        self._template: Template | None = None
        self._info: ModelInfo | None = None
        self._worker: ThreadPoolExecutor | None = None

    def _positive(self, name: str, default: int) -> int:
        value = int(self._options.get(name, default))
        if value < 1:
            raise UsageError(f"The option {name}={value} has to be at least 1.")
        return value

    @property
    def info(self) -> ModelInfo:
        """What was opened."""
        if self._info is None:
            raise RuntimeError("open() comes first")
        return self._info

    async def open(self, context: int | None = None) -> None:
        """Load the weights; a hub id is fetched first. Memory grows with the requests, so `context` is not needed.

        Raises:
            MissingExtra: torch or transformers is not installed.
            UnknownModel, CorruptFile: the files are not there, are damaged, or are of a kind that is never loaded.
            FetchFailed: the hub gave nothing.
        """
        del context
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="weakspot-transformers")
        await asyncio.get_running_loop().run_in_executor(self._worker, self._load)

    def _load(self) -> None:
        torch, library = libraries()
        torch.set_num_threads(self._threads)
        source = find(self._candidate)
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
        native = torch.cuda.is_bf16_supported() if device != "cpu" else bfloat16_is_native(torch)
        dtype = DTYPES[str(self._options.get("dtype", "bfloat16" if native else "float32"))]
        named = self._options.get("template")
        if named is None and source.chat_template and not source.gguf:
            self._template = Template("tokenizer", source.chat_template)
        else:
            self._template = choose(named, source.chat_template)
        self._loaded = load(source, dtype, device)
        self._likelihood = Likelihood(self._loaded, self._threads)
        engine = f"{library.__version__}, torch {torch.__version__}, on {device}"
        self._info = self._describe(self._loaded, self._template, engine, dtype)

    def _describe(self, loaded: Loaded, template: Template, engine: str, dtype: str) -> ModelInfo:
        kind: ModelKind = "chat" if loaded.source.chat_template else "base"
        if loaded.encoder and kind == "base":
            kind = "unknown"  # an encoder-decoder ends by itself: it is no model that goes on with a text
        provenance = Provenance(
            backend="transformers",
            engine="transformers",
            engine_version=engine,
            weights_sha256=loaded.source.sha256,
            quantisation=loaded.source.quantisation,
            dtype=dtype,
            threads=self._threads,
            slots=self._batch,
            template=template.name,
            template_sha256=template.sha256,
            system=self._options.get("system"),
            sampler=recorded(self._sampler(Request()), self._options),
            seed=int(self._options.get("seed", DEFAULT_SEED)),
            prefix_cache=False,
        )
        return ModelInfo(
            provenance=provenance,
            kind=kind,
            concurrency=self._batch,
            context=loaded.limit,
            template_text=template.source,
            licence=loaded.source.licence,
        )

    def _sampler(self, request: Request) -> dict[str, Any]:
        """The sampler of the sibling backends, and the token that some encoder-decoders force to begin with."""
        settings = sampler(request, self._options)
        if self._loaded is not None and (token := self._loaded.model.generation_config.forced_bos_token_id) is not None:
            settings["forced_bos_token_id"] = token
        return settings

    def prompt_text(self, request: Request) -> str:
        """The text that the model is fed: the raw prompt, or the messages through the template."""
        if request.prompt is not None:
            return request.prompt
        loaded, template = self._opened()
        return template.render(with_system(request.messages, self._options.get("system")), loaded.text.special)

    async def tokenize(self, text: str) -> list[int]:
        """Ids of a text as the model is fed; BOS is put in front where the tokenizer wants one and has none yet."""
        return self._opened()[0].text.ids(text)

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """The bytes behind each id."""
        return self._opened()[0].text.pieces(ids)

    async def generate(self, request: Request) -> Reply:
        """One completion. Raises ContextExceeded, RequestRejected, ModelError."""
        [answer] = await self.generate_batch([request])
        if isinstance(answer, ModelError):
            raise answer
        return answer

    async def generate_batch(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """All replies, in order, `batch` at a time; a request that fails alone gives its error."""
        answers: list[Reply | ModelError | None] = [None] * len(requests)
        wishes: dict[int, Wish] = {}
        asked: dict[int, Question] = {}
        for number, request in enumerate(requests):
            try:
                if request.choices:
                    asked[number] = self._choosing().question(request, self.prompt_text(request))
                else:
                    wishes[number] = self._wish(request)
            except ModelError as error:
                answers[number] = error
        if asked:
            for number, answer in zip(
                asked, await self._in_thread(self._choosing().answer, list(asked.values())), strict=True
            ):
                answers[number] = answer
        waiting = list(wishes)
        for start in range(0, len(waiting), self._batch):
            numbers = waiting[start : start + self._batch]
            found = await self._in_thread(self._answer, [wishes[number] for number in numbers])
            for number, answer in zip(numbers, found, strict=True):
                answers[number] = answer
        return [answer for answer in answers if answer is not None]

    def _wish(self, request: Request) -> Wish:
        loaded, _ = self._opened()
        if request.grammar is not None or request.json_schema is not None:
            raise RequestRejected(
                "The transformers backend can't hold a reply to a grammar or a JSON schema.",
                hint="Use the llama.cpp backend, or an endpoint, for this probe.",
            )
        text = self.prompt_text(request)
        ids = loaded.text.ids(text)
        limit = int(self._options.get("max_tokens", request.max_tokens))
        self._fits(ids, limit)
        settings = self._sampler(request)
        if not (math.isfinite(settings["temperature"]) and math.isfinite(settings["top_p"])):
            raise RequestRejected("A sampler's setting is no number.", hint="Set temperature and top_p to numbers.")
        base = self.info.kind == "base" and request.prompt is None
        seed = request.seed if request.seed is not None else self.info.provenance.seed
        return Wish(
            text=text,
            ids=tuple(ids),
            limit=limit,
            stops=stops(request.stop, base=base, multiline=request.multiline),
            temperature=settings["temperature"],
            top_p=settings["top_p"],
            seed=seed or 0,
            top=request.logprobs or None,
        )

    def _fits(self, ids: Sequence[int], limit: int) -> None:
        loaded, _ = self._opened()
        if limit < 1:
            raise RequestRejected(f"A reply of {limit} tokens was asked for.", hint="max_tokens has to be at least 1.")
        # an encoder and its decoder have a context each
        needed = max(len(ids), limit + 1) if loaded.encoder else len(ids) + limit
        if loaded.limit is not None and needed > loaded.limit:
            raise ContextExceeded(
                f"The prompt has {len(ids)} tokens, the reply up to {limit}; the model's context is {loaded.limit}.",
                hint="Longer than the model was trained for.",
            )
        if max(ids) >= loaded.vocabulary:
            raise RequestRejected(
                f"The tokenizer gave the id {max(ids)}, and the model knows {loaded.vocabulary}.",
                hint="The tokenizer and the weights may belong to two models.",
            )

    def _choosing(self) -> Likelihood:
        if self._likelihood is None:
            raise RuntimeError("open() comes first")
        return self._likelihood

    async def score_choices(self, context: str, choices: Sequence[str]) -> tuple[ChoiceLogprob, ...]:
        """The log-likelihood (nats) of each text behind a context, as lm-evaluation-harness counts it.

        An empty context stands for BOS. Many contexts go through `generate_batch`, as requests with `choices`: what
        they share is computed once. Raises RequestRejected where a choice has no token of its own, or does not fit.
        """
        reply = await self.generate(Request(prompt=context, choices=tuple(choices)))
        return reply.choice_logprobs or ()

    async def _in_thread(
        self, work_on: Callable[[Any, threading.Event], list[Reply | ModelError]], given: Sequence[Any]
    ) -> list[Reply | ModelError]:
        if self._worker is None:
            raise RuntimeError("open() comes first")
        stop = threading.Event()
        work = asyncio.get_running_loop().run_in_executor(self._worker, work_on, given, stop)
        try:
            return await work
        finally:
            stop.set()  # a cancelled task does not wait for its thread: let that end at the next token

    def _answer(self, wishes: list[Wish], stop: threading.Event) -> list[Reply | ModelError]:
        """Answer a batch; one that fails as a whole is halved, so that a request can fail alone and memory suffice."""
        try:
            return self._run(wishes, stop)
        except Exception as error:  # noqa: BLE001 - the engine raises bare RuntimeErrors, also for too little memory
            if len(wishes) > 1 and not stop.is_set():
                half = len(wishes) // 2
                return self._answer(wishes[:half], stop) + self._answer(wishes[half:], stop)
            return [engine_failure(error) for _ in wishes]

    def _run(self, wishes: list[Wish], stop: threading.Event) -> list[Reply | ModelError]:
        torch, library = libraries()
        torch.set_num_threads(self._threads)  # OpenMP counts by thread
        loaded, _ = self._opened()
        began = time.perf_counter()
        batch = Batch(wishes, loaded.ends, loaded.text.decode, stop)
        ids, mask = _padded(torch, loaded, [wish.ids for wish in wishes])
        loaded.model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=library.GenerationConfig(
                max_new_tokens=max(wish.limit for wish in wishes), do_sample=False, num_beams=1, use_cache=True
            ),
            logits_processor=library.LogitsProcessorList([Chooser(batch)]),
            stopping_criteria=library.StoppingCriteriaList([Stopper(batch)]),
        )
        ended = time.perf_counter()
        first = batch.first_at or ended
        timings = Timings(total_s=ended - began, prompt_s=first - began, generate_s=ended - first)
        return [self._reply(row, timings) for row in batch.rows]

    def _reply(self, row: Row, timings: Timings) -> Reply | ModelError:
        if row.broken:
            return ModelError(
                "The model's scores are no numbers.", hint="A small data type may overflow: try ?dtype=float32."
            )
        logprobs = None
        if row.wish.top is not None:
            logprobs = tuple(self._logprob(token, *step) for token, step in zip(row.ids, row.steps, strict=True))
        return Reply(
            text=row.text,
            finish_reason=row.finish or "unknown",
            prompt_text=row.wish.text,
            prompt_ids=row.wish.ids,
            output_ids=tuple(row.ids),
            logprobs=logprobs,
            usage=Usage(len(row.wish.ids), len(row.ids), 0),
            timings=timings,
        )

    def _logprob(self, token: int, logprob: float, top: Sequence[tuple[int, float]] = ()) -> TokenLogprob:
        """A token's letters are its own bytes, read as UTF-8 where they are whole."""
        pieces = self._opened()[0].text.pieces([token, *(other for other, _ in top)])
        own, *others = (piece.decode("utf-8", "replace") for piece in pieces)
        return TokenLogprob(own, logprob, token, tuple(zip(others, (value for _, value in top), strict=True)))

    async def prompt_logprobs(self, text: str) -> list[TokenLogprob]:
        """The log-probability (nats) of each token of a text after the ones before it, in one pass.

        The first token has none and is left out; where the tokenizer puts BOS in front, that is the first token.

        Raises:
            RequestRejected: an encoder-decoder model, which gives a text no probability by itself.
            ContextExceeded: the text is longer than the model's context.
        """
        loaded, _ = self._opened()
        if loaded.encoder:
            raise RequestRejected("An encoder-decoder model gives a prompt no probability.", hint="Use a decoder.")
        ids = loaded.text.ids(text)
        self._fits(ids, 1)
        values = await asyncio.get_running_loop().run_in_executor(self._worker, self._score, ids)
        return [self._logprob(token, value) for token, value in zip(ids[1:], values, strict=True)]

    def _score(self, ids: list[int]) -> list[float]:
        torch, _ = libraries()
        torch.set_num_threads(self._threads)
        loaded, _ = self._opened()
        found: list[float] = []
        with torch.inference_mode():
            fed = torch.tensor([ids], device=loaded.model.device)
            logits = loaded.model(input_ids=fed, use_cache=False).logits[0, :-1]
            for start in range(0, len(ids) - 1, CHUNK):
                part = logits[start : start + CHUNK].float().log_softmax(-1)
                found += part.gather(1, fed[0, 1 + start : 1 + start + CHUNK, None])[:, 0].tolist()
        return found

    def _opened(self) -> tuple[Loaded, Template]:
        if self._loaded is None or self._template is None:
            raise RuntimeError("open() comes first")
        return self._loaded, self._template

    async def close(self) -> None:
        """Free the weights; what is running ends first."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.shutdown)
        self._loaded = self._likelihood = None


def _padded(torch: Any, loaded: Loaded, prompts: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Ids and mask (rows, longest prompt); a decoder is padded on the left, so that every row's end is its newest."""
    longest = max(map(len, prompts))
    ids, mask = [], []
    for prompt in prompts:
        fill = longest - len(prompt)
        pad, seen = [loaded.pad] * fill, [1] * len(prompt)
        ids.append([*prompt, *pad] if loaded.encoder else [*pad, *prompt])
        mask.append([*seen, *[0] * fill] if loaded.encoder else [*[0] * fill, *seen])
    device = loaded.model.device
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
