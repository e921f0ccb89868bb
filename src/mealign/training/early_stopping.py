"""Early stopping on reading: SFT ends when questions that only the memory in the prompt can answer stop improving.

Training on a person's facts can teach a model to answer from what it has learnt instead of from what it is shown. A few
tasks that show memory are set apart with their facts, so that nothing in training rests on them: their loss falls while
reading improves, and rises when it gets worse. The adapter with the lowest loss is kept.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from mealign import processes
from mealign.errors import MealignError
from mealign.records import MEMORY_KINDS, Task
from mealign.training.answer_head import IGNORED

SHARE = 0.1
"""Share of the training tasks that are set apart."""
MEASUREMENTS = 10
"""How many times a full-length run is measured."""
REPORTED = "reading_loss"
BEST_FILE = "best_adapter.safetensors"


def set_apart(tasks: Sequence[Task], *, seed: int) -> tuple[list[Task], list[Task]]:
    """Divide training tasks into those to train on and those that measure reading.

    Other tasks that rest on a fact of the second group are in neither.

    Raises:
        MealignError: no task shows memory, or none is left to train on.
    """
    shown = sorted(
        (task for task in tasks if task.context_fact_ids and task.kind in MEMORY_KINDS),
        key=lambda task: task.id,
    )
    random.Random(seed).shuffle(shown)
    measured = shown[: max(1, round(SHARE * len(tasks)))]
    facts = {fact for task in measured for fact in task.fact_ids}
    trained = [task for task in tasks if not facts & set(task.fact_ids)]
    if not measured or not trained:
        lacking = "shows memory" if not measured else "is left beside those that measure reading"
        raise MealignError(
            f"training.sft.patience: of {len(tasks)} training tasks none {lacking}; raise task.memory_share or "
            "task.max_tasks, or leave patience null"
        )
    return trained, measured


class EarlyStopping(TrainerCallback):  # type: ignore[misc]
    """Measures reading, keeps the adapter with the lowest loss, and ends training when the loss stops falling.

    Args:
        trainer: an SFTTrainer of an adapter, with an evaluation set; ``reading_loss``, the mean negative
            log-likelihood of the answers' tokens in nats, is added to its reports.
        every: steps between two measurements; the last step is measured too.
        patience: measurements without a lower loss before training ends.
    """

    def __init__(self, trainer: Any, *, every: int, patience: int) -> None:
        self._trainer = trainer
        self._every = every
        self._patience = patience
        # Iterating the loader draws from the random state, so it is done once, before training.
        self._batches = list(trainer.get_eval_dataloader())
        self._lowest = float("inf")
        self._waited = 0
        self._best: dict[str, torch.Tensor] = {}

    @property
    def over(self) -> bool:
        """Whether patience has run out."""
        return self._waited >= self._patience

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Measure, when it is due."""
        if state.global_step % self._every and state.global_step != state.max_steps:
            return
        loss = self._measure()
        # TRL includes these in its report of the step, and so in the checkpoints.
        self._trainer._metrics["train"][REPORTED].append(loss)
        if self._note(loss):
            weights = get_peft_model_state_dict(self._trainer.model, save_embedding_layers=False)
            self._best = {name: weight.detach().cpu().clone() for name, weight in weights.items()}
        if self.over:
            control.should_training_stop = True

    def write(self, checkpoint: Path) -> None:
        """Write the best adapter so far into a checkpoint."""
        if self._best:
            save_file(self._best, checkpoint / BEST_FILE)

    def restore(self, checkpoint: Path, reports: Sequence[Mapping[str, float]]) -> None:
        """Restore the state from a checkpoint and the reports in it."""
        for report in reports:
            if REPORTED in report:
                self._note(report[REPORTED])
        if (file := checkpoint / BEST_FILE).exists():
            self._best = load_file(file)

    def take(self) -> None:
        """Load the adapter with the lowest loss into the trainer's model."""
        set_peft_model_state_dict(self._trainer.model, self._best)

    def _note(self, loss: float) -> bool:
        better = loss < self._lowest
        self._lowest = min(loss, self._lowest)
        self._waited = 0 if better else self._waited + 1
        return better

    def _measure(self) -> float:
        trainer, total, tokens = self._trainer, 0.0, 0
        trainer.model.eval()
        with torch.no_grad(), trainer.compute_loss_context_manager():
            for batch in self._batches:
                inputs = trainer._prepare_inputs(dict(batch))
                count = int((inputs["labels"] != IGNORED).sum())
                total += float(trainer.compute_loss(trainer.model, inputs)) * count
                tokens += count
        trainer.model.train()
        trainer._metrics["eval"].clear()
        everywhere = processes.gather((total, tokens))
        return sum(loss for loss, _ in everywhere) / sum(count for _, count in everywhere)
