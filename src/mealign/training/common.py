"""What SFT and DPO share: loading, the adapter's configuration, trainer arguments, the progress bar, saving."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mealign.config import LoraConfig
from mealign.errors import MealignError
from mealign.language.weights import quiet_transformers
from mealign.progress import Bar, bar
from mealign.records import Message

OnLog = Callable[[int, dict[str, float]], None]

# What TRL reports for a step -> what mealign calls it. Times are left out: the same input gives the same history.
NAMES = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "mean_token_accuracy": "token_accuracy",
    "rewards/accuracies": "reward_accuracy",
    "rewards/margins": "reward_margin",
    "rewards/chosen": "reward_chosen",
    "rewards/rejected": "reward_rejected",
    "logps/chosen": "logps_chosen",
    "logps/rejected": "logps_rejected",
}


@dataclass(frozen=True)
class TrainingResult:
    """What a training run reports.

    ``history`` has one row an optimizer step (``step`` and the values of :data:`NAMES`); ``metrics`` the last row and
    the mean loss under ``<stage>/<name>``; ``examples`` how many were trained on.
    """

    history: tuple[dict[str, float], ...]
    metrics: dict[str, float]
    examples: int
    skipped_too_long: int


def load_tokenizer(model: Path) -> Any:
    """Load the tokenizer of a base model.

    Raises:
        MealignError: it has no chat template.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    if not tokenizer.chat_template:
        raise MealignError(f"{model.name}: its tokenizer has no chat template; choose an instruction-tuned model")
    return tokenizer


def load_base(model: Path) -> Any:
    """Load a base model for training: bf16 on an accelerator, fp32 on a CPU, where bf16 is no faster."""
    import torch
    from transformers import AutoModelForCausalLM

    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    with quiet_transformers():
        return AutoModelForCausalLM.from_pretrained(model, dtype=dtype)


def load_adapter(base: Any, adapter: Path) -> Any:
    """Load an adapter for further training.

    Raises:
        MealignError: it was trained on another base model.
    """
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(base, adapter, is_trainable=True)
    except (RuntimeError, ValueError) as error:
        raise MealignError(
            f"{adapter}: this adapter does not fit the base model; train it again with this model (stage=sft)"
        ) from error


def peft_config(lora: LoraConfig) -> Any:
    """Build PEFT's configuration of a LoRA adapter."""
    import peft

    return peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha_ratio * lora.rank,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        task_type="CAUSAL_LM",
    )


def trainer_arguments(folder: Path, *, seed: int) -> dict[str, Any]:
    """Return the arguments that both trainers share.

    TRL's defaults (bf16 and gradient checkpointing) cost a CPU more than they save, so both are off there.
    """
    import torch

    accelerator = torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "seed": seed,
        "data_seed": seed,
        "bf16": accelerator,
        "gradient_checkpointing": False,
        "report_to": [],
        "save_strategy": "no",
        "logging_steps": 1,
        "logging_first_step": True,
        "disable_tqdm": True,
        "lr_scheduler_type": "cosine",
        "dataloader_pin_memory": accelerator,
        "remove_unused_columns": False,
    }


def too_long(prompt: Sequence[Message], answer: str, tokenizer: Any, *, max_length: int) -> bool:
    """Tell whether prompt, answer and the end of turn have more than ``max_length`` tokens."""
    messages = [message.model_dump() for message in (*prompt, Message(role="assistant", content=answer))]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    return len(tokenizer(text, add_special_tokens=False)["input_ids"]) > max_length


@contextmanager
def training_bar(stage: str, total_steps: int, on_log: OnLog | None) -> Iterator[Any]:
    """Give a trainer callback that moves a bar, passes every step on, and stops at a loss that is no number.

    The trainers' own chatter is hidden meanwhile.
    """
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]
        def __init__(self, shown: Bar) -> None:
            self.history: list[dict[str, float]] = []
            self._shown = shown

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if not logs or "loss" not in logs:
                return
            row = {name: float(logs[key]) for key, name in NAMES.items() if key in logs}
            if not math.isfinite(row["loss"]):
                raise MealignError(
                    f"{stage}: the loss is {row['loss']} at step {state.global_step}; lower training.{stage}.learning_rate"
                )
            self.history.append({"step": state.global_step, **row})
            self._shown.note(f"loss {row['loss']:.3f}")
            self._shown.advance()
            if on_log:
                on_log(state.global_step, row)

    level = logging.getLogger("trl").level
    with bar(f"train {stage}", total=total_steps) as shown, quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("trl").setLevel(logging.ERROR)
        from datasets.utils.logging import disable_progress_bar

        disable_progress_bar()
        # TRL asks the environment, each time, whether its bar over the reference pass is wanted.
        os.environ["TQDM_DISABLE"] = "1"
        try:
            yield Watch(shown)
        finally:
            logging.getLogger("trl").setLevel(level)
            del os.environ["TQDM_DISABLE"]


def train(trainer: Any) -> None:
    """Run a trainer without the callback that prints every step to standard output."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.train()


def save_adapter(model: Any, output: Path, *, base: str) -> None:
    """Save the trainable adapter as a plain PEFT folder that appears whole or not at all.

    Args:
        model: a PeftModel whose adapter ``default`` is saved.
        output: the folder to make; an older one is replaced.
        base: name of the base model, instead of its path on this machine.
    """
    temporary = output.with_name(f".{output.name}.{os.getpid()}.part")
    model.save_pretrained(temporary, selected_adapters=["default"])
    (temporary / "README.md").unlink(missing_ok=True)
    config_file = temporary / "adapter_config.json"
    config = json.loads(config_file.read_text())
    config["base_model_name_or_path"] = base
    # PEFT writes the target modules in the order of a set, which differs between processes.
    config["target_modules"] = sorted(config["target_modules"])
    config_file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    shutil.rmtree(output, ignore_errors=True)
    temporary.rename(output)


def result(stage: str, history: Sequence[dict[str, float]], *, examples: int, skipped: int) -> TrainingResult:
    """Sum up a run."""
    last = {f"{stage}/{name}": value for name, value in history[-1].items() if name != "step"} if history else {}
    losses = [row["loss"] for row in history]
    metrics = {**last, f"{stage}/mean_loss": sum(losses) / len(losses)} if losses else {}
    return TrainingResult(tuple(history), metrics, examples=examples, skipped_too_long=skipped)
