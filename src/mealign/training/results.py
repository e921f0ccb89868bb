"""What a training run reports: its curve, and a few numbers that summarise it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mealign.errors import MealignError

Stage = Literal["sft", "dpo"]

CURVES = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "num_tokens": "tokens",
    "mean_token_accuracy": "mean_token_accuracy",
    "rewards/chosen": "rewards/chosen",
    "rewards/rejected": "rewards/rejected",
    "rewards/accuracies": "rewards/accuracies",
    "rewards/margins": "rewards/margins",
    "logps/chosen": "logps/chosen",
    "logps/rejected": "logps/rejected",
    "reading_loss": "reading_loss",
}
"""TRL's name of what it reports for a step, and the name in a history. Without times the history is reproducible."""

SUMMARIES: Mapping[str, str] = {
    "mean_token_accuracy": "token_accuracy",
    "rewards/accuracies": "reward_accuracy",
    "rewards/margins": "reward_margin",
}
"""Curves whose level at the end of a run becomes a metric, and the metric's name."""


EXPLODED = 10.0
"""The largest loss allowed, as a multiple of the first step's loss, or of one nat if that is more."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training run reports; nothing in it depends on a clock.

    Attributes:
        history: one point per optimizer step, in order, with ``step`` (from 1), ``loss``, ``learning_rate``,
            ``grad_norm`` (before clipping), ``tokens`` (read so far, padding excluded; a pair's prompt counts twice, as
            it is read twice), ``mean_token_accuracy`` (share of the answers' tokens that the policy ranks first) and,
            where it was measured, ``reading_loss`` (of the tasks that were set apart, nats per token), and
            for DPO, ``rewards/chosen``, ``rewards/rejected``, ``rewards/accuracies``, ``rewards/margins`` (in units of
            beta times nats), ``logps/chosen`` and ``logps/rejected`` (nats per answer).
        metrics: ``<stage>/loss`` (last step), ``<stage>/mean_loss`` (whole run), ``<stage>/steps``, ``<stage>/tokens``,
            and as means over the last quarter of the steps, since one batch says little, ``<stage>/token_accuracy``,
            ``dpo/reward_accuracy`` and ``dpo/reward_margin``. Where reading was measured, ``sft/reading_loss`` (the
            lowest) and ``sft/best_step`` (the step of the adapter that was kept).
        examples: tasks or pairs that were trained on.
        skipped_too_long: tasks or pairs that were left out because they exceed the longest sequence.
        shortened: how many of the examples show less of the memory than intended, because of that length.
        halvings: how often the micro-batch was halved because memory ran out; the batch of a step stayed the same.
    """

    history: tuple[dict[str, float], ...]
    metrics: dict[str, float]
    examples: int
    skipped_too_long: int
    shortened: int = 0
    halvings: int = 0


def curve_point(
    stage: Stage,
    step: int,
    logs: Mapping[str, float],
    *,
    first: float | None = None,
    records: Callable[[], Sequence[str]] = tuple,
) -> dict[str, float]:
    """Convert TRL's report of one step to a point of the history.

    Args:
        stage: name of the training stage.
        step: counted from 1.
        logs: TRL's report.
        first: the loss of the first step of the same kind in nats; None for that step itself.
        records: returns the ids of the tasks or pairs of this step, for the error.

    Raises:
        MealignError: the loss or the norm of its gradient is not a finite number, or the loss has exploded; the message
            names the step and the tasks or pairs of its batch.
    """
    mend = f"lower training.{stage}.learning_rate, or check the base model and these records"
    for name in ("loss", "grad_norm"):
        if name in logs and not math.isfinite(logs[name]):
            raise MealignError(
                f"{stage}: {name} is {logs[name]} at step {step} ({_named(records())}), so the weights are spoiled and "
                f"nothing was saved; {mend}"
            )
    if first is not None and logs["loss"] > EXPLODED * max(first, 1.0):
        raise MealignError(
            f"{stage}: loss has exploded from {first:.4g} at the first step to {logs['loss']:.4g} at step {step} "
            f"({_named(records())}), and nothing was saved; {mend}"
        )
    return {"step": step} | {name: float(logs[key]) for key, name in CURVES.items() if key in logs}


def sum_up(
    stage: Stage,
    history: Sequence[dict[str, float]],
    *,
    examples: int,
    skipped_too_long: int,
    shortened: int = 0,
    halvings: int = 0,
) -> TrainingResult:
    """Build the result of a run from its history of at least one step."""
    losses = [point["loss"] for point in history]
    tail = history[-math.ceil(len(history) / 4) :]
    metrics = {
        f"{stage}/loss": losses[-1],
        f"{stage}/mean_loss": sum(losses) / len(losses),
        f"{stage}/steps": float(len(history)),
        f"{stage}/tokens": history[-1]["tokens"],
    }
    for curve, name in SUMMARIES.items():
        # An SFT step between DPO steps reports no rewards.
        if reported := [point[curve] for point in tail if curve in point]:
            metrics[f"{stage}/{name}"] = sum(reported) / len(reported)
    if measured := [point for point in history if "reading_loss" in point]:
        best = min(measured, key=lambda point: point["reading_loss"])
        metrics |= {f"{stage}/reading_loss": best["reading_loss"], f"{stage}/best_step": best["step"]}
    return TrainingResult(
        tuple(history),
        metrics,
        examples=examples,
        skipped_too_long=skipped_too_long,
        shortened=shortened,
        halvings=halvings,
    )


def _named(records: Sequence[str]) -> str:
    return f"batch of {', '.join(records)}" if records else "batch unknown"
