"""Many requests to one server: each is answered once, its reply is kept before it counts, and costs stay in budget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from mealign.errors import MealignError
from mealign.language.budget import Budget
from mealign.language.decisions import Undecided, UndecidedKind
from mealign.language.egress import Ledger
from mealign.language.endpoints import Connection, Endpoint, NotThisApiError, ParsedReply, Request
from mealign.language.pace import Pace
from mealign.language.replies import Reply, ReplyStore
from mealign.language.settings import ServerConfig
from mealign.language.transport import TOO_LONG, Fault, explained, fault_of

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


class Sending:
    """Sends requests until each has an outcome, or the run has to end.

    Args:
        endpoint: the API and server to use.
        settings: request limits.
        budget: what may be spent.
        pace: when the next request may be sent.
        store: where replies are kept.
        ledger: where requests that leave the machine are recorded.
        purpose: of the requests, for the ledger.
        heard: whether this server has answered before, so that it is known to exist.
        on_answer: called with a request and its parsed reply, once the reply is kept.
        on_outcome: called whenever one more request has an outcome.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        settings: ServerConfig,
        budget: Budget,
        pace: Pace,
        store: ReplyStore,
        ledger: Ledger,
        purpose: str,
        heard: bool,
        on_answer: Callable[[Request, ParsedReply, Reply], None],
        on_outcome: Callable[[], None],
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._budget = budget
        self._pace = pace
        self._store = store
        self._ledger = ledger
        self._purpose = purpose
        self._on_answer = on_answer
        self._on_outcome = on_outcome
        self._heard = heard
        self._answers = 0
        self._given_up = 0
        self._stop: MealignError | None = None
        self._out_of_budget = False
        self._failed: dict[str, Undecided] = {}
        self._refusal: MealignError | None = None

    async def send(self, requests: Sequence[Request]) -> tuple[dict[str, Undecided], bool]:
        """Send requests with different keys, and keep every reply.

        Returns:
            The requests without a reply, by key, and whether the budget was spent before all were sent.

        Raises:
            MealignError: every further request would fail. Requests in flight are finished and their replies kept.
        """
        connection = self._endpoint.connect(concurrency=self._settings.concurrency)
        left = iter(requests)
        # More workers than requests may be in flight: some wait before they send again.
        workers = min(len(requests), 2 * self._settings.concurrency)
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
        return self._failed, self._out_of_budget

    async def _work(self, connection: Connection, left: Iterator[Request]) -> None:
        for request in left:
            if self._stop is not None or self._out_of_budget:
                return
            if not await self._budget.reserve(request.key, request.most_usd):
                self._out_of_budget = True
                return
            try:
                await self._ask(connection, request)
            finally:
                self._budget.release(request.key)

    async def _ask(self, connection: Connection, request: Request) -> None:
        answers_before = self._answers
        try:
            async for attempt in AsyncRetrying(
                stop=self._is_enough,
                wait=wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
                retry=retry_if_exception(_is_transient),
                reraise=True,
            ):
                with attempt:
                    text, seconds = await self._attempt(connection, request)
        except Exception as error:
            if error is self._stop:
                return
            fault = fault_of(error)
            if fault is None:
                raise
            self._fail(request, fault, alone=self._answers == answers_before)
            return
        self._keep(request, text, seconds)

    def _is_enough(self, state: RetryCallState) -> bool:
        error = state.outcome and state.outcome.exception()
        fault = error and fault_of(error)
        if fault and fault.wait is not None and fault.wait > PATIENCE:
            return True
        absent = fault and not fault.reached and not self._heard
        return bool(stop_after_attempt(1 + (ABSENT if absent else self._settings.max_retries))(state))

    async def _attempt(self, connection: Connection, request: Request) -> tuple[str, float]:
        started = await self._pace.start(request.tokens)
        begun = time.perf_counter()
        try:
            if self._stop is not None:
                raise self._stop
            self._ledger.write(request.key, purpose=self._purpose, characters=request.characters, tokens=request.tokens)
            # The SDKs' own timeouts limit silence; this limits a server that sends slowly.
            async with asyncio.timeout(self._settings.timeout):
                text = await connection.send(request.body)
        except Exception as error:
            fault = fault_of(error)
            if fault is not None and fault.kind == "transient":
                wait = fault.wait if (fault.wait or 0) <= PATIENCE else None
                self._pace.throttled(started, wait=wait, too_many=fault.status == 429)
            raise
        else:
            self._pace.answered()
            return text, time.perf_counter() - begun
        finally:
            self._pace.end()

    def _keep(self, request: Request, text: str, seconds: float) -> None:
        try:
            parsed = self._endpoint.read(text, request.inquiry)
        except NotThisApiError:
            url, api = self._endpoint.server.url, self._endpoint.api
            error = MealignError(f"{url}: what answers there is no server with {api}; correct base_url")
            self._reject(request, Undecided("malformed", raw=text[:KEPT]), error)
            return
        reply = Reply(text=text, seconds=round(seconds, 3))
        # Not in a thread: for a file this small, a thread switch costs more than the disk.
        self._store.put(request.key, reply)
        self._answers += 1
        self._given_up = 0
        self._heard = True
        self._on_answer(request, parsed, reply)
        self._on_outcome()

    def _fail(self, request: Request, fault: Fault, *, alone: bool) -> None:
        """Decide whether one request has failed or the server; ``alone``: no other was answered meanwhile."""
        if fault.kind == "rejected":
            kind: UndecidedKind = "too_long" if fault.status == 413 or TOO_LONG.search(fault.text) else "refused"
            self._reject(request, Undecided(kind, raw=fault.text[:KEPT]), explained(fault, self._endpoint.server.url))
            return
        self._given_up += 1
        gone = not self._heard or (alone and not fault.reached) or self._given_up >= GIVEN_UP
        if fault.kind == "fatal" or gone or (fault.wait or 0) > PATIENCE:
            self._stop = self._stop or explained(fault, self._endpoint.server.url)
            return
        self._failed[request.key] = Undecided("unreachable")
        self._on_outcome()

    def _reject(self, request: Request, outcome: Undecided, error: MealignError) -> None:
        """Record that the server rejected a request; if it rejects all of them, the requests are not to blame."""
        self._failed[request.key] = outcome
        self._refusal = error
        if not self._heard and len(self._failed) >= GIVEN_UP:
            self._stop = self._stop or error
        self._on_outcome()


def _is_transient(error: BaseException) -> bool:
    fault = fault_of(error)
    return fault is not None and fault.kind == "transient"
