"""What both training stages report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mealign.summaries import Funnel, Summary

if TYPE_CHECKING:
    from mealign.training.results import TrainingResult


@dataclass(frozen=True, kw_only=True)
class TrainingSummary(Summary):
    """How training went; a stage's own summary adds what it was trained on."""

    skipped_too_long: int
    shortened: int
    halvings: int


def reported(result: TrainingResult, *, what: str) -> dict[str, Any]:
    """Return the fields of a :class:`TrainingSummary`; ``what`` names the examples in the report."""
    return {
        "funnel": Funnel(what=what, count=result.examples, rest={"skipped_too_long": result.skipped_too_long}),
        "skipped_too_long": result.skipped_too_long,
        "shortened": result.shortened,
        "halvings": result.halvings,
        "metrics": result.metrics,
    }
