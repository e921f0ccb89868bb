"""A model on a server that decides: known answers are reused, other requests are sent, within a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from statistics import fmean

from mealign.errors import ConfigError
from mealign.language.decisions import Choice, Decided, Estimate, Inquiry, Undecided
from mealign.language.endpoints import Endpoint, NotThisApiError, ParsedReply, Request, understood
from mealign.language.prices import MOST_BYTES_A_TOKEN, tokens_in
from mealign.language.remote import Remote, writable
from mealign.language.replies import Reply, ReplyStore
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
        endpoint: the API on its server.
        words: whether a model can reason in words there.
        store: where replies are kept.
        remote: sends requests.
    """

    def __init__(self, endpoint: Endpoint, *, words: bool, store: ReplyStore, remote: Remote[ParsedReply]) -> None:
        self._endpoint = endpoint
        self._has_words = words
        self._store = store
        self._remote = remote
        # An empty inquiry, so that every option of a request is part of the digest.
        example = endpoint.body(Inquiry("", {"": Choice("", {"a": "", "b": ""})}))
        self.digest = content_id("model", endpoint.server.url, endpoint.path, example)

    def decide(self, inquiries: Sequence[Inquiry], *, description: str | None = None) -> list[Decided | Undecided]:
        """Return one outcome per inquiry, in their order; the same inquiry twice is one request.

        Raises:
            ConfigError: the API does not support an inquiry.
            MealignError: there is no such server, it denies access, or the budget is spent; answers so far are kept.
        """
        requests = [self._request(inquiry) for inquiry in inquiries]
        distinct = {request.key: request for request in requests}
        outcomes: dict[str, Decided | Undecided] = {
            key: self._outcome(distinct[key], parsed, reply) for key, (parsed, reply) in self._known(distinct).items()
        }
        unknown = [request for key, request in distinct.items() if key not in outcomes]
        if unknown:
            purpose = description or "decide"
            with bar(purpose, total=len(unknown)) as shown:
                outcomes |= self._send(unknown, known=len(outcomes), purpose=purpose, on_outcome=shown.advance)
        return [outcomes[request.key] for request in requests]

    def estimate(self, inquiries: Sequence[Inquiry]) -> Estimate:
        """Estimate the requests that are not answered yet.

        Prompt tokens are estimated from their size; the length and time of an answer are those of the known replies.
        Without any, an answer is assumed to be short and its time is unknown.
        """
        distinct = {request.key: request for request in map(self._request, inquiries)}
        known = self._known(distinct)
        unknown = [request for key, request in distinct.items() if key not in known]
        usages = [self._remote.usage(distinct[key], parsed, reply) for key, (parsed, reply) in known.items()]
        prompt = sum(tokens_in(request.size) for request in unknown)
        mean = fmean(usage.completion_tokens for usage in usages) if usages else None
        completion = round(sum(request.answer_tokens if mean is None else mean for request in unknown))
        return Estimate(
            requests=len(unknown),
            known=len(known),
            prompt_tokens=prompt,
            completion_tokens=completion,
            cost_usd=self._remote.usd(prompt, completion) if unknown else 0.0,
            minutes=self._minutes(len(unknown), prompt + completion, [reply for _, reply in known.values()]),
        )

    def _known(self, requests: Mapping[str, Request[ParsedReply]]) -> dict[str, tuple[ParsedReply, Reply]]:
        """Return the replies that are there, by key, as they were read and as they came."""
        known = {}
        for key, request in requests.items():
            if (reply := self._store.get(key)) is not None:
                # What cannot be read is asked for again.
                with suppress(NotThisApiError):
                    known[key] = understood(request, reply.text), reply
        return known

    def _minutes(self, requests: int, tokens: int, replies: Iterable[Reply]) -> float | None:
        if not requests:
            return 0.0
        limits = self._endpoint.limits
        seconds = [reply.seconds for reply in replies if reply.seconds is not None]
        if self._remote.by_batch or not seconds:
            return None
        at_once = requests * fmean(seconds) / min(requests, limits.concurrency) / SECONDS_A_MINUTE
        by_requests = requests / (limits.requests_per_minute or math.inf)
        by_tokens = tokens / (limits.tokens_per_minute or math.inf)
        return max(at_once, by_requests, by_tokens)

    def _send(
        self,
        unknown: Sequence[Request[ParsedReply]],
        *,
        known: int,
        purpose: str,
        on_outcome: Callable[[], None],
    ) -> dict[str, Decided | Undecided]:
        outcomes: dict[str, Decided | Undecided] = {}

        def keep(request: Request[ParsedReply], parsed: ParsedReply, reply: Reply) -> None:
            self._store.put(request.key, reply)
            outcomes[request.key] = self._outcome(request, parsed, reply)

        sent = self._remote.send(unknown, purpose=purpose, known=known, keep=keep, on_outcome=on_outcome)
        return {**outcomes, **sent.failed}

    def _request(self, inquiry: Inquiry) -> Request[ParsedReply]:
        if inquiry.reasoning is not None and not self._has_words:
            raise ConfigError(
                f"judge.template asks for reasoning, and {self._endpoint.api} answers without words; "
                "choose a template without, or judge.server.api=chat"
            )
        return self._remote.request(
            self._endpoint.body(inquiry),
            partial(self._endpoint.read, inquiry=inquiry),
            personal=inquiry.personal,
            max_new_tokens=self._endpoint.max_new_tokens,
            answer_tokens=ANSWER * len(inquiry.questions) + (WORDS if inquiry.reasoning is not None else 0),
        )

    def _outcome(self, request: Request[ParsedReply], parsed: ParsedReply, reply: Reply) -> Decided | Undecided:
        """Return a reply's outcome with its usage, and count the usage once."""
        usage = self._remote.usage(request, parsed, reply)
        self._remote.count(request, usage)
        outcome = replace(parsed.outcome, usage=usage)
        # What is longer than the model can write is the server's; all of it is in the store.
        most = MOST_BYTES_A_TOKEN * request.max_new_tokens
        if isinstance(outcome, Undecided):
            return replace(outcome, raw=writable(outcome.raw[:most]))
        return replace(outcome, reasoning=writable(outcome.reasoning[:most]))
