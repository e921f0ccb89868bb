"""Supervised fine-tuning: LoRA training on the references, with the loss on the answer's tokens only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trl import SFTConfig as SftArguments
from trl import SFTTrainer

from mealign import processes
from mealign.errors import MealignError
from mealign.language.precision import dtype_of
from mealign.language.settings import Precision
from mealign.language.weights import weights_digest
from mealign.records import Message, Task
from mealign.training import loop
from mealign.training.adapters import policy_arguments
from mealign.training.arguments import micro_batch, shared_arguments, to_dataset, total_steps
from mealign.training.base_models import load_base, load_tokenizer
from mealign.training.checkpoints import run_key
from mealign.training.early_stopping import MEASUREMENTS, EarlyStopping, set_apart
from mealign.training.fitting import fit, sequence_length
from mealign.training.patches import speed_up
from mealign.training.replay import Replayed
from mealign.training.results import TrainingResult, sum_up
from mealign.training.settings import LoraConfig, SftConfig

MICRO_BATCH_SIZE = 4
"""Examples per forward pass. The loss is a mean over the tokens of the whole batch, so this affects only speed."""


@processes.joined
def train_sft(
    tasks: Sequence[Task],
    *,
    model: Path,
    output: Path,
    lora: LoraConfig,
    settings: SftConfig,
    max_length: int,
    seed: int,
    start: Path | None = None,
    replay: Sequence[Replayed] = (),
    precision: Precision = Precision.auto,
    checkpoints: Path | None = None,
    on_log: loop.OnLog | None = None,
) -> TrainingResult:
    """Train an adapter with TRL's SFTTrainer and save it to ``output``, completely or not at all.

    An example is the task's prompt in the chat template with its generation header, token for token as at inference,
    then the reference and the end of the turn. The loss is the mean negative log-likelihood of the tokens after the
    header, in nats; the end of the turn counts even where it is also the padding token.

    Args:
        tasks: training tasks. One with more than ``max_length`` tokens shows less of the memory
            (:func:`mealign.training.fitting.fit`), and is left out if it is too long even without; both are counted.
        model: folder of the base model.
        output: folder of the adapter to make; an older one is replaced.
        lora: the adapter's settings.
        settings: epochs, rates and batch.
        max_length: longest prompt with its answer, in tokens.
        seed: of the adapter's initial weights, the order of the examples, and dropout. On a CPU the same seed gives the
            same bytes, for the same number of threads.
        start: the adapter to start from, which must match ``lora``; None starts a fresh one.
        replay: general questions to train on besides the tasks.
        precision: of the base model and of products; the adapter is trained in fp32.
        checkpoints: folder of checkpoints, each run's under its key; a killed run resumes from its last one when it is
            started again. None: it starts from the beginning.
        on_log: called with the step and its point of the history after every optimizer step taken in this process.

    Raises:
        MealignError: a task is held out, no task is left to train on, the loss is not a number or explodes, a single
            task exceeds the memory, or model, tokenizer and ``lora`` do not fit together.
        Terminated: SIGTERM was received; the current step is in a checkpoint.
    """
    if held_out := [task.id for task in tasks if task.split != "train"]:
        raise MealignError(
            f"sft: {len(held_out)} of {len(tasks)} tasks are held out for evaluation, the first is {held_out[0]}; "
            "train on tasks whose split is 'train'"
        )
    tokenizer = load_tokenizer(model)
    prompts = [fit(task.prompt, [task.reference], max_length=max_length, tokenizer=tokenizer) for task in tasks]
    fitting = [
        task.model_copy(update={"prompt": prompt})
        for task, prompt in zip(tasks, prompts, strict=True)
        if prompt is not None
    ]
    if not fitting:
        raise MealignError(
            f"sft: none of {len(tasks)} training tasks can be trained on at model.max_length={max_length}; raise it, "
            "or look at the stage tasks (task.max_tasks, task.eval_share) and at the facts it was given"
        )
    trained, measured = set_apart(fitting, seed=seed) if settings.patience else (fitting, [])
    rows = [to_row(task, tokenizer) for task in trained]
    rows += [_row(each.id, each.prompt, each.answer, tokenizer) for each in replay]
    reading = [to_row(task, tokenizer) for task in measured]
    start_digest = weights_digest(model, start)
    key = run_key("sft", rows, reading, start_digest, asdict(lora), asdict(settings), seed, str(dtype_of(precision)))
    done = loop.run(
        "sft",
        lambda folder, micro: build_trainer(
            rows,
            tokenizer,
            model=model,
            start=start,
            lora=lora,
            settings=settings,
            seed=seed,
            precision=precision,
            folder=folder,
            micro_batch_size=micro,
            reading=reading,
        ),
        steps=total_steps(settings, examples=len(rows)),
        settings=settings,
        micro_batch_size=micro_batch(settings.batch_size, at_most=MICRO_BATCH_SIZE),
        seed=seed,
        model=model,
        output=output,
        checkpoints=checkpoints / key if checkpoints else None,
        on_log=on_log,
    )
    return sum_up(
        "sft",
        done.history,
        examples=len(rows),
        skipped_too_long=len(tasks) - len(fitting),
        shortened=sum(prompt not in (None, task.prompt) for task, prompt in zip(tasks, prompts, strict=True)),
        halvings=done.halvings,
    )


def to_row(task: Task, tokenizer: Any) -> dict[str, Any]:
    """Convert a task to TRL's conversational prompt and completion, with its ``length`` in tokens and its ``id``."""
    return _row(task.id, task.prompt, task.reference, tokenizer)


def _row(identifier: str, prompt: Sequence[Message], answer: str, tokenizer: Any) -> dict[str, Any]:
    return {
        "id": identifier,
        "prompt": [message.model_dump() for message in prompt],
        "completion": [{"role": "assistant", "content": answer}],
        "length": sequence_length(tokenizer, prompt, answer),
    }


def build_trainer(
    rows: Sequence[dict[str, Any]],
    tokenizer: Any,
    *,
    model: Path,
    lora: LoraConfig,
    settings: SftConfig,
    seed: int,
    precision: Precision,
    folder: Path,
    start: Path | None = None,
    micro_batch_size: int = MICRO_BATCH_SIZE,
    reading: Sequence[dict[str, Any]] = (),
) -> SFTTrainer:
    """Build the trainer of an adapter, a fresh one unless ``start`` is given; TRL seeds its initial weights.

    ``micro_batch_size`` is lowered to a divisor of ``settings.batch_size``. ``reading`` holds the rows set apart for
    ``settings.patience``.
    """
    base = load_base(model, precision=precision, variant=lora.variant)
    arguments = SftArguments(
        **shared_arguments(
            settings,
            examples=len(rows),
            micro_batch_size=micro_batch(settings.batch_size, at_most=micro_batch_size),
            precision=precision,
            seed=seed,
            folder=folder,
        ),
        weight_decay=settings.weight_decay,
        completion_only_loss=True,
    )
    trainer = SFTTrainer(
        args=arguments,
        train_dataset=to_dataset(rows),
        eval_dataset=to_dataset(reading) if reading else None,
        processing_class=tokenizer,
        **policy_arguments(base, start, lora=lora, seed=seed),
    )
    speed_up(trainer)
    if reading and settings.patience:
        every = max(1, total_steps(settings, examples=len(rows)) // MEASUREMENTS)
        trainer.add_callback(EarlyStopping(trainer, every=every, patience=settings.patience))
    return trainer
