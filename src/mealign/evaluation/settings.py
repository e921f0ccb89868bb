"""Settings of evaluation: what is asked of each arm, and how certain the answer is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mealign.settings import INFINITE, optional, setting


@dataclass
class EvaluationConfig:
    """What is asked of each arm and how certain the answer is.

    ``max_questions`` and ``max_held_out`` cap the gold questions and the held-out tasks (null: all of them).
    """

    max_new_tokens: int = setting("the length of an answer in tokens", 1, 4096)
    batch_size: int = setting("a batch size", 1, 4096)
    resamples: int = setting("the number of bootstrap resamples", 100, 1_000_000)
    confidence: float = setting("a confidence level", 0.5, 0.999)
    max_questions: int | None = optional("the number of gold questions", 0, INFINITE)
    max_held_out: int | None = optional("the number of held-out tasks", 0, INFINITE)

    def problems(self, key: str) -> Iterator[str]:
        """Say what cannot work."""
        if self.max_questions == 0 and self.max_held_out == 0:
            yield f"{key}.max_questions=0 with {key}.max_held_out=0: nothing would be asked; set one of them"
