"""What a judge is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mealign.records import Task


@dataclass(frozen=True)
class Opinion:
    """A judge's answer about one ordered pair: P(the first answer is better), and why.

    ``p_first`` is in [0, 1]; ``dimensions`` are the parts it was made of; ``rationale`` is for a person to read.

    Raises:
        ValueError: ``p_first`` is no probability.
    """

    p_first: float
    dimensions: dict[str, float] = field(default_factory=dict)
    rationale: str = ""
    prompt_tokens: int = 0
    cost_usd: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.p_first <= 1.0:
            raise ValueError(f"p_first={self.p_first} is no probability; it must be between 0 and 1")


class Judge(Protocol):
    """Compares two answers to a task. ``digest`` names everything that its opinion depends on besides the task."""

    name: str
    digest: str

    def compare(self, task: Task, first: str, second: str) -> Opinion:
        """Say how probable it is that ``first`` is the better answer.

        Raises:
            MealignError, RuntimeError, ValueError: the judge could not answer; the protocol records it as an error,
                never as a tie.
        """
        ...
