"""What a stage reports: typed counts and figures, never a user's text."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mealign.records import Record


class Funnel(Record):
    """One step on the way from documents to trained pairs: how many were made, and what became of the rest."""

    what: str
    count: int
    rest: dict[str, Any] = Field(default_factory=dict)


class Summary(Record):
    """Base of what a stage reports.

    ``metrics`` are final numbers by the name that MLflow shows; ``objective`` is what a sweep optimises, where the
    stage measures it.
    """

    funnel: Funnel | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    objective: float | None = None
