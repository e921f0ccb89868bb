"""Supervised fine-tuning: LoRA by imitation of the references, with the loss on the answer's tokens alone."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mealign.config import LoraConfig, SftConfig
from mealign.errors import MealignError
from mealign.records import Task
from mealign.training import common


def train_sft(
    tasks: Sequence[Task],
    *,
    model: Path,
    output: Path,
    lora: LoraConfig,
    settings: SftConfig,
    max_length: int,
    seed: int,
    on_log: common.OnLog | None = None,
) -> common.TrainingResult:
    """Train an adapter with TRL's SFTTrainer and save it to ``output``.

    Every example is the task's prompt under the chat template with its generation header, then the reference and the
    end of the turn; the prompt bears no loss. The end of the turn is learned even where it is also the padding token.

    Args:
        tasks: training tasks; one whose prompt and answer exceed ``max_length`` tokens is skipped and counted.
        model: folder of the base model.
        output: folder of the adapter to make.
        lora: the adapter.
        settings: epochs, rates and batch.
        max_length: in tokens.
        seed: of weights, order and dropout.
        on_log: called with step and metrics after every optimizer step.

    Raises:
        MealignError: a task is held out, nothing is left to train on, or the loss is no number.
    """
    if held_out := [task.id for task in tasks if task.split != "train"]:
        raise MealignError(
            f"{len(held_out)} held-out tasks were given to training, {held_out[0]} first; filter by split"
        )
    tokenizer = common.load_tokenizer(model)
    fitting = [
        task for task in tasks if not common.too_long(task.prompt, task.reference, tokenizer, max_length=max_length)
    ]
    if not fitting:
        raise MealignError("sft: there is no task to train on; raise task.max_tasks or model.max_length, or add notes")
    from datasets import Dataset
    from trl import SFTConfig as Arguments
    from trl import SFTTrainer

    rows = [
        {
            "prompt": [message.model_dump() for message in task.prompt],
            "completion": [{"role": "assistant", "content": task.reference}],
        }
        for task in fitting
    ]
    steps = math.ceil(len(fitting) / settings.batch_size)
    total = settings.max_steps if settings.max_steps > 0 else math.ceil(steps * settings.epochs)
    with tempfile.TemporaryDirectory() as scratch, common.training_bar("sft", total, on_log) as watch:
        arguments = Arguments(
            **common.trainer_arguments(Path(scratch), seed=seed),
            num_train_epochs=settings.epochs,
            max_steps=settings.max_steps,
            learning_rate=settings.learning_rate,
            per_device_train_batch_size=settings.batch_size,
            warmup_steps=math.ceil(settings.warmup_ratio * total),
            weight_decay=settings.weight_decay,
            max_length=None,
            completion_only_loss=True,
            packing=False,
        )
        trainer = SFTTrainer(
            model=common.load_base(model),
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=common.peft_config(lora),
            callbacks=[watch],
        )
        common.train(trainer)
        common.save_adapter(trainer.model, output, base=model.name)
    return common.result("sft", watch.history, examples=len(fitting), skipped=len(tasks) - len(fitting))
