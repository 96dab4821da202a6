"""Group commit: the records that arrive while one commit is under way go into the next one together."""

import asyncio
from types import TracebackType
from typing import Self

from weakspot.errors import WeakspotError
from weakspot.records import Response, to_json
from weakspot.store.run import RunStore

Row = tuple[str, str, bool, bytes]


class Recorder:
    """Writes responses; `put` returns when the record is committed."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._rows: list[Row] = []
        self._done: asyncio.Future[None] | None = None

    async def put(self, response: Response, *, final: bool) -> None:
        """Commit one response; a failure to commit (a full disk) is raised here."""
        self._rows.append((response.probe, response.candidate, final, to_json(response)))
        loop = asyncio.get_running_loop()
        if self._done is None:
            self._done = loop.create_future()
            loop.call_soon(self._commit)
        await asyncio.shield(self._done)

    def _commit(self) -> None:
        rows, done = self._rows, self._done
        self._rows, self._done = [], None
        if done is None:
            return
        try:
            self._store.add_responses(rows)
        except WeakspotError as error:
            if not done.done():
                done.set_exception(error)
            return
        if not done.done():
            done.set_result(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rows:  # cancelled between a reply and its commit: keep the reply all the same
            self._commit()
