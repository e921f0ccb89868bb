"""What a judge is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mealign.language.decisions import Estimate, Undecided, Usage
from mealign.records import Task


@dataclass(frozen=True)
class Comparison:
    """Two answers to a task, in the order in which a judge is shown them."""

    task: Task
    first: str
    second: str


@dataclass(frozen=True)
class Opinion:
    """A judge's answer about one comparison: P(the first answer is better), and why.

    ``p_first`` is in [0, 1]; ``dimensions`` are the parts it was made of; ``rationale`` is for a person to read.

    Raises:
        ValueError: ``p_first`` is no probability.
    """

    p_first: float
    dimensions: dict[str, float] = field(default_factory=dict)
    rationale: str = ""
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        if not 0.0 <= self.p_first <= 1.0:
            raise ValueError(f"p_first={self.p_first} is no probability; it must be between 0 and 1")


class Judge(Protocol):
    """Compares answers. ``digest`` names everything that its opinions depend on besides the comparison."""

    name: str
    digest: str

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        """Say of every comparison how probable it is that its first answer is the better one.

        What a judge could not decide is :class:`~mealign.language.decisions.Undecided`: never a tie, never a score.

        Raises:
            MealignError: nothing can be asked, or a budget is spent; what was answered is kept.
        """
        ...

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        """Say what :meth:`compare` would take, without asking anything."""
        ...
