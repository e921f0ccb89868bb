"""A model that writes, through Anthropic's messages API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import anthropic

from mealign.errors import MealignError
from mealign.language.chat import Prompt, Schema
from mealign.language.endpoints import Server
from mealign.language.transport import RETRIES, TIMEOUT, ask_each, ask_times, failures_explained, http_client
from mealign.language.vendors.anthropic.deciding import TOOL
from mealign.records import content_id


class AnthropicModel:
    """A model behind ``/v1/messages``, as a :class:`~mealign.language.chat.TextModel`.

    The server's address is given without ``/v1``, and its key is sent as bearer token and as ``x-api-key``.
    """

    def __init__(self, server: Server) -> None:
        self._name = server.model
        self._url = server.url
        self._client = anthropic.Anthropic(
            api_key=server.key,
            base_url=server.url,
            timeout=TIMEOUT,
            max_retries=RETRIES,
            http_client=http_client(server.url),
            # Compatible servers know only this header.
            default_headers={"x-api-key": server.key},
            # Spans could carry prompts to wherever the environment sends them.
            open_telemetry=False,
        )
        self.digest = content_id("model", "anthropic", server.url, server.model)

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
        """Return ``n`` answers per prompt, each from a request of its own; the API has no seed.

        Raises:
            MealignError: the server refused, failed or did not answer.
        """
        del seed, batch_size, description
        sampling = {"temperature": temperature, **({"top_p": top_p} if temperature > 0 else {})}

        def ask(prompt: Prompt, index: int) -> str:
            return self._create(prompt, max_new_tokens, extra_body=sampling)

        return ask_times(ask, prompts, n)

    def structured(
        self, prompts: Sequence[Prompt], schema: Schema, *, max_new_tokens: int, temperature: float | None = 0.0
    ) -> list[str]:
        """Return one answer per prompt: the arguments of the one tool that the model is forced to call.

        Raises:
            MealignError: the server refused, failed or did not answer.
        """
        tool = {"name": TOOL, "description": "Give the answer.", "input_schema": dict(schema)}
        choice = {"type": "tool", "name": TOOL, "disable_parallel_tool_use": True}
        sampling = {} if temperature is None else {"temperature": temperature}

        def ask(prompt: Prompt) -> str:
            return self._create(prompt, max_new_tokens, tools=[tool], tool_choice=choice, extra_body=sampling)

        return ask_each(ask, prompts)

    def _create(self, prompt: Prompt, max_new_tokens: int, **options: Any) -> str:
        messages: Any = [message.model_dump() for message in prompt if message.role != "system"]
        if system := "\n\n".join(message.content for message in prompt if message.role == "system"):
            options["system"] = system
        with failures_explained(self._url, anthropic.APIError, ValueError):
            answer = self._client.messages.create(
                model=self._name, messages=messages, max_tokens=max_new_tokens, **options
            )
        try:
            called = [block.input for block in answer.content if block.type == "tool_use"]
            if called:
                return json.dumps(called[0], ensure_ascii=False)
            return "".join(block.text for block in answer.content if block.type == "text")
        except (AttributeError, TypeError):
            raise MealignError(
                f"{self._url}: what answers there is no server with Anthropic's messages API; correct base_url"
            ) from None
