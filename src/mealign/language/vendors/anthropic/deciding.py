"""Servers with Anthropic's API that decide: the model is forced to call a tool with the schema of the answer."""

from __future__ import annotations

import json
from typing import Any

from mealign.language.decisions import Decided, Inquiry, Undecided
from mealign.language.endpoints import Connection, Endpoint, NotThisApiError, ParsedReply
from mealign.language.responses import claimed, json_object
from mealign.language.verbalised import prompt_of, read_answer, schema_of

TOOL = "reply"
"""The tool that a model is forced to call with its answer."""


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
            "tools": [{"name": TOOL, "description": "Give the answers.", "input_schema": schema_of(inquiry)}],
            "tool_choice": {"type": "tool", "name": TOOL, "disable_parallel_tool_use": True},
            "max_tokens": self.max_new_tokens,
            **self.sampling,
        }

    def connect(self, *, concurrency: int) -> Connection:
        """Open Anthropic's client for this many simultaneous requests."""
        from mealign.language.vendors.anthropic.connection import AnthropicConnection

        return AnthropicConnection(self, concurrency=concurrency)

    def read(self, response: str, inquiry: Inquiry) -> ParsedReply:
        """Read a message: the tool's arguments, or the text of a model that did not call it.

        Raises:
            NotThisApiError: it is no message.
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
        return ParsedReply(outcome, text, *claimed(answer, "input_tokens", "output_tokens"))
