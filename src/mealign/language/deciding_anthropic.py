"""Servers with Anthropic's API that decide: a tool that the model is made to call, with the schema of the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import anthropic
import httpx2

from mealign.language.anthropic import TOOL
from mealign.language.deciding_openai import claimed, json_object
from mealign.language.decisions import Decided, Inquiry, Undecided
from mealign.language.endpoints import NotThisApiError, Reading
from mealign.language.transport import async_http_client, body_of
from mealign.language.verbalised import prompt_of, read_answer, schema_of


class AnthropicConnection:
    """Anthropic's client, used for its keys, headers, addresses and errors; the transport sends again what fails."""

    def __init__(self, url: str, path: str, *, key: str, timeout: float, concurrency: int) -> None:
        self._path = path
        self.client = anthropic.AsyncAnthropic(
            api_key=key,
            base_url=url,
            timeout=timeout,
            max_retries=0,
            http_client=async_http_client(url, timeout=timeout, concurrency=concurrency),
            # Compatible servers know this header alone.
            default_headers={"x-api-key": key},
            # Spans could carry prompts to wherever the environment sends them.
            open_telemetry=False,
        )

    async def send(self, body: Mapping[str, Any]) -> str:
        """Send one request and return the body of its response.

        Raises:
            anthropic.APIError: the server refused, failed or did not answer.
        """
        response = await self.client.post(self._path, body=body, cast_to=httpx2.Response)
        return body_of(response)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


class MessagesEndpoint:
    """``/v1/messages``: verbalised confidence as the arguments of a forced tool.

    Args:
        model: the model's name on the server.
        url: the server's address without ``/v1``.
        key: what the server is sent, as bearer token and as ``x-api-key``.
        max_new_tokens: the longest answer.
        temperature: None leaves it to the server.
        timeout: seconds.
    """

    path = "/v1/messages"
    api = "Anthropic's messages API"

    def __init__(
        self, model: str, *, url: str, key: str, max_new_tokens: int, temperature: float | None, timeout: float
    ) -> None:
        self.model = model
        self.url = url
        self._key = key
        self._timeout = timeout
        self._options = {
            "max_tokens": max_new_tokens,
            **({} if temperature is None else {"temperature": temperature}),
        }

    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return a request with the questions as system message and tool, and the state as user message."""
        system, user = prompt_of(inquiry)
        return {
            "model": self.model,
            "system": system.content,
            "messages": [user.model_dump()],
            "tools": [{"name": TOOL, "description": "Give the answers.", "input_schema": schema_of(inquiry)}],
            "tool_choice": {"type": "tool", "name": TOOL, "disable_parallel_tool_use": True},
            **self._options,
        }

    def connect(self, *, concurrency: int) -> AnthropicConnection:
        """Open a client for so many requests at once."""
        return AnthropicConnection(self.url, self.path, key=self._key, timeout=self._timeout, concurrency=concurrency)

    def read(self, response: str, inquiry: Inquiry) -> Reading:
        """Read a message: the tool's arguments, or the text of a model that did not call it.

        Raises:
            NotThisApiError: it is none.
        """
        answer = json_object(response)
        try:
            blocks = answer["content"]
            called = [block["input"] for block in blocks if block["type"] == "tool_use"]
            text = "".join(block["text"] for block in blocks if block["type"] == "text")
        except (KeyError, TypeError) as error:
            raise NotThisApiError from error
        if called:
            text = json.dumps(called[0], ensure_ascii=False)
        outcome: Decided | Undecided
        match answer.get("stop_reason"):
            case "refusal":
                outcome = Undecided("refused", raw=text)
            case "model_context_window_exceeded":
                outcome = Undecided("too_long", raw=text)
            case "max_tokens":
                outcome = Undecided("malformed", raw=text)
            case _:
                outcome = Undecided("malformed", raw=text) if len(called) > 1 else read_answer(text, inquiry)
        return Reading(outcome, text, *claimed(answer, "input_tokens", "output_tokens"))
