"""Checkpoints of a training run: a killed run resumes from its last one and ends as an uninterrupted run would.

A checkpoint is the trainer's own: adapter, optimizer, scheduler, random state and the reports so far. It is written
under a temporary name, gets a manifest of its files' digests and then its final name; a checkpoint whose files differ
from its manifest, or which cannot be loaded, is thrown away. Its tensors are loaded as data alone: transformers loads
them with ``weights_only=True``, which builds nothing else from a pickle.
"""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import Timeout
from transformers import TrainerCallback, TrainerState
from transformers.trainer_callback import TrainerControl

from mealign import processes
from mealign.damage import discard, lock_at, make_folder, remove
from mealign.errors import MealignError
from mealign.jsonl import digest_path, read_json, write_json
from mealign.records import content_id
from mealign.training.adapters import ADAPTER

SECONDS = 30.0
"""The minimum time between two checkpoints; one more is written when the process is asked to end."""
MANIFEST = "manifest.json"
PART = ".part"
STATE_FILE = "trainer_state.json"


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM) while it trained; the last step is in a checkpoint."""


def run_key(stage: str, *parts: object) -> str:
    """Key of everything a run depends on: ``parts``, the code of this package, and the libraries used in training."""
    libraries = [f"{name} {version(name)}" for name in ("torch", "transformers", "trl", "peft", "accelerate")]
    return content_id(stage, *parts, digest_path(Path(__file__).parent), *libraries)


class Checkpoints:
    """The checkpoints of one run in a folder of their own; at most one exists between two steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def part(self) -> Path:
        """Folder in which a checkpoint is written before it is complete."""
        return self.folder / PART

    def last(self) -> Path | None:
        """Return the complete checkpoint of the latest step; incomplete and damaged ones are removed."""
        make_folder(self.folder, inside=self.folder.parent)
        remove(self.part)
        for checkpoint in sorted(self.folder.glob("step-*"), reverse=True):
            if _is_complete(checkpoint):
                return checkpoint
            discard(checkpoint, "this checkpoint differs from its manifest")
        return None

    def discard(self) -> None:
        """Throw away what cannot be loaded although it agrees with its manifest."""
        for checkpoint in self.folder.glob("step-*"):
            discard(checkpoint, "this checkpoint cannot be loaded")

    def keep(self, made: Path, *, step: int) -> None:
        """Make a written checkpoint the last one, and remove earlier ones."""
        write_json(made / MANIFEST, _digests(made))
        target = self._path(step)
        remove(target)
        made.rename(target)
        for other in self.folder.glob("step-*"):
            if other != target:
                remove(other)

    def holds(self, step: int) -> bool:
        """Whether the checkpoint of this step exists."""
        return self._path(step).exists()

    def remove(self) -> None:
        """Remove the checkpoints, when the run has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:08}"


@contextmanager
def opened(folder: Path | None, *, scratch: Path) -> Iterator[Checkpoints]:
    """Open the checkpoints of a run, for this process only.

    Args:
        folder: where they outlive the process. With None, or a folder that another process uses, they do not.
        scratch: an existing folder that exists as long as the run.
    """
    if folder is not None:
        lock = lock_at(folder.parent / f"{folder.name}.lock", inside=folder.parent.parent)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            pass
        else:
            try:
                yield Checkpoints(folder)
            finally:
                lock.release()
            return
    yield Checkpoints(scratch / "checkpoints")


def reports(checkpoint: Path) -> list[dict[str, float]]:
    """Return what the trainer reported up to a checkpoint, one entry per step."""
    history: list[dict[str, float]] = TrainerState.load_from_json(str(checkpoint / STATE_FILE)).log_history
    return [entry for entry in history if "loss" in entry]


class CheckpointCallback(TrainerCallback):  # type: ignore[misc]
    """Makes a trainer write checkpoints into ``checkpoints.part``, and keeps them; stops it when ``stop`` is set.

    ``beside`` is called with each checkpoint's folder before it is kept, to add files to it.
    """

    def __init__(
        self,
        trainer: Any,
        checkpoints: Checkpoints,
        stop: threading.Event,
        *,
        beside: Callable[[Path], None] | None = None,
    ) -> None:
        self._trainer = trainer
        self._checkpoints = checkpoints
        self._stop = stop
        self._beside = beside
        self._last = time.monotonic()
        # TRL would write a card with every checkpoint. PEFT would save the frozen reference too, and look the base
        # model up on the model hub to find out about embeddings.
        trainer.create_model_card = lambda **_: None
        trainer.model.save_pretrained = partial(
            trainer.model.save_pretrained, selected_adapters=[ADAPTER], save_embedding_layers=False
        )

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Request a checkpoint when one is due; for the last step only a signal needs one."""
        due = time.monotonic() - self._last >= SECONDS and state.global_step < state.max_steps
        # Processes save and stop together.
        stops, dues = zip(*processes.gather((self._stop.is_set(), due)), strict=True)
        if any(stops) or any(dues):
            control.should_save = True
        if any(stops):
            control.should_training_stop = True

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Keep the checkpoint that the trainer has written."""
        step = state.global_step
        made = Path(args.output_dir) / f"checkpoint-{step}"
        # Every process has written its random state by then.
        processes.gather(None)
        if processes.leads():
            if self._beside:
                self._beside(made)
            self._checkpoints.keep(made, step=step)
        self._last = time.monotonic()

    def save(self) -> None:
        """Write a checkpoint now, unless this step already has one."""
        state = self._trainer.state
        if not processes.share(self._checkpoints.holds(state.global_step)):
            self._trainer._save_checkpoint(self._trainer.model, trial=None)
            self.on_save(self._trainer.args, state, self._trainer.control)


@contextmanager
def termination() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM sets instead of ending the process; a signal that was not acted on is raised again.

    Only the main thread can handle signals; elsewhere the event is never set.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        asked.set()

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
    if asked.is_set():
        signal.raise_signal(signal.SIGTERM)


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: digest_path(path) for path in folder.iterdir() if path.name != MANIFEST}


def _is_complete(checkpoint: Path) -> bool:
    try:
        manifest = read_json(checkpoint / MANIFEST)
    except MealignError:
        return False
    return bool(manifest == _digests(checkpoint))
