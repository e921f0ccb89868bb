"""What a judge may use: US dollars and calls, including known answers, reserved before they are spent."""

from __future__ import annotations

import asyncio
from collections import deque

ROUNDING = 1e-9
"""US dollars by which a sum of floating-point numbers may exceed its limit."""


class Budget:
    """Sums what was paid, and reserves the maximum cost of requests in flight.

    So concurrent requests cannot exceed the limit together.
    """

    def __init__(self, *, max_usd: float | None = None, max_calls: int | None = None) -> None:
        self.max_usd = max_usd
        self.max_calls = max_calls
        self.spent = 0.0
        self._counted: set[str] = set()
        self._reserved: dict[str, float] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def calls(self) -> int:
        """Number of requests that were answered, in this run or before."""
        return len(self._counted)

    def count(self, key: str, usd: float) -> None:
        """Count an answer's cost, once, however often it is used; its reservation is freed."""
        if key not in self._counted:
            self._counted.add(key)
            self.spent += usd
        self.release(key)

    def release(self, key: str) -> None:
        """Free the reservation of a request that will not be answered."""
        self._reserved.pop(key, None)
        while self._waiting:
            freed = self._waiting.popleft()
            if not freed.done():
                freed.set_result(None)

    def take(self, key: str, usd: float) -> bool:
        """Reserve one call and ``usd`` for a request, if that much is left."""
        held = self.spent + sum(self._reserved.values()) if self.max_usd is not None else 0.0
        if self.max_usd is not None and held + usd > self.max_usd + ROUNDING:
            return False
        if self.max_calls is not None and self.calls + len(self._reserved) >= self.max_calls:
            return False
        self._reserved[key] = usd
        return True

    async def reserve(self, key: str, usd: float) -> bool:
        """Like :meth:`take`, but wait for requests in flight if they may still leave enough.

        Returns:
            Whether it was reserved; False once no request in flight could free enough.
        """
        while not self.take(key, usd):
            if not self._reserved:
                return False
            freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(freed)
            await freed
        return True
