"""Trying again: exponential backoff with full jitter, honouring what the endpoint asks for.

Full jitter (a uniform draw between nothing and the backoff) spreads clients that failed together; see Brooker,
"Exponential Backoff And Jitter", AWS Architecture Blog, 2015. It does not know what a model is: it is given a call.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from weakspot.errors import ModelError, RateLimited
from weakspot.records import Reply


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to try. All times in seconds.

    Args:
        attempts: calls in all, the first included.
        patience_s: no new attempt starts later than this after the first began.
        base_s: the upper bound of the first wait; it doubles with each attempt, up to `cap_s`.
        cap_s: the longest wait of our own choosing.
        retry_after_cap_s: the longest Retry-After that is honoured; a longer one ends the tries at once, since
            coming back early would only be refused again.
        sleep: waits; replaced in tests.
        clock: monotonic seconds; replaced in tests.
        draw: uniform in [0, 1); replaced in tests.
    """

    attempts: int = 5
    patience_s: float = 180.0
    base_s: float = 0.5
    cap_s: float = 20.0
    retry_after_cap_s: float = 90.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random

    def wait_s(self, attempt: int, retry_after_s: float | None) -> float:
        """Seconds to wait after failed attempt number `attempt` (1 is the first).

        With a Retry-After the jitter comes on top, so that nobody is early and not all come back at once.
        """
        jitter = self.draw() * min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 30))
        return jitter if retry_after_s is None else retry_after_s + min(jitter, self.base_s)


ONE_ATTEMPT = RetryPolicy(attempts=1)


async def with_retry(
    call: Callable[[], Awaitable[Reply]],
    policy: RetryPolicy = RetryPolicy(),
    on_failure: Callable[[ModelError], None] | None = None,
) -> Reply:
    """Call until a reply comes, an error says that trying again cannot help, or the policy gives up.

    Args:
        call: makes one attempt; it is called anew for each.
        policy: how often and how long.
        on_failure: told of every failed attempt at once, so that a limiter can slow down before the last one.

    Returns:
        The reply with `attempts` and `throttled` set.

    Raises:
        ModelError: the last one.
    """
    began = policy.clock()
    throttled = 0
    for attempt in range(1, policy.attempts + 1):
        try:
            reply = await call()
        except ModelError as error:
            throttled += isinstance(error, RateLimited)
            if on_failure is not None:
                on_failure(error)
            wait = policy.wait_s(attempt, error.retry_after_s)
            if not _worth_waiting(policy, error, attempt, policy.clock() - began + wait):
                raise
        else:
            return msgspec.structs.replace(reply, attempts=attempt, throttled=throttled)
        await policy.sleep(wait)
    raise ValueError("A retry policy needs at least one attempt.")


def _worth_waiting(policy: RetryPolicy, error: ModelError, attempt: int, next_start_s: float) -> bool:
    if not error.retryable or attempt >= policy.attempts or next_start_s > policy.patience_s:
        return False
    return error.retry_after_s is None or error.retry_after_s <= policy.retry_after_cap_s
