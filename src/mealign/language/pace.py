"""When the next request may be sent to a server: by requests in flight, limits per minute, and its requests to wait."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

SLOWER = 0.5
"""Factor of the number of requests in flight when the server says that there are too many."""


class Pace:
    """Limits requests to one server, and adapts to its 429s.

    The number in flight follows additive increase, multiplicative decrease (Chiu & Jain, Comput. Netw. ISDN Syst. 17,
    1989): one more for every round of answers up to ``concurrency``, half as many after a 429, once per round. A wait
    that the server requests applies to every request not sent yet. The limits per minute are kept by even spacing.

    Args:
        concurrency: maximum requests in flight.
        requests_per_minute: maximum sent; None: no limit.
        tokens_per_minute: maximum sent and expected; None: no limit.
        clock: returns seconds.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._most = concurrency
        self._window = float(concurrency)
        self._under_way = 0
        self._seconds_a_request = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._seconds_a_token = 60.0 / tokens_per_minute if tokens_per_minute else 0.0
        self._next_request = self._next_token = self._paused_until = self._slowed = float("-inf")
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._clock = clock
        self._sleep = sleep

    @property
    def window(self) -> float:
        """How many requests may be in flight now."""
        return self._window

    async def start(self, tokens: int) -> float:
        """Wait until a request of this many tokens may be sent; return the time at which it is sent."""
        while True:
            now = self._clock()
            wait = max(self._paused_until, self._next_request, self._next_token) - now
            if self._under_way >= max(1, int(self._window)):
                freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(freed)
                await freed
            elif wait > 0:
                await self._sleep(wait)
            else:
                break
        self._under_way += 1
        self._next_request = max(self._next_request, now) + self._seconds_a_request
        self._next_token = max(self._next_token, now) + self._seconds_a_token * tokens
        return now

    def end(self) -> None:
        """Count a request as no longer in flight, whatever its outcome."""
        self._under_way -= 1
        self._wake()

    def answered(self) -> None:
        """Raise the pace: a request was answered, so the server copes."""
        self._window = min(float(self._most), self._window + 1.0 / self._window)

    def throttled(self, started: float, *, wait: float | None, too_many: bool) -> None:
        """Slow down: the server refused a request temporarily.

        Args:
            started: when that request was sent; if before the last slowdown, it gives no new information.
            wait: seconds that the server asks to wait; None: not stated.
            too_many: whether it answered 429, and not merely that it is busy.
        """
        now = self._clock()
        if wait:
            self._paused_until = max(self._paused_until, now + wait)
        if too_many and started > self._slowed:
            self._slowed = now
            self._window = max(1.0, self._window * SLOWER)

    def _wake(self) -> None:
        free = max(1, int(self._window)) - self._under_way
        while free > 0 and self._waiting:
            freed = self._waiting.popleft()
            if not freed.done():
                freed.set_result(None)
                free -= 1
