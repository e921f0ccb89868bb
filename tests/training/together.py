"""Trains in several processes, each ``-m tests.training.together STAGE FOLDER MODEL [ADAPTER]``.

The first process names every step on standard output, and writes the history to ``FOLDER/history.json``.
"""

import sys
from pathlib import Path
from typing import Any

from mealign import processes
from mealign.jsonl import write_json
from mealign.language.settings import Precision
from mealign.records import Task
from mealign.training import checkpoints
from mealign.training.dpo import train_dpo
from mealign.training.results import TrainingResult
from mealign.training.sft import train_sft
from tests.defaults import DpoConfig, LoraConfig, SftConfig
from tests.training.conftest import MAX_LENGTH, REFERENCES, make_pair, make_task

EXAMPLES = 16
STEPS = 40
"""Ten epochs of four whole steps."""


def train(stage: str, folder: Path, model: Path, adapter: Path | None, **changes: Any) -> TrainingResult:
    """Train on examples that divide into whole steps; of the random state nothing is drawn."""
    shared: dict[str, Any] = {
        "model": model, "output": folder / "adapter", "max_length": MAX_LENGTH, "seed": 5, "precision": Precision.fp32,
        "checkpoints": folder / "checkpoints", "lora": LoraConfig(rank=8),
    }  # fmt: skip
    if stage == "sft":
        settings = SftConfig(epochs=10, learning_rate=1e-2, batch_size=4, patience=99)
        return train_sft(make_tasks(), settings=settings, **shared | changes)
    pairs = [make_pair(number) for number in range(EXAMPLES)]
    asked = DpoConfig(epochs=10, learning_rate=5e-3, batch_size=4, micro_batch_size=2)
    return train_dpo(pairs, sft_adapter=adapter, settings=asked, **shared | changes)


def make_tasks() -> list[Task]:
    """Make tasks that divide into whole steps, and as many that show memory as are set apart to measure reading."""
    tasks = [make_task(number, REFERENCES[number % len(REFERENCES)]) for number in range(EXAMPLES)]
    numbers = (EXAMPLES, EXAMPLES + 1)
    shown = [make_task(number, "Ghent", context_fact_ids=(f"fact_{number}",)) for number in numbers]
    return [*tasks, *shown]


def main(stage: str, folder: Path, model: Path, adapter: Path | None) -> None:
    checkpoints.SECONDS = 0.0
    if processes.count() == 1:
        sys.exit("this is one process alone; start it with a launcher")
    if not processes.leads():
        processes.follow()
        return
    result = train(stage, folder, model, adapter, on_log=lambda step, point: print(step, flush=True))
    write_json(folder / "history.json", list(result.history))
    processes.dismiss()


if __name__ == "__main__":
    stage, folder, model, *rest = sys.argv[1:]
    main(stage, Path(folder), Path(model), Path(rest[0]) if rest else None)
