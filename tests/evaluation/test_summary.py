import re
from dataclasses import replace

import pytest

from mealign.errors import MealignError
from mealign.evaluation.summary import flatten_metrics, objective_scores, summarise
from mealign.records import Answer, Family, canonical_json
from tests.defaults import EvaluationConfig
from tests.evaluation.builders import ARMS, answers

SETTINGS = EvaluationConfig(resamples=200)


def test_means_by_arm_and_family_and_differences() -> None:
    given = [
        *answers("base+memory", [0.0, 0.5, 1.0, 0.1], families=("recall", "update")),
        *answers("sft+memory", [0.2, 0.7, 1.0, 0.5], families=("recall", "update")),
    ]
    gold = summarise(given, settings=SETTINGS, seed=1)["gold"]
    assert gold["n"] == 4
    assert gold["arms"]["base+memory"]["score"] == pytest.approx(0.4)
    assert gold["arms"]["base+memory"]["families"]["recall"]["score"] == pytest.approx(0.5)
    assert gold["arms"]["base+memory"]["families"]["update"]["n"] == 2
    assert set(gold["arms"]["base+memory"]["families"]) == {"recall", "update"}
    assert "categories" not in gold["arms"]["base+memory"]
    # the four differences: 0.2, 0.2, 0, 0.4
    assert gold["differences"]["sft+memory - base+memory"]["difference"] == pytest.approx(0.2)
    assert list(gold["differences"]) == ["sft+memory - base+memory"]


def test_abstention_is_right_or_wrong() -> None:
    families: tuple[Family, ...] = ("recall", "unanswerable", "recall", "unanswerable")
    given = answers("base", [0, 1, 0, 0], families=families, abstained=(True, True, False, False))
    abstention = summarise(given, settings=SETTINGS, seed=1)["gold"]["arms"]["base"]["abstention"]
    assert abstention == {"right": {"rate": 0.5, "n": 2}, "wrong": {"rate": 0.5, "n": 2}}


def test_a_rate_without_questions_is_left_out() -> None:
    found = summarise(answers("base", [1.0]), settings=SETTINGS, seed=1)["gold"]["arms"]["base"]
    assert set(found["abstention"]) == {"wrong"}


def test_locomo_categories() -> None:
    given = answers("base", [0.1, 0.2, 0.3, 1.0], categories=(1, 2, 1, 5), abstained=(False, False, False, True))
    found = summarise(given, settings=SETTINGS, seed=1)["gold"]["arms"]["base"]
    assert {key: value["n"] for key, value in found["categories"].items()} == {"1": 2, "2": 1, "5": 1}
    assert found["categories"]["1"]["score"] == pytest.approx(0.2)
    assert found["abstention"]["right"] == {"rate": 1.0, "n": 1}


@pytest.mark.parametrize(
    ("given", "objective", "arm"),
    [
        ([*answers("base+memory", [0.1]), *answers("dpo+memory", [0.3])], 0.3, "dpo+memory"),
        ([*answers("sft", [0.9]), *answers("sft+memory", [0.2])], 0.2, "sft+memory"),
        (answers("base+memory", [0.4], question_set="held_out"), 0.4, "base+memory"),
        ([*answers("sft+memory", [0.4], question_set="held_out"), *answers("base+memory", [0.2])], 0.2, "base+memory"),
        (answers("base", [0.9]), None, None),
        ([], None, None),
    ],
)
def test_objective(given: list[Answer], objective: float | None, arm: str | None) -> None:
    summary = summarise(given, settings=SETTINGS, seed=1)
    assert (summary["objective"], summary["objective_arm"]) == (objective, arm)


def test_the_objective_is_the_first_of_its_arms_that_was_asked() -> None:
    settings = replace(SETTINGS, objective=["sft", "base"])
    given = [*answers("dpo+memory", [0.9]), *answers("base", [0.2])]
    summary = summarise(given, settings=settings, seed=1)
    assert (summary["objective"], summary["objective_arm"]) == (0.2, "base")
    arm, scores = objective_scores(given, settings=settings)
    assert arm is not None
    assert (arm.name, arm.adapter, scores) == ("base", None, {"q0": 0.2})
    assert objective_scores(given, settings=replace(settings, objective=["sft"])) == (None, {})


def test_the_arms_of_the_settings_are_described_in_their_order() -> None:
    described = summarise(answers("base", [0.1]), settings=SETTINGS, seed=1)["arms"]
    assert [arm["name"] for arm in described] == ARMS
    assert described[3] == {"name": "sft+memory", "adapter": "sft", "context": "memory"}


def test_arms_must_have_answered_the_same_questions() -> None:
    with pytest.raises(MealignError, match="gold: sft and base answered different questions"):
        summarise([*answers("base", [0.1, 0.2]), *answers("sft", [0.1])], settings=SETTINGS, seed=1)


def test_a_question_is_answered_once() -> None:
    with pytest.raises(MealignError, match="1 of 2 answers share a question id"):
        summarise([*answers("base", [0.1]), *answers("base", [0.2])], settings=SETTINGS, seed=1)


def test_the_order_of_the_answers_does_not_matter() -> None:
    given = [*answers("base", [0.1, 0.4, 0.9]), *answers("sft", [0.3, 0.2, 0.8])]
    one = summarise(given, settings=SETTINGS, seed=1)
    other = summarise(given[::-1], settings=SETTINGS, seed=1)
    assert canonical_json(one) == canonical_json(other)


def test_flat_names_are_those_that_mlflow_allows() -> None:
    given = [
        *answers("base+memory", [0.1, 0.3], categories=(1, 5)),
        *answers("sft+memory", [0.3, 0.5], categories=(1, 5)),
    ]
    metrics = flatten_metrics(summarise(given, settings=SETTINGS, seed=1))
    assert metrics["objective"] == pytest.approx(0.4)
    assert metrics["gold/sft_with_memory/score"] == pytest.approx(0.4)
    assert metrics["gold/sft_with_memory/score_low"] <= 0.4 <= metrics["gold/sft_with_memory/score_high"]
    assert metrics["gold/sft_with_memory/recall/score"] == pytest.approx(0.4)
    assert metrics["gold/sft_with_memory/category_1/score"] == pytest.approx(0.3)
    assert metrics["gold/sft_with_memory/abstention_wrong"] == 0.0
    assert metrics["gold/sft_with_memory_minus_base_with_memory/difference"] == pytest.approx(0.2)
    assert all(re.fullmatch(r"[\w/]+", name) for name in metrics)
    assert all(isinstance(value, int | float) for value in metrics.values())


def test_nothing_asked_gives_no_metrics() -> None:
    assert flatten_metrics(summarise([], settings=SETTINGS, seed=1)) == {}
