"""How many requests at once: grows while the endpoint keeps up, shrinks when it does not.

The idea is that of TCP's congestion control on latency (Brakmo and Peterson, "TCP Vegas", 1995; the gradient of
Netflix's concurrency-limits): double per round trip at first, then grow by a square root per round. When the median
latency leaves the band above the best one seen, the limit is cut by a third as a trial. By Little's law throughput is
limit / mean latency: where the cut cost throughput, the latency was not our queue - the requests have become longer,
or the server batches - so the limit comes back and the new latency is the one to compare with. A 429 halves the limit.

It does not know what a request is, and it never sleeps: waiting for Retry-After is the retry's business.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import sqrt
from statistics import fmean, median

TOLERANCE = 1.5
"""Latency over the best median that still counts as not growing. At 1.2 the noise of mixed lengths ended growth."""
SLACK_S = 0.02
"""Absolute slack, since at a few milliseconds our own event loop is most of what is measured."""
WINDOW = 16
"""Observations in the moving median, at least; a round trip's worth where the limit is higher."""
CUT = 0.7
KEPT_THROUGHPUT = 0.85
"""A cut is kept when it left this share of the throughput: half-way between losing nothing and losing what was cut."""


class AdaptiveLimiter:
    """Lets at most `limit` callers in at once and moves `limit` by what they observe. For one event loop.

    Args:
        start: the first limit.
        maximum: the limit never grows beyond it; a higher `start` is lowered to it.
        adaptive: False keeps the limit at `start`.

    Raises:
        ValueError: a limit below 1.
    """

    def __init__(self, start: int, maximum: int, adaptive: bool = True) -> None:
        if start < 1 or maximum < 1:
            raise ValueError("A limit of concurrency must be at least 1.")
        self._limit = float(min(start, maximum))
        self._maximum = float(maximum)
        self._adaptive = adaptive
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._best: float | None = None
        self._doubling = True
        self._careful = False  # after a 429: grow by one per round, not by a square root
        self._stale = 0  # observations still to come from requests sent before the last change
        self._forgiven = 0  # refusals still to come from requests sent before the last refusal was heard
        self._window: deque[float] = deque(maxlen=WINDOW)
        self._before_cut: tuple[float, float] | None = None  # (limit, mean latency)

    @property
    def limit(self) -> int:
        """How many may be in at once now."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """How many are in."""
        return self._in_flight

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait, first come first served, until there is room; then be one of those in."""
        await self._enter()
        try:
            yield
        finally:
            self._in_flight -= 1
            self._wake()

    def observe(self, latency_s: float, throttled: bool) -> None:
        """Tell of one finished attempt: its seconds, and whether the answer was to slow down (429).

        Call it inside the slot. Failures other than 429 say nothing of latency: leave them out.
        """
        if not self._adaptive:
            return
        full = bool(self._waiting) or self._in_flight >= self.limit
        stale, self._stale = self._stale > 0, max(self._stale - 1, 0)
        forgiven, self._forgiven = self._forgiven > 0, max(self._forgiven - 1, 0)
        if throttled and not forgiven:
            self._throttled()
        elif not throttled and not stale:
            self._window.append(latency_s)
            if self._doubling:
                self._double(full)
            elif len(self._window) >= max(WINDOW, self.limit):
                self._round(full)
        self._wake()

    async def _enter(self) -> None:
        if self._in_flight < self.limit and not self._waiting:
            self._in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # `_wake` may have dropped it already
                    self._waiting.remove(turn)
            else:  # let in and cancelled in the same breath: the place goes to the next
                self._in_flight -= 1
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self._in_flight < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():  # a cancelled caller gives up its turn
                self._in_flight += 1
                turn.set_result(None)

    def _double(self, full: bool) -> None:
        """Slow start: one more for each answer is twice as many after a round trip."""
        if len(self._window) >= WINDOW // 2:
            now = median(self._window)
            self._best = now if self._best is None else min(self._best, now)
            if now > self._ceiling(self._best):
                self._doubling = False
                self._change(self._limit / 2)  # what the last round trip added was too much
                return
        if full:
            self._limit = min(self._maximum, self._limit + 1)

    def _round(self, full: bool) -> None:
        """One decision per round trip, on answers to requests that were all sent under the present limit."""
        now = median(self._window)
        if self._before_cut is not None:
            old_limit, old_mean = self._before_cut
            self._before_cut = None
            if self._limit * old_mean < KEPT_THROUGHPUT * old_limit * fmean(self._window):
                self._best = now
                self._change(old_limit)
                return
        alone = self._limit < 2  # one request at a time waits for none of ours
        self._best = now if self._best is None or alone else min(self._best, now)
        if not full:
            self._change(self._limit)
        elif now > self._ceiling(self._best):
            self._before_cut = (self._limit, fmean(self._window))
            self._change(self._limit * CUT)
        else:
            self._change(self._limit + (1 if self._careful else sqrt(self._limit)))

    def _throttled(self) -> None:
        """Halve, once for all the requests that were sent before the limit changed."""
        self._doubling = False
        self._careful = True
        self._before_cut = None
        self._change(self._limit / 2)
        self._forgiven = self._stale

    def _change(self, limit: float) -> None:
        self._limit = max(1.0, min(self._maximum, limit))
        self._stale = max(self._in_flight - 1, 0)  # all but the one that is being observed
        self._window = deque(maxlen=max(WINDOW, self.limit))

    @staticmethod
    def _ceiling(best: float) -> float:
        return best * TOLERANCE + SLACK_S
