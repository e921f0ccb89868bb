"""What may be spent on a model: US dollars and requests sent, written down before a request leaves, for all runs."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from mealign.damage import make_folder, tell
from mealign.errors import MealignError
from mealign.records import Record, canonical_json

ROUNDING = 1e-9
"""US dollars by which a sum of floating-point numbers may exceed its limit."""


class Attempt(Record):
    """What is known of the last attempt at a request, one line of the file; ``usd`` is what it costs, as far as known.

    ``sent``: it leaves now, and costs at most this. ``answered``: it cost this. ``lost``: there is no answer, and it
    cost this. ``unsent``: it never reached the server, and does not count.
    """

    request: str
    state: Literal["sent", "answered", "lost", "unsent"]
    usd: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Budget:
    """Counts every attempt at a request, and what it cost or may cost, in this run and in those before it.

    An attempt is counted, at its highest price, before it is sent. The price is corrected when an answer says what it
    was, or the server says that there is nothing to pay; nothing corrects it for an answer that never came. So neither
    limit is passed, whatever the server does and whenever a run is killed, and however many runs there are at once.

    Args:
        max_usd: maximum cost; None: no limit.
        max_calls: maximum number of attempts; None: no limit.
        setting: the section of the settings that limits it, for messages.
        path: the file of all attempts; None: nothing is known of other runs, and nothing is kept.
    """

    def __init__(
        self,
        *,
        max_usd: float | None = None,
        max_calls: int | None = None,
        setting: str = "judge",
        path: Path | None = None,
    ) -> None:
        self.max_usd = max_usd
        self.max_calls = max_calls
        self.setting = setting
        self.calls = self.answers = 0
        self._paid = self._held = 0.0
        self._open: dict[str, float] = {}
        self._counted: set[str] = set()
        self._under_way: set[str] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._path = path
        self._handle: int | None = None
        self._end = 0
        if path is not None and path.is_file():
            self._learn(path.read_bytes())

    @property
    def spent(self) -> float:
        """US dollars that were paid, or may have been."""
        return self._paid + self._held

    def is_spent(self, answered: int, total: int) -> MealignError:
        """Return the error that no more may be sent, when so many of all requests have their answer."""
        limits = {"max_usd": self.max_usd, "max_calls": self.max_calls}
        given = {f"{self.setting}.{name}": value for name, value in limits.items() if value is not None}
        lost = f" ({self.calls - self.answers} without an answer)" if self.calls > self.answers else ""
        # Without a price, everything costs nothing.
        spent = f"{self.calls} calls{lost}" + (f" and ${self.spent:.4f}" if self.spent else "")
        return MealignError(
            f"{' '.join(f'{name}={value}' for name, value in given.items())}: the budget is spent: {spent}, and "
            f"{answered} of {total} requests have their answer; raise {' or '.join(given)} and run the same command "
            "again: it goes on there"
        )

    def count(self, key: str, usd: float) -> None:
        """Count an answer's cost, once, however often it is used, and even if nothing is known of an attempt."""
        if key in self._open:
            self._note(key, "answered", usd)
        elif key not in self._counted:
            self._counted.add(key)
            self.calls += 1
            self.answers += 1
            self._paid += usd
        self._free(key)

    def lose(self, key: str, *, billed: bool) -> None:
        """Count a request that was sent as not answered; it costs what was reserved, or nothing if not ``billed``."""
        if not billed:
            self._note(key, "lost", 0.0)
        self._free(key)

    def release(self, key: str) -> None:
        """Take back a request that never reached the server."""
        self._note(key, "unsent", 0.0)

    def take(self, key: str, usd: float) -> bool:
        """Count an attempt that is sent now and costs at most ``usd``, if that much is left."""
        with self._alone():
            if self.max_usd is not None and self.spent + usd > self.max_usd + ROUNDING:
                return False
            if self.max_calls is not None and self.calls >= self.max_calls:
                return False
            self._append(Attempt(request=key, state="sent", usd=usd))
        self._under_way.add(key)
        return True

    async def reserve(self, key: str, usd: float) -> bool:
        """Like :meth:`take`, but wait for requests in flight if they may still leave enough.

        Returns:
            Whether it was reserved; False once no request in flight could free enough.
        """
        while not self.take(key, usd):
            if not self._under_way:
                return False
            freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(freed)
            await freed
        return True

    def _note(self, key: str, state: Literal["answered", "lost", "unsent"], usd: float) -> None:
        with self._alone():
            # Another process may have noted it.
            if key in self._open:
                self._append(Attempt(request=key, state=state, usd=usd))
        self._free(key)

    def _free(self, key: str) -> None:
        self._under_way.discard(key)
        while self._waiting:
            freed = self._waiting.popleft()
            if not freed.done():
                freed.set_result(None)

    def _apply(self, attempt: Attempt) -> None:
        before = self._open.pop(attempt.request, None)
        if before is not None:
            self._held -= before
        if attempt.state == "sent":
            # Of the attempt before it, no more will be known.
            self._paid += before or 0.0
            self._open[attempt.request] = attempt.usd
            self._held += attempt.usd
            self.calls += 1
            return
        if before is None:
            return
        self._paid += attempt.usd
        self.calls -= attempt.state == "unsent"
        if attempt.state == "answered":
            self.answers += 1
            self._counted.add(attempt.request)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from counting meanwhile, and learn what they have counted."""
        if self._path is None:
            yield
            return
        handle = _opened(self._path)
        try:
            # Not filelock, which takes ten times as long; this is done for every request.
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._catch_up(handle)
            if os.fstat(handle).st_size > self._end:
                # Half a line was not written by anybody who then sent a request.
                os.ftruncate(handle, self._end)
            self._handle = handle
            yield
        finally:
            self._handle = None
            os.close(handle)

    def _append(self, attempt: Attempt) -> None:
        if self._handle is None:
            self._apply(attempt)
            return
        line = (canonical_json(dict(attempt)) + "\n").encode()
        if os.write(self._handle, line) < len(line):
            # Half a line; the rest would fail with the reason.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        self._catch_up(self._handle)

    def _catch_up(self, handle: int) -> None:
        size = os.fstat(handle).st_size
        # A file that was deleted meanwhile begins anew; what it said stays counted here.
        self._end = min(self._end, size)
        if size > self._end:
            self._learn(os.pread(handle, size - self._end, self._end))

    def _learn(self, text: bytes) -> None:
        """Count what stands in whole lines."""
        *lines, half = text.split(b"\n")
        self._end += len(text) - len(half)
        damaged = 0
        for line in lines:
            try:
                self._apply(Attempt.model_validate_json(line))
            except ValidationError:
                damaged += 1
        self.calls += damaged
        if damaged:
            tell(f"{self._path}: {damaged} lines are damaged; each of them counts as a request that was sent")


def _opened(path: Path) -> int:
    flags = os.O_CREAT | os.O_APPEND | os.O_RDWR
    try:
        return os.open(path, flags, 0o600)
    except (FileNotFoundError, NotADirectoryError):
        make_folder(path.parent, inside=path.parent.parent)
        return os.open(path, flags, 0o600)
