"""A model on a server that writes: every answer is a request of its own, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mealign.errors import MealignError
from mealign.language.chat import Prompt, Schema, unheard
from mealign.language.egress import Personal
from mealign.language.endpoints import Request, Sampling, WritingEndpoint, WrittenReply
from mealign.language.remote import Remote, writable
from mealign.language.replies import Reply
from mealign.records import content_id

NOTHING = Personal()


class RemoteWriter:
    """A :class:`~mealign.language.chat.TextModel` behind an API.

    Args:
        endpoint: the API on its server.
        remote: sends requests to it.
    """

    def __init__(self, endpoint: WritingEndpoint, *, remote: Remote[WrittenReply]) -> None:
        self._endpoint = endpoint
        self._remote = remote
        self.digest = content_id("model", endpoint.server.url, endpoint.path, endpoint.server.model)

    def chat(
        self,
        prompts: Sequence[Prompt],
        *,
        n: int = 1,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        batch_size: int = 32,
        description: str | None = None,
    ) -> list[list[str]]:
        """Return ``n`` answers per prompt, each from a request of its own: not every server supports ``n``.

        Batching is left to the server, and answers are reproducible with ``seed`` as far as it guarantees that.

        Raises:
            MealignError: a request has no answer, or the budget is spent.
        """
        del batch_size

        def sampling(time: int) -> Sampling:
            return Sampling(temperature, top_p, seed + time) if temperature > 0 else Sampling(temperature)

        requests = [
            self._request(prompt, max_new_tokens=max_new_tokens, sampling=sampling(time), time=time)
            for prompt in prompts
            for time in range(n)
        ]
        texts = self._answers(requests, purpose=description or "write", on_answer=unheard)
        return [texts[start : start + n] for start in range(0, len(texts), n)]

    def structured(
        self,
        prompts: Sequence[Prompt],
        schema: Schema,
        *,
        max_new_tokens: int,
        temperature: float | None = 0.0,
        personal: Sequence[Personal] | None = None,
        description: str | None = None,
        on_answer: Callable[[int, str], None] = unheard,
    ) -> list[str]:
        """Return one answer per prompt; the server enforces the schema where it can.

        Raises:
            MealignError: a request has no answer, or the budget is spent.
        """
        sampling = Sampling(temperature)
        requests = [
            self._request(prompt, personal=own, max_new_tokens=max_new_tokens, sampling=sampling, schema=schema)
            for prompt, own in zip(prompts, personal or [NOTHING] * len(prompts), strict=True)
        ]
        return self._answers(requests, purpose=description or "write", on_answer=on_answer)

    def _request(
        self,
        prompt: Prompt,
        *,
        max_new_tokens: int,
        sampling: Sampling,
        schema: Schema | None = None,
        personal: Personal = NOTHING,
        time: int = 0,
    ) -> Request[WrittenReply]:
        return self._remote.request(
            self._endpoint.body(prompt, max_new_tokens=max_new_tokens, sampling=sampling, schema=schema),
            self._endpoint.read,
            personal=personal,
            max_new_tokens=max_new_tokens,
            # Vendors' limits count the longest answer, not the likely one.
            answer_tokens=max_new_tokens,
            time=time,
        )

    def _answers(
        self, requests: Sequence[Request[WrittenReply]], *, purpose: str, on_answer: Callable[[int, str], None]
    ) -> list[str]:
        """Return one text per request, in their order; the same request twice is asked once."""
        texts: dict[str, str] = {}
        places: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            places.setdefault(request.key, []).append(place)

        def keep(request: Request[WrittenReply], written: WrittenReply, reply: Reply) -> None:
            texts[request.key] = writable(written.text)
            for place in places[request.key]:
                on_answer(place, texts[request.key])
            self._remote.count(request, self._remote.usage(request, written, reply))

        distinct = list({request.key: request for request in requests}.values())
        if distinct:
            sent = self._remote.send(distinct, purpose=purpose, known=0, keep=keep, on_outcome=lambda: None)
            if sent.failed:
                raise MealignError(
                    f"{sent.why}; {len(sent.failed)} of {len(distinct)} requests have no answer, the others' are kept"
                )
        return [texts[request.key] for request in requests]
