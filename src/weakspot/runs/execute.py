"""Carries out a plan: the only place with concurrency.

A request counts as in flight until its record is committed, so `kill -9` loses at most the requests in flight.
Local models share this machine's cores and run one after another; endpoints run side by side.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from weakspot.contracts import BatchModel, Model, Sink
from weakspot.errors import (
    AuthenticationFailed,
    ContextExceeded,
    EndpointNotFound,
    ModelChanged,
    ModelError,
    RateLimited,
)
from weakspot.records import Candidate, ErrorRecord, ModelInfo, Probe, Reply, Request, Response, from_json, to_json
from weakspot.retry import ONE_ATTEMPT, RetryPolicy, with_retry
from weakspot.runs.conversation import Conversation
from weakspot.runs.limiter import AdaptiveLimiter
from weakspot.runs.plan import context_needed
from weakspot.runs.recorder import Recorder
from weakspot.runs.sensitivity import measure_sensitivity
from weakspot.store.replies import ReplyCache, request_hash
from weakspot.store.run import RunStore

HOPELESS = 12
"""So many failures in a row, each after its own retries, and the endpoint is taken for dead."""
MOST_AT_ONCE = 64
SPARE = 2
PATIENCE = RetryPolicy()


class Contender(msgspec.Struct, frozen=True):
    """A candidate and the model that answers for it."""

    candidate: Candidate
    model: Model


class Execution:
    """One carrying-out of a plan over a store.

    Args:
        store: a run opened for writing; its final responses are not asked for again.
        sink: told of progress.
        cache: replies of earlier runs, or None.
        patience: how endpoints are tried again; local models are not, since nothing passes by waiting.
    """

    def __init__(
        self, store: RunStore, sink: Sink, cache: ReplyCache | None = None, patience: RetryPolicy = PATIENCE
    ) -> None:
        self._store = store
        self._sink = sink
        self._cache = cache
        self._patience = patience
        self._failures_in_a_row: dict[str, int] = {}
        self._answers: dict[str, int] = {}
        self._last_error: dict[str, ModelError] = {}

    async def run(self, contenders: Sequence[Contender], probes: Sequence[Probe]) -> None:
        """Ask everything that has no final response yet.

        Raises:
            ModelError: the endpoint refuses the key, knows no such model, or is dead; what is there is kept.
            DiskFull: likewise.
        """
        local = [contender for contender in contenders if contender.candidate.kind != "endpoint"]
        remote = [contender for contender in contenders if contender.candidate.kind == "endpoint"]
        try:
            async with asyncio.TaskGroup() as group:
                for contender in remote:
                    group.create_task(self._one(contender, probes))
                group.create_task(self._in_turn(local, probes))
        except BaseExceptionGroup as together:
            raise _first(together) from together

    async def _in_turn(self, contenders: Sequence[Contender], probes: Sequence[Probe]) -> None:
        for contender in contenders:
            await self._one(contender, probes)

    async def _one(self, contender: Contender, probes: Sequence[Probe]) -> None:
        name = contender.candidate.name
        answered = self._store.answered(name)
        todo = [probe for probe in probes if probe.id not in answered]
        self._answers[name] = len(answered)
        self._sink.start(name, len(probes), len(answered))
        if not todo:
            return
        async with _opened(contender.model, context_needed(probes)) as model:
            self._keep_info(contender, model.info)
            began = time.perf_counter()
            async with Recorder(self._store) as recorder:
                if isinstance(model, BatchModel):
                    await self._by_batches(contender, model, todo, recorder)
                else:
                    await self._by_workers(contender, todo, recorder)
            self._add_seconds(name, time.perf_counter() - began)
            self._require_an_answer(name)
            await measure_sensitivity(self._store, name, model, probes)

    async def _by_workers(self, contender: Contender, todo: Sequence[Probe], recorder: Recorder) -> None:
        info = contender.model.info
        most = (info.max_concurrency or MOST_AT_ONCE) if info.adaptive else info.concurrency
        limiter = AdaptiveLimiter(info.concurrency, max(most, info.concurrency), adaptive=info.adaptive)
        waiting = iter(todo)
        # an endpoint's slots stay full while other workers wait for their commits or for a retry
        workers = most if info.local else most * SPARE
        async with asyncio.TaskGroup() as group:
            for _ in range(min(workers, len(todo))):
                group.create_task(self._work(contender, waiting, limiter, recorder))

    async def _work(
        self, contender: Contender, waiting: Iterator[Probe], limiter: AdaptiveLimiter, recorder: Recorder
    ) -> None:
        for probe in waiting:
            talk = Conversation(probe)
            error: ModelError | None = None
            key = ""
            while error is None and (request := talk.next()) is not None:
                key = key or request_hash(request, contender.model.info.provenance)
                try:
                    talk.take(await self._ask(contender.model, request, limiter))
                except ModelError as failed:
                    error = failed
            await self._finish(contender, talk, key, error, recorder)

    async def _ask(self, model: Model, request: Request, limiter: AdaptiveLimiter) -> Reply:
        info = model.info
        cache = self._cache if info.provenance.weights_sha256 else None
        key = request_hash(request, info.provenance)
        if cache is not None and (known := cache.get(key)) is not None:
            return known
        policy = ONE_ATTEMPT if info.local else self._patience
        reply = await with_retry(lambda: self._attempt(model, request, limiter), policy)
        if cache is not None:
            cache.put(key, reply)
        return reply

    @staticmethod
    async def _attempt(model: Model, request: Request, limiter: AdaptiveLimiter) -> Reply:
        """One try in a slot; waiting for the next one holds none, and the limiter hears of a 429 at once."""
        async with limiter.slot():
            began = time.perf_counter()
            try:
                reply = await model.generate(request)
            except RateLimited:
                limiter.observe(time.perf_counter() - began, throttled=True)
                raise
            limiter.observe(time.perf_counter() - began, throttled=False)
            return reply

    async def _by_batches(
        self, contender: Contender, model: BatchModel, todo: Sequence[Probe], recorder: Recorder
    ) -> None:
        """Sorted, so that a batch pads little; each round asks the next turn of every open dialogue."""
        info = contender.model.info
        ordered = sorted(todo, key=_batch_order)
        for start in range(0, len(ordered), info.concurrency):
            open_talks = [Conversation(probe) for probe in ordered[start : start + info.concurrency]]
            while open_talks:
                requests = [request for talk in open_talks if (request := talk.next()) is not None]
                answers = await model.generate_batch(requests)
                still_open = []
                for talk, request, answer in zip(open_talks, requests, answers, strict=True):
                    error = answer if isinstance(answer, ModelError) else None
                    if isinstance(answer, Reply):
                        talk.take(answer)
                    if error is None and talk.next() is not None:
                        still_open.append(talk)
                        continue
                    key = request_hash(request, info.provenance)
                    await self._finish(contender, talk, key, error, recorder)
                open_talks = still_open

    async def _finish(
        self, contender: Contender, talk: Conversation, key: str, error: ModelError | None, recorder: Recorder
    ) -> None:
        """Commit a response; raise what no further request could mend."""
        if isinstance(error, AuthenticationFailed | EndpointNotFound):
            raise error
        name = contender.candidate.name
        if error is None:
            self._answers[name] = self._answers.get(name, 0) + 1
        else:
            self._last_error[name] = error
        # before the first answer a rejection may be the endpoint's mistake: it counts as one that may pass
        hopeful = error is not None and (error.retryable or not self._answers.get(name))
        failed = hopeful and not isinstance(error, ContextExceeded)
        self._failures_in_a_row[name] = self._failures_in_a_row.get(name, 0) + 1 if failed else 0
        if error is not None and self._failures_in_a_row[name] >= HOPELESS:
            raise error
        response = Response(
            probe=talk.probe.id,
            candidate=name,
            request_hash=key,
            replies=tuple(talk.replies),
            provenance=contender.model.info.provenance,
            error=None if error is None else ErrorRecord(error.code, error.message, error.hint, error.retryable),
        )
        await recorder.put(response, final=not failed)
        self._sink.advance(name, sum(reply.usage.completion_tokens or 0 for reply in talk.replies))

    def _keep_info(self, contender: Contender, info: ModelInfo) -> None:
        """Keep what was opened; a resumed run must not put two models under one name."""
        name = contender.candidate.name
        before = self._store.meta(f"info/{name}")
        if before is not None and from_json(before, ModelInfo).provenance != info.provenance:
            if info.local:
                raise ModelChanged(
                    f"{name} is not what this run began with: its weights, template, engine or settings have changed.",
                    hint="Put the old ones back, or make a new run.",
                )
            self._sink.note(f"{name} says of itself something else than when the run began; the run goes on.")
            return
        self._store.set_meta(f"info/{name}", to_json(info))

    def _require_an_answer(self, name: str) -> None:
        """A run in which every request was rejected has found out about the endpoint, not about the model."""
        if not self._answers.get(name) and (error := self._last_error.get(name)) is not None:
            raise error

    def _add_seconds(self, name: str, seconds: float) -> None:
        before = float(self._store.meta(f"seconds/{name}") or b"0")
        self._store.set_meta(f"seconds/{name}", f"{before + seconds:.3f}".encode())


def _batch_order(probe: Probe) -> tuple[int, str]:
    """The longest first; where choices are weighed nothing is padded, and prompts that begin alike stand together."""
    if probe.expect.get("type") == "likelihood":
        return 1, probe.prompt or ""
    return -context_needed([probe]), ""


def _first(error: BaseException) -> BaseException:
    """The first error inside nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@asynccontextmanager
async def _opened(model: Model, context: int) -> AsyncIterator[Model]:
    try:
        await model.open(context)
        yield model
    finally:
        await model.close()
