"""The few Protocols that rooms agree on. Implementations never inherit from them; mypy checks the shapes."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from weakspot.errors import ModelError
from weakspot.records import ModelInfo, Probe, Reply, Request, Score


class Model(Protocol):
    """Anything that answers: a backend, or a fix around one.

    `open` loads or connects and may take long; `generate` may be called concurrently, up to `info.concurrency`
    at once, and raises `weakspot.errors.ModelError`; `close` may be called twice.
    """

    @property
    def info(self) -> ModelInfo:
        """What was opened; raises RuntimeError before `open`."""
        ...

    async def open(self, context: int | None = None) -> None:
        """Load or connect. `context` is the longest request that is planned, prompt plus reply, in tokens."""
        ...

    async def generate(self, request: Request) -> Reply:
        """Answer one request."""
        ...

    async def close(self) -> None:
        """Give back what `open` took."""
        ...


@runtime_checkable
class BatchModel(Protocol):
    """A model whose engine is faster with many requests in one call."""

    async def generate_batch(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """Answer all, in order; a request that fails alone gives its error in place of a reply."""
        ...


@runtime_checkable
class Tokenizes(Protocol):
    """A model that can show its own tokens."""

    async def tokenize(self, text: str) -> list[int]:
        """Ids of a raw text as the engine would feed them, without BOS."""
        ...

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """The bytes behind each id."""
        ...


class Scorer(Protocol):
    """Scores one kind of `expect`. Its fields are its configuration (see `weakspot.scorers`)."""

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:
        """The verdict on a reply. `twin(id)` gives the same candidate's final reply to another probe, or None."""
        ...


@runtime_checkable
class TurnScorer(Protocol):
    """A scorer that reads all replies of a conversation, not the last alone. It has `score` too, for a single reply."""

    def score_turns(self, replies: Sequence[Reply], probe: Probe, twin: Callable[[str], Reply | None]) -> Score:
        """The verdict on the replies, in order; the last one is the final reply."""
        ...


class Sink(Protocol):
    """Where progress goes."""

    def start(self, candidate: str, total: int, done: int) -> None:
        """A candidate's turn begins; `done` of `total` probes are there already."""
        ...

    def advance(self, candidate: str, tokens: int) -> None:
        """One more probe is answered, at the cost of so many generated tokens."""
        ...

    def fetching(self, what: str, done: int, total: int) -> None:
        """A file is on its way: bytes so far, and in all."""
        ...

    def note(self, text: str) -> None:
        """A sentence for the user."""
        ...
