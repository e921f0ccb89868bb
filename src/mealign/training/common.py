"""What SFT and DPO share: models and adapters, the trainers' arguments, the progress bar, saving."""

from __future__ import annotations

import json
import logging
import math
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub.constants
import numpy as np
import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from datasets import Dataset
from peft import LoraConfig as PeftLoraConfig
from peft import PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PrinterCallback, TrainerCallback

from mealign import processes
from mealign.errors import MealignError
from mealign.language.precision import dtype_of
from mealign.language.settings import Precision
from mealign.language.weights import quiet_transformers
from mealign.progress import Bar, bar
from mealign.records import Message
from mealign.training.checkpoints import Checkpoints, Keeper, Terminated, opened, reports, termination
from mealign.training.order import SeededOrder
from mealign.training.reading import BestReading
from mealign.training.results import Stage, curve_point
from mealign.training.settings import Attention, DpoConfig, LoraConfig, LoraVariant, SftConfig

OnLog = Callable[[int, dict[str, float]], None]
CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
PISSA_ITERATIONS = 16
"""Of the randomised decomposition of every layer (arXiv 2404.02948, sec. 3 and app. G): seconds, where the exact one
takes minutes."""
ADAPTER = "default"
"""PEFT's name of the adapter that is trained; TRL calls its frozen copy ``ref``."""


def load_tokenizer(model: Path) -> Any:
    """Load the tokenizer of a base model.

    Raises:
        MealignError: it has no chat template, or one without generation header.
    """
    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(model)
    if not tokenizer.chat_template:
        raise MealignError(f"{model.name}: its tokenizer has no chat template; choose an instruction-tuned model")
    asked = [{"role": "user", "content": "a"}]
    with_header, without = (
        tokenizer.apply_chat_template(asked, add_generation_prompt=header, tokenize=False) for header in (True, False)
    )
    if with_header == without:
        raise MealignError(
            f"{model.name}: its chat template has no generation header, so nothing says where an answer begins; add "
            "what follows `add_generation_prompt` to its chat_template, or choose another model"
        )
    return tokenizer


def load_base(
    model: Path, *, precision: Precision, variant: LoraVariant = LoraVariant.lora, attention: Attention = Attention.sdpa
) -> Any:
    """Load a base model for training.

    An adapter that is put on it stays in fp32; on one in four bits (``qlora``) TRL makes it bf16.

    Raises:
        MealignError: FlexAttention is asked for where there is no accelerator, and so no gradient of it, or four bits
            where bitsandbytes is not installed.
    """
    quantized = None
    if variant is LoraVariant.qlora:
        if find_spec("bitsandbytes") is None:
            raise MealignError("lora.variant=qlora needs bitsandbytes; pip install 'mealign[gpu]', or choose lora")
        quantized = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype_of(precision),
        )
    if attention is Attention.flex_attention and not torch.cuda.is_available():
        raise MealignError(
            "training.dpo.attention=flex_attention needs an accelerator, and there is none here; set it to sdpa"
        )
    with quiet_transformers():
        return AutoModelForCausalLM.from_pretrained(
            model,
            dtype=dtype_of(precision),
            attn_implementation=attention.value,
            quantization_config=quantized,
        )


def load_adapter(base: Any, folder: Path, *, lora: LoraConfig) -> Any:
    """Put a saved adapter on its base model, for further training.

    Raises:
        MealignError: the folder holds no adapter, or one of another configuration or for another base model.
    """
    if not ((folder / CONFIG_FILE).is_file() and (folder / WEIGHTS_FILE).is_file()):
        # PEFT would look for such a name on the model hub.
        raise MealignError(f"{folder}: there is no adapter in this folder; train it first (stage=sft)")
    _check_configuration(folder, peft_config(base, lora), times=2 if lora.variant is LoraVariant.pissa else 1)
    try:
        # PEFT only warns of weights that are missing; they are compared below.
        with quiet_transformers():
            policy = PeftModel.from_pretrained(base, folder, is_trainable=True)
    except (RuntimeError, ValueError) as error:
        raise _misfit(folder, base) from error
    with safe_open(folder / WEIGHTS_FILE, framework="pt") as saved:
        if set(saved.keys()) != set(get_peft_model_state_dict(policy, save_embedding_layers=False)):
            raise _misfit(folder, base)
    return policy


def peft_config(base: Any, lora: LoraConfig) -> Any:
    """Build PEFT's configuration of a fresh adapter on ``base``; what PiSSA begins at is :func:`policy`'s.

    Raises:
        MealignError: a target names no layer of the base model.
    """
    layers = {name.rpartition(".")[2] for name, _ in base.named_modules()}
    if unknown := [target for target in lora.targets if target not in layers]:
        raise MealignError(f"lora.targets: the base model has no layers named {', '.join(unknown)}; correct the names")
    alpha = lora.alpha_ratio * lora.rank
    return PeftLoraConfig(
        r=lora.rank,
        lora_alpha=int(alpha) if alpha.is_integer() else alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        use_rslora=lora.variant is LoraVariant.rslora,
        use_dora=lora.variant is LoraVariant.dora,
        task_type="CAUSAL_LM",
    )


def policy(base: Any, start: Path | None, *, lora: LoraConfig, seed: int) -> dict[str, Any]:
    """Return the trainer's arguments for the adapter in ``start`` on ``base``, or for a fresh one.

    TRL puts it on, but for PiSSA, which takes the adapter's first weights out of the base model's. TRL would take the
    base without them for the reference, and again take out as much for its copy of the adapter, so it is given the
    finished policy, whose copy it makes weight by weight.

    Raises:
        MealignError: as :func:`load_adapter` and :func:`peft_config`.
    """
    if start is not None:
        return {"model": load_adapter(base, start, lora=lora), "peft_config": None}
    config = peft_config(base, lora)
    if lora.variant is not LoraVariant.pissa:
        return {"model": base, "peft_config": config}
    config.init_lora_weights = f"pissa_niter_{PISSA_ITERATIONS}"
    torch.manual_seed(seed)
    model = get_peft_model(base, config)
    model.peft_config[ADAPTER].init_lora_weights = True
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    model.taken_out = {name: weight.clone() for name, weight in weights.items()}
    return {"model": model, "peft_config": None}


def sequence_length(tokenizer: Any, prompt: Sequence[Message], answer: str) -> int:
    """Count the tokens of a prompt with its generation header, an answer and its end of turn.

    Raises:
        MealignError: the chat template renders the prompt differently once an answer follows, so that the model would
            be trained on other prompts than it is asked.
    """
    messages = [message.model_dump() for message in prompt]
    asked = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    messages.append({"role": "assistant", "content": answer})
    trained: list[int] = tokenizer.apply_chat_template(messages, return_dict=True)["input_ids"]
    if trained[: len(asked)] != asked:
        raise MealignError(
            "the model's chat template changes the prompt when an answer follows it, so training and inference would "
            "differ; choose another model, or give it a template that keeps the prompt"
        )
    return len(trained)


def to_dataset(rows: Sequence[Mapping[str, Any]]) -> Dataset:
    """Make a data set in order of its column ``length``, so that batches read in order hold little padding."""
    return Dataset.from_list(sorted(rows, key=lambda row: int(row["length"])))


def micro_batch(batch_size: int, *, at_most: int) -> int:
    """Return the largest divisor of one process's share of ``batch_size`` up to ``at_most``.

    Accumulated, and over all processes, it gives that batch exactly.

    Raises:
        MealignError: the batch cannot be shared evenly by the processes.
    """
    share, rest = divmod(batch_size, processes.count())
    if rest:
        raise MealignError(
            f"a batch of {batch_size} cannot be shared evenly by {processes.count()} processes; set "
            "training.sft.batch_size and training.dpo.batch_size to multiples of their number"
        )
    return max(size for size in range(1, min(share, at_most) + 1) if share % size == 0)


def shared_arguments(
    settings: SftConfig | DpoConfig,
    *,
    examples: int,
    micro_batch_size: int,
    precision: Precision,
    seed: int,
    folder: Path,
) -> dict[str, Any]:
    """Return the arguments that both trainers take alike.

    The batches are ``settings.batch_size``, accumulated over micro-batches of like length in all processes; the
    learning rate rises over ``warmup_ratio`` of the steps and falls along a cosine. Activations are recomputed on an
    accelerator, as TRL does by default; a CPU has the memory, and would lose the time.
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
        # The sampler reads the column `length`, which is no input of the model.
        "remove_unused_columns": False,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": round(settings.warmup_ratio * total_steps(settings, examples=examples)),
        "bf16": dtype_of(precision) is torch.bfloat16,
        "use_cpu": not accelerator,
        "torch_compile": settings.compile,
        "activation_checkpointing": accelerator,
        "dataloader_pin_memory": accelerator,
        # Every factor of the adapter has a part in every step.
        "ddp_find_unused_parameters": False,
        # Nothing is cut: what is too long was left out before.
        "max_length": None,
        "logging_steps": 1,
        # The filter would show an earlier loss in place of one that is not a number.
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def total_steps(settings: SftConfig | DpoConfig, *, examples: int) -> int:
    """Return how many optimizer steps a run takes; the last batch of an epoch may be a small one."""
    if settings.max_steps > 0:
        return settings.max_steps
    return math.ceil(settings.epochs * math.ceil(examples / settings.batch_size))


class Watch(TrainerCallback):  # type: ignore[misc]
    """Keeps the history of a run, moves its bar, tells the caller, and stops at a loss that is not a number."""

    def __init__(
        self, stage: Stage, shown: Bar, on_log: OnLog | None, *, records: Callable[[int], Sequence[str]]
    ) -> None:
        self.history: list[dict[str, float]] = []
        self._stage = stage
        self._shown = shown
        self._tell = on_log
        self._records = records

    def restore(self, reports: Sequence[Mapping[str, float]]) -> None:
        """Take the steps that a checkpoint holds; the caller was told of them before."""
        self.history += [curve_point(self._stage, int(report["step"]), report) for report in reports]
        self._shown.advance(len(reports))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, float] | None = None, **kwargs: Any
    ) -> None:
        """Take what the trainer reports: a step, or at the end its times, which are not kept."""
        if logs is None or "loss" not in logs:
            return
        step = state.global_step
        # Steps of SFT and of DPO have losses of their own; those of DPO know rewards.
        alike = (point["loss"] for point in self.history if ("rewards/margins" in point) == ("rewards/margins" in logs))
        first = next(alike, None)
        point = curve_point(self._stage, step, logs, first=first, records=lambda: self._records(step))
        self.history.append(point)
        self._shown.advance()
        self._shown.note(f"loss {point['loss']:.3f}")
        if self._tell:
            self._tell(step, {name: value for name, value in point.items() if name != "step"})


@dataclass(frozen=True)
class Run:
    """What became of a run: a point a step, and how often the micro-batch was halved for want of memory."""

    history: list[dict[str, float]]
    halvings: int


def run(
    stage: Stage,
    build_trainer: Callable[[Path, int], Any],
    *,
    steps: int,
    settings: SftConfig | DpoConfig,
    micro_batch_size: int,
    seed: int,
    model: Path,
    output: Path,
    checkpoints: Path | None,
    on_log: OnLog | None,
) -> Run:
    """Build a trainer, train behind a bar, and save its adapter; go on from the last checkpoint, if there is one.

    SIGTERM ends the run after the step in hand and its checkpoint. Where memory runs out, the micro-batch is halved
    and the run goes on from its last checkpoint: the batch of a step stays the same, and so does its loss up to
    rounding.

    Args:
        stage: names the bar and what goes wrong.
        build_trainer: makes the trainer; it is given a folder that lives as long as the run, and the micro-batch.
        steps: optimizer steps, for the bar.
        settings: the batch that micro-batches add up to.
        micro_batch_size: examples or pairs a forward pass, while memory suffices.
        seed: of the order of the examples.
        model: folder of the base model; the adapter records its name.
        output: folder of the adapter to make, whole or not at all; an older one is replaced.
        checkpoints: folder of this run's checkpoints alone, removed when the run ends well; None keeps none.
        on_log: called after every optimizer step that is taken; not for those that a checkpoint holds.

    Raises:
        MealignError: the loss is not a number or has exploded, or one example alone exceeds the memory.
        Terminated: SIGTERM came; the same run goes on from there.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    halvings = 0
    with (
        tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as name,
        opened(checkpoints if processes.leads() else None, scratch=Path(name)) as opened_here,
        _own_random_state(),
        quiet_training(),
    ):
        scratch = Path(name)
        kept = Checkpoints(processes.share(opened_here.folder))

        def attempt(micro: int) -> list[dict[str, float]] | None:
            last = processes.share(kept.last() if processes.leads() else None)
            try:
                with bar(f"{stage}: prepare", total=None):
                    trainer = build_trainer(kept.part, micro)
                with bar(f"{stage}: train", total=steps) as shown:
                    history = _train(
                        stage, trainer, steps=steps, batch_size=settings.batch_size, seed=seed, kept=kept, last=last,
                        shown=shown, on_log=on_log,
                    )  # fmt: skip
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if processes.count() > 1:
                    # The others wait for this one in the middle of a step.
                    raise MealignError(
                        f"{stage}: memory does not suffice in one of {processes.count()} processes; lower "
                        "training.dpo.micro_batch_size or model.max_length. The same command goes on from the last "
                        "checkpoint"
                    ) from error
                return None
            if processes.leads():
                save_adapter(trainer.model, output, base=model.name, scratch=scratch)
            return history

        # The attempt has returned, and with it the frames that hold the model and its activations.
        while (history := attempt(micro_batch_size)) is None:
            clear_device_cache(garbage_collection=True)
            if micro_batch_size == 1:
                raise MealignError(
                    f"{stage}: memory does not suffice for one example at a time; lower model.max_length, choose a "
                    "smaller model, or free memory. The same command goes on from the last checkpoint"
                )
            micro_batch_size = micro_batch(settings.batch_size, at_most=micro_batch_size // 2)
            halvings += 1
        if processes.leads():
            kept.remove()
    return Run(history, halvings)


def _train(
    stage: Stage,
    trainer: Any,
    *,
    steps: int,
    batch_size: int,
    seed: int,
    kept: Checkpoints,
    last: Path | None,
    shown: Bar,
    on_log: OnLog | None,
) -> list[dict[str, float]]:
    data = trainer.train_dataset
    kinds = data["supervised"] if "supervised" in data.column_names else None
    order = SeededOrder(data["length"], batch_size=batch_size, seed=seed, kinds=kinds)
    trainer._get_train_sampler = lambda dataset: order
    watch = Watch(stage, shown, on_log, records=lambda step: data[order.step(step)]["id"])
    reading = next((each for each in trainer.callback_handler.callbacks if isinstance(each, BestReading)), None)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(watch)
    done = reports(last) if last else []
    if done:
        watch.restore(done)
        # TRL counts the tokens of this process alone.
        trainer._total_train_tokens = int(done[-1]["num_tokens"])
    if last and reading:
        reading.restore(last, done)
    with termination() as asked:
        keeper = Keeper(trainer, kept, asked, beside=reading.write if reading else None)
        trainer.add_callback(keeper)
        if last and (len(done) >= steps or (reading and reading.over)):
            # The trainer would take one step more.
            trainer._load_from_checkpoint(str(last))
        else:
            trainer.train(resume_from_checkpoint=str(last) if last else None)
            if any(processes.gather(asked.is_set())):
                keeper.save()
                raise Terminated
    if reading:
        reading.take()
    return watch.history


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an accelerator or the processor had no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, Exception) and bool(should_reduce_batch_size(error))


def save_adapter(policy: Any, output: Path, *, base: str, scratch: Path) -> None:
    """Save the trained adapter, and nothing else, as a PEFT folder that takes its place in one step.

    One that was taken out of the base model's weights (PiSSA) is saved as its difference to what was taken out, an
    adapter of twice the rank, so that it fits the base model as it is.

    Args:
        policy: a PeftModel; its adapter :data:`ADAPTER` is saved.
        output: the folder; an older one is replaced.
        base: name of the base model, recorded instead of its path on this machine.
        scratch: an existing folder on the same file system.
    """
    made = scratch / "adapter"
    # Asked to find out about embeddings itself, PEFT looks the base model up on the model hub.
    policy.save_pretrained(made, selected_adapters=[ADAPTER], save_embedding_layers=False)
    (made / "README.md").unlink()
    config = json.loads((made / CONFIG_FILE).read_text(encoding="utf-8"))
    if taken_out := getattr(policy, "taken_out", None):
        _onto_the_whole_base(made / WEIGHTS_FILE, taken_out)
        config |= {"r": 2 * config["r"], "lora_alpha": 2 * config["lora_alpha"]}
    config["base_model_name_or_path"] = base
    # PEFT writes a set in its own order, which differs between processes.
    config["target_modules"] = sorted(config["target_modules"])
    (made / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if output.exists():
        output.rename(scratch / "replaced")
    made.rename(output)


@contextmanager
def quiet_training() -> Iterator[None]:
    """Hide the libraries' bars, advice and warnings while the block runs, and keep TRL from reporting its use."""
    trl = logging.getLogger("trl")
    level, shown = trl.level, datasets.is_progress_bar_enabled()
    tqdm, telemetry = os.environ.get("TQDM_DISABLE"), huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY
    trl.setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    # TRL asks the environment whether to show the bar of its pass over the reference.
    os.environ["TQDM_DISABLE"] = "1"
    # A TRL trainer sends library versions and hardware to the model hub when it is built; nothing leaves this machine.
    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        with quiet_transformers():
            yield
    finally:
        huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = telemetry
        if tqdm is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = tqdm
        if shown:
            datasets.enable_progress_bars()
        trl.setLevel(level)


@contextmanager
def _own_random_state() -> Iterator[None]:
    """Give the global generators, which trainers seed, back as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _onto_the_whole_base(file: Path, taken_out: Mapping[str, torch.Tensor]) -> None:
    """B A - B0 A0 = [B, -B0] [A; A0] (arXiv 2404.02948, app. C)."""
    weights = load_file(file)
    for name, weight in weights.items():
        first = taken_out[name].to(weight.device)
        weights[name] = torch.cat([weight, first]) if "lora_A" in name else torch.cat([weight, -first], dim=1)
    save_file(weights, file, metadata={"format": "pt"})


def _check_configuration(folder: Path, expected: Any, *, times: int) -> None:
    found = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    for key, field, wanted in (
        ("lora.variant", "use_dora", expected.use_dora),
        ("lora.variant", "use_rslora", expected.use_rslora),
        ("lora.rank", "r", times * expected.r),
        ("lora.alpha_ratio", "lora_alpha", times * expected.lora_alpha),
        ("lora.targets", "target_modules", sorted(expected.target_modules)),
    ):
        if found[field] != wanted:
            raise MealignError(
                f"{folder}: its adapter has {field}={found[field]}, and {key} asks for {wanted}; train it again with "
                f"this setting (stage=sft), or set {key} to what it was trained with"
            )


def _misfit(folder: Path, base: Any) -> MealignError:
    shape = f"{base.config.num_hidden_layers} layers of width {base.config.hidden_size}"
    return MealignError(
        f"{folder}: this adapter was made for another base model than the one configured ({shape}); train it again "
        "with this model (stage=sft)"
    )
