"""Anthropic's messages: the tool that a model is forced to call, and what it answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mealign.language.chat import Schema
from mealign.language.endpoints import NotThisApiError
from mealign.language.responses import claimed, json_object

TOOL = "reply"
"""The tool that a model is forced to call with its answer."""


@dataclass(frozen=True)
class Said:
    """The arguments of the first call of a tool, else the text; how many calls, why it ended, and the tokens."""

    text: str
    calls: int
    ended: object
    tokens: tuple[object, ...]


def forced(schema: Schema) -> dict[str, Any]:
    """Return the fields of a request that force a model to answer by this schema."""
    return {
        "tools": [{"name": TOOL, "description": "Give the answers.", "input_schema": dict(schema)}],
        "tool_choice": {"type": "tool", "name": TOOL, "disable_parallel_tool_use": True},
    }


def message_of(response: str) -> Said:
    """Read a message.

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
    return Said(text, len(called), answer.get("stop_reason"), claimed(answer, "input_tokens", "output_tokens"))
