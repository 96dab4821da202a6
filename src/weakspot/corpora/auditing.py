"""A corpus under one tokenizer or two, from wherever the work stood: batches out, results in, the state kept.

Auditor(corpus, examiners, folder).run(progress)
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weakspot.corpora.batching import DocumentBatch, Position, batches
from weakspot.corpora.examining import Examiner
from weakspot.corpora.keeping import Folder, Format, State
from weakspot.corpora.pairing import PairedTotals
from weakspot.corpora.reading import Corpus
from weakspot.corpora.totals import Totals
from weakspot.corpora.working import Result, Worker, run
from weakspot.errors import Interrupted
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.fast import Differs

SAVED_EVERY = 5.0
"""Seconds between two states: what a kill costs at most."""

MOST_SOURCES = 1000
LOG_SHARE = 1000
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LogPlan:
    """What is logged.

    Attributes:
        format: `jsonl` or `parquet`.
        most: rows of one code and stage; further findings are counted only, so that one code can't fill the disk.
    """

    format: Format = "jsonl"
    most: int = LOG_SHARE


class Auditor:
    """One audit, or a comparison of two tokenizers.

    Args:
        corpus: what is read.
        tokenizers: one or two.
        folder: where results go.
        key: what they depend on.
        plan: what is logged.
    """

    def __init__(
        self, corpus: Corpus, tokenizers: Sequence[Tokenizer], folder: Folder, key: str, plan: LogPlan
    ) -> None:
        self._corpus = corpus
        self._tokenizers = list(tokenizers)
        self._folder = folder
        self._key = key
        self._plan = plan
        self._ready: dict[bool, list[Examiner]] = {}
        self.engines: list[str] = []

    def prepare(self, *, fast: bool = True) -> list[Examiner]:
        """Load what examines: seconds for a large vocabulary, most of them to show the fast engine equal."""
        if fast not in self._ready:
            self._ready[fast] = [Examiner(one, fast=fast) for one in self._tokenizers]
        return self._ready[fast]

    def run(self, processes: int, progress: Progress) -> State:
        """Work until the corpus is done; returns the last state.

        Args:
            processes: how many.
            progress: hears how many bytes of the files were read, of how many.

        Raises:
            Interrupted: Ctrl-C; what was done is kept.
            DiskFull, UsageError, CorruptFile, MissingExtra: a file can't be read, or results can't be written.
        """
        state = self._folder.load() or self._fresh(fast=True)
        while not state.done:
            try:
                self._work(state, processes, progress)
            except Differs:
                state = self._fresh(fast=False)  # ids that may be wrong are not kept
            except KeyboardInterrupt:
                raise Interrupted("Stopped.", hint="The same command goes on from here.") from None
        self._name_engines(state)
        return state

    def _fresh(self, *, fast: bool) -> State:
        many = len(self._tokenizers)
        return State(
            key=self._key, totals=[Totals() for _ in range(many)], paired=PairedTotals(), lengths=[0] * many, fast=fast
        )

    def _name_engines(self, state: State) -> None:
        self.engines = [examiner.encoder.engine for examiner in self.prepare(fast=state.fast)]

    def _work(self, state: State, processes: int, progress: Progress) -> None:
        began, before = time.monotonic(), state.seconds
        saved = began
        self._folder.cut(state.lengths)
        self._folder.save(state)
        examiners = self.prepare(fast=state.fast)
        whole = self._corpus.size()
        flow = batches(self._corpus, Position(state.source, state.document))
        for batch, result in run(Worker(examiners), flow, lambda: self._knowns(state), processes):
            self._merge(state, batch, result)
            now = time.monotonic()
            state.seconds = before + now - began
            progress("audit", min(batch.read, whole), whole)
            if now - saved > SAVED_EVERY:
                self._folder.save(state)
                saved = now
        state.done = True
        self._folder.save(state)

    def _knowns(self, state: State) -> list[dict[tuple[str, str], int]]:
        return [totals.known(self._plan.most) for totals in state.totals]

    def _merge(self, state: State, batch: DocumentBatch, result: Result) -> None:
        for number, (totals, found) in enumerate(zip(state.totals, result.found, strict=True)):
            rows = totals.merge(found, self._plan.most)
            state.lengths[number] += self._folder.append(number, rows)
        if len(result.found) == 2:
            state.paired.merge(batch.documents, result.found[0], result.found[1], result.same_ids)
        room = MOST_SOURCES - len(state.sources)
        state.sources += batch.sources[:room]
        state.more_sources += len(batch.sources[room:])
        state.source, state.document = batch.position
