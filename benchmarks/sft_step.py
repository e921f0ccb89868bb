"""How long a step of SFT takes: TRL's SFTTrainer at its defaults, at its best, and ours, on the same examples in turn.

    python benchmarks/sft_step.py

Prints one JSON object, by length of the prompt in tokens, and for ``mixed``, prompts of all these lengths together:

- ``seconds_per_example``, the mean over the measured steps of a run, and of that the median over the runs:
  ``trl_default`` (TRL's own arguments: bf16 and gradient checkpointing; without instructions for bf16 one example of it
  is measured), ``trl_best`` (``bf16=False, gradient_checkpointing=False``), ``ours``.
- ``ratio``: trl_best / ours; ``ratio_default``: trl_default / ours.
- ``max_loss_difference`` between TRL's steps and ours on the same batches, both in fp32; ``peak_memory_gb`` of each;
  ``peak_share``: floating-point operations of our step (counted by torch) in a second, over those of the best matrix
  product of this run.

LoRA of rank 16 on all linear layers, answers of 16 tokens, batches of 4 examples.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from dpo_step import SEED, Timer, flop_counter, matmul_peak, peak_memory, wait, words_of
from transformers import AutoModelForCausalLM, PrinterCallback
from trl import SFTConfig, SFTTrainer

from mealign.compose import compose_settings
from mealign.language.precision import fast_dtype
from mealign.language.weights import default_cache, fetch_model
from mealign.training.adapters import peft_config
from mealign.training.arguments import to_dataset
from mealign.training.base_models import load_tokenizer
from mealign.training.isolation import quiet_training
from mealign.training.patches import speed_up

ANSWER = 16
BATCH = 4


def make_examples(tokenizer: Any, prompts: Sequence[int], count: int) -> list[dict[str, Any]]:
    """Make examples whose prompts, with template, have ``prompts`` tokens in turn, and whose answers ``ANSWER``."""
    draw = random.Random(SEED)
    return [
        {
            "prompt": [{"role": "user", "content": words_of(tokenizer, prompts[number % len(prompts)], draw)}],
            # The end of the turn is an answer's token too, and so is the line's end behind it.
            "completion": [{"role": "assistant", "content": words_of(None, ANSWER - 2, draw)}],
            "length": prompts[number % len(prompts)],
        }
        for number in range(count)
    ]


class Bench:
    """One model and the systems that are measured on it."""

    def __init__(self, folder: Path, tokenizer: Any) -> None:
        self._folder = folder
        self._tokenizer = tokenizer

    def build(self, system: str, rows: list[dict[str, Any]], folder: Path, *, dtype: torch.dtype) -> SFTTrainer:
        """Build a system's trainer; ``ours_same_batches`` takes the examples in TRL's order."""
        arguments: dict[str, Any] = {
            "output_dir": str(folder), "per_device_train_batch_size": BATCH, "use_cpu": not torch.cuda.is_available(),
            "max_length": None, "report_to": [], "disable_tqdm": True, "save_strategy": "no", "logging_steps": 1,
            "num_train_epochs": 1, "seed": SEED, "dataloader_pin_memory": torch.cuda.is_available(),
            "remove_unused_columns": False, "completion_only_loss": True,
        }  # fmt: skip
        if system != "trl_default":
            arguments |= {"bf16": dtype is torch.bfloat16, "gradient_checkpointing": False}
        if system == "ours":
            arguments |= {"train_sampling_strategy": "group_by_length"}
        torch.manual_seed(SEED)
        base = AutoModelForCausalLM.from_pretrained(
            self._folder, dtype=torch.float32 if system == "trl_default" else dtype
        )
        trainer = SFTTrainer(
            model=base,
            args=SFTConfig(**arguments),
            train_dataset=to_dataset(rows) if system == "ours" else Dataset.from_list(rows),
            processing_class=self._tokenizer,
            peft_config=peft_config(base, compose_settings("lora.rank=16").lora),
        )
        if system.startswith("ours"):
            speed_up(trainer)
        return trainer

    def run(self, system: str, rows: list[dict[str, Any]], *, dtype: torch.dtype) -> dict[str, Any]:
        """Train over the examples once; return what it took."""
        cuda = torch.cuda.is_available()
        with tempfile.TemporaryDirectory() as folder, quiet_training(), peak_memory(cuda=cuda) as peak:
            wait()
            trainer = self.build(system, rows, Path(folder), dtype=dtype)
            timer = Timer()
            trainer.add_callback(timer)
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        del trainer
        gc.collect()
        return {"seconds": timer.seconds, "losses": timer.losses, "peak_gb": peak[0]}

    def flops(self, rows: list[dict[str, Any]]) -> float:
        """Count the floating-point operations of all our steps over the examples but the first."""
        with tempfile.TemporaryDirectory() as folder, quiet_training():
            trainer = self.build("ours", rows, Path(folder), dtype=torch.float32)
            with flop_counter() as counter:
                for batch in list(trainer.get_train_dataloader())[1:]:
                    trainer.compute_loss(trainer.model, trainer._prepare_inputs(batch)).backward()
        return float(counter.get_total_flops())


def measure(bench: Bench, rows: list[dict[str, Any]], *, rounds: int) -> dict[str, Any]:
    """Measure every system in turn, ``rounds`` times, on the same examples."""
    cuda = torch.cuda.is_available()
    dtype = fast_dtype()
    best = torch.bfloat16 if cuda else torch.float32
    means: dict[str, list[float]] = {}
    peaks: dict[str, float] = {}
    for number in range(rounds):
        for system in ("trl_default", "trl_best", "ours"):
            # Without instructions for bf16, TRL's defaults take a hundred times as long: one example says it.
            hopeless = system == "trl_default" and dtype is torch.float32
            if hopeless and number:
                continue
            taken = bench.run(system, rows[:1] if hopeless else rows, dtype=dtype if system == "ours" else best)
            # The first step of a run pays for memory that later ones find.
            mean = taken["seconds"][0] if hopeless else statistics.fmean(taken["seconds"][1:]) / BATCH
            means.setdefault(system, []).append(mean)
            peaks[system] = max(peaks.get(system, 0.0), taken["peak_gb"])
    few = rows[: BATCH * 3]
    exact = [bench.run(system, few, dtype=torch.float32)["losses"] for system in ("trl_best", "ours_same_batches")]
    example = {system: statistics.median(values) for system, values in means.items()}
    steps = len(rows) // BATCH - 1
    return {
        "seconds_per_example": {system: round(value, 4) for system, value in example.items()},
        "ratio": round(example["trl_best"] / example["ours"], 2),
        "ratio_default": round(example["trl_default"] / example["ours"], 2),
        "max_loss_difference": max(abs(one - other) for one, other in zip(*exact, strict=True)),
        "peak_memory_gb": {system: round(value, 2) for system, value in peaks.items()},
        "peak_share": round(bench.flops(rows) / steps / (example["ours"] * BATCH) / matmul_peak(dtype, cuda=cuda), 2),
        "precision": str(dtype).removeprefix("torch."),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256, 389], help="of the prompt, in tokens")
    parser.add_argument("--steps", type=int, default=4, help="steps of a run; the first is not counted")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    folder = fetch_model(compose_settings().model, cache=default_cache())
    tokenizer = load_tokenizer(folder)
    bench = Bench(folder, tokenizer)
    result: dict[str, Any] = {
        "model": "smollm2_135m",
        "device": torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"cpu, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
    }
    cases = {str(length): [length] for length in given.lengths} | {"mixed": given.lengths}
    for name, prompts in cases.items():
        rows = make_examples(tokenizer, prompts, BATCH * given.steps * (2 if name == "mixed" else 1))
        result[name] = measure(bench, rows, rounds=given.rounds)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
