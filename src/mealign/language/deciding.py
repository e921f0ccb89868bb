"""A model on a server that decides: known answers are reused, other requests are sent, within a budget."""

from __future__ import annotations

import asyncio
import gc
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from mealign.errors import ConfigError, MealignError
from mealign.language.batches import collect
from mealign.language.budget import Budget
from mealign.language.decisions import Choice, Decided, Estimate, Inquiry, Undecided
from mealign.language.egress import Ledger
from mealign.language.endpoints import ParsedReply, Request, Server
from mealign.language.pace import Pace
from mealign.language.prices import OVERHEAD, Price, believed, tokens_in
from mealign.language.replies import Reply, ReplyStore
from mealign.language.sending import Sending
from mealign.language.settings import ServerConfig
from mealign.language.vendor import DecisionApi
from mealign.progress import bar
from mealign.records import content_id

ANSWER = 16
"""Assumed tokens of an answer to one question while none has been seen."""
WORDS = 160
"""The same for reasoning."""
SECONDS_A_MINUTE = 60


class RemoteModel:
    """A :class:`~mealign.language.decisions.DecisionModel` behind an API.

    The key of a reply is the hash of the address, the API and the whole request. Replies are kept as they came and
    parsed from their files every time, so that none is paid for twice, even if parsing changes.

    Args:
        api: the API to use.
        server: the model on its server.
        settings: request limits, and whether to use the API's batches.
        cache: folder of the replies.
        ledger: file that records what left the machine.
        price: of the model; None: unknown.
        max_usd: maximum cost of all requests to this model, including known answers.
        max_calls: the same as a number of requests.

    Raises:
        ConfigError: dollars are limited and the model's price is unknown.
    """

    def __init__(
        self,
        api: DecisionApi,
        server: Server,
        *,
        settings: ServerConfig,
        cache: Path,
        ledger: Path,
        price: Price | None,
        max_usd: float | None = None,
        max_calls: int | None = None,
    ) -> None:
        if max_usd is not None and price is None:
            raise ConfigError(
                f"judge.max_usd={max_usd} with judge.server.model={server.model}: its price is unknown, so nothing "
                "can hold it to that; add the model to conf/prices.yaml, or use judge.max_calls"
            )
        endpoint = api.endpoint(
            server,
            max_new_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            timeout=settings.timeout,
        )
        self._endpoint = endpoint
        self._has_words = api.words
        self._settings = settings
        self._store = ReplyStore(cache)
        self._ledger = Ledger(ledger, address=server.url, model=server.model)
        self._price = price
        self._budget = Budget(max_usd=max_usd, max_calls=max_calls)
        self._pace = Pace(
            concurrency=settings.concurrency,
            requests_per_minute=settings.requests_per_minute,
            tokens_per_minute=settings.tokens_per_minute,
        )
        self._batches = partial(api.batch, endpoint) if settings.batch and api.batch else None
        # An empty inquiry, so that every option of a request is part of the digest.
        example = endpoint.body(Inquiry("", {"": Choice("", {"a": "", "b": ""})}))
        self.digest = content_id("model", server.url, endpoint.path, example)

    def decide(self, inquiries: Sequence[Inquiry], *, description: str | None = None) -> list[Decided | Undecided]:
        """Return one outcome per inquiry, in their order; the same inquiry twice is one request.

        Raises:
            ConfigError: the API does not support an inquiry.
            MealignError: there is no such server, it denies access, or the budget is spent; answers so far are kept.
        """
        requests = [self._request(inquiry) for inquiry in inquiries]
        distinct = {request.key: request for request in requests}
        outcomes: dict[str, Decided | Undecided] = {}
        for key, request in distinct.items():
            if (reply := self._store.get(key)) is not None:
                outcomes[key] = self._outcome(request, self._endpoint.read(reply.text, request.inquiry), reply)
        unknown = [request for key, request in distinct.items() if key not in outcomes]
        if unknown:
            self._send(unknown, outcomes, description or "decide")
        return [outcomes[request.key] for request in requests]

    def estimate(self, inquiries: Sequence[Inquiry]) -> Estimate:
        """Estimate the requests that are not answered yet.

        Prompt tokens are estimated from their size; the length and time of an answer are those of the known replies.
        Without any, an answer is assumed to be short and its time is unknown.
        """
        distinct = {request.key: request for request in map(self._request, inquiries)}
        replies = {key: reply for key in distinct if (reply := self._store.get(key)) is not None}
        unknown = [request for key, request in distinct.items() if key not in replies]
        known = [
            self._outcome(distinct[key], self._endpoint.read(reply.text, distinct[key].inquiry), reply).usage
            for key, reply in replies.items()
        ]
        prompt = sum(tokens_in(request.size) for request in unknown)
        mean = fmean(usage.completion_tokens for usage in known) if known else None
        completion = round(sum(_assumed(request.inquiry) if mean is None else mean for request in unknown))
        cost = self._price.usd(prompt, completion, batch=self._batches is not None) if self._price else None
        return Estimate(
            requests=len(unknown),
            known=len(replies),
            prompt_tokens=prompt,
            completion_tokens=completion,
            cost_usd=0.0 if not unknown else cost,
            minutes=self._minutes(len(unknown), prompt + completion, replies.values()),
        )

    def _minutes(self, requests: int, tokens: int, replies: Iterable[Reply]) -> float | None:
        if not requests:
            return 0.0
        seconds = [reply.seconds for reply in replies if reply.seconds is not None]
        if self._batches is not None or not seconds:
            return None
        at_once = requests * fmean(seconds) / min(requests, self._settings.concurrency) / SECONDS_A_MINUTE
        by_requests = requests / (self._settings.requests_per_minute or math.inf)
        by_tokens = tokens / (self._settings.tokens_per_minute or math.inf)
        return max(at_once, by_requests, by_tokens)

    def _send(self, unknown: list[Request], outcomes: dict[str, Decided | Undecided], description: str) -> None:
        total = len(unknown) + len(outcomes)
        with bar(description, total=len(unknown)) as shown:

            def answered(request: Request, parsed: ParsedReply, reply: Reply) -> None:
                outcomes[request.key] = self._outcome(request, parsed, reply)

            if self._batches is not None:
                work = collect(
                    self._batches,
                    unknown,
                    endpoint=self._endpoint,
                    budget=self._budget,
                    store=self._store,
                    ledger=self._ledger,
                    purpose=description,
                    on_answer=answered,
                    on_outcome=shown.advance,
                )
            else:
                work = Sending(
                    self._endpoint,
                    settings=self._settings,
                    budget=self._budget,
                    pace=self._pace,
                    store=self._store,
                    ledger=self._ledger,
                    purpose=description,
                    heard=bool(outcomes),
                    on_answer=answered,
                    on_outcome=shown.advance,
                ).send(unknown)
            with _uncollected():
                failed, out_of_budget = asyncio.run(work)
        outcomes.update(failed)
        if out_of_budget:
            raise MealignError(self._spent(len(outcomes), total))

    def _spent(self, answered: int, total: int) -> str:
        budget = self._budget
        limits = [f"judge.max_usd={budget.max_usd}"] if budget.max_usd is not None else []
        limits += [f"judge.max_calls={budget.max_calls}"] if budget.max_calls is not None else []
        spent = f"{budget.calls} calls" + (f" and ${budget.spent:.4f}" if self._price else "")
        return (
            f"{' '.join(limits)}: the budget is spent: {spent}, and {answered} of {total} requests have their answer; "
            f"raise {' or '.join(limit.partition('=')[0] for limit in limits)} and run the same command again: "
            "it goes on there"
        )

    def _request(self, inquiry: Inquiry) -> Request:
        if inquiry.reasoning is not None and not self._has_words:
            raise ConfigError(
                f"judge.template asks for reasoning, and {self._endpoint.api} answers without words; "
                "choose a template without, or judge.server.api=chat"
            )
        body = self._endpoint.body(inquiry)
        text = json.dumps(body, ensure_ascii=False)
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            body = _writable(body)
            text = json.dumps(body, ensure_ascii=False)
            size = len(text.encode())
        limit = self._settings.max_new_tokens
        most = self._price.usd(size + OVERHEAD, limit, batch=self._batches is not None) if self._price else 0.0
        return Request(
            key=content_id("reply", self._endpoint.server.url, self._endpoint.path, text),
            inquiry=inquiry,
            body=body,
            characters=len(text),
            size=size,
            tokens=tokens_in(size) + _assumed(inquiry),
            most_usd=most,
        )

    def _outcome(self, request: Request, parsed: ParsedReply, reply: Reply) -> Decided | Undecided:
        """Return a reply's outcome with its usage, and count the usage once."""
        usage = believed(
            parsed.prompt_tokens,
            parsed.completion_tokens,
            sent=request.size,
            received=len(parsed.text.encode("utf-8", "replace")),
            limit=self._settings.max_new_tokens,
        )
        cost = self._price.usd(usage.prompt_tokens, usage.completion_tokens, batch=reply.batch) if self._price else 0.0
        self._budget.count(request.key, cost)
        outcome = replace(parsed.outcome, usage=replace(usage, cost_usd=cost))
        if isinstance(outcome, Undecided):
            return replace(outcome, raw=_writable(outcome.raw))
        return replace(outcome, reasoning=_writable(outcome.reasoning))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Exclude libraries and data from garbage collection: scanning them took a tenth of a request's time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _assumed(inquiry: Inquiry) -> int:
    return ANSWER * len(inquiry.questions) + (WORDS if inquiry.reasoning is not None else 0)


def _writable(value: Any) -> Any:
    """Replace lone surrogates, which are legal in JSON and cannot be written to a file or sent."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_writable(name): _writable(inner) for name, inner in value.items()}
    return [_writable(inner) for inner in value] if isinstance(value, list) else value
