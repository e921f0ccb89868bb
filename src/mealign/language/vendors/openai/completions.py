"""OpenAI's chat completions, and what OpenAI's own server names differently from compatible servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mealign.language.endpoints import NotThisApiError
from mealign.language.responses import claimed, json_object

ADDRESS = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Completion:
    """What a model said (``text``, or ``refusal``), why it ended, and the tokens that the server claims."""

    text: str
    refusal: str
    ended: object
    tokens: tuple[object, ...]


def completion_of(response: str) -> Completion:
    """Read a chat completion.

    Raises:
        NotThisApiError: it is none.
    """
    answer = json_object(response)
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        text, refusal, ended = message.get("content"), message.get("refusal"), choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise NotThisApiError from error
    tokens = claimed(answer, "prompt_tokens", "completion_tokens")
    return Completion(text if isinstance(text, str) else "", str(refusal or ""), ended, tokens)


def without_schema(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a request without ``response_format``, which some servers refuse; None if it has none."""
    if "response_format" not in body:
        return None
    return {name: value for name, value in body.items() if name != "response_format"}


def limit_name(url: str) -> str:
    """Return the server's name for the limit of an answer's length."""
    # OpenAI refuses the old name, and the other servers know only that.
    return "max_completion_tokens" if url == ADDRESS else "max_tokens"
