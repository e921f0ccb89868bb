"""Tables and figures, as HTML and Markdown, only from what the stages reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mealign.jsonl import read_json, write_text
from mealign.pipeline.results import results_table
from mealign.pipeline.stage import Stage, StageContext
from mealign.summaries import Summary

if TYPE_CHECKING:
    from mealign.pipeline.tracker import Tracker

CHOICES = (
    "user.name", "seed", "model.name", "lora.rank", "lora.alpha_ratio", "mix.name", "memory.extractor", "context.name",
    "context.top_k", "task.max_tasks", "task.memory_share", "task.eval_share", "task.unanswerable_share",
    "candidates.n", "candidates.temperature", "candidates.max_prompts", "judge.name", "judge.backend", "judge.view",
    "preferences.min_margin", "preferences.max_pairs", "training.sft.epochs", "training.sft.learning_rate",
    "training.sft.batch_size", "training.dpo.beta", "training.dpo.epochs", "training.dpo.learning_rate",
    "training.dpo.batch_size", "evaluation.max_new_tokens", "evaluation.resamples", "evaluation.confidence",
)  # fmt: skip
"""The settings by which a reader compares runs, without paths and the person's name."""


@dataclass(frozen=True, kw_only=True)
class ReportSummary(Summary):
    """Which figures were drawn."""

    figures: list[str]


def run(context: StageContext) -> ReportSummary:
    """Render the report."""
    from mealign.reporting.render import render_report

    metrics = read_json(context.inputs / "metrics.json")
    stages: dict[str, dict[str, Any]] = {}
    for name, (summary, curve) in context.reported.items():
        stages[name] = {**read_json(summary), **({"history": read_json(curve)} if curve else {})}
    rendered = render_report(
        metrics,
        stages,
        title=f"mealign: {context.settings.user.name}",
        config={key: attrgetter(key)(context.settings) for key in CHOICES},
    )
    write_text(context.outputs / "report/report.md", rendered.markdown)
    write_text(context.outputs / "report/report.html", rendered.html)
    for name, image in rendered.figures.items():
        (context.outputs / "report" / name).write_bytes(image)
    return ReportSummary(figures=sorted(rendered.figures), objective=metrics["objective"])


def track(tracker: Tracker, context: StageContext, summary: Mapping[str, object]) -> None:
    """Log the report."""
    tracker.log_artifacts(context.inputs / "report", "report")


STAGE = Stage(
    name="report",
    run=run,
    reads=("metrics.json",),
    reads_summaries=True,
    writes=("report",),
    settings=CHOICES,
    tracked=True,
    track=track,
    show=results_table,
)
