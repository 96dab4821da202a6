"""A deterministic model for tests and demos: no weights, the same reply to the same request on every machine.

Names: `echo` repeats the last user message; `abstain` does not know; `agree` says yes to all; `random` picks a word
of the prompt by a hash of prompt and seed; a path names a JSONL file of `{"contains": ..., "reply": ...}` rules, the
first that fits wins. The option `latency` (seconds) makes it slow on purpose.
"""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from weakspot.errors import CorruptFile, UnknownModel
from weakspot.models.sampler import recorded
from weakspot.records import Candidate, ModelInfo, Provenance, Reply, Request, Timings, Usage

NAMES = ("echo", "abstain", "agree", "random")
VERSION = "1"


class Rule(NamedTuple):
    """A reply to every prompt that contains a text."""

    contains: str
    reply: str


class Scripted:
    """A scripted model; see the module's docstring for the names."""

    def __init__(self, candidate: Candidate) -> None:
        self._name = candidate.location
        self._seed = int(candidate.options.get("seed", 0))
        self._latency = float(candidate.options.get("latency", 0.0))
        self._concurrency = int(candidate.options.get("slots", 1))
        self._max_tokens = candidate.options.get("max_tokens")
        self._system = candidate.options.get("system")
        self._rules: tuple[Rule, ...] = () if self._name in NAMES else _rules(self._name)

    @property
    def info(self) -> ModelInfo:
        """Always the same."""
        digest = hashlib.sha256(repr((self._name, self._rules)).encode()).hexdigest()
        return ModelInfo(
            provenance=Provenance(
                backend="scripted",
                engine="scripted",
                engine_version=VERSION,
                weights_sha256=digest,
                slots=self._concurrency,
                system=self._system,
                seed=self._seed,
                sampler=recorded({"temperature": 0.0}, {"max_tokens": self._max_tokens}),
            ),
            kind="chat",
            concurrency=self._concurrency,
        )

    async def open(self, context: int | None = None) -> None:
        """Nothing to load."""

    async def generate(self, request: Request) -> Reply:
        """The scripted reply, cut to `max_tokens` words."""
        if self._latency:
            await asyncio.sleep(self._latency)
        asked = request.prompt if request.prompt is not None else _last_user(request)
        words = self._answer(asked, repr(request)).split(" ")
        limit = int(self._max_tokens or request.max_tokens)
        return Reply(
            text=" ".join(words[:limit]),
            finish_reason="length" if len(words) > limit else "stop",
            prompt_text=asked,
            usage=Usage(len(asked.split()), min(len(words), limit)),
            timings=Timings(total_s=self._latency),
        )

    def _answer(self, asked: str, everything: str) -> str:
        if self._name == "echo":
            return asked
        if self._name == "abstain":
            return "I do not know."
        if self._name == "agree":
            return "Yes, you are right."
        if self._name == "random":
            words = asked.split() or ["nothing"]
            digest = hashlib.sha256(f"{self._seed}|{everything}".encode("utf-8", "surrogatepass")).digest()
            return words[int.from_bytes(digest[:4]) % len(words)]
        return next((rule.reply for rule in self._rules if rule.contains in asked), "I do not know.")

    async def close(self) -> None:
        """Nothing to give back."""


def _last_user(request: Request) -> str:
    return next((m.content or "" for m in reversed(request.messages) if m.role == "user"), "")


def _rules(name: str) -> tuple[Rule, ...]:
    path = Path(name).expanduser()
    if not path.is_file():
        raise UnknownModel(f"There is no scripted model {name!r}.", hint=f"Known: {', '.join(NAMES)}, or a rules file.")
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        return tuple(Rule(str(row["contains"]), str(row["reply"])) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptFile(f"{path} is no file of scripted rules: {error}.") from error
