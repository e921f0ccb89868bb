"""What a judge may take: US dollars and calls, known answers included, reserved before they are spent."""

from __future__ import annotations

import asyncio
from collections import deque

ROUNDING = 1e-9
"""US dollars by which a sum of floating-point numbers may miss its limit."""


class Budget:
    """Sums what was paid, and reserves the most that what is under way can cost.

    So requests that are under way together cannot go beyond the limit together.
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
        """Requests that were answered, in this run or before."""
        return len(self._counted)

    def count(self, key: str, usd: float) -> None:
        """Count what an answer cost, once, however often it is used; what was reserved for it is free again."""
        if key not in self._counted:
            self._counted.add(key)
            self.spent += usd
        self.release(key)

    def release(self, key: str) -> None:
        """Free what was reserved for a request that will not be answered."""
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
        """As :meth:`take`, but where requests under way may still leave enough, wait for them.

        Returns:
            Whether it was reserved; False once nothing under way could free enough.
        """
        while not self.take(key, usd):
            if not self._reserved:
                return False
            freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(freed)
            await freed
        return True
