"""The interface of a language model that writes, wherever it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from mealign.language.egress import Personal
from mealign.records import Message

Prompt = Sequence[Message]
Schema = Mapping[str, Any]
"""A JSON schema (draft 2020-12) of an object."""

ROLE_TOKENS = re.compile(
    r"<\|[^|<>]{0,40}\|>|<｜[^｜<>]{0,40}｜>|</?s>|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\]"
    r"|<(?:start|end)_of_turn>|<(?:bos|eos|pad)>"
)
"""How common chat formats mark a turn (ChatML, Llama 2 and 3, Mistral, Gemma, DeepSeek)."""
SCHEMA_REQUEST = "Answer with one JSON object that matches this JSON schema, and with nothing else:"


def unheard(place: int, answer: str) -> None:
    """Do nothing with an answer before all are there."""


class TextModel(Protocol):
    """A model that writes answers. ``digest`` identifies its weights, or the server and the model's name there."""

    digest: str

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
        """Return ``n`` answers per prompt, in the order of the prompts; greedy at temperature 0."""
        ...

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
        """Return one answer per prompt, requested as JSON of this schema in the strictest way the model supports.

        The answer is the model's own text: it may be empty, cut off or not JSON at all, so the caller has to check it.
        ``temperature`` None leaves it to the model; ``personal`` says for each prompt what of it is the user's own,
        and ``description`` what the answers are for. ``on_answer`` is called with a prompt's place and its answer, as
        soon as there is one.
        """
        ...


def with_schema(prompt: Prompt, schema: Schema) -> tuple[Message, ...]:
    """Request JSON in words: append the request and the schema to the system message."""
    request = f"{SCHEMA_REQUEST}\n{json.dumps(schema, ensure_ascii=False)}"
    if prompt and prompt[0].role == "system":
        return (Message(role="system", content=f"{prompt[0].content}\n\n{request}"), *prompt[1:])
    return (Message(role="system", content=request), *prompt)


def without_role_tokens(text: str) -> str:
    """Blank out what a chat format would read as the end of a turn, also where removing one creates another."""
    while (cleaned := ROLE_TOKENS.sub(" ", text)) != text:
        text = cleaned
    return text
