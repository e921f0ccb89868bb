"""Training that ends when reading gets no better."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from mealign.errors import MealignError
from mealign.jsonl import digest_path
from mealign.language.settings import Precision
from mealign.records import Task
from mealign.training import checkpoints
from mealign.training.early_stopping import EarlyStopping, set_apart
from mealign.training.isolation import quiet_training
from mealign.training.results import TrainingResult
from mealign.training.sft import build_trainer, to_row
from tests.defaults import LoraConfig, SftConfig
from tests.training.conftest import REFERENCES, Train, make_task
from tests.training.test_resume import Killed, at_step, kill

TASKS = [
    make_task(number, REFERENCES[number % 4], context_fact_ids=(f"fact_{number}",) if number % 2 else ())
    for number in range(12)
]
SETTINGS: dict[str, Any] = {"epochs": 5, "learning_rate": 5e-2, "batch_size": 4}


@pytest.fixture(scope="module")
def patient(sft: Train) -> Callable[..., TrainingResult]:
    def run(output: Path, **changes: Any) -> TrainingResult:
        return sft(output, TASKS, **SETTINGS | {"patience": 2, "lora": LoraConfig(rank=8, dropout=0.1)} | changes)

    return run


@pytest.fixture(scope="module")
def undisturbed(patient: Train, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingResult, Path]:
    output = tmp_path_factory.mktemp("whole") / "sft"
    return patient(output), output


@given(st.lists(st.tuples(st.sets(st.integers(0, 8), min_size=1, max_size=3), st.booleans()), min_size=1, max_size=20))
def test_nothing_in_training_rests_on_what_measures_reading(drawn: list[tuple[set[int], bool]]) -> None:
    tasks = [
        make_task(number, "Ghent", fact_ids=tuple(map(str, facts)), context_fact_ids=tuple(map(str, facts)) * shown)
        for number, (facts, shown) in enumerate(drawn)
    ]
    try:
        trained, measured = set_apart(tasks, seed=3)
    except MealignError:
        reject()
    assert all(task.context_fact_ids for task in measured)
    facts = {fact for task in measured for fact in task.fact_ids}
    assert not any(facts & set(task.fact_ids) for task in trained)
    # Nothing else is lost.
    assert all(task in trained or facts & set(task.fact_ids) for task in tasks)
    assert {task.id for task in set_apart(tasks[::-1], seed=3)[1]} == {task.id for task in measured}


def test_without_a_prompt_that_shows_memory_there_is_nothing_to_measure() -> None:
    with pytest.raises(MealignError, match=r"training\.sft\.patience: of 6 training tasks none shows memory"):
        set_apart(TASKS[::2], seed=3)


def test_it_ends_without_a_lower_loss(undisturbed: tuple[TrainingResult, Path]) -> None:
    result, _ = undisturbed
    measured = {int(point["step"]): point["reading_loss"] for point in result.history if "reading_loss" in point}
    # Eleven tasks are trained on, three steps an epoch; every one of the 15 steps is measured.
    assert list(measured) == list(range(1, len(result.history) + 1))
    assert len(result.history) < 15
    best = min(measured, key=lambda step: measured[step])
    assert best == len(result.history) - 2
    assert result.metrics["sft/best_step"] == best
    assert result.metrics["sft/reading_loss"] == measured[best]


def test_the_adapter_is_that_of_the_lowest_loss(
    undisturbed: tuple[TrainingResult, Path], tiny_model: Path, tokenizer: Any, tmp_path: Path
) -> None:
    result, adapter = undisturbed
    trained, measured = set_apart(TASKS, seed=1)
    with quiet_training():
        trainer = build_trainer(
            [to_row(task, tokenizer) for task in trained],
            tokenizer,
            model=tiny_model,
            start=adapter,
            lora=LoraConfig(rank=8, dropout=0.1),
            settings=SftConfig(**SETTINGS, patience=2),
            seed=1,
            precision=Precision.fp32,
            folder=tmp_path,
            reading=[to_row(task, tokenizer) for task in measured],
        )
        (reading,) = (each for each in trainer.callback_handler.callbacks if isinstance(each, EarlyStopping))
        assert reading._measure() == pytest.approx(result.metrics["sft/reading_loss"], rel=1e-5)


def test_killed_at_any_step_it_ends_as_undisturbed(
    patient: Train, undisturbed: tuple[TrainingResult, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    result, adapter = undisturbed
    for step in (2, len(result.history) - 1, len(result.history)):
        with pytest.raises(Killed):
            patient(tmp_path / "killed", checkpoints=tmp_path / "store", on_log=at_step(step, kill, []))
    assert patient(tmp_path / "killed", checkpoints=tmp_path / "store") == result
    assert digest_path(tmp_path / "killed") == digest_path(adapter)


def test_the_tasks_that_measure_are_not_trained_on(undisturbed: tuple[TrainingResult, Path]) -> None:
    tasks: list[Task] = TASKS
    assert undisturbed[0].examples == len(tasks) - 1
