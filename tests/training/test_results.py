import math
from typing import Any

import pytest

from mealign.errors import MealignError
from mealign.training.results import curve_point, sum_up


def test_a_point_has_the_step_and_what_trl_reports_without_its_times() -> None:
    logs = {"loss": 0.5, "grad_norm": 2, "num_tokens": 30, "rewards/margins": 0.25, "epoch": 0.1, "entropy": 3.0}
    expected = {"step": 7, "loss": 0.5, "grad_norm": 2.0, "tokens": 30.0, "rewards/margins": 0.25}
    assert curve_point("dpo", 7, logs) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["loss", "grad_norm"])
def test_a_number_that_is_none_names_stage_step_and_key(name: str, value: float) -> None:
    with pytest.raises(MealignError, match=rf"sft: {name} is -?(nan|inf) at step 3.*training\.sft\.learning_rate"):
        curve_point("sft", 3, {"loss": 1.0, "grad_norm": 1.0, name: value})


@pytest.mark.parametrize(("first", "limit"), [(0.5, 10.0), (3.0, 30.0)])
def test_a_loss_of_ten_times_the_first_or_ten_nats_has_exploded(first: float, limit: float) -> None:
    assert curve_point("dpo", 2, {"loss": limit}, first=first)["loss"] == limit
    with pytest.raises(MealignError, match=r"dpo: loss has exploded from .* at step 2 \(batch of pair_1, pair_2\)"):
        curve_point("dpo", 2, {"loss": limit + 0.1}, first=first, records=lambda: ["pair_1", "pair_2"])
    # The first step has nothing to be compared with.
    assert curve_point("dpo", 1, {"loss": limit + 0.1})["loss"] == limit + 0.1


def points(losses: list[float], **curves: list[float]) -> list[dict[str, Any]]:
    return [
        {"step": step + 1, "loss": loss, "tokens": 10.0 * (step + 1)}
        | {name.replace("__", "/"): values[step] for name, values in curves.items()}
        for step, loss in enumerate(losses)
    ]


def test_metrics_are_last_and_mean_loss_and_the_level_over_the_last_quarter() -> None:
    # Five steps: the last quarter, rounded up, is two of them.
    history = points([5, 4, 3, 2, 1], rewards__accuracies=[0, 0, 0, 0.5, 1], rewards__margins=[0, 0, 0, 0.1, 0.3])
    result = sum_up("dpo", history, examples=9, skipped_too_long=2)
    assert result.metrics == {
        "dpo/loss": 1,
        "dpo/mean_loss": 3,
        "dpo/steps": 5,
        "dpo/tokens": 50,
        "dpo/reward_accuracy": 0.75,
        "dpo/reward_margin": 0.2,
    }
    assert (result.examples, result.skipped_too_long, result.history) == (9, 2, tuple(history))


def test_a_run_of_one_step_is_summed_up() -> None:
    result = sum_up("sft", points([2.0], mean_token_accuracy=[0.5]), examples=1, skipped_too_long=0)
    assert result.metrics == {
        "sft/loss": 2, "sft/mean_loss": 2, "sft/steps": 1, "sft/tokens": 10, "sft/token_accuracy": 0.5
    }  # fmt: skip
