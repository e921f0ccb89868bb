"""Runs that are killed, told to end, spoiled, or out of memory."""

import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mealign.errors import MealignError
from mealign.experiment.tracking import MlflowTracker, open_tracker
from mealign.jsonl import digest_path, write_json
from mealign.language.settings import Precision
from mealign.training import checkpoints
from mealign.training.adapters import WEIGHTS_FILE
from mealign.training.checkpoints import Checkpoints, Terminated, opened, run_key
from mealign.training.dpo import train_dpo
from mealign.training.loop import OnLog, is_out_of_memory
from mealign.training.results import TrainingResult
from tests.conftest import ROOT
from tests.defaults import DpoConfig, LoraConfig, TrackingConfig
from tests.rounding import drift
from tests.training.conftest import MAX_LENGTH, REFERENCES, Train, make_pair, make_task
from tests.training.killed import STEPS

pytestmark = pytest.mark.numerical

Told = list[tuple[int, dict[str, float]]]


class Killed(BaseException):
    """Ends a run where it stands, as a kill does, but for what the process holds."""


@pytest.fixture(scope="module")
def dpo(tiny_model: Path, lora: LoraConfig, sft: Train, tmp_path_factory: pytest.TempPathFactory) -> Train:
    adapter = tmp_path_factory.mktemp("start") / "sft"
    sft(adapter)

    def run(output: Path, **changes: Any) -> TrainingResult:
        settings: dict[str, Any] = {"epochs": 3, "learning_rate": 5e-3, "batch_size": 4, "micro_batch_size": 2}
        known = {key: changes.pop(key) for key in list(changes) if key in vars(DpoConfig())}
        values: dict[str, Any] = {
            "model": tiny_model, "sft_adapter": adapter, "lora": lora, "max_length": MAX_LENGTH, "seed": 1,
            "precision": Precision.fp32,
        }  # fmt: skip
        pairs = [make_pair(number) for number in range(6)]
        return train_dpo(pairs, output=output, settings=DpoConfig(**settings | known), **values | changes)

    return run


@pytest.fixture(scope="module")
def long_sft(sft: Train) -> Train:
    """SFT of three epochs of two steps, with dropout, which draws from the random state."""
    tasks = [make_task(number, REFERENCES[number % 4]) for number in range(6)]

    def run(output: Path, **changes: Any) -> TrainingResult:
        return sft(output, tasks, **{"epochs": 3, "lora": LoraConfig(rank=8, dropout=0.1)} | changes)

    return run


@dataclass(frozen=True)
class Case:
    """One of the two trainings, and what it gives undisturbed."""

    train: Train
    whole: TrainingResult
    digest: str


@pytest.fixture(scope="module", params=["sft", "dpo"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    train: Train = request.getfixturevalue({"sft": "long_sft", "dpo": "dpo"}[request.param])
    output = tmp_path_factory.mktemp("whole") / "adapter"
    whole = train(output)
    assert [point["step"] for point in whole.history] == [1, 2, 3, 4, 5, 6]
    return Case(train, whole, digest_path(output))


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)


def at_step(number: int, act: Callable[[], None], told: Told) -> OnLog:
    def log(step: int, point: dict[str, float]) -> None:
        told.append((step, point))
        if step == number:
            act()

    return log


def kill() -> None:
    raise Killed


@pytest.mark.usefixtures("every_step")
def test_a_run_that_is_killed_thrice_ends_as_an_undisturbed_one(case: Case, tmp_path: Path) -> None:
    kept, told = tmp_path / "store", []
    # It goes on within the first epoch, at the beginning of the second, and within the third.
    for step in (2, 3, 6):
        with pytest.raises(Killed):
            case.train(tmp_path / "killed", checkpoints=kept, on_log=at_step(step, kill, told))
    result = case.train(tmp_path / "killed", checkpoints=kept, on_log=at_step(0, kill, told))
    # The step at which it was killed has no checkpoint, since it is told before it is saved.
    assert [at for at, _ in told] == [1, 2, 2, 3, 3, 4, 5, 6, 6]
    assert len({at for at, _ in told}) == len({(at, str(point)) for at, point in told})
    assert result == case.whole
    assert digest_path(tmp_path / "killed") == case.digest
    assert not [path for path in kept.iterdir() if path.is_dir()]


@pytest.mark.parametrize("step", [3, pytest.param(6, marks=pytest.mark.slow)])
def test_sigterm_ends_a_run_behind_the_step_in_hand(case: Case, tmp_path: Path, step: int) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    kept, told = tmp_path / "store", []
    terminate = partial(os.kill, os.getpid(), signal.SIGTERM)
    with pytest.raises(Terminated):
        case.train(tmp_path / "ended", checkpoints=kept, on_log=at_step(step, terminate, told))
    assert signal.getsignal(signal.SIGTERM) == handler
    assert not (tmp_path / "ended").exists()
    # The signal is seen at the end of a step; it came when that of ``step`` was over.
    reached = min(step + 1, 6)
    assert [at for at, _ in told] == list(range(1, reached + 1))
    assert case.train(tmp_path / "ended", checkpoints=kept, on_log=at_step(0, kill, told)) == case.whole
    assert [at for at, _ in told] == [1, 2, 3, 4, 5, 6]
    assert digest_path(tmp_path / "ended") == case.digest


@pytest.mark.usefixtures("every_step")
def test_the_books_hold_one_whole_curve_of_a_killed_run(case: Case, tmp_path: Path) -> None:
    def train(step: int) -> list[tuple[int, float]]:
        """Train until a step, and return the curve that the books hold then."""
        with open_tracker(
            TrackingConfig(), run_name="run", run_key="run_1", params={}, tags={}, root=tmp_path
        ) as tracker:
            assert isinstance(tracker, MlflowTracker)

            def log(at: int, point: dict[str, float]) -> None:
                tracker.log_step("sft", at, point)
                if at == step:
                    raise Killed

            with suppress(Killed):
                case.train(tmp_path / "adapter", checkpoints=tmp_path / "store", on_log=log)
            points = tracker._client.get_metric_history(tracker.run_id, "sft/loss")
            return sorted((point.step, point.value) for point in points)

    expected = [(int(point["step"]), point["loss"]) for point in case.whole.history]
    assert train(4) == expected[:4]
    assert train(0) == expected


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("spoil", ["truncated", pytest.param("no manifest", marks=pytest.mark.slow)])
def test_a_half_written_checkpoint_is_not_resumed_from(long_sft: Train, tmp_path: Path, spoil: str) -> None:
    kept, again = tmp_path / "store", []
    with pytest.raises(Killed):
        long_sft(tmp_path / "sft", checkpoints=kept, on_log=at_step(2, kill, []))
    (checkpoint,) = kept.glob("*/step-*")
    if spoil == "truncated":
        with (checkpoint / "optimizer.pt").open("r+b") as file:
            file.truncate(100)
    else:
        (checkpoint / checkpoints.MANIFEST).unlink()
    long_sft(tmp_path / "sft", checkpoints=kept, on_log=lambda at, point: again.append(at))
    assert again == [1, 2, 3, 4, 5, 6]


class Canary:
    def __init__(self, song: Path) -> None:
        self._song = song

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._song,)


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize(
    "name",
    [
        "optimizer.pt", "rng_state.pth", "trainer_state.json", "training_args.bin",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("scheduler.pt", WEIGHTS_FILE)),
    ],
)  # fmt: skip
def test_a_pickle_in_a_checkpoint_is_never_run_and_training_begins_anew(
    long_sft: Train, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    kept, song, again = tmp_path / "store", tmp_path / "song", []
    with pytest.raises(Killed):
        long_sft(tmp_path / "sft", checkpoints=kept, on_log=at_step(3, kill, []))
    (checkpoint,) = kept.glob("*/step-*")
    (checkpoint / name).write_bytes(pickle.dumps(Canary(song)))
    # Whoever can write it can write its manifest.
    write_json(checkpoint / checkpoints.MANIFEST, checkpoints._digests(checkpoint))
    long_sft(tmp_path / "sft", checkpoints=kept, on_log=lambda at, point: again.append(at))
    assert not song.exists()
    if name == "training_args.bin":
        assert again == [3, 4, 5, 6], "it is written, and never read"
    else:
        assert again == [1, 2, 3, 4, 5, 6]
        assert f"{checkpoint}: this checkpoint cannot be loaded; it is thrown away" in capfd.readouterr().err


@pytest.mark.usefixtures("every_step")
def test_another_run_does_not_resume_from_it(long_sft: Train, tmp_path: Path) -> None:
    kept, again = tmp_path / "store", []
    with pytest.raises(Killed):
        long_sft(tmp_path / "sft", checkpoints=kept, on_log=at_step(2, kill, []))
    long_sft(tmp_path / "sft", checkpoints=kept, seed=2, on_log=lambda at, point: again.append(at))
    assert again == [1, 2, 3, 4, 5, 6]
    assert len(list(kept.glob("*/step-*"))) == 1


def test_the_last_complete_checkpoint_is_the_one_of_the_latest_step(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path / "run")
    for step in (9, 10):
        kept.part.mkdir(parents=True, exist_ok=True)
        made = kept.part / f"checkpoint-{step}"
        made.mkdir()
        (made / "weights").write_text(str(step))
        kept.keep(made, step=step)
    assert kept.last() == tmp_path / "run/step-00000010"
    assert [path.name for path in kept.folder.glob("step-*")] == ["step-00000010"]
    assert (kept.holds(10), kept.holds(9)) == (True, False)
    (tmp_path / "run/step-00000010/weights").write_text("other")
    assert kept.last() is None
    assert not list(kept.folder.glob("step-*"))


def test_two_processes_do_not_share_checkpoints(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "store/run", scratch=tmp_path) as first,
        opened(tmp_path / "store/run", scratch=tmp_path) as b,
    ):
        assert (first.folder, b.folder) == (tmp_path / "store/run", tmp_path / "checkpoints")
    with opened(tmp_path / "store/run", scratch=tmp_path) as third:
        assert third.folder == tmp_path / "store/run"


def test_a_key_names_its_parts() -> None:
    assert run_key("sft", [1], "a") == run_key("sft", [1], "a") != run_key("sft", [1], "b")
    assert run_key("sft").startswith("sft_")


def test_a_spoiled_loss_names_the_examples_that_were_read(case: Case, tmp_path: Path, monkeypatch: Any) -> None:
    read = spoil(monkeypatch, step=3, factor=float("nan"))
    with pytest.raises(MealignError, match="loss is nan at step 3") as raised:
        case.train(tmp_path / "adapter", batch_size=3)
    named = re.findall(r"(?:task|pair)_\d+", str(raised.value))
    assert len(named) == 3
    assert {int(each.partition("_")[2]) for each in named} == {int(each.partition("_")[2]) for each in read}


def test_an_exploding_loss_stops_the_run(case: Case, tmp_path: Path, monkeypatch: Any) -> None:
    spoil(monkeypatch, step=2, factor=1e3)
    with pytest.raises(MealignError, match=r"loss has exploded from .* at step 2 \(batch of (task|pair)_"):
        case.train(tmp_path / "adapter")
    assert list(tmp_path.iterdir()) == []


def spoil(monkeypatch: pytest.MonkeyPatch, *, step: int, factor: float) -> set[str]:
    """Multiply the loss from ``step`` on; return the set that gets the ids of the examples read in that step."""
    from transformers import Trainer

    read: set[str] = set()
    training_step, batches = Trainer.training_step, Trainer.get_batch_samples

    def watched(self: Any, iterator: Any, *given: Any) -> Any:
        samples, items = batches(self, iterator, *given)
        if self.state.global_step + 1 == step:
            rows = {tuple(row.get("prompt_ids", row.get("input_ids"))): row["id"] for row in self.train_dataset}
            for batch in samples:
                for tokens, mask in zip(batch["input_ids"].tolist(), batch["attention_mask"].tolist(), strict=True):
                    whole = tuple(tokens[: sum(mask)])
                    read.update(name for ids, name in rows.items() if whole[: len(ids)] == ids)
        return samples, items

    def scaled(self: Any, *given: Any) -> Any:
        loss = training_step(self, *given)
        return loss * factor if self.state.global_step + 1 >= step else loss

    monkeypatch.setattr(Trainer, "get_batch_samples", watched)
    monkeypatch.setattr(Trainer, "training_step", scaled)
    return read


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], list[int]]:
    """Leaves memory for at most so many sequences a forward pass from a step on; an allocation beyond it is real."""
    from transformers import Trainer

    def limit(sequences: int, step: int = 1) -> list[int]:
        seen: list[int] = []
        training_step = Trainer.training_step

        def limited(self: Any, model: Any, inputs: Any, *given: Any) -> Any:
            seen.append(len(inputs["input_ids"]))
            if len(inputs["input_ids"]) > sequences and self.state.global_step + 1 >= step:
                # More than any machine has: the allocator itself refuses.
                torch.empty(1 << 50, dtype=torch.uint8)
            return training_step(self, model, inputs, *given)

        monkeypatch.setattr(Trainer, "training_step", limited)
        return seen

    return limit


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_without_memory_the_micro_batch_is_halved_and_the_batch_is_kept(
    long_sft: Train, memory: Any, tmp_path: Path, step: int
) -> None:
    plain = LoraConfig(rank=8)
    whole = long_sft(tmp_path / "whole", lora=plain)
    seen = memory(1, step)
    halved = long_sft(tmp_path / "halved", lora=plain)
    assert (whole.halvings, halved.halvings) == (0, 2)
    assert (seen[0], seen[-1]) == (4, 1)
    assert [p["tokens"] for p in halved.history] == [p["tokens"] for p in whole.history]
    bounds = drift(whole.history, size=whole.history[0]["loss"])
    for found, expected, bound in zip(halved.history, whole.history, bounds, strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], abs=bound)
    expected, found = (load_file(tmp_path / name / WEIGHTS_FILE) for name in ("whole", "halved"))
    assert found.keys() == expected.keys()


@pytest.mark.usefixtures("every_step")
def test_the_halved_run_goes_on_from_its_last_checkpoint(dpo: Train, memory: Any, tmp_path: Path) -> None:
    # A pair is two sequences.
    memory(2, 4)
    told: Told = []
    result = dpo(tmp_path / "dpo", on_log=lambda at, point: told.append((at, point)))
    assert result.halvings == 1
    assert [at for at, _ in told] == [1, 2, 3, 4, 5, 6]
    assert [p["step"] for p in result.history] == [1, 2, 3, 4, 5, 6]


def test_one_example_that_exceeds_the_memory_is_one_error(case: Case, memory: Any, tmp_path: Path) -> None:
    memory(0)
    with pytest.raises(
        MealignError, match=r"memory does not suffice for one example at a time; lower model\.max_length"
    ):
        case.train(tmp_path / "adapter")
    assert list(tmp_path.iterdir()) == []


def test_other_errors_are_not_taken_for_want_of_memory() -> None:
    assert not is_out_of_memory(RuntimeError("shapes differ"))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))


def command(stage: str, folder: Path, model: Path, adapter: Path | None) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    given = [sys.executable, "-m", "tests.training.killed", stage, str(folder), str(model)]
    return subprocess.Popen(
        [*given, *([str(adapter)] if adapter else [])], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def run_until(process: subprocess.Popen[str], step: int | None, sent: signal.Signals) -> list[int]:
    """Follow a run and send it a signal once it has named ``step``; return the steps that it named."""
    assert process.stdout
    named = []
    for line in process.stdout:
        named.append(int(line))
        if named[-1] == step:
            process.send_signal(sent)
    process.wait()
    return named


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["sft", "dpo", "dpo from sft"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_process_that_is_killed_ends_with_the_same_losses(
    stage: str, seed: int, sft: Train, tiny_model: Path, tmp_path: Path
) -> None:
    adapter = None
    if stage == "dpo from sft":
        adapter = tmp_path / "sft"
        sft(adapter)
    name = stage[:3]
    undisturbed = command(name, tmp_path / "whole", tiny_model, adapter)
    assert run_until(undisturbed, None, signal.SIGKILL) == list(range(1, STEPS + 1))
    draw = random.Random(f"{stage} {seed}")
    folder, reached = tmp_path / "killed", 0
    for sent in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        # Wherever it is a moment after that step: in the next one, or in the middle of a checkpoint.
        step = draw.randint(reached + 1, min(reached + 4, STEPS - 1))
        process = command(name, folder, tiny_model, adapter)
        named = run_until(process, step, sent)
        assert process.returncode not in (0, None)
        assert named[0] <= reached + 1
        reached = named[-1]
        if reached >= STEPS - 1:
            break
    process = command(name, folder, tiny_model, adapter)
    run_until(process, None, signal.SIGKILL)
    assert process.returncode == 0
    expected, found = (json.loads((tmp_path / each / "history.json").read_text()) for each in ("whole", "killed"))
    assert [point["step"] for point in found] == list(range(1, STEPS + 1))
    for key in expected[0]:
        assert [p[key] for p in found] == pytest.approx([p[key] for p in expected], abs=1e-6)
    assert digest_path(folder / "adapter") == digest_path(tmp_path / "whole/adapter")
