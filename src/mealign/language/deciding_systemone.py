"""Servers that answer ``/v1/systemone``: the protocol of transformers' DecisionPipeline over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mealign.language.deciding_openai import claimed, json_object, refuse_reasoning
from mealign.language.decisions import Decided, Inquiry, Undecided
from mealign.language.distributions import distribution
from mealign.language.endpoints import NotThisApiError, Reading
from mealign.language.transport import async_http_client, body_of


class HttpConnection:
    """Plain HTTP with a bearer token; no SDK speaks this protocol."""

    def __init__(self, url: str, *, key: str, timeout: float, concurrency: int) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._client = async_http_client(url, timeout=timeout, concurrency=concurrency)

    async def send(self, body: Mapping[str, Any]) -> str:
        """Send one request and return the body of its response.

        Raises:
            httpx2.HTTPError: the server refused, failed or did not answer.
        """
        response = await self._client.post(self._url, json=body, headers=self._headers)
        response.raise_for_status()
        return body_of(response)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class SystemOneEndpoint:
    """``/systemone`` of ``transformers serve``, vLLM, llama.cpp, ...: a probability for every option.

    Args:
        model: the model's name on the server.
        url: the server's address up to ``/v1``.
        key: what the server is sent as bearer token.
        timeout: seconds.
    """

    path = "/systemone"
    api = "/v1/systemone"

    def __init__(self, model: str, *, url: str, key: str, timeout: float) -> None:
        self.model = model
        self.url = url
        self._key = key
        self._timeout = timeout

    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return a request with one typed question for each.

        Raises:
            ConfigError: reasoning is asked for, for which the API has no place.
        """
        refuse_reasoning(inquiry, self.api)
        questions = {
            name: {"type": "choice", "instructions": choice.instructions, "criteria": dict(choice.options)}
            for name, choice in inquiry.questions.items()
        }
        return {"model": self.model, "state": inquiry.state, "questions": questions}

    def connect(self, *, concurrency: int) -> HttpConnection:
        """Open a client for so many requests at once."""
        url = self.url.rstrip("/") + self.path
        return HttpConnection(url, key=self._key, timeout=self._timeout, concurrency=concurrency)

    def read(self, response: str, inquiry: Inquiry) -> Reading:
        """Read the answers by the names of their questions.

        Raises:
            NotThisApiError: these are none.
        """
        body = json_object(response)
        answers = body.get("answers")
        if not isinstance(answers, dict):
            raise NotThisApiError
        text = json.dumps(answers, ensure_ascii=False)
        outcome: Decided | Undecided
        try:
            outcome = Decided(
                {
                    name: distribution(answers[name]["probabilities"], choice)
                    for name, choice in inquiry.questions.items()
                }
            )
        except (ValueError, KeyError, TypeError):
            outcome = Undecided("malformed", raw=text)
        # No text was written: the answers are the server's, not the model's.
        return Reading(outcome, "", *claimed(body, "input_tokens", "output_tokens"))
