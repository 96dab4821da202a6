import asyncio
import random
import statistics
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fake_endpoint import FakeEndpoint
from virtual_time import run
from weakspot.errors import RateLimited
from weakspot.models.openai import OpenAIEndpoint
from weakspot.records import Candidate, Message, Reply, Request
from weakspot.retry import RetryPolicy, with_retry
from weakspot.runs.limiter import AdaptiveLimiter


class Server:
    """A simulated endpoint.

    Args:
        latency: seconds of work, given how many are being worked on and the number of the request.
        workers: how many are worked on at once; the rest queue.
        most: how many may be there at once; one more is refused at once.
    """

    def __init__(
        self, latency: Callable[[int, int], float], workers: int | None = None, most: int | None = None
    ) -> None:
        self._latency = latency
        self._workers = workers
        self._most = most
        self._draw = random.Random(0)
        self._free = asyncio.Semaphore(workers or 10**6)
        self.present: list[int] = []
        self.now = 0
        self.refused = 0

    async def answer(self) -> bool:
        """Whether it was answered; False: refused."""
        self.present.append(self.now + 1)
        if self._most is not None and self.now >= self._most:
            self.refused += 1
            return False
        self.now += 1
        try:
            async with self._free:
                await asyncio.sleep(self._latency(self.now, len(self.present)) * self._draw.uniform(0.8, 1.2))
        finally:
            self.now -= 1
        return True


async def drive(limiter: AdaptiveLimiter, server: Server, requests: int, callers: int = 100) -> float:
    """Seconds until all requests are answered; a refused one is sent again after 50 ms."""
    todo = iter(range(requests))
    clock = asyncio.get_running_loop().time

    async def caller() -> None:
        for _ in todo:
            while not await attempt():  # noqa: ASYNC110 - it is the attempt that is awaited
                await asyncio.sleep(0.05)

    async def attempt() -> bool:
        async with limiter.slot():
            began = clock()
            answered = await server.answer()
            limiter.observe(clock() - began, throttled=not answered)
            return answered

    began = clock()
    await asyncio.gather(*[caller() for _ in range(callers)])
    return clock() - began


def simulated(
    latency: Callable[[int, int], float], requests: int = 2000, start: int = 8, **kind: Any
) -> tuple[AdaptiveLimiter, Server, float]:
    """What comes of many requests to a server: the limiter, the server, and the seconds it took."""

    async def main() -> tuple[AdaptiveLimiter, Server, float]:
        limiter = AdaptiveLimiter(start, 64)
        server = Server(latency, **kind)
        return limiter, server, await drive(limiter, server, requests)

    found: tuple[AdaptiveLimiter, Server, float] = run(main())
    return found


def later_half(server: Server) -> list[int]:
    """How many requests the server had at once, over the later half of the run."""
    return server.present[len(server.present) // 2 :]


class TestGrowth:
    def test_a_steady_server_is_soon_filled(self) -> None:
        """Against 50 ms whatever the load, 2,000 requests take at most 1.1 of the ideal at 64 at once."""
        limiter, server, seconds = simulated(lambda _now, _n: 0.05)

        assert limiter.limit == 64
        assert max(server.present) == 64
        assert seconds <= 1.1 * 2000 / 64 * 0.05

    def test_doubling_takes_three_round_trips(self) -> None:
        """From 8 the limit is at 64 after three round trips: 8 + 16 + 32 answers."""
        limiter, _, _ = simulated(lambda _now, _n: 0.05, requests=56 + 64)

        assert limiter.limit == 64

    def test_no_growth_without_need(self) -> None:
        """A limit that nobody reaches does not grow: nothing is known of what lies above."""

        async def main() -> int:
            limiter = AdaptiveLimiter(8, 64)
            await drive(limiter, Server(lambda _now, _n: 0.05), 500, callers=4)
            return limiter.limit

        assert run(main()) == 8

    def test_a_batching_server_is_filled(self) -> None:
        """A server that gets slower with load but serves more in all - each reply 3 times slower at 64 - is filled."""
        _, server, _ = simulated(lambda now, _n: 0.2 * (1 + now / 32), requests=4000)

        assert statistics.mean(later_half(server)) > 40

    @pytest.mark.parametrize("seed", range(5))
    def test_noise_does_not_stop_growth(self, seed: int) -> None:
        """Replies of very mixed lengths (a spread of 1:10) on a server that keeps up: at least half the maximum."""
        draw = random.Random(seed)
        _, server, _ = simulated(lambda _now, _n: draw.lognormvariate(0, 0.6), requests=3000)

        assert statistics.mean(later_half(server)) > 32

    def test_longer_requests_are_no_congestion(self) -> None:
        """When the requests become ten times longer half-way, the limit is back at the maximum in the end."""
        limiter, _, _ = simulated(lambda _now, n: 0.05 if n < 1000 else 0.5, requests=4000)

        assert limiter.limit == 64


class TestShrinking:
    def test_a_queue_is_kept_short(self) -> None:
        """A server with 12 workers is kept busy without a long queue before it."""
        _, server, seconds = simulated(lambda _now, _n: 0.2, requests=3000, workers=12)

        assert 12 <= statistics.mean(later_half(server)) <= 24
        assert seconds <= 1.1 * 3000 / 12 * 0.2

    def test_a_slow_server_is_not_deserted(self) -> None:
        """A server that works on one thing at a time gets few at once, and never stands idle for long."""
        _, server, seconds = simulated(lambda _now, _n: 0.2, requests=400, workers=1)

        assert statistics.mean(later_half(server)) <= 12
        assert seconds <= 1.1 * 400 * 0.2

    def test_429_is_heeded(self) -> None:
        """A server that refuses more than 20 at once refuses few, and is used by half at least."""
        _, server, _ = simulated(lambda _now, _n: 0.05, requests=3000, most=20)

        assert server.refused <= 0.05 * 3000
        assert 10 <= statistics.mean(later_half(server)) <= 21

    def test_a_burst_of_429_halves_once(self) -> None:
        """Refusals of requests that were all sent under the same limit count once; the next one counts again."""

        async def main() -> list[int]:
            limiter = AdaptiveLimiter(64, 64)
            limits = []
            for _ in range(2):
                inside = limiter.in_flight
                assert inside == 0
                at_once = limiter.limit
                barrier = asyncio.Barrier(at_once)

                async def refused(barrier: asyncio.Barrier = barrier) -> None:
                    async with limiter.slot():
                        await barrier.wait()
                        limiter.observe(0.01, throttled=True)

                await asyncio.gather(*[refused() for _ in range(at_once)])
                limits.append(limiter.limit)
            return limits

        assert run(main()) == [32, 16]

    def test_never_below_one(self) -> None:
        """However often it is refused, one request at a time may still try."""
        limiter = AdaptiveLimiter(4, 64)
        for _ in range(100):
            limiter.observe(0.01, throttled=True)

        assert limiter.limit == 1

    def test_zero_seconds_do_no_harm(self) -> None:
        """A clock that did not move between request and reply breaks nothing."""
        limiter, _, _ = simulated(lambda _now, _n: 0.0, requests=500)

        assert limiter.limit == 64


class TestSlots:
    def test_fixed_means_fixed(self) -> None:
        """Without adaptation neither 429 nor latency moves the limit."""

        async def main() -> tuple[int, int]:
            limiter = AdaptiveLimiter(5, 64, adaptive=False)
            server = Server(lambda now, _n: 0.01 * now, most=4)
            await drive(limiter, server, 200)
            return limiter.limit, max(server.present)

        assert run(main()) == (5, 5)

    def test_the_maximum_holds(self) -> None:
        """A start above the maximum is lowered to it, and growth ends there."""

        async def main() -> tuple[int, int]:
            limiter = AdaptiveLimiter(8, 3)
            server = Server(lambda _now, _n: 0.01)
            await drive(limiter, server, 200)
            return limiter.limit, max(server.present)

        assert run(main()) == (3, 3)

    @pytest.mark.parametrize(("start", "maximum"), [(0, 8), (8, 0), (-1, 8)])
    def test_nonsense_is_refused(self, start: int, maximum: int) -> None:
        """A limit below one is an error, not a deadlock."""
        with pytest.raises(ValueError, match="at least 1"):
            AdaptiveLimiter(start, maximum)

    def test_first_come_first_served(self) -> None:
        """Callers get in in the order in which they came."""

        async def main() -> list[int]:
            limiter = AdaptiveLimiter(2, 2)
            order: list[int] = []

            async def caller(number: int) -> None:
                async with limiter.slot():
                    order.append(number)
                    await asyncio.sleep(0.01)

            await asyncio.gather(*[caller(n) for n in range(20)])
            return order

        assert run(main()) == list(range(20))

    def test_an_exception_gives_the_slot_back(self) -> None:
        """A caller that fails leaves its place to the next."""

        async def main() -> int:
            limiter = AdaptiveLimiter(1, 1)
            for _ in range(3):
                with pytest.raises(KeyError):
                    async with limiter.slot():
                        raise KeyError
            return limiter.in_flight

        assert run(main()) == 0

    def test_cancelled_in_the_breath_of_being_let_in(self) -> None:
        """A caller that is let in and cancelled before it runs hands its place on."""

        async def main() -> list[str]:
            limiter = AdaptiveLimiter(1, 1)
            got_in: list[str] = []

            async def caller(name: str) -> None:
                async with limiter.slot():
                    got_in.append(name)

            async with limiter.slot():
                second = asyncio.create_task(caller("second"))
                third = asyncio.create_task(caller("third"))
                await asyncio.sleep(0)
            second.cancel()  # its turn came with the end of the block above
            await asyncio.gather(second, third, return_exceptions=True)
            return [*got_in, str(limiter.in_flight)]

        assert run(main()) == ["third", "0"]

    def test_cancelled_in_the_breath_before_being_let_in(self) -> None:
        """A caller that was cancelled, but has not run since, is passed over when a place becomes free."""

        async def main() -> list[str]:
            limiter = AdaptiveLimiter(1, 1)
            got_in: list[str] = []

            async def caller(name: str) -> None:
                async with limiter.slot():
                    got_in.append(name)

            async with limiter.slot():
                second = asyncio.create_task(caller("second"))
                third = asyncio.create_task(caller("third"))
                await asyncio.sleep(0)
                second.cancel()
            await asyncio.gather(second, third, return_exceptions=True)
            return [*got_in, f"{limiter.in_flight} in", f"cancelled: {second.cancelled()}"]

        assert run(main()) == ["third", "0 in", "cancelled: True"]

    @pytest.mark.parametrize("seed", range(10))
    def test_cancelling_at_random_loses_no_slot(self, seed: int) -> None:
        """Callers cancelled at random moments leave no slot taken and nobody waiting for ever."""
        draw = random.Random(seed)

        async def main() -> tuple[int, int]:
            limiter = AdaptiveLimiter(3, 6)
            most = 0

            async def caller() -> None:
                nonlocal most
                async with limiter.slot():
                    most = max(most, limiter.in_flight)
                    await asyncio.sleep(draw.choice([0, 0, 0.001, 0.002]))
                    limiter.observe(0.001, throttled=draw.random() < 0.1)

            tasks = [asyncio.create_task(caller()) for _ in range(200)]
            while not all(task.done() for task in tasks):
                draw.choice(tasks).cancel()
                await asyncio.sleep(draw.choice([0, 0.001]))
            async with limiter.slot():
                pass
            return limiter.in_flight, most

        in_flight, most = run(main())
        assert in_flight == 0
        assert most <= 6


class TestARealServer:
    def ask(self, server: FakeEndpoint, requests: int) -> tuple[AdaptiveLimiter, list[Reply]]:
        """All the replies of a real endpoint, asked through the limiter with retries."""

        async def main() -> tuple[AdaptiveLimiter, list[Reply]]:
            async with server:
                model = OpenAIEndpoint(Candidate("e", server.url, "endpoint", server.url, "tiny"))
                await model.open()
                limiter = AdaptiveLimiter(model.info.concurrency, 64, adaptive=model.info.adaptive)

                async def attempt(number: int) -> Reply:
                    async with limiter.slot():
                        try:
                            reply = await model.generate(Request(messages=(Message("user", str(number)),)))
                        except RateLimited:
                            limiter.observe(0.0, throttled=True)
                            raise
                        limiter.observe(reply.timings.total_s, throttled=False)
                        return reply

                def one(number: int) -> Awaitable[Reply]:
                    policy = RetryPolicy(attempts=50, base_s=0.02, cap_s=0.1)
                    return with_retry(lambda: attempt(number), policy)

                replies = await asyncio.gather(*[one(number) for number in range(requests)])
                await model.close()
                return limiter, replies

        return asyncio.run(main())

    def test_429_costs_no_reply(self) -> None:
        """A real server that refuses more than 6 at once: each request gets its own reply, and the limit gives way."""
        server = FakeEndpoint(latency_s=0.02, most=6)
        limiter, replies = self.ask(server, 150)

        assert [reply.text for reply in replies] == [str(number) for number in range(150)]
        assert server.refused > 0
        assert sum(reply.throttled for reply in replies) == server.refused
        assert limiter.limit <= 12

    def test_a_steady_server_sees_the_limit_grow(self) -> None:
        """A real server that keeps up is soon asked for far more at once than at the start."""
        server = FakeEndpoint(latency_s=0.1)
        _, replies = self.ask(server, 300)

        assert len(replies) == 300
        assert server.most_at_once >= 32
