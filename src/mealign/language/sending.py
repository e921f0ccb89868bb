"""Many requests to one server: each is answered once, its reply is kept before it counts, and costs stay in budget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from mealign.errors import MealignError
from mealign.language.budget import Budget
from mealign.language.decisions import Undecided, UndecidedKind
from mealign.language.egress import Ledger
from mealign.language.endpoints import AnyEndpoint, Connection, NotThisApiError, P, Request, understood
from mealign.language.pace import Pace
from mealign.language.replies import Reply
from mealign.language.transport import TOO_LONG, Fault, explained, fault_of, no_such_server, told_by

T = TypeVar("T")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds: the pause before the n-th repetition is drawn between 0 and FIRST_PAUSE * 2**n, capped at this: full
jitter (Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015)."""
PATIENCE = 900.0
"""Seconds that a server may ask to wait; a longer wait ends the run, which can be started again later."""
ABSENT = 2
"""Repetitions after which a server that has never answered is taken to be absent."""
GIVEN_UP = 8
"""Consecutive requests given up, with none answered in between, after which the server is taken to be down."""
KEPT = 2000
"""Characters that are kept of a server's message about a request that it rejects."""


@dataclass(frozen=True)
class Sent:
    """What became of requests, but for the replies.

    ``failed`` are those without a reply, by key; ``why`` explains the last of them; ``out_of_budget``: the budget was
    spent before all were sent.
    """

    failed: dict[str, Undecided]
    why: MealignError | None
    out_of_budget: bool


class OutOfBudgetError(Exception):
    """The next attempt would cost more than is left."""


class FailedError(Exception):
    """An attempt failed."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


class Sending(Generic[P]):
    """Sends requests until each has an outcome, or the run has to end.

    Args:
        endpoint: the API and server to use.
        budget: what may be spent; every attempt counts.
        pace: when the next request may be sent.
        ledger: where requests that leave the machine are recorded.
        purpose: of the requests, for the ledger.
        heard: whether this server has answered before, so that it is known to exist.
        keep: called with a request and its reply, once as read and once as it came; it keeps and counts the reply.
        on_outcome: called whenever one more request has an outcome.
    """

    def __init__(
        self,
        endpoint: AnyEndpoint,
        *,
        budget: Budget,
        pace: Pace,
        ledger: Ledger,
        purpose: str,
        heard: bool,
        keep: Callable[[Request[P], P, Reply], None],
        on_outcome: Callable[[], None],
    ) -> None:
        self._endpoint = endpoint
        self._limits = endpoint.limits
        self._budget = budget
        self._pace = pace
        self._ledger = ledger
        self._purpose = purpose
        self._keep: Callable[[Request[P], P, Reply], None] = keep
        self._on_outcome = on_outcome
        self._heard = heard
        self._answers = 0
        self._given_up = 0
        self._stop: MealignError | OSError | None = None
        self._out_of_budget = False
        self._failed: dict[str, Undecided] = {}
        self._refusal: MealignError | None = None

    async def send(self, requests: Sequence[Request[P]]) -> Sent:
        """Send requests with different keys, and keep every reply.

        Raises:
            MealignError: every further request would fail. Requests in flight are finished and their replies kept.
        """
        connection = self._endpoint.connect()
        left = iter(requests)
        # More workers than requests may be in flight: some wait before they send again.
        workers = min(len(requests), 2 * self._limits.concurrency)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(connection, left))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            await connection.close()
        if not self._heard:
            self._stop = self._stop or self._refusal
        if self._stop is not None:
            raise self._stop
        return Sent(self._failed, why=self._refusal, out_of_budget=self._out_of_budget)

    async def _work(self, connection: Connection, left: Iterator[Request[P]]) -> None:
        for request in left:
            if self._stop is not None or self._out_of_budget:
                return
            try:
                await self._ask(connection, request)
            except (MealignError, OSError) as error:
                # A reply or its line in the ledger cannot be kept; those in flight, which are paid, still may be.
                self._stop = self._stop or error

    async def _ask(self, connection: Connection, request: Request[P]) -> None:
        answers_before = self._answers
        try:
            async for attempt in AsyncRetrying(
                stop=self._is_enough,
                wait=wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
                retry=retry_if_exception(is_transient),
                reraise=True,
            ):
                with attempt:
                    text, seconds = await self._attempt_either(connection, request)
        except OutOfBudgetError:
            self._out_of_budget = True
        except FailedError as error:
            self._fail(request, error.fault, alone=self._answers == answers_before)
        else:
            self._answer(request, text, seconds)

    def _is_enough(self, state: RetryCallState) -> bool:
        error = state.outcome and state.outcome.exception()
        fault = error.fault if isinstance(error, FailedError) else None
        if fault and fault.wait is not None and fault.wait > PATIENCE:
            return True
        absent = fault and not fault.reached and not self._heard
        return bool(stop_after_attempt(1 + (ABSENT if absent else self._limits.max_retries))(state))

    async def _attempt_either(self, connection: Connection, request: Request[P]) -> tuple[str, float]:
        """Send a request, or the simpler one that a server which refuses it may take, and from then on only that."""
        simpler, sent = self._endpoint.simpler(request.body), request.body

        def body() -> Mapping[str, Any]:
            nonlocal sent
            sent = simpler if simpler and self._endpoint.simply else request.body
            return sent

        try:
            return await self._attempt(connection, request, body)
        except FailedError as error:
            if not simpler or sent is simpler or error.fault.kind != "rejected":
                raise
        answer = await self._attempt(connection, request, lambda: simpler)
        self._endpoint.simply = True
        return answer

    async def _attempt(
        self, connection: Connection, request: Request[P], body: Callable[[], Mapping[str, Any]]
    ) -> tuple[str, float]:
        """Send one request when its turn has come; what is sent is decided then."""
        started = await self._pace.start(request.tokens)
        try:
            reserved = False
            if self._stop is None and not self._out_of_budget:
                reserved = await self._budget.reserve(request.key, request.most_usd)
            if self._stop is not None:
                if reserved:
                    self._budget.release(request.key)
                raise self._stop
            if not reserved:
                raise OutOfBudgetError
            record(self._ledger, request, self._purpose)
            begun = time.perf_counter()
            try:
                text = await attempted(connection.send(body()), self._limits.timeout)
            except FailedError as error:
                self._failed_attempt(request, error.fault, started)
                raise
            self._pace.answered()
            return text, time.perf_counter() - begun
        finally:
            self._pace.end()

    def _failed_attempt(self, request: Request[P], fault: Fault, started: float) -> None:
        if fault.kind == "transient":
            wait = fault.wait if (fault.wait or 0) <= PATIENCE else None
            self._pace.throttled(started, wait=wait, too_many=fault.status == 429)
        if fault.reached:
            self._budget.lose(request.key, billed=fault.billed)
        else:
            self._budget.release(request.key)

    def _answer(self, request: Request[P], text: str, seconds: float) -> None:
        try:
            parsed = understood(request, text)
        except NotThisApiError:
            self._budget.lose(request.key, billed=True)
            self._doubt(request, Undecided("malformed", raw=text[:KEPT]), no_such_server(self._endpoint))
            return
        # Not in a thread: for a file this small, a thread switch costs more than the disk.
        self._keep(request, parsed, Reply(text=text, seconds=round(seconds, 3)))
        self._answers += 1
        self._given_up = 0
        self._heard = True
        self._on_outcome()

    def _fail(self, request: Request[P], fault: Fault, *, alone: bool) -> None:
        """Decide whether one request has failed or the server; ``alone``: no other was answered meanwhile."""
        error = explained(fault, self._endpoint)
        if fault.kind == "too_large":
            self._doubt(request, Undecided("too_large"), error)
            return
        if fault.kind == "rejected":
            kind: UndecidedKind = "too_long" if fault.status == 413 or TOO_LONG.search(fault.text) else "refused"
            self._reject(request, Undecided(kind, raw=fault.text[:KEPT]), error)
            return
        self._given_up += 1
        gone = not self._heard or (alone and not fault.reached) or self._given_up >= GIVEN_UP
        if fault.kind == "fatal" or gone or (fault.wait or 0) > PATIENCE:
            self._stop = self._stop or error
            return
        self._failed[request.key] = Undecided("unreachable")
        self._refusal = error
        self._on_outcome()

    def _doubt(self, request: Request[P], outcome: Undecided, error: MealignError) -> None:
        """Record an answer of no use; a server that gives nothing else is of no use either."""
        self._given_up += 1
        if self._given_up >= GIVEN_UP:
            self._stop = self._stop or error
        self._reject(request, outcome, error)

    def _reject(self, request: Request[P], outcome: Undecided, error: MealignError) -> None:
        """Record that the server rejected a request; if it rejects all of them, the requests are not to blame."""
        self._failed[request.key] = outcome
        self._refusal = error
        if not self._heard and len(self._failed) >= GIVEN_UP:
            self._stop = self._stop or error
        self._on_outcome()


async def attempted(work: Awaitable[T], seconds: float) -> T:
    """Wait for something from a server, so long and no longer.

    Raises:
        FailedError: there was none.
        NotThisApiError: it was of another API.
    """
    try:
        # The SDKs' own timeouts limit silence; this limits a server that sends slowly.
        async with asyncio.timeout(seconds):
            return await work
    except NotThisApiError:
        raise
    except Exception as error:
        if fault := fault_of(error):
            raise FailedError(fault) from None
        if told := told_by(error):
            raise told from None
        raise


def is_transient(error: BaseException) -> bool:
    """Whether an attempt has failed for a reason that passes."""
    return isinstance(error, FailedError) and error.fault.kind == "transient"


def record(ledger: Ledger, request: Request[P], purpose: str) -> None:
    """Record a request before it is sent."""
    ledger.write(
        request.key,
        purpose=purpose,
        personal=request.personal,
        characters=request.characters,
        tokens=request.tokens,
    )
