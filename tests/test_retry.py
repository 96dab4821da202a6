import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from weakspot.errors import BadReply, ModelError, RateLimited, RequestRejected, ServerFailed
from weakspot.records import Reply
from weakspot.retry import RetryPolicy, with_retry


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Let time pass, at once."""
        self.slept.append(seconds)
        self.now += seconds

    def policy(self, draw: float = 1.0, **changes: float) -> RetryPolicy:
        """A policy on this clock whose every draw is the same."""
        base = RetryPolicy(sleep=self.sleep, clock=lambda: self.now, draw=lambda: draw)
        return replace(base, **changes)  # type: ignore[arg-type] # numbers all


def outcome(clock: Clock, failures: list[ModelError], policy: RetryPolicy) -> tuple[Reply | ModelError, int]:
    """What comes of a call that fails as listed and then succeeds, and how often it was made."""
    script: Iterator[ModelError] = iter(failures)
    calls = 0

    async def call() -> Reply:
        nonlocal calls
        calls += 1
        for failure in script:
            raise failure
        return Reply(text="ok")

    try:
        return asyncio.run(with_retry(call, policy)), calls
    except ModelError as error:
        return error, calls


def test_attempts_and_throttles_are_counted() -> None:
    """The reply says how many attempts it took and how many of them were answered 429."""
    clock = Clock()
    found, _ = outcome(clock, [RateLimited("a"), ServerFailed("b"), RateLimited("c")], clock.policy())

    assert found == Reply(text="ok", attempts=4, throttled=2)


def test_backoff_doubles_up_to_its_cap() -> None:
    """The upper bound of the wait doubles with each attempt until the cap."""
    clock = Clock()
    outcome(clock, [ServerFailed("x")] * 5, clock.policy(attempts=6, base_s=1.0, cap_s=5.0))

    assert clock.slept == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_jitter_is_full() -> None:
    """A draw of nothing waits for nothing: the wait is uniform from zero."""
    clock = Clock()
    outcome(clock, [ServerFailed("x")] * 2, clock.policy(draw=0.0))

    assert clock.slept == [0.0, 0.0]


@pytest.mark.parametrize("draw", [0.0, 0.5, 1.0])
def test_retry_after_is_the_least_wait(draw: float) -> None:
    """Nobody is back before Retry-After, whatever the draw, and the jitter on top is small."""
    clock = Clock()
    outcome(clock, [RateLimited("x", retry_after_s=30.0)], clock.policy(draw=draw))

    assert 30.0 <= clock.slept[0] <= 30.5


def test_a_too_long_retry_after_ends_it_at_once() -> None:
    """A Retry-After beyond the cap is not waited for, nor ignored: the error comes at once."""
    clock = Clock()
    error = RateLimited("x", retry_after_s=1e9)

    assert outcome(clock, [error], clock.policy(patience_s=1e12)) == (error, 1)
    assert clock.slept == []


def test_only_what_can_pass_is_tried_again() -> None:
    """An error that says trying again cannot help is raised after one attempt."""
    clock = Clock()
    error = RequestRejected("x")

    assert outcome(clock, [error], clock.policy()) == (error, 1)


def test_the_last_error_is_raised() -> None:
    """After the last attempt its own error comes out, with no wait behind it."""
    clock = Clock()
    errors: list[ModelError] = [BadReply("1"), BadReply("2"), BadReply("3")]

    assert outcome(clock, errors, clock.policy(attempts=3)) == (errors[2], 3)
    assert len(clock.slept) == 2


def test_patience_ends_before_the_attempts_do() -> None:
    """No attempt starts later than the patience allows, however many are left."""
    clock = Clock()
    found, calls = outcome(
        clock, [ServerFailed("x")] * 99, clock.policy(attempts=99, base_s=10, cap_s=10, patience_s=35)
    )

    assert isinstance(found, ServerFailed)
    assert calls == 4
    assert clock.now <= 35


def test_failures_are_told_at_once() -> None:
    """A listener hears of each failed attempt before the wait that follows it."""
    clock = Clock()
    heard: list[tuple[str, int]] = []

    async def call() -> Reply:
        if len(heard) < 2:
            raise RateLimited(f"{len(heard)}")
        return Reply(text="ok")

    asyncio.run(with_retry(call, clock.policy(), lambda error: heard.append((error.message, len(clock.slept)))))

    assert heard == [("0", 0), ("1", 1)]


def test_cancelling_ends_the_wait() -> None:
    """A cancelled caller does not sit out its wait, and cancelling is not retried."""

    async def failing() -> Reply:
        raise ServerFailed("x", retry_after_s=60)

    async def talk() -> None:
        task = asyncio.create_task(with_retry(failing))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait_for(task, timeout=1)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(talk())
