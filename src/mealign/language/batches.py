"""Requests through a vendor's batch API: half the price, within a day, and resumable after a run was killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from mealign.damage import discard, tell
from mealign.errors import MealignError
from mealign.jsonl import read_records, write_records
from mealign.language.budget import Budget
from mealign.language.decisions import Undecided
from mealign.language.egress import Ledger
from mealign.language.endpoints import (
    AnyEndpoint,
    Batch,
    BatchConnection,
    NotThisApiError,
    P,
    Request,
    Result,
    understood,
)
from mealign.language.replies import Reply, ReplyStore
from mealign.language.sending import (
    FIRST_PAUSE,
    KEPT,
    LONGEST_PAUSE,
    FailedError,
    Sent,
    attempted,
    is_transient,
    record,
)
from mealign.language.transport import TOO_LONG, explained, no_such_server
from mealign.records import content_id

T = TypeVar("T")

MOST_REQUESTS = 50_000
MOST_BYTES = 90_000_000
"""Size limit of one batch, below the limits of both vendors."""
MOST_RECORD = 10_000_000
"""Bytes of the record of a batch, which holds a key for every request."""
CLOCKS = 300
"""Seconds by which the clocks of two machines may differ."""
FIRST_POLL, LONGEST_POLL = 2.0, 60.0
"""Seconds between two polls of a batch, at first and at most."""
DAY = 86_400.0
LONGEST = 2 * DAY
"""Seconds after which nothing more is expected of a batch: the vendors end one within a day."""
FORGOTTEN = 30 * DAY
"""Seconds after which the vendors do not have a batch any more."""


class Batches(Generic[P]):
    """Submits requests in batches, except those that an earlier run has submitted, and waits for all.

    A batch is recorded, with its keys, before it is submitted, and with its id as soon as there is one. One that ends
    before all of it was processed (it failed, expired, was cancelled, or the server does not know it any more) is told
    and forgotten, and what it did not answer is submitted anew: at once if it is an earlier run's, by the next run if
    it is this one's, so that no run submits a request twice.

    Args:
        endpoint: the API and server to use.
        connect: opens the batch API.
        store: where replies are kept, and beside them the records of batches.
        budget: what may be spent.
        ledger: where requests that leave the machine are recorded.
        purpose: of the requests, for the ledger.
        keep: called with a request and its reply, once as read and once as it came; it keeps and counts the reply.
        on_outcome: called whenever one more request has an outcome.
    """

    def __init__(
        self,
        endpoint: AnyEndpoint,
        *,
        connect: Callable[[], BatchConnection],
        store: ReplyStore,
        budget: Budget,
        ledger: Ledger,
        purpose: str,
        keep: Callable[[Request[P], P, Reply], None],
        on_outcome: Callable[[], None],
    ) -> None:
        self._endpoint = endpoint
        self._connect = connect
        self._store = store
        self._folder = store.folder / "batches"
        self._budget = budget
        self._ledger = ledger
        self._purpose = purpose
        self._keep: Callable[[Request[P], P, Reply], None] = keep
        self._on_outcome = on_outcome
        self._wanted: dict[str, Request[P]] = {}
        self._answered: set[str] = set()
        self._failed: dict[str, Undecided] = {}
        self._ended_early: list[str] = []
        self._damaged: set[str] = set()
        self._out_of_budget = False

    async def send(self, requests: Sequence[Request[P]]) -> Sent:
        """Submit requests with different keys, and keep every reply.

        Raises:
            MealignError: the API cannot be used, or a batch of this run ended early; what was answered is kept.
        """
        self._wanted = {request.key: request for request in requests}
        connection = self._connect()
        try:
            earlier = [batch async for batch in self._submitted(connection)]
            waiting = {key for batch in earlier for key in batch.keys}
            new = await self._submit(connection, [each for each in requests if each.key not in waiting])
            async with asyncio.TaskGroup() as group:
                for batch in earlier:
                    group.create_task(self._follow(connection, batch, again=True))
                for batch in new:
                    group.create_task(self._follow(connection, batch, again=False))
        except BaseExceptionGroup as errors:
            raise self._told(errors.exceptions[0]) from None
        except (FailedError, NotThisApiError) as error:
            raise self._told(error) from None
        finally:
            await connection.close()
        if self._ended_early:
            raise MealignError(
                f"{self._endpoint.server.url}: {'; '.join(self._ended_early)}; what was answered is kept; run the same "
                "command again, and the others are submitted anew"
            )
        return Sent(self._failed, why=None, out_of_budget=self._out_of_budget)

    async def _submitted(self, connection: BatchConnection) -> AsyncIterator[Batch]:
        """Yield the batches of earlier runs that hold any of the requests."""
        for path in sorted(self._folder.glob("batch_*.json")):
            batch = _record(path)
            if batch is None:
                self._damaged.add(path.stem)
            elif not self._concerns(batch):
                # Nobody may ever want it again.
                if time.time() > batch.since + FORGOTTEN:
                    path.unlink(missing_ok=True)
            elif batch.id is not None:
                yield batch
            elif found := await self._found(connection, batch):
                yield self._recorded(batch, found)
            else:
                for key in batch.keys:
                    self._budget.release(key)
                path.unlink(missing_ok=True)

    async def _found(self, connection: BatchConnection, batch: Batch) -> str | None:
        return await self._patiently(lambda: self._asked(connection.find(batch), self._seconds(len(batch.keys))))

    def _concerns(self, batch: Batch) -> bool:
        here = (batch.url, batch.path) == (self._endpoint.server.url, self._endpoint.path)
        return here and not self._wanted.keys().isdisjoint(batch.keys)

    async def _submit(self, connection: BatchConnection, requests: Sequence[Request[P]]) -> list[Batch]:
        """Submit requests, as far as the budget allows, in as many batches as are necessary."""
        batches, new = [], []
        for part in _parts(requests):
            batch = self._batch(part)
            found = None
            if batch.tag in self._damaged:
                lost = batch.model_copy(update={"since": batch.since - FORGOTTEN})
                found = await self._found(connection, lost)
            if found:
                batches.append(self._recorded(batch, found))
            else:
                new += part
        affordable = [request for request in new if self._budget.take(request.key, request.most_usd)]
        self._out_of_budget |= len(affordable) < len(new)
        return batches + [await self._hand_in(connection, part) for part in _parts(affordable)]

    async def _hand_in(self, connection: BatchConnection, part: Sequence[Request[P]]) -> Batch:
        batch = self._recorded(self._batch(part))
        for request in part:
            record(self._ledger, request, self._purpose)
        try:
            found = await self._asked(connection.submit(part, tag=batch.tag), self._seconds(len(part)))
        except FailedError as error:
            # Unless it may have been received all the same; the next run will ask.
            if not error.fault.billed:
                self._path(batch).unlink(missing_ok=True)
                for key in batch.keys:
                    if error.fault.reached:
                        self._budget.lose(key, billed=False)
                    else:
                        self._budget.release(key)
            raise
        return self._recorded(batch, found)

    async def _follow(self, connection: BatchConnection, batch: Batch, *, again: bool) -> None:
        """Wait for a batch, and keep what it answers; ``again``: submit the rest anew if it ends early."""
        why = await self._wait(connection, batch)
        self._path(batch).unlink(missing_ok=True)
        done = self._answered | self._failed.keys()
        left = [self._wanted[key] for key in batch.keys if key in self._wanted and key not in done]
        if not left:
            return
        told = f"batch {batch.id} {why}, and {len(left)} of its {len(batch.keys)} requests are without an answer"
        if not again:
            self._ended_early.append(told)
            return
        tell(f"{self._endpoint.server.url}: {told}; they are submitted anew")
        for new in await self._submit(connection, left):
            await self._follow(connection, new, again=False)

    async def _wait(self, connection: BatchConnection, batch: Batch) -> str:
        """Wait until a batch has ended, and keep what it answers; return how it ended."""
        pause = FIRST_POLL
        try:
            while not (ended := await self._patiently(partial(self._look, connection, batch))):
                if time.time() > batch.since + LONGEST:
                    return "has not ended after two days"
                await asyncio.sleep(pause)
                pause = min(LONGEST_POLL, 1.5 * pause)
        except FailedError as error:
            if error.fault.status != 404:
                raise
            return "is not known there any more"
        return ended

    async def _look(self, connection: BatchConnection, batch: Batch) -> str | None:
        """Keep what a batch answers, and return how it ended; None while it is in progress."""
        deadline = time.monotonic() + self._seconds(len(batch.keys))
        ended = await self._asked(connection.ended(batch), self._endpoint.limits.timeout)
        if ended is None:
            return None
        early, without, answers = ended.early, dict[str, Undecided](), 0
        keys = set(batch.keys)
        async with aclosing(ended.results) as results:
            while (found := await attempted(anext(results, None), deadline - time.monotonic())) is not None:
                key, result = found
                if key not in keys:
                    continue
                keys.remove(key)
                if result.response is not None:
                    answers += 1
                    self._answer(key, result.response)
                elif result.unprocessed:
                    early = early or result.unprocessed
                    self._budget.lose(key, billed=False)
                else:
                    self._budget.lose(key, billed=not result.refused)
                    without[key] = _undecided(result)
        if not answers:
            # Whatever is wrong, it is not wrong with one request.
            return early or self._nothing(without.values())
        if not early:
            without |= dict.fromkeys(keys, Undecided("unreachable"))
        for key in without.keys() & self._wanted.keys():
            self._fail(key, without[key])
        return early or "has ended"

    def _nothing(self, outcomes: Iterable[Undecided]) -> str:
        """Say why a batch that has ended has no answer."""
        kinds = {outcome.kind for outcome in outcomes}
        if kinds == {"too_large"}:
            limits, setting = self._endpoint.limits, self._endpoint.server.setting
            return f"has only answers of more than {setting}.max_reply_bytes={limits.max_reply_bytes}"
        return "was refused" if kinds and kinds <= {"refused", "too_long"} else "has no answer"

    def _answer(self, key: str, response: str) -> None:
        """Keep one reply, also one that this run has no use for: it is paid."""
        reply, request = Reply(text=response, batch=True), self._wanted.get(key)
        if request is None:
            self._store.put(key, reply)
        elif key not in self._answered:
            try:
                parsed = understood(request, response)
            except NotThisApiError:
                self._budget.lose(key, billed=True)
                self._fail(key, Undecided("malformed", raw=response[:KEPT]))
                return
            self._keep(request, parsed, reply)
            self._answered.add(key)
            self._on_outcome()

    def _fail(self, key: str, outcome: Undecided) -> None:
        if key not in self._failed:
            self._failed[key] = outcome
            self._on_outcome()

    async def _asked(self, work: Awaitable[T], seconds: float) -> T:
        """Wait for something from the batch API.

        Raises:
            FailedError: there was none.
            NotThisApiError: it was of another API, in whatever way.
        """
        try:
            return await attempted(work, seconds)
        except (LookupError, TypeError, AttributeError) as error:
            raise NotThisApiError from error

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what costs nothing again after a pause when it fails for a reason that passes."""
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(1 + self._endpoint.limits.max_retries),
            wait=wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
            retry=retry_if_exception(is_transient),
            reraise=True,
        ):
            with attempt:
                found = await work()
        return found

    def _seconds(self, requests: int) -> float:
        """Return how long sending or receiving so many requests may take."""
        return self._endpoint.limits.timeout + requests

    def _told(self, error: BaseException) -> BaseException:
        if isinstance(error, FailedError):
            return explained(error.fault, self._endpoint)
        return no_such_server(self._endpoint) if isinstance(error, NotThisApiError) else error

    def _batch(self, part: Sequence[Request[P]]) -> Batch:
        keys = tuple(request.key for request in part)
        url, path = self._endpoint.server.url, self._endpoint.path
        return Batch(tag=content_id("batch", sorted(keys)), url=url, path=path, since=time.time(), keys=keys)

    def _recorded(self, batch: Batch, found: str | None = None) -> Batch:
        """Record a batch, with its id if there is one."""
        batch = batch.model_copy(update={"id": found})
        write_records(self._path(batch), [batch])
        return batch

    def _path(self, batch: Batch) -> Path:
        return self._folder / f"{batch.tag}.json"


def _record(path: Path) -> Batch | None:
    """Read the record of a batch; None for one that is damaged, which is thrown away."""
    try:
        if path.is_file() and path.stat().st_size <= MOST_RECORD:
            (batch,) = read_records(path, Batch)
            if batch.tag == path.stem:
                return batch
    except (MealignError, ValueError, OSError):
        pass
    discard(path, "this record of a batch is damaged")
    return None


def _undecided(result: Result) -> Undecided:
    if result.too_large:
        return Undecided("too_large")
    if not result.refused:
        return Undecided("unreachable")
    return Undecided("too_long" if TOO_LONG.search(result.text) else "refused", raw=result.text[:KEPT])


def _parts(requests: Iterable[Request[P]]) -> Iterator[list[Request[P]]]:
    part: list[Request[P]] = []
    size = 0
    for request in requests:
        if part and (len(part) == MOST_REQUESTS or size + request.size > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(request)
        size += request.size
    if part:
        yield part
