"""Servers with Anthropic's API that decide: the model is forced to call a tool with the schema of the answer."""

from __future__ import annotations

from typing import Any

from mealign.language.decisions import Decided, Inquiry, Undecided
from mealign.language.endpoints import Connection, Endpoint, ParsedReply
from mealign.language.vendors.anthropic.messages import forced, message_of
from mealign.language.verbalised import prompt_of, read_answer, schema_of


class MessagesEndpoint(Endpoint):
    """``/v1/messages``: verbalised confidence as the arguments of a forced tool."""

    path = "/v1/messages"
    api = "Anthropic's messages API"

    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return a request with the questions as system message and tool, and the state as user message."""
        system, user = prompt_of(inquiry)
        return {
            "model": self.server.model,
            "system": system.content,
            "messages": [user.model_dump()],
            **forced(schema_of(inquiry)),
            "max_tokens": self.max_new_tokens,
            **self.sampling,
        }

    def connect(self) -> Connection:
        """Open Anthropic's client."""
        from mealign.language.vendors.anthropic.connection import AnthropicConnection

        return AnthropicConnection(self)

    def read(self, response: str, inquiry: Inquiry) -> ParsedReply:
        """Read a message: the tool's arguments, or the text of a model that did not call it.

        Raises:
            NotThisApiError: it is no message.
        """
        said = message_of(response)
        outcome: Decided | Undecided
        match said.ended:
            case "refusal":
                outcome = Undecided("refused", raw=said.text)
            case "model_context_window_exceeded":
                outcome = Undecided("too_long", raw=said.text)
            case "max_tokens":
                outcome = Undecided("malformed", raw=said.text)
            case _ if said.calls > 1:
                outcome = Undecided("malformed", raw=said.text)
            case _:
                outcome = read_answer(said.text, inquiry)
        return ParsedReply(outcome, said.text, *said.tokens)
