"""Two processes against one: the same losses and the same adapter, and nothing left waiting."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from safetensors.torch import load_file

from mealign import processes
from mealign.errors import MealignError
from mealign.jsonl import digest_path
from mealign.training.adapters import WEIGHTS_FILE
from mealign.training.arguments import micro_batch
from tests.conftest import ROOT
from tests.defaults import DpoConfig
from tests.rounding import GRADIENTS, drift
from tests.training.conftest import Train
from tests.training.together import STEPS, train

pytestmark = pytest.mark.numerical

# `accelerate launch` hands over to this where there are accelerators; on processors it would want MPI.
LAUNCH = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")


@contextmanager
def launched(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a module in two processes that meet over loopback."""
    command = [*LAUNCH, "-m", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def finish(*arguments: str) -> str:
    """Run to the end, and return what was printed."""
    with launched(*arguments) as process:
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
    return out


@pytest.fixture(scope="module")
def adapter(sft: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start") / "sft"
    sft(folder)
    return folder


def arguments(stage: str, folder: Path, model: Path, adapter: Path) -> list[str]:
    return ["tests.training.together", stage, *map(str, (folder, model, adapter))]


def history(folder: Path) -> list[dict[str, float]]:
    found: list[dict[str, float]] = json.loads((folder / "history.json").read_text())
    return found


@dataclass(frozen=True)
class Whole:
    """What two processes make undisturbed, in ``folder``."""

    stage: str
    folder: Path
    told: list[int]


@pytest.fixture(scope="module", params=[pytest.param(stage, marks=pytest.mark.slow) for stage in ("dpo", "sft")])
def whole(
    request: pytest.FixtureRequest, tiny_model: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory
) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    told = finish(*arguments(request.param, folder, tiny_model, adapter))
    return Whole(request.param, folder, [int(line) for line in told.split()])


def test_two_processes_train_what_one_does(whole: Whole, tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    ours, theirs = history(whole.folder), train(whole.stage, tmp_path, tiny_model, adapter).history
    assert whole.told == list(range(1, STEPS + 1))
    assert len(ours) == len(theirs) == STEPS
    for name in ("step", "tokens", "learning_rate"):
        assert [point[name] for point in ours] == [point[name] for point in theirs], name
    # A loss of DPO is of beta times two log-probabilities, and of the chosen answers' likelihood.
    size = theirs[0]["loss"] + 2 * DpoConfig().beta * abs(theirs[0].get("logps/chosen", 0))
    # Two epochs; later what is off grows through what every step makes of it, which the bounds leave out.
    for point, other, bound in zip(ours[:8], theirs[:8], drift(theirs[:8], size=size), strict=True):
        assert point.keys() == other.keys()
        for name in {"loss", "reading_loss"} & point.keys():
            assert point[name] == pytest.approx(other[name], abs=bound), name
    # Warming up begins at a rate of 0, so that both first steps are of the same weights.
    for point, other in zip(ours[:2], theirs[:2], strict=True):
        assert point["grad_norm"] == pytest.approx(other["grad_norm"], rel=GRADIENTS)
    assert ours[-1]["loss"] < ours[0]["loss"]
    weights, others = (load_file(folder / "adapter" / WEIGHTS_FILE) for folder in (whole.folder, tmp_path))
    assert weights.keys() == others.keys()
    assert {path.name for path in whole.folder.iterdir()} == {"adapter", "checkpoints", "history.json"}
    assert not [path for path in (whole.folder / "checkpoints").iterdir() if path.is_dir()]


@pytest.mark.slow
def test_what_is_told_to_end_goes_on_together(whole: Whole, tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    command = arguments(whole.stage, tmp_path, tiny_model, adapter)
    with launched(*command) as process:
        assert process.stdout
        for line in process.stdout:
            if int(line) == 3:
                # As a shell or a scheduler does: the launcher alone would leave its processes behind.
                os.killpg(process.pid, signal.SIGTERM)
                break
        process.communicate(timeout=120)
        assert process.returncode != 0
    assert len(list(tmp_path.glob("checkpoints/*/step-*"))) == 1
    assert not (tmp_path / "adapter").exists()
    told = [int(line) for line in finish(*command).split()]
    assert 3 < told[0] < STEPS
    assert told == list(range(told[0], STEPS + 1))
    assert history(tmp_path) == history(whole.folder)
    assert digest_path(tmp_path / "adapter") == digest_path(whole.folder / "adapter")


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert micro_batch(12, at_most=3) == 2
    with pytest.raises(MealignError, match="a batch of 4 cannot be shared evenly by 3 processes"):
        micro_batch(4, at_most=4)


def test_alone_nothing_is_sent() -> None:
    assert (processes.count(), processes.place()) == (1, 0)
    assert processes.share("a") == "a"
    assert processes.gather("a") == ["a"]
    processes.dismiss()
    assert processes._messages.cache_info().currsize == 0
