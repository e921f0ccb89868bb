"""How long a step of DPO takes: TRL's DPOTrainer at its defaults, at its best, and ours, on the same pairs in turn.

    python benchmarks/dpo_step.py

Prints one JSON object, by length of the prompt in tokens:

- ``seconds_per_pair``, median of the measured steps: ``trl_default`` (TRL's own arguments: bf16 and gradient
  checkpointing; without instructions for bf16 one pair of it is measured), ``trl_best`` (``bf16=False,
  gradient_checkpointing=False``), ``trl_precomputed`` (the same with the reference computed before),
  ``trl_reference`` (that computation), ``ours`` and ``ours_reference``; on an accelerator, where liger-kernel is
  installed, ``trl_liger``.
- ``ratio_first_epoch``: trl_best / (ours + ours_reference); ``ratio_cached``: trl_best / ours; ``ratio_default``:
  trl_default / (ours + ours_reference).
- ``max_loss_difference`` between TRL's steps and ours, both in fp32; ``peak_memory_gb`` of each (resident memory of the
  process, on an accelerator what was allocated there); ``peak_share``: floating-point operations of our step (counted
  by torch) in a second, over those of the best matrix product of this run.

On an accelerator there is ``ours_flex`` too, with FlexAttention in place of PyTorch's attention with a mask.

LoRA of rank 16 on all linear layers, answers of 62 tokens, batches of ``--batch`` pairs (by default 2, on an
accelerator 16). ``--model`` is the packaged SmolLM2-135M or random weights of a larger architecture.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, PrinterCallback, Qwen2Config, TrainerCallback
from trl import DPOConfig, DPOTrainer

from mealign.compose import compose_settings
from mealign.language.precision import fast_dtype
from mealign.language.weights import default_cache, fetch_model
from mealign.training.adapters import peft_config
from mealign.training.base_models import load_tokenizer
from mealign.training.dpo import pair_loss
from mealign.training.isolation import quiet_training
from mealign.training.packing import PrefixSharedCollator
from mealign.training.prefix_sharing import PrefixSharedDPOTrainer

OURS = ("ours", "ours_flex")
ANSWER = 62
FEW = 2
"""Pairs of a step whose losses are compared and whose operations are counted."""
SEED = 3
WORDS = ("time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school", "state")
"""One token each, behind a space."""
QWEN = {
    "vocab_size": 151936, "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
    "num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": True,
}  # fmt: skip
"""Qwen2.5-0.5B's published config."""


def make_pairs(tokenizer: Any, prompt: int, count: int) -> list[dict[str, Any]]:
    """Make pairs whose prompt, with template, has ``prompt`` tokens and whose answers have ``ANSWER``."""
    draw = random.Random(SEED)
    return [
        {
            "prompt": [{"role": "user", "content": words_of(tokenizer, prompt, draw)}],
            # The end of the turn is an answer's token too.
            "chosen": [{"role": "assistant", "content": words_of(None, ANSWER - 2, draw)}],
            "rejected": [{"role": "assistant", "content": words_of(None, ANSWER - 2, draw)}],
        }
        for _ in range(count)
    ]


def words_of(tokenizer: Any | None, tokens: int, draw: random.Random) -> str:
    """Draw words of so many tokens; with a tokenizer, so many together with its template around a user's turn."""
    if tokenizer is not None:

        def length(number: int) -> int:
            message = [{"role": "user", "content": " ".join(["time"] * number)}]
            return len(tokenizer.apply_chat_template(message, add_generation_prompt=True)["input_ids"])

        tokens -= length(1) - 1
        if tokens < 1:
            raise SystemExit("--lengths: the chat template alone has more tokens")
    return " ".join(draw.choice(WORDS) for _ in range(tokens))


class Timer(TrainerCallback):  # type: ignore[misc]
    """Seconds of every optimizer step, and its loss."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.losses: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Start the clock."""
        wait()
        self._started = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Stop the clock."""
        wait()
        self.seconds.append(time.perf_counter() - self._started)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Keep the loss."""
        if logs and "loss" in logs:
            self.losses.append(logs["loss"])


class Bench:
    """One model, one set of pairs, and the systems that are measured on them."""

    def __init__(self, load: Callable[[torch.dtype, str], Any], tokenizer: Any, *, batch: int, cuda: bool) -> None:
        self._load = load
        self._tokenizer = tokenizer
        self.batch = batch
        self.cuda = cuda

    def build(
        self, system: str, rows: list[dict[str, Any]], folder: Path, *, dtype: torch.dtype, batch: int
    ) -> DPOTrainer:
        """Build a system's trainer; its reference, where it is precomputed, is computed here."""
        ours, plain = system in OURS, system == "trl_default"
        settings = compose_settings().training.dpo
        arguments: dict[str, Any] = {
            "output_dir": str(folder), "per_device_train_batch_size": batch, "use_cpu": not self.cuda,
            "max_length": None, "report_to": [], "disable_tqdm": True, "save_strategy": "no", "logging_steps": 1,
            "num_train_epochs": 1,
            "seed": SEED, "dataloader_pin_memory": self.cuda, "remove_unused_columns": False,
            "precompute_ref_log_probs": ours or system == "trl_precomputed", "beta": settings.beta,
            "loss_type": [] if ours else ["sigmoid"],
        }  # fmt: skip
        if not plain:
            arguments |= {"bf16": dtype is torch.bfloat16, "gradient_checkpointing": False}
        if system == "trl_liger":
            arguments |= {"use_liger_kernel": True}
        torch.manual_seed(SEED)
        base = self._load(torch.float32 if plain else dtype, "flex_attention" if system == "ours_flex" else "sdpa")
        more: dict[str, Any] = {}
        if ours:
            more = {"known": {}, "reference": "", "data_collator": PrefixSharedCollator(self._tokenizer.pad_token_id)}
            more |= {"loss": pair_loss(settings)}
        return (PrefixSharedDPOTrainer if ours else DPOTrainer)(
            model=base,
            args=DPOConfig(**arguments),
            train_dataset=Dataset.from_list(rows),
            processing_class=self._tokenizer,
            peft_config=peft_config(base, compose_settings("lora.rank=16").lora),
            **more,
        )

    def run(self, system: str, rows: list[dict[str, Any]], *, dtype: torch.dtype, batch: int) -> dict[str, Any]:
        """Train over the pairs once; return what it took."""
        with (
            tempfile.TemporaryDirectory() as folder,
            quiet_training(),
            unpatched_models(),
            peak_memory(cuda=self.cuda) as peak,
        ):
            wait()
            trainer = self.build(system, rows, Path(folder), dtype=dtype, batch=batch)
            timer = Timer()
            trainer.add_callback(timer)
            trainer.remove_callback(PrinterCallback)
            trainer.train()
            reference = self._reference(trainer) if trainer.precompute_ref_logps else []
        del trainer
        gc.collect()
        return {"seconds": timer.seconds, "losses": timer.losses, "reference": reference, "peak_gb": peak[0]}

    def _reference(self, trainer: DPOTrainer) -> list[float]:
        """Time the reference's pass over every batch, as the trainer made it before."""
        seconds = []
        with trainer.as_reference() if isinstance(trainer, PrefixSharedDPOTrainer) else nullcontext():
            for batch in trainer.get_train_dataloader():
                wait()
                started = time.perf_counter()
                trainer.compute_ref_log_probs(trainer.model, batch)
                wait()
                seconds.append(time.perf_counter() - started)
        return seconds

    def flops(self, rows: list[dict[str, Any]]) -> float:
        """Count the floating-point operations that a step of ours over all of ``rows`` needs, forward and backward.

        They are counted in fp32: in bf16 scores of attention are computed again for the gradient.
        """
        with tempfile.TemporaryDirectory() as folder, quiet_training():
            trainer = self.build("ours", rows, Path(folder), dtype=torch.float32, batch=len(rows))
            batch = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
            with flop_counter() as counter:
                trainer.compute_loss(trainer.model, batch).backward()
        return float(counter.get_total_flops())


def measure(
    bench: Bench, tokenizer: Any, prompt: int, *, steps: int, rounds: int, systems: list[str]
) -> dict[str, Any]:
    """Measure every system in turn, ``rounds`` times, on the same pairs."""
    rows = make_pairs(tokenizer, prompt, bench.batch * steps)
    dtype = fast_dtype()
    pair: dict[str, list[float]] = {}
    peaks: dict[str, float] = {}
    for number in range(rounds):
        for system in systems:
            # Without instructions for bf16, TRL's defaults take a hundred times as long: one pair says it.
            hopeless = system == "trl_default" and dtype is torch.float32
            if hopeless and number:
                continue
            best = torch.bfloat16 if bench.cuda else torch.float32
            chosen, batch = (rows[:1], 1) if hopeless else (rows, bench.batch)
            taken = bench.run(system, chosen, dtype=dtype if system in OURS else best, batch=batch)
            # The first step of a run pays for memory that later ones find.
            counted = slice(0 if hopeless else 1, None)
            for name, values in ((system, taken["seconds"]), (f"{system}_reference", taken["reference"])):
                if values:
                    pair.setdefault(name, []).extend(value / batch for value in values[counted])
            peaks[system] = max(peaks.get(system, 0.0), taken["peak_gb"])
    # In fp32 an accelerator has room for few.
    exact = {
        system: bench.run(system, rows[: 2 * FEW], dtype=torch.float32, batch=FEW)["losses"]
        for system in ("trl_best", *OURS)
        if system in systems
    }
    median = {system: statistics.median(values) for system, values in pair.items()}
    first = median["ours"] + median["ours_reference"]
    peak = matmul_peak(dtype, cuda=bench.cuda)
    return {
        "seconds_per_pair": {system: round(value, 4) for system, value in median.items()},
        "ratio_first_epoch": round(median["trl_best"] / first, 2),
        "ratio_cached": round(median["trl_best"] / median["ours"], 2),
        "ratio_default": round(median["trl_default"] / first, 2),
        "max_loss_difference": max(
            abs(one - other) for losses in exact.values() for one, other in zip(exact["trl_best"], losses, strict=True)
        ),
        "peak_memory_gb": {system: round(value, 2) for system, value in peaks.items()},
        "peak_share": round(bench.flops(rows[:FEW]) / FEW / median["ours"] / peak, 2),
        "precision": str(dtype).removeprefix("torch."),
    }


def flop_counter() -> FlopCounterMode:
    """Return torch's counter of floating-point operations, mended.

    It fails on sums of products that name their type, and knows no attention on a processor. Of attention, the products
    are counted between tokens that see each other: two forward, four backward.
    """

    def addmm(_: torch.Size, left: torch.Size, right: torch.Size, *__: Any, **___: Any) -> int:
        return 2 * left[0] * left[1] * right[1]

    def forward(query: Tensor, key: Tensor, _: Tensor, dropout: float = 0.0, causal: bool = False, **given: Any) -> int:
        length = key.shape[2]
        visible = (length + 1) / (2 * length) if causal else 1.0
        if (mask := given.get("attn_mask")) is not None:
            visible = (mask == 0).double().mean().item()
        return round(2 * 2 * query.numel() * length * visible)

    def backward(_: Tensor, query: Tensor, key: Tensor, *rest: Any, **given: Any) -> int:
        return 2 * forward(query, key, key, *rest[3:], **given)

    for attention in (forward, backward):
        attention._get_raw = True  # type: ignore[attr-defined]  # by this torch knows who wants tensors, not shapes
    aten = torch.ops.aten
    return FlopCounterMode(
        display=False,
        custom_mapping={
            aten.addmm: addmm,
            aten._scaled_dot_product_flash_attention_for_cpu: forward,
            aten._scaled_dot_product_flash_attention_for_cpu_backward: backward,
        },
    )


def matmul_peak(dtype: torch.dtype, *, cuda: bool) -> float:
    """Return the floating-point operations a second of the fastest of ten square products."""
    device, size = ("cuda", 8192) if cuda else ("cpu", 2048)
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    taken = []
    for _ in range(10):
        wait()
        started = time.perf_counter()
        left @ right
        wait()
        taken.append(time.perf_counter() - started)
    return 2 * size**3 / min(taken)


@contextmanager
def peak_memory(*, cuda: bool) -> Iterator[list[float]]:
    """Measure the largest memory while the block runs, in GB: allocated on the accelerator, or resident."""
    found = [0.0]
    if cuda:
        torch.cuda.reset_peak_memory_stats()
        yield found
        found[0] = torch.cuda.max_memory_allocated() / 2**30
        return
    process, done = psutil.Process(), threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            found[0] = max(found[0], process.memory_info().rss / 2**30)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield found
    done.set()
    watcher.join()


@contextmanager
def unpatched_models() -> Iterator[None]:
    """Undo what the block replaces in transformers' models: Liger's kernels would serve the other systems too."""
    models = [module for name, module in sys.modules.items() if name.startswith("transformers.models.")]
    kept = [(module, dict(vars(module))) for module in models]
    try:
        yield
    finally:
        for module, content in kept:
            vars(module).update(content)


def wait() -> None:
    """Wait until the accelerator has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256, 389, 1024], help="of the prompt, in tokens")
    parser.add_argument("--model", choices=["smollm2_135m", "qwen2_5_0_5b_random"], default="smollm2_135m")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--steps", type=int, default=3, help="steps of a round; the first is not counted")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batch", type=int, help="pairs a step; by default 2, on an accelerator 16")
    given = parser.parse_args()
    cuda = given.device == "cuda"
    batch = given.batch or (16 if cuda else 2)
    folder = fetch_model(compose_settings().model, cache=default_cache())
    tokenizer = load_tokenizer(folder)

    def load(dtype: torch.dtype, attention: str) -> Any:
        if given.model == "smollm2_135m":
            return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention)
        with torch.device(given.device):
            return AutoModelForCausalLM.from_config(Qwen2Config(**QWEN), dtype=dtype, attn_implementation=attention)

    liger = ["trl_liger"] if cuda and find_spec("liger_kernel") else []
    if cuda and not liger:
        print("TRL with Liger's kernels is left out; pip install liger-kernel", file=sys.stderr)
    systems = ["trl_default", "trl_best", "trl_precomputed", *liger, *(OURS if cuda else OURS[:1])]
    bench = Bench(load, tokenizer, batch=batch, cuda=cuda)
    result: dict[str, Any] = {
        "model": given.model,
        "device": torch.cuda.get_device_name() if cuda else f"cpu, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "batch": batch,
    }
    for prompt in given.lengths:
        result[str(prompt)] = measure(bench, tokenizer, prompt, steps=given.steps, rounds=given.rounds, systems=systems)
        print(f"{prompt}: {json.dumps(result[str(prompt)])}", file=sys.stderr)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
