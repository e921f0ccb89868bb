"""A model on a server, whatever it is asked for: its requests, within limits and budget, and what they cost."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic

from mealign.errors import ConfigError
from mealign.language.batches import Batches
from mealign.language.budget import Budget
from mealign.language.decisions import Usage
from mealign.language.egress import Ledger, Personal
from mealign.language.endpoints import AnyEndpoint, BatchConnection, P, Request
from mealign.language.pace import Pace
from mealign.language.prices import OVERHEAD, Price, believed
from mealign.language.replies import Reply, ReplyStore
from mealign.language.sending import Sending, Sent
from mealign.records import content_id


@dataclass(frozen=True)
class Batching:
    """A server's batch API, opened inside the event loop that uses it, and where its replies are kept."""

    connect: Callable[[], BatchConnection]
    store: ReplyStore


class Remote(Generic[P]):
    """A model behind an API.

    Args:
        endpoint: the API on its server.
        budget: what may be spent.
        ledger: records what left the machine.
        price: of the model; None: unknown.
        batching: the batch API that is used; None: every request is sent by itself.

    Raises:
        ConfigError: dollars are limited and the model's price is unknown.
    """

    def __init__(
        self,
        endpoint: AnyEndpoint,
        *,
        budget: Budget,
        ledger: Ledger,
        price: Price | None,
        batching: Batching | None = None,
    ) -> None:
        server, limits = endpoint.server, endpoint.limits
        if budget.max_usd is not None and price is None:
            raise ConfigError(
                f"{budget.setting}.max_usd={budget.max_usd} with {server.setting}.model={server.model}: its price is "
                f"unknown, so nothing can hold it to that; add the model to conf/prices.yaml, or use "
                f"{budget.setting}.max_calls"
            )
        self._endpoint = endpoint
        self._price = price
        self._batching = batching
        self._budget = budget
        self._ledger = ledger
        self._pace = Pace(
            concurrency=limits.concurrency,
            requests_per_minute=limits.requests_per_minute,
            tokens_per_minute=limits.tokens_per_minute,
        )

    def request(
        self,
        body: dict[str, Any],
        read: Callable[[str], P],
        *,
        personal: Personal,
        max_new_tokens: int,
        answer_tokens: int,
        time: int = 0,
    ) -> Request[P]:
        """Return a request, under the hash of the address, the API and everything that is sent.

        Args:
            body: what is sent, as JSON values.
            read: reads the body of a response.
            personal: what of it is the user's own.
            max_new_tokens: the maximum length of the answer.
            answer_tokens: the expected one.
            time: which time the same is asked, from 0.
        """
        text = json.dumps(body, ensure_ascii=False)
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            body = writable(body)
            text = json.dumps(body, ensure_ascii=False)
            size = len(text.encode())
        again = (time,) if time else ()
        return Request(
            key=content_id("reply", self._endpoint.server.url, self._endpoint.path, text, *again),
            body=body,
            read=read,
            personal=personal,
            characters=len(text),
            size=size,
            answer_tokens=answer_tokens,
            max_new_tokens=max_new_tokens,
            most_usd=self.usd(size + OVERHEAD, max_new_tokens) or 0.0,
        )

    def send(
        self,
        requests: Sequence[Request[P]],
        *,
        purpose: str,
        known: int,
        keep: Callable[[Request[P], P, Reply], None],
        on_outcome: Callable[[], None],
    ) -> Sent:
        """Send requests until each has an outcome.

        Args:
            requests: with different keys.
            purpose: of the requests, for the ledger.
            known: how many requests beside them have an answer already.
            keep: see :class:`~mealign.language.sending.Sending`.
            on_outcome: called whenever one more request has an outcome.

        Raises:
            MealignError: every further request would fail, or the budget is spent; what is answered is kept.
        """
        answered = known

        def counted(request: Request[P], parsed: P, reply: Reply) -> None:
            nonlocal answered
            keep(request, parsed, reply)
            answered += 1

        shared: dict[str, Any] = {
            "budget": self._budget,
            "ledger": self._ledger,
            "purpose": purpose,
            "keep": counted,
            "on_outcome": on_outcome,
        }
        if self._batching is not None:
            work = Batches(self._endpoint, connect=self._batching.connect, store=self._batching.store, **shared).send(
                requests
            )
        else:
            work = Sending(self._endpoint, pace=self._pace, heard=known > 0, **shared).send(requests)
        with _uncollected():
            sent = asyncio.run(work)
        if sent.out_of_budget:
            raise self._budget.is_spent(answered, known + len(requests))
        return sent

    def count(self, request: Request[P], usage: Usage) -> None:
        """Count what a reply used, once."""
        self._budget.count(request.key, usage.cost_usd)

    def usage(self, request: Request[P], parsed: P, reply: Reply) -> Usage:
        """Return what a reply used."""
        used = believed(
            parsed.prompt_tokens,
            parsed.completion_tokens,
            sent=request.size,
            received=len(parsed.text.encode("utf-8", "replace")),
            limit=request.max_new_tokens,
        )
        cost = self.usd(used.prompt_tokens, used.completion_tokens, batch=reply.batch) or 0.0
        return replace(used, cost_usd=cost)

    @property
    def by_batch(self) -> bool:
        """Whether the batch API is used."""
        return self._batching is not None

    def usd(self, prompt_tokens: int, completion_tokens: int, *, batch: bool | None = None) -> float | None:
        """Return the cost of these tokens in US dollars, None if it is unknown; by batch if this model is asked so."""
        by_batch = self.by_batch if batch is None else batch
        return self._price.usd(prompt_tokens, completion_tokens, batch=by_batch) if self._price else None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Exclude libraries and data from garbage collection: scanning them took a tenth of a request's time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def writable(value: Any) -> Any:
    """Replace lone surrogates, which are legal in JSON and cannot be written to a file or sent."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {writable(name): writable(inner) for name, inner in value.items()}
    return [writable(inner) for inner in value] if isinstance(value, list) else value
