"""llama.cpp in this process, through the prebuilt wheel `xllamacpp`.

The engine opens an HTTP port on loopback by itself; it gets a random key, and requests go through that port because
only its native `/completion` returns the output's token ids without the cost of log-probabilities (measured: asking
for logprobs takes 20% of Gemma's speed, whose vocabulary has 262,144 entries).

Seen by trial, and answered here: prompt ids never come back, so the prompt is tokenized by the engine's own
`/tokenize` and sent as ids; the engine's default samplers (top_k 40, min_p 0.05) are all set and recorded; a prompt
that has a cached prefix can be answered differently from a cold one (3 of 40 replies of Gemma with one slot), so one
slot means no prefix cache: that is the deterministic setting.
"""

import asyncio
import json
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from weakspot.artifacts.cache import fingerprint
from weakspot.artifacts.ggml_types import FILE_TYPES
from weakspot.artifacts.gguf import GGUFHeader, read_header
from weakspot.artifacts.locate import gguf_path
from weakspot.errors import BadReply, ContextExceeded, CorruptFile, ModelError, RequestRejected, Unreachable
from weakspot.models.sampler import recorded, sampler
from weakspot.models.template import Template, choose, stops, with_system
from weakspot.records import Candidate, ModelInfo, Provenance, Reply, Request, Timings, TokenLogprob, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOTS = 8  # measured with SmolLM2 on 2 cores: 112 tokens/s with one slot, 157 with 8
CONTEXT_STEP = 256
DEFAULT_CONTEXT = 2048
DEFAULT_SEED = 0
TIMEOUT_S = 600.0


class LlamaCpp:
    """A GGUF file served by llama.cpp in this process.

    Options: system, template, temperature (0), top_p (1), max_tokens, seed (0), threads (this machine's), slots (8).
    """

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._options = candidate.options
        self._slots = int(self._options.get("slots", SLOTS))
        self.threads = int(self._options.get("threads", len(os.sched_getaffinity(0))))
        self._server: Any = None
        self._session: aiohttp.ClientSession | None = None
        self._info: ModelInfo | None = None
        self._template: Template | None = None
        self._special: dict[str, str] = {}
        self._context = 0

    @property
    def info(self) -> ModelInfo:
        """What was opened."""
        if self._info is None:
            raise RuntimeError("open() comes first")
        return self._info

    async def open(self, context: int | None = None) -> None:
        """Load the weights; `context` tokens are kept for each slot, at most what the model was trained for.

        Raises:
            UnknownModel, CorruptFile: before the engine sees the file, so that a damaged one can't crash it.
        """
        path = gguf_path(self._candidate)
        header = read_header(path, skip_arrays=True)
        meta = header.metadata
        trained = meta.get(f"{meta.get('general.architecture')}.context_length")
        longer = int(self._options.get("max_tokens", 0))  # what the items ask for is in `context` already
        wanted = -(-((context or DEFAULT_CONTEXT) + longer) // CONTEXT_STEP) * CONTEXT_STEP
        self._context = min(wanted, int(trained)) if isinstance(trained, int) and trained > 0 else wanted
        from_file = meta.get("tokenizer.chat_template")
        self._template = choose(self._options.get("template"), from_file if isinstance(from_file, str) else None)
        key = secrets.token_hex(24)
        self._server = await asyncio.to_thread(self._start, path, key)
        self._session = aiohttp.ClientSession(
            self._server.listening_address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            connector=aiohttp.TCPConnector(limit=self._slots + 2),
        )
        props = await self._call("/props")
        # /slots is answered by the engine's own loop: dropping the server before that loop runs can hang for ever
        # (seen in 1 of 15 trials), so an open model is one whose loop has answered once
        await self._call("/slots")
        self._special = {name: str(props.get(name) or "") for name in ("bos_token", "eos_token")}
        self._info = self._describe(path, header, isinstance(from_file, str))

    def _start(self, path: Path, key: str) -> Any:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_gpu_layers = 0  # the wheel is a CPU build; with another build this would be a silent confound
        params.n_parallel = self._slots
        params.n_ctx = self._slots * self._context
        params.cpuparams.n_threads = self.threads
        params.cpuparams_batch.n_threads = self.threads
        params.api_keys = [key]
        params.hostnames = ["127.0.0.1"]
        params.ui = False
        params.verbosity = -1
        try:
            return xllamacpp.Server(params)
        except Exception as error:  # the engine raises bare RuntimeErrors
            raise CorruptFile(
                f"llama.cpp could not load {path.name}: {error}.",
                hint="The header reads well, so the file may need a newer llama.cpp, or more memory than there is.",
            ) from error

    def _describe(self, path: Path, header: GGUFHeader, has_template: bool) -> ModelInfo:
        import xllamacpp

        assert self._template is not None  # noqa: S101 - set by open, above
        file_type = header.metadata.get("general.file_type")
        provenance = Provenance(
            backend="llamacpp",
            engine="llama.cpp",
            engine_version=f"xllamacpp {xllamacpp.__version__}",
            weights_sha256=fingerprint(path),
            quantisation=FILE_TYPES.get(file_type, "") if isinstance(file_type, int) else "",
            threads=self.threads,
            slots=self._slots,
            template=self._template.name,
            template_sha256=self._template.sha256,
            system=self._options.get("system"),
            sampler=recorded(sampler(Request(), self._options), self._options),
            seed=int(self._options.get("seed", DEFAULT_SEED)),
            prefix_cache=self._slots > 1,
        )
        return ModelInfo(
            provenance=provenance,
            kind="chat" if has_template else "base",
            concurrency=self._slots,
            context=self._context,
            template_text=self._template.source,
            licence=str(header.metadata.get("general.license", "")),
        )

    def prompt_text(self, request: Request) -> str:
        """The text that the engine is fed: the raw prompt, or the messages through the template."""
        if request.prompt is not None:
            return request.prompt
        assert self._template is not None  # noqa: S101 - set by open
        messages = with_system(request.messages, self._options.get("system"))
        return self._template.render(messages, self._special)

    async def tokenize(self, text: str) -> list[int]:
        """Ids of a text as the engine feeds it; BOS is put in front where the model wants one and has none yet."""
        bos = self._special.get("bos_token", "")
        body = {"content": text, "add_special": not (bos and text.startswith(bos)), "parse_special": True}
        found = await self._call("/tokenize", body)
        return [int(token) for token in found["tokens"]]

    async def generate(self, request: Request) -> Reply:
        """One completion. Raises ContextExceeded, RequestRejected, BadReply, Unreachable."""
        began = time.perf_counter()
        text = self.prompt_text(request)
        ids = await self.tokenize(text)
        body = self._body(request, ids)
        if len(ids) + body["n_predict"] > self._context:
            raise ContextExceeded(
                f"The prompt has {len(ids)} tokens, the reply up to {body['n_predict']}; a slot holds {self._context}.",
                hint="Longer than planned, or longer than the model was trained for.",
            )
        answer = await self._call("/completion", body)
        try:
            return self._reply(answer, text, ids, time.perf_counter() - began)
        except (KeyError, TypeError, ValueError) as error:
            raise BadReply(f"llama.cpp's answer could not be read: {error!r}.") from error

    def _body(self, request: Request, ids: "Sequence[int]") -> dict[str, Any]:
        base = self.info.kind == "base"
        body: dict[str, Any] = {
            "prompt": ids,
            "n_predict": int(self._options.get("max_tokens", request.max_tokens)),
            "stop": list(stops(request.stop, base=base and request.prompt is None, multiline=request.multiline)),
            "seed": request.seed if request.seed is not None else self.info.provenance.seed,
            "cache_prompt": self._slots > 1,
            "return_tokens": True,
            **sampler(request, self._options),
        }
        if request.logprobs:
            body["n_probs"] = request.logprobs
        if request.json_schema is not None:
            body["json_schema"] = request.json_schema
        if request.grammar is not None:
            body["grammar"] = request.grammar
        return body

    def _reply(self, answer: dict[str, Any], text: str, ids: list[int], seconds: float) -> Reply:
        timings = answer.get("timings", {})
        probabilities = answer.get("completion_probabilities")
        return Reply(
            text=answer["content"],
            finish_reason="length" if answer.get("stop_type") == "limit" else "stop",
            prompt_text=text,
            prompt_ids=tuple(ids),
            output_ids=tuple(int(token) for token in answer["tokens"]),
            logprobs=None if probabilities is None else tuple(_logprob(entry) for entry in probabilities),
            usage=Usage(len(ids), int(answer["tokens_predicted"]), int(timings.get("cache_n", 0))),
            timings=Timings(
                total_s=seconds,
                prompt_s=float(timings.get("prompt_ms", 0.0)) / 1000,
                generate_s=float(timings.get("predicted_ms", 0.0)) / 1000,
            ),
        )

    async def _call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("open() comes first")
        try:
            # lone surrogates can't be sent as UTF-8: json escapes them and the engine answers in words
            data = None if body is None else json.dumps(body).encode()
            async with self._session.request("GET" if body is None else "POST", path, data=data) as response:
                answer = json.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"llama.cpp stopped answering: {error or type(error).__name__}.") from error
        except ValueError as error:
            raise BadReply("llama.cpp answered with something that is not JSON.") from error
        if isinstance(answer, dict) and "error" in answer:
            raise _said(answer["error"])
        return answer if isinstance(answer, dict) else {"items": answer}

    async def close(self) -> None:
        """Stop the engine and free its memory."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(lambda: None)  # let a last reply of the engine's threads drain
            del server


def _logprob(entry: dict[str, Any]) -> TokenLogprob:
    top = tuple((str(other["token"]), float(other["logprob"])) for other in entry.get("top_logprobs", ()))
    return TokenLogprob(str(entry["token"]), float(entry["logprob"]), int(entry["id"]), top)


def _said(error: Any) -> ModelError:
    """The engine's error in the house's words: it can come back as a 400 dict instead of an exception."""
    kind = error.get("type", "") if isinstance(error, dict) else ""
    message = str(error.get("message", error) if isinstance(error, dict) else error)
    if kind == "exceed_context_size_error":
        return ContextExceeded(f"llama.cpp: {message}.")
    return RequestRejected(f"llama.cpp rejected the request: {message}.", hint="A grammar or schema may be at fault.")
