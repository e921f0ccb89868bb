"""A handful of tasks and pairs, and settings under which a tiny model learns them in seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from mealign.language.settings import Precision
from mealign.records import FAMILIES, Lineage, Message, Preference, Task
from mealign.training.results import TrainingResult
from mealign.training.sft import train_sft
from tests.defaults import LoraConfig, SftConfig

REFERENCES = ("Ghent", "Tuesday", "a red bike", "her sister Anna")
MAX_LENGTH = 128


def make_task(number: int, reference: str, **changes: Any) -> Task:
    values: dict[str, Any] = {
        "id": f"task_{number}",
        "kind": "memory_qa_self",
        "family": FAMILIES[number % len(FAMILIES)],
        "question": "",
        "prompt": (
            Message(role="system", content="Answer."),
            Message(role="user", content=f"Question {number}{'?' * number}"),
        ),
        "reference": reference,
        "fact_ids": (f"fact_{number}",),
        "split": "train",
    }
    return Task(**values | changes)


def make_pair(number: int, **changes: Any) -> Preference:
    task = make_task(number, REFERENCES[number % len(REFERENCES)])
    lineage = Lineage(
        task_id=task.id, chosen_id="c", rejected_id="r", verdict_ids=(), fact_ids=task.fact_ids, document_ids=()
    )
    values: dict[str, Any] = {
        "id": f"pair_{number:03}",
        "family": task.family,
        "prompt": task.prompt,
        "chosen": task.reference,
        "rejected": "Not mentioned",
        "margin": 0.5,
        "lineage": lineage,
    }
    return Preference(**values | changes)


@pytest.fixture(scope="session")
def tasks() -> list[Task]:
    return [make_task(number, reference) for number, reference in enumerate(REFERENCES)]


@pytest.fixture(scope="session")
def pairs() -> list[Preference]:
    return [make_pair(number) for number in range(4)]


@pytest.fixture(scope="session")
def lora() -> LoraConfig:
    return LoraConfig(rank=8)


@pytest.fixture(scope="session")
def tokenizer(tiny_model: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_model)


Train = Callable[..., TrainingResult]


@pytest.fixture(scope="session")
def sft(tasks: list[Task], tiny_model: Path, lora: LoraConfig) -> Train:
    """``train_sft`` with defaults of the tests: a few steps over all tasks."""

    def run(output: Path, used: list[Task] = tasks, **changes: Any) -> TrainingResult:
        settings = {"epochs": 2, "learning_rate": 1e-2, "batch_size": 4, "warmup_ratio": 0.0}
        known = {key: changes.pop(key) for key in list(changes) if key in vars(SftConfig())}
        values: dict[str, Any] = {
            "model": tiny_model, "lora": lora, "max_length": MAX_LENGTH, "seed": 1, "precision": Precision.fp32
        }  # fmt: skip
        return train_sft(used, output=output, settings=SftConfig(**settings | known), **values | changes)

    return run


def answer_logp(model: Any, prompt: list[int], answer: list[int]) -> float:
    """Log-probability of an answer in nats, one token after the other."""
    with torch.inference_mode():
        logps = model(torch.tensor([prompt + answer])).logits[0].log_softmax(dim=-1)
    return sum(float(logps[len(prompt) - 1 + index, token]) for index, token in enumerate(answer))


def save(model: Any, tokenizer: Any, folder: Path) -> Path:
    """Save a base model as mealign keeps them."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
