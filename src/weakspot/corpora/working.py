"""Batches through one process or several, the results in the order of the batches.

Several processes are forked, so that a loaded tokenizer is shared and not read again; a worker whose parent is gone
ends itself. At most two batches a process are under way, which bounds memory.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import NamedTuple

from weakspot.corpora.batching import DocumentBatch
from weakspot.corpora.examining import Examined, Examiner, Known
from weakspot.corpora.pairing import equal_ids
from weakspot.corpora.reading import Document
from weakspot.errors import WeakspotError
from weakspot.tokens.fast import Differs

FIRST_CHECK, LATER_CHECK, EVERY = 1 << 15, 1 << 12, 8
"""Characters of the first batch, and of every eighth one, whose ids are compared with the library's."""

WARM = 6
"""Batches that are examined before the processes are forked: what is slow at first - the engine's cache, tables of
characters, words judged, the log's share of each code - is then done once, not once a process."""

Knowns = Sequence[Known]


class Result(NamedTuple):
    """A batch under each tokenizer; with two, how many documents have the same ids."""

    found: list[Examined]
    same_ids: int


class Worker:
    """Examines batches under one tokenizer or two."""

    def __init__(self, examiners: Sequence[Examiner]) -> None:
        self.examiners = list(examiners)

    def work(self, number: int, documents: Sequence[Document], knowns: Knowns) -> Result:
        """Examine a batch.

        Raises:
            Differs: a fast engine gave other ids than the library.
        """
        two = len(self.examiners) == 2
        found = []
        for examiner, known in zip(self.examiners, knowns, strict=True):
            if number % EVERY == 0:
                texts = [document.text for document in documents]
                examiner.encoder.check(texts, LATER_CHECK if number else FIRST_CHECK)
            found.append(examiner.examine(documents, known, keep_ids=two))
        same = equal_ids(*found) if two else 0
        for one in found:
            one.encoded = None
        return Result(found, same)


def run(
    worker: Worker, batches: Iterator[DocumentBatch], knowns: Callable[[], Knowns], processes: int
) -> Iterator[tuple[DocumentBatch, Result]]:
    """Each batch with its result, in order.

    Args:
        worker: does the work.
        batches: the corpus.
        knowns: what the log needs no more, asked before each batch.
        processes: how many.

    Raises:
        Differs: as `Worker.work`.
        WeakspotError: a process was ended from outside.
    """
    alone = batches if processes == 1 else islice(batches, WARM)
    for batch in alone:
        yield batch, worker.work(batch.number, batch.documents, knowns())
    if processes == 1:
        return
    global _worker  # noqa: PLW0603 - a forked process finds it there; pickling a tokenizer would cost seconds
    _worker = worker
    pool = ProcessPoolExecutor(processes, get_context("fork"), _begin, (os.getpid(),))
    waiting: deque[tuple[DocumentBatch, Future[Result]]] = deque()
    try:
        for batch in batches:
            waiting.append((batch, pool.submit(_work, batch.number, batch.documents, knowns())))
            if len(waiting) > 2 * processes:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool:
        raise WeakspotError(
            "One of the processes was ended from outside.",
            hint="Mostly memory ran out: try fewer --processes; what was done is kept, and the same command goes on.",
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _next(waiting: "deque[tuple[DocumentBatch, Future[Result]]]") -> tuple[DocumentBatch, Result]:
    batch, future = waiting.popleft()
    return batch, future.result()


_worker: Worker | None = None


def _begin(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and ends its workers
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(number: int, documents: Sequence[Document], knowns: Knowns) -> Result:
    if _worker is None:
        raise Differs
    return _worker.work(number, documents, knowns)
