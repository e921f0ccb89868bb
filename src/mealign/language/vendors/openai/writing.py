"""Servers with OpenAI's chat API whose models write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mealign.language.chat import Prompt, Schema, with_schema
from mealign.language.endpoints import Connection, Sampling, WritingEndpoint, WrittenReply
from mealign.language.vendors.openai.completions import completion_of, limit_name, without_schema


class ChatWritingEndpoint(WritingEndpoint):
    """``/chat/completions`` below ``/v1``, which is part of the server's address."""

    path = "/chat/completions"
    api = "OpenAI's chat API"

    def body(
        self, prompt: Prompt, *, max_new_tokens: int, sampling: Sampling, schema: Schema | None = None
    ) -> dict[str, Any]:
        """Return the request; a schema is in the prompt too, for servers that ignore ``response_format``."""
        asked = prompt if schema is None else with_schema(prompt, schema)
        form = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}
        return {
            "model": self.server.model,
            "messages": [message.model_dump() for message in asked],
            limit_name(self.server.url): max_new_tokens,
            **sampling.fields("temperature", "top_p", "seed"),
            **({} if schema is None else {"response_format": form}),
        }

    def connect(self) -> Connection:
        """Open OpenAI's client."""
        from mealign.language.vendors.openai.connection import OpenAIConnection

        return OpenAIConnection(self)

    def simpler(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the request without ``response_format``."""
        return without_schema(body)

    def read(self, response: str) -> WrittenReply:
        """Read a chat completion; a refusal is an empty answer.

        Raises:
            NotThisApiError: it is no chat completion.
        """
        said = completion_of(response)
        return WrittenReply(said.text, *said.tokens)
