"""Whether an answer says that it does not know: 1 or 0, by the phrases of :func:`mealign.answers.abstained`."""

from __future__ import annotations

from mealign.answers import abstained
from mealign.records import Question


def measure(question: Question, answer: str) -> float:
    """Return 1 for an answer that declines, whether or not that is right for the question, else 0."""
    return float(abstained(answer))
