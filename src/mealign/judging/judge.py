"""The interface of all judges."""

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

    ``p_first`` is in [0, 1]; ``dimensions`` are its components; ``rationale`` is for people to read.

    Raises:
        ValueError: ``p_first`` is not a probability.
    """

    p_first: float
    dimensions: dict[str, float] = field(default_factory=dict)
    rationale: str = ""
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        if not 0.0 <= self.p_first <= 1.0:
            raise ValueError(f"p_first={self.p_first} is no probability; it must be between 0 and 1")


class Judge(Protocol):
    """Compares answers. ``digest`` is a hash of everything on which its opinions depend besides the comparison."""

    name: str
    digest: str

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        """Return for every comparison the probability that its first answer is the better one.

        A failure to decide is :class:`~mealign.language.decisions.Undecided`, never a tie or a score.

        Raises:
            MealignError: nothing can be asked, or a budget is spent; what was answered is kept.
        """
        ...

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        """Estimate the cost of :meth:`compare`, without asking anything."""
        ...
