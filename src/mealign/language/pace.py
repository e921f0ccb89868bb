"""When a server may be sent the next request: how many are under way, how many a minute, when it asks to wait."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

SLOWER = 0.5
"""By which the number of requests under way is multiplied when the server says that there are too many."""


class Pace:
    """Bounds requests to one server, and learns from its 429s.

    The number under way follows additive increase, multiplicative decrease (Chiu & Jain, Comput. Netw. ISDN Syst. 17,
    1989): one more for every round of answers up to ``concurrency``, half as many after a 429, once a round. The time
    a server asks for holds for every request that is not sent yet. The limits a minute are kept by even spacing.

    Args:
        concurrency: requests under way at once, at most.
        requests_per_minute: sent at most; None: no limit.
        tokens_per_minute: sent and expected at most; None: no limit.
        clock: seconds.
        sleep: waits that many seconds.
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
        """How many requests may be under way now."""
        return self._window

    async def start(self, tokens: int) -> float:
        """Wait until a request of so many tokens may be sent; return the time at which it is."""
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
        """Count a request as no longer under way, whatever came of it."""
        self._under_way -= 1
        self._wake()

    def answered(self) -> None:
        """Raise the pace: a request was answered, so the server bears it."""
        self._window = min(float(self._most), self._window + 1.0 / self._window)

    def throttled(self, started: float, *, wait: float | None, too_many: bool) -> None:
        """Slow down: the server refused a request for the time being.

        Args:
            started: when that request was sent. One that was sent before the last slowing down says nothing new.
            wait: seconds that the server asks for; None: it does not say.
            too_many: it answered 429, and not merely that it is busy.
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
