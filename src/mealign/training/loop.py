"""The training loop around a trainer: its bar and history, checkpoints, smaller micro-batches when memory runs out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from transformers import PrinterCallback, TrainerCallback

from mealign import processes
from mealign.errors import MealignError
from mealign.progress import Bar, bar
from mealign.training.adapters import save_adapter
from mealign.training.arguments import micro_batch
from mealign.training.checkpoints import CheckpointCallback, Checkpoints, Terminated, opened, reports, termination
from mealign.training.early_stopping import EarlyStopping
from mealign.training.isolation import own_random_state, quiet_training
from mealign.training.results import Stage, curve_point
from mealign.training.sampler import SeededSampler
from mealign.training.settings import DpoConfig, SftConfig

OnLog = Callable[[int, dict[str, float]], None]
P = ParamSpec("P")
T = TypeVar("T")


class UnusableCheckpointError(Exception):
    """A checkpoint agrees with its manifest and cannot be loaded."""


@dataclass(frozen=True)
class Run:
    """The outcome of a run: one point per step, and how often the micro-batch was halved for lack of memory."""

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
    """Build a trainer, train with a progress bar, and save its adapter; resume from the last checkpoint, if any.

    SIGTERM ends the run after the current step and its checkpoint. When memory runs out, the micro-batch is halved and
    the run resumes from its last checkpoint: the batch of a step stays the same, and so does its loss up to rounding.

    Args:
        stage: name for the progress bar and errors.
        build_trainer: makes the trainer, given a folder that exists as long as the run, and the micro-batch size.
        steps: optimizer steps, for the bar.
        settings: give the batch size to which micro-batches add up.
        micro_batch_size: examples or pairs per forward pass, while memory suffices.
        seed: of the order of the examples.
        model: folder of the base model; the adapter records its name.
        output: folder of the adapter to make, completely or not at all; an older one is replaced.
        checkpoints: folder of this run's checkpoints only, removed when the run succeeds; None keeps none.
        on_log: called after every optimizer step that is taken; not for those in a checkpoint.

    Raises:
        MealignError: the loss is not a number or has exploded, or a single example exceeds the memory.
        Terminated: SIGTERM was received; the same run resumes from there.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    halvings = 0
    with (
        tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as name,
        opened(checkpoints if processes.leads() else None, scratch=Path(name)) as opened_here,
        own_random_state(),
        quiet_training(),
    ):
        loop = _Loop(
            stage,
            steps=steps,
            batch_size=settings.batch_size,
            seed=seed,
            kept=Checkpoints(processes.share(opened_here.folder)),
            on_log=on_log,
            save=lambda policy: save_adapter(policy, output, base=model.name, scratch=Path(name)),
        )
        # The attempt has returned, so the frames that held the model and its activations are gone.
        while (history := loop.attempt(build_trainer, micro_batch_size)) is None:
            clear_device_cache(garbage_collection=True)
            if micro_batch_size == 1:
                raise MealignError(
                    f"{stage}: memory does not suffice for one example at a time; lower model.max_length, choose a "
                    "smaller model, or free memory. The same command goes on from the last checkpoint"
                )
            micro_batch_size = micro_batch(settings.batch_size, at_most=micro_batch_size // 2)
            halvings += 1
        if processes.leads():
            loop.kept.remove()
    return Run(history, halvings)


@dataclass(frozen=True)
class _Loop:
    """What the attempts at a run share; each uses a smaller micro-batch than the one before."""

    stage: Stage
    _: KW_ONLY
    steps: int
    batch_size: int
    seed: int
    kept: Checkpoints
    on_log: OnLog | None
    save: Callable[[Any], None]

    def attempt(self, build_trainer: Callable[[Path, int], Any], micro: int) -> list[dict[str, float]] | None:
        """Train from the last checkpoint that can be loaded and save; None if memory runs out."""
        while True:
            try:
                return self._attempt(build_trainer, micro)
            except UnusableCheckpointError:
                pass
            if processes.leads():
                self.kept.discard()

    def _attempt(self, build_trainer: Callable[[Path, int], Any], micro: int) -> list[dict[str, float]] | None:
        last = processes.share(self.kept.last() if processes.leads() else None)
        try:
            with bar(f"{self.stage}: prepare", total=None):
                trainer = build_trainer(self.kept.part, micro)
            with bar(f"{self.stage}: train", total=self.steps) as shown:
                history = self._train(trainer, last, shown)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if processes.count() > 1:
                # The other processes wait for this one in the middle of a step.
                raise MealignError(
                    f"{self.stage}: memory does not suffice in one of {processes.count()} processes; lower "
                    "training.dpo.micro_batch_size or model.max_length. The same command goes on from the last "
                    "checkpoint"
                ) from error
            return None
        if processes.leads():
            self.save(trainer.model)
        return history

    def _train(self, trainer: Any, last: Path | None, shown: Bar) -> list[dict[str, float]]:
        data = trainer.train_dataset
        kinds = data["supervised"] if "supervised" in data.column_names else None
        sampler = SeededSampler(data["length"], batch_size=self.batch_size, seed=self.seed, kinds=kinds)
        trainer._get_train_sampler = lambda dataset: sampler
        curve = HistoryCallback(self.stage, shown, self.on_log, records=lambda step: data[sampler.step(step)]["id"])
        stopping = next((each for each in trainer.callback_handler.callbacks if isinstance(each, EarlyStopping)), None)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(curve)
        for name in ("_load_from_checkpoint", "_load_optimizer_and_scheduler", "_load_rng_state"):
            setattr(trainer, name, _loading(getattr(trainer, name)))
        done = _loading(reports)(last) if last else []
        if done:
            curve.restore(done)
            # TRL counts only the tokens of this process.
            trainer._total_train_tokens = int(done[-1]["num_tokens"])
        if last and stopping:
            _loading(stopping.restore)(last, done)
        with termination() as asked:
            keeper = CheckpointCallback(trainer, self.kept, asked, beside=stopping.write if stopping else None)
            trainer.add_callback(keeper)
            if last and (len(done) >= self.steps or (stopping and stopping.over)):
                # The trainer would take one more step.
                trainer._load_from_checkpoint(str(last))
            else:
                trainer.train(resume_from_checkpoint=str(last) if last else None)
                if any(processes.gather(asked.is_set())):
                    keeper.save()
                    raise Terminated
        if stopping:
            stopping.take()
        return curve.history


class HistoryCallback(TrainerCallback):  # type: ignore[misc]
    """Keeps the history of a run, advances its bar, calls ``on_log``, and stops at a loss that is not a number."""

    def __init__(
        self, stage: Stage, shown: Bar, on_log: OnLog | None, *, records: Callable[[int], Sequence[str]]
    ) -> None:
        self.history: list[dict[str, float]] = []
        self._stage = stage
        self._shown = shown
        self._tell = on_log
        self._records = records

    def restore(self, reports: Sequence[Mapping[str, float]]) -> None:
        """Restore the steps in a checkpoint; ``on_log`` was called for them before."""
        self.history += [curve_point(self._stage, int(report["step"]), report) for report in reports]
        self._shown.advance(len(reports))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, float] | None = None, **kwargs: Any
    ) -> None:
        """Record what the trainer reports: a step, or at the end its times, which are not kept."""
        if logs is None or "loss" not in logs:
            return
        step = state.global_step
        # Losses of SFT and DPO steps are not comparable; only DPO steps report rewards.
        alike = (point["loss"] for point in self.history if ("rewards/margins" in point) == ("rewards/margins" in logs))
        first = next(alike, None)
        point = curve_point(self._stage, step, logs, first=first, records=lambda: self._records(step))
        self.history.append(point)
        self._shown.advance()
        self._shown.note(f"loss {point['loss']:.3f}")
        if self._tell:
            self._tell(step, {name: value for name, value in point.items() if name != "step"})


def _loading(load: Callable[P, T]) -> Callable[P, T]:
    """Make a function raise :class:`UnusableCheckpointError` for whatever else than lack of memory goes wrong in it."""

    @wraps(load)
    def call(*args: P.args, **given: P.kwargs) -> T:
        try:
            return load(*args, **given)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise UnusableCheckpointError from error

    return call


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the accelerator or the machine ran out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, Exception) and bool(should_reduce_batch_size(error))
