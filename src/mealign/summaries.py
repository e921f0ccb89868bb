"""What a stage reports: typed counts and figures, never a user's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """One step from documents to trained pairs: how many of what were made, and what became of the rest."""

    what: str
    count: int
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Base of what a stage reports; a stage's own is a dataclass too.

    ``metrics`` are final numbers by the name that MLflow shows; ``objective`` is what a sweep optimises, where the
    stage measures it.
    """

    funnel: Funnel | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    objective: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what was reported as JSON values; what is empty is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None and value != {}}
