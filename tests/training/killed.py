"""Trains in a process of its own, to be killed: ``python -m tests.training.killed STAGE FOLDER MODEL [ADAPTER]``.

Every step is named on standard output, and the history is written to ``FOLDER/history.json`` at the end.
"""

import sys
from pathlib import Path

from mealign.jsonl import write_json
from mealign.language.settings import Precision
from mealign.training import checkpoints
from mealign.training.dpo import train_dpo
from mealign.training.sft import train_sft
from tests.defaults import DpoConfig, LoraConfig, SftConfig
from tests.training.conftest import MAX_LENGTH, REFERENCES, make_pair, make_task

EXAMPLES = 14
STEPS = 12
"""Three epochs of four steps, the last of each a small one."""


def main(stage: str, folder: Path, model: Path, adapter: Path | None) -> None:
    checkpoints.SECONDS = 0.0
    shared = {
        "model": model, "output": folder / "adapter", "max_length": MAX_LENGTH, "seed": 5, "precision": Precision.fp32,
        "checkpoints": folder / "checkpoints", "on_log": lambda step, point: print(step, flush=True),
    }  # fmt: skip
    if stage == "sft":
        tasks = [make_task(number, REFERENCES[number % len(REFERENCES)]) for number in range(EXAMPLES)]
        # Dropout draws from the random state, which a checkpoint must hold.
        settings = SftConfig(epochs=3, learning_rate=1e-2, batch_size=4, warmup_ratio=0.25)
        result = train_sft(tasks, lora=LoraConfig(rank=8, dropout=0.1), settings=settings, **shared)
    else:
        pairs = [make_pair(number) for number in range(EXAMPLES)]
        settings = DpoConfig(epochs=3, learning_rate=5e-3, batch_size=4, micro_batch_size=2)
        result = train_dpo(pairs, sft_adapter=adapter, lora=LoraConfig(rank=8), settings=settings, **shared)
    write_json(folder / "history.json", list(result.history))


if __name__ == "__main__":
    stage, folder, model, *rest = sys.argv[1:]
    main(stage, Path(folder), Path(model), Path(rest[0]) if rest else None)
