"""What becomes of a metric's value, and of a metric that fails."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.evaluation.metrics import OWN_FIELDS, further_metrics, measured
from mealign.evaluation.summary import flatten_metrics, summarise
from mealign.experiment.code import code_of
from mealign.pipeline.registry import stages
from mealign.plugins import names_in
from mealign.records import Answer, Question
from tests.defaults import EvaluationConfig
from tests.evaluation.builders import answers
from tests.evaluation.metrics.test_score import ask

SETTINGS = EvaluationConfig(resamples=100)


def saying(value: Any) -> Any:
    """Return a metric that says the value, or raises it."""

    def measure(question: Question, answer: str) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return measure


@pytest.mark.parametrize(
    ("value", "values", "failed"),
    [
        (0.25, {"m": 0.25}, {}),
        (3, {"m": 3.0}, {}),
        (True, {"m": 1.0}, {}),
        (None, {}, {}),
        (math.nan, {}, {"m": "ValueError: nan is no finite number"}),
        (math.inf, {}, {"m": "ValueError: inf is no finite number"}),
        ("much", {}, {"m": "ValueError: could not convert string to float: 'much'"}),
        (KeyError("x"), {}, {"m": "KeyError: 'x'"}),
    ],
)
def test_a_value_is_kept_and_a_failure_is_no_value(
    value: Any, values: dict[str, float], failed: dict[str, str]
) -> None:
    assert measured({"m": saying(value)}, ask("Ghent"), "Ghent") == (values, failed)


def test_one_metric_that_fails_leaves_the_others() -> None:
    metrics = {"a": saying(1.0), "b": saying(ValueError("no")), "c": saying(2.0)}
    assert measured(metrics, ask("Ghent"), "Ghent") == ({"a": 1.0, "c": 2.0}, {"b": "ValueError: no"})


def given_metrics(said: list[float | str | None]) -> list[Answer]:
    """Return an answer for every value of the metric ``m``: a number, why it failed, or None where it says none."""
    return [
        answer.model_copy(
            update={
                "metrics": {"m": value} if isinstance(value, float) else {},
                "failed": {"m": value} if isinstance(value, str) else {},
            }
        )
        for answer, value in zip(answers("sft+memory", [0.5] * len(said)), said, strict=True)
    ]


@given(st.lists(st.none() | st.just("ValueError: no") | st.floats(-100, 100), min_size=1, max_size=12))
def test_the_mean_is_over_the_values_alone_and_all_answers_are_accounted_for(said: list[float | str | None]) -> None:
    arm = summarise(given_metrics(said), settings=SETTINGS, seed=1)["gold"]["arms"]["sft+memory"]
    values = [value for value in said if isinstance(value, float)]
    failures = sum(isinstance(value, str) for value in said)
    if not values and not failures:
        assert "metrics" not in arm
        return
    found = arm["metrics"]["m"]
    assert (found["n"], found["failed"]) == (len(values), failures)
    assert ("mean" in found) == bool(values)
    if values:
        assert found["mean"] == pytest.approx(sum(values) / len(values))
        assert found["low"] <= found["mean"] <= found["high"]


def test_flat_names_of_a_further_metric() -> None:
    metrics = flatten_metrics(summarise(given_metrics([2.0, "no", 4.0, None]), settings=SETTINGS, seed=1))
    found = {name: value for name, value in metrics.items() if name.startswith("gold/sft_with_memory/m")}
    assert found.keys() == {f"gold/sft_with_memory/m{end}" for end in ("", "_low", "_high", "_n", "_failed")}
    assert [found[f"gold/sft_with_memory/m{end}"] for end in ("", "_n", "_failed")] == [3.0, 2, 1]


def test_the_shipped_metrics_are_fields_and_count_as_code_of_the_evaluation_alone() -> None:
    package = "mealign.evaluation.metrics"
    assert tuple(names_in(package)) == OWN_FIELDS
    assert further_metrics() == {}
    for name, stage in stages().items():
        reached = {f"{package}.{metric}" for metric in OWN_FIELDS} & code_of(stage.run).files.keys()
        assert len(reached) == (len(OWN_FIELDS) if name == "evaluate" else 0), name
