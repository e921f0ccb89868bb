"""What mealign asks of a language model, whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mealign.records import Message

Prompt = Sequence[Message]


@dataclass(frozen=True)
class Decision:
    """A probability for every option, and what the question cost in prompt tokens."""

    probabilities: dict[str, float]
    prompt_tokens: int


class ChatModel(Protocol):
    """A model that writes answers and takes decisions. ``digest`` names its weights."""

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
        """Return ``n`` answers a prompt, in the order of the prompts; greedy at temperature 0."""
        ...

    def decide(self, state: str, instructions: str, options: Mapping[str, str]) -> Decision:
        """Return how probable each option is; ``options`` maps a name to what it means."""
        ...
