"""Servers with Anthropic's messages API whose models write."""

from __future__ import annotations

from typing import Any

from mealign.language.chat import Prompt, Schema
from mealign.language.endpoints import Connection, Sampling, WritingEndpoint, WrittenReply
from mealign.language.vendors.anthropic.messages import forced, message_of


class MessagesWritingEndpoint(WritingEndpoint):
    """``/v1/messages``; the server's address is given without ``/v1``."""

    path = "/v1/messages"
    api = "Anthropic's messages API"

    def body(
        self, prompt: Prompt, *, max_new_tokens: int, sampling: Sampling, schema: Schema | None = None
    ) -> dict[str, Any]:
        """Return the request; an answer with a schema is the arguments of the one tool that must be called."""
        system = "\n\n".join(message.content for message in prompt if message.role == "system")
        return {
            "model": self.server.model,
            "messages": [message.model_dump() for message in prompt if message.role != "system"],
            "max_tokens": max_new_tokens,
            # The API has no seed.
            **sampling.fields("temperature", "top_p"),
            **({"system": system} if system else {}),
            **({} if schema is None else forced(schema)),
        }

    def connect(self) -> Connection:
        """Open Anthropic's client."""
        from mealign.language.vendors.anthropic.connection import AnthropicConnection

        return AnthropicConnection(self)

    def read(self, response: str) -> WrittenReply:
        """Read a message: the tool's arguments, or the text of a model that did not call it.

        Raises:
            NotThisApiError: it is no message.
        """
        said = message_of(response)
        return WrittenReply(said.text, *said.tokens)
