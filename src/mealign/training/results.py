"""What a training run reports: its curve, and the few numbers that sum it up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
}
"""What TRL reports for a step, and its name in a history. Times are left out: the same input gives the same history."""

SUMMARIES: Mapping[str, str] = {
    "mean_token_accuracy": "token_accuracy",
    "rewards/accuracies": "reward_accuracy",
    "rewards/margins": "reward_margin",
}
"""Curves whose level at the end of a run becomes a metric, and that metric's name."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training run reports; nothing in it depends on a clock.

    Attributes:
        history: one point an optimizer step, in order, with ``step`` (from 1), ``loss``, ``learning_rate``,
            ``grad_norm`` (before clipping), ``tokens`` (read so far, padding excluded; a pair's prompt counts twice, as
            it is read twice), ``mean_token_accuracy`` (share of the answers' tokens that the policy ranks first) and,
            for DPO, ``rewards/chosen``, ``rewards/rejected``, ``rewards/accuracies``, ``rewards/margins`` (in units of
            beta times nats), ``logps/chosen`` and ``logps/rejected`` (nats an answer).
        metrics: ``<stage>/loss`` (last step), ``<stage>/mean_loss`` (whole run), ``<stage>/steps``, ``<stage>/tokens``,
            and as means over the last quarter of the steps, since one batch says little, ``<stage>/token_accuracy``,
            ``dpo/reward_accuracy`` and ``dpo/reward_margin``.
        examples: tasks or pairs that were trained on.
        skipped_too_long: tasks or pairs that were left out because they exceed the longest sequence.
    """

    history: tuple[dict[str, float], ...]
    metrics: dict[str, float]
    examples: int
    skipped_too_long: int


def curve_point(stage: Stage, step: int, logs: Mapping[str, float]) -> dict[str, float]:
    """Turn TRL's report of one step into a point of the history.

    Raises:
        MealignError: the loss or the norm of its gradient is not a finite number.
    """
    for name in ("loss", "grad_norm"):
        if name in logs and not math.isfinite(logs[name]):
            raise MealignError(
                f"{stage}: {name} is {logs[name]} at step {step}, so the weights are spoiled and nothing was saved; "
                f"lower training.{stage}.learning_rate, or check the base model"
            )
    return {"step": step} | {name: float(logs[key]) for key, name in CURVES.items() if key in logs}


def sum_up(
    stage: Stage, history: Sequence[dict[str, float]], *, examples: int, skipped_too_long: int
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
        if curve in history[-1]:
            metrics[f"{stage}/{name}"] = sum(point[curve] for point in tail) / len(tail)
    return TrainingResult(tuple(history), metrics, examples=examples, skipped_too_long=skipped_too_long)
