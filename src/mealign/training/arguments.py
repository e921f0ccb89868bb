"""What TRL's trainers of both stages share: their arguments, and the data set in its order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from mealign import processes
from mealign.errors import MealignError
from mealign.language.precision import dtype_of
from mealign.language.settings import Precision
from mealign.training.settings import DpoConfig, SftConfig


def shared_arguments(
    settings: SftConfig | DpoConfig,
    *,
    examples: int,
    micro_batch_size: int,
    precision: Precision,
    seed: int,
    folder: Path,
) -> dict[str, Any]:
    """Return the arguments that both trainers share.

    A batch is ``settings.batch_size`` examples, accumulated over micro-batches of similar length in all processes; the
    learning rate rises over ``warmup_ratio`` of the steps and falls along a cosine. Activations are recomputed on an
    accelerator, TRL's default; a CPU has enough memory, so recomputing would only cost time.
    """
    accelerator = torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "seed": seed,
        "data_seed": seed,
        "num_train_epochs": settings.epochs,
        "max_steps": settings.max_steps,
        "per_device_train_batch_size": micro_batch_size,
        "gradient_accumulation_steps": settings.batch_size // (micro_batch_size * processes.count()),
        "train_sampling_strategy": "group_by_length",
        # The sampler reads the column `length`, which is not an input of the model.
        "remove_unused_columns": False,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": round(settings.warmup_ratio * total_steps(settings, examples=examples)),
        "bf16": dtype_of(precision) is torch.bfloat16,
        "use_cpu": not accelerator,
        "torch_compile": settings.compile,
        "activation_checkpointing": accelerator,
        "dataloader_pin_memory": accelerator,
        # Every factor of the adapter takes part in every step.
        "ddp_find_unused_parameters": False,
        # Nothing is truncated: examples that are too long were left out before.
        "max_length": None,
        "logging_steps": 1,
        # The filter would replace a loss that is not a number by an earlier one.
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def total_steps(settings: SftConfig | DpoConfig, *, examples: int) -> int:
    """Return how many optimizer steps a run takes; the last batch of an epoch may be smaller."""
    if settings.max_steps > 0:
        return settings.max_steps
    return math.ceil(settings.epochs * math.ceil(examples / settings.batch_size))


def micro_batch(batch_size: int, *, at_most: int) -> int:
    """Return the largest divisor, up to ``at_most``, of one process's share of ``batch_size``.

    Accumulated over all processes, it gives exactly that batch.

    Raises:
        MealignError: the batch cannot be divided evenly among the processes.
    """
    share, rest = divmod(batch_size, processes.count())
    if rest:
        raise MealignError(
            f"a batch of {batch_size} cannot be shared evenly by {processes.count()} processes; set "
            "training.sft.batch_size and training.dpo.batch_size to multiples of their number"
        )
    return max(size for size in range(1, min(share, at_most) + 1) if share % size == 0)


def to_dataset(rows: Sequence[Mapping[str, Any]]) -> Dataset:
    """Make a data set sorted by its column ``length``, so that batches read in order hold little padding."""
    return Dataset.from_list(sorted(rows, key=lambda row: int(row["length"])))
