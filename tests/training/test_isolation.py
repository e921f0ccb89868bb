"""What training does to the process around it ends with it."""

import os
import random
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub.constants
import numpy as np
import pytest
import torch

from mealign.training import loop
from mealign.training.isolation import quiet_training
from tests.defaults import SftConfig


@pytest.mark.parametrize("before", [None, "0"])
def test_while_training_libraries_are_silent_and_send_nothing(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_TELEMETRY", False)
    if before is None:
        monkeypatch.delenv("TQDM_DISABLE", raising=False)
    else:
        monkeypatch.setenv("TQDM_DISABLE", before)
    bars = datasets.is_progress_bar_enabled()
    with quiet_training():
        assert huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY
        assert os.environ["TQDM_DISABLE"] == "1"
        assert not datasets.is_progress_bar_enabled()
    assert not huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY
    assert os.environ.get("TQDM_DISABLE") == before
    assert datasets.is_progress_bar_enabled() == bars


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def seed() -> None:
    random.seed(3)
    np.random.seed(3)
    torch.manual_seed(3)


def test_a_run_gives_the_random_state_back(tmp_path: Path, tiny_model: Path) -> None:
    seed()
    expected = draws()
    seed()

    def fail(folder: Path, micro_batch_size: int) -> Any:
        draws()
        raise RuntimeError(f"{folder.name} {micro_batch_size}")

    with pytest.raises(RuntimeError, match="part 2"):
        loop.run(
            "sft",
            fail,
            steps=1,
            settings=SftConfig(),
            micro_batch_size=2,
            seed=1,
            model=tiny_model,
            output=tmp_path / "adapter",
            checkpoints=None,
            on_log=None,
        )
    assert draws() == expected
    assert list(tmp_path.iterdir()) == []
