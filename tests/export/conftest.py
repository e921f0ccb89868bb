"""A tiny model's adapter and its tokenizer."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from mealign.config import LoraConfig, Precision, SftConfig
from mealign.training.sft import train_sft
from tests.training.conftest import REFERENCES, make_task


def train_adapter(model: Path, output: Path, *, steps: int, learning_rate: float = 1e-2) -> Path:
    train_sft(
        [make_task(number, reference) for number, reference in enumerate(REFERENCES)],
        model=model, output=output, lora=LoraConfig(rank=8), max_length=128, seed=1, precision=Precision.fp32,
        settings=SftConfig(max_steps=steps, learning_rate=learning_rate, batch_size=4, warmup_ratio=0.0),
    )  # fmt: skip
    return output


@pytest.fixture(scope="session")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_adapter(tiny_model, tmp_path_factory.mktemp("trained") / "sft", steps=2)


@pytest.fixture(scope="session")
def tokenizer(tiny_model: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_model)
