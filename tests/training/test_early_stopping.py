"""Training that ends when reading gets no better."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import peft
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from peft import PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from mealign.errors import MealignError
from mealign.jsonl import digest_path
from mealign.training import checkpoints
from mealign.training.adapters import WEIGHTS_FILE
from mealign.training.early_stopping import EarlyStopping, set_apart
from mealign.training.results import TrainingResult
from tests.defaults import LoraConfig
from tests.rounding import LOGITS
from tests.training.conftest import REFERENCES, Train, answer_logp, make_task
from tests.training.test_resume import Killed, at_step, kill

pytestmark = pytest.mark.numerical

TASKS = [
    make_task(number, REFERENCES[number % 4], context_fact_ids=(f"fact_{number}",) if number % 2 else ())
    for number in range(12)
]
SETTINGS: dict[str, Any] = {"epochs": 5, "batch_size": 4}
LOSSES = (4.0, 2.0, 3.0, 1.0, 1.5, 1.0)
"""Of reading after the first steps, as a script has them: with a patience of two the sixth is the last, since it is not
lower than the fourth."""


class Scripted(EarlyStopping):
    """Measures what it is told, of an adapter whose weights are the number of the step."""

    def __init__(self, losses: Sequence[float], *, every: int, patience: int) -> None:
        net = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False))
        self.model: Any = get_peft_model(net, peft.LoraConfig(target_modules=["0"], r=1))
        trainer = SimpleNamespace(model=self.model, _metrics={"train": defaultdict(list)}, get_eval_dataloader=list)
        super().__init__(trainer, every=every, patience=patience)
        self._losses = iter(losses)

    def _measure(self) -> float:
        return next(self._losses)

    def go(self, steps: range, last: int) -> int:
        """Take these steps, of which there are ``last`` in all; return the one after which it ends."""
        for step in steps:
            self._hold(step)
            control = SimpleNamespace(should_training_stop=False)
            self.on_step_end(None, SimpleNamespace(global_step=step, max_steps=last), control)
            if control.should_training_stop:
                return step
        return last

    def taken(self) -> float:
        """Take the best adapter and return the step at which it was held."""
        self._hold(-1)
        self.take()
        (step,) = {float(weight) for weight in get_peft_model_state_dict(self.model).values()}
        return step

    def _hold(self, step: int) -> None:
        for weight in get_peft_model_state_dict(self.model).values():
            weight.data.fill_(step)


@pytest.fixture(scope="module")
def patient(sft: Train) -> Callable[..., TrainingResult]:
    def run(output: Path, **changes: Any) -> TrainingResult:
        return sft(output, TASKS, **SETTINGS | {"patience": 2, "lora": LoraConfig(rank=8, dropout=0.1)} | changes)

    return run


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> dict[int, dict[str, torch.Tensor]]:
    """Let training measure what the script says, and keep the adapter of every step."""
    kept: dict[int, dict[str, torch.Tensor]] = {}

    def measure(self: Any) -> float:
        step = self._trainer.state.global_step
        weights = get_peft_model_state_dict(self._trainer.model)
        kept[step] = {name: weight.clone() for name, weight in weights.items()}
        return LOSSES[step - 1]

    monkeypatch.setattr(EarlyStopping, "_measure", measure)
    return kept


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


@given(
    losses=st.lists(st.sampled_from((0.5, 1.0, 1.5, 2.0)), min_size=1, max_size=12),
    patience=st.integers(1, 4),
    every=st.integers(1, 3),
    spare=st.integers(0, 2),
    stopped=st.integers(0, 36),
)
@settings(deadline=None)
def test_training_ends_after_so_many_measurements_without_a_lower_one_and_keeps_the_lowest(
    losses: list[float], patience: int, every: int, spare: int, stopped: int
) -> None:
    """Also when it is stopped after any step and goes on from a checkpoint."""
    # The last step is measured, be it time or not.
    last = every * len(losses) - min(spare, every - 1)
    steps = [min(every * number, last) for number in range(1, len(losses) + 1)]
    places = range(len(losses))
    first_lowest = [losses.index(min(losses[: place + 1])) for place in places]
    end = next((place for place in places if place - first_lowest[place] >= patience), places[-1])
    reading = Scripted(losses, every=every, patience=patience)
    assert reading.go(range(1, last + 1), last) == steps[end]
    assert reading.over is (end - first_lowest[end] >= patience)
    assert reading.taken() == steps[first_lowest[end]]

    stopped = min(stopped, steps[end])
    before = Scripted(losses, every=every, patience=patience)
    before.go(range(1, stopped + 1), last)
    measured = sum(step <= stopped for step in steps)
    again = Scripted(losses[measured:], every=every, patience=patience)
    with tempfile.TemporaryDirectory() as folder:
        before.write(Path(folder))
        again.restore(Path(folder), [{"loss": 1.0}, *({"reading_loss": loss} for loss in losses[:measured])])
    if not again.over:
        assert again.go(range(stopped + 1, last + 1), last) == steps[end]
    assert again.taken() == steps[first_lowest[end]]


def test_it_ends_without_a_lower_loss_and_the_adapter_is_that_of_the_lowest(
    patient: Train, held: dict[int, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    result = patient(tmp_path / "sft")
    # Eleven tasks are trained on, three steps an epoch; every one of the 15 steps would have been measured.
    assert [(point["step"], point["reading_loss"]) for point in result.history] == list(enumerate(LOSSES, start=1))
    assert (result.metrics["sft/best_step"], result.metrics["sft/reading_loss"]) == (4, 1.0)
    saved = load_file(tmp_path / "sft" / WEIGHTS_FILE)
    assert saved.keys() == held[4].keys()
    assert all(torch.equal(weight, held[4][name]) for name, weight in saved.items())
    assert not all(torch.equal(weight, held[6][name]) for name, weight in saved.items())


def test_what_is_measured_is_the_loss_of_an_answers_token(
    patient: Train, tiny_model: Path, tokenizer: Any, tmp_path: Path
) -> None:
    result = patient(tmp_path / "sft", epochs=1, patience=10)
    assert result.examples == len(TASKS) - 1, "the task that measures is not trained on"
    measured = [point["reading_loss"] for point in result.history]
    assert len(measured) == 3
    assert result.metrics["sft/reading_loss"] == min(measured)
    _, (task,) = set_apart(TASKS, seed=1)
    prompt = [message.model_dump() for message in task.prompt]
    asked = tokenizer.apply_chat_template(prompt, add_generation_prompt=True)["input_ids"]
    answer = tokenizer(f"{task.reference}<|im_end|>\n")["input_ids"]
    base = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    # Without dropout, which training has; the loss before the first step tells how large what is said is.
    size = -answer_logp(base, asked, answer) / len(answer)
    saved = PeftModel.from_pretrained(base, tmp_path / "sft").eval()
    loss = -answer_logp(saved, asked, answer) / len(answer)
    assert result.metrics["sft/reading_loss"] == pytest.approx(loss, abs=LOGITS * max(size, loss))


@pytest.mark.usefixtures("held")
def test_killed_at_any_step_it_ends_as_undisturbed(
    patient: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    result = patient(tmp_path / "whole")
    for step in (2, len(LOSSES) - 1, len(LOSSES)):
        with pytest.raises(Killed):
            patient(tmp_path / "killed", checkpoints=tmp_path / "store", on_log=at_step(step, kill, []))
    assert patient(tmp_path / "killed", checkpoints=tmp_path / "store") == result
    assert digest_path(tmp_path / "killed") == digest_path(tmp_path / "whole")
