"""What a run shows of an evaluation when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mealign.jsonl import read_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mealign.pipeline.stage import StageContext


def results_table(context: StageContext) -> RenderableType:
    """Return the table of results."""
    from mealign.reporting.terminal import arms_table

    return arms_table(read_json(context.inputs / "metrics.json"))
