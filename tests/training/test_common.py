import os
import random
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub.constants
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from mealign.errors import MealignError
from mealign.records import Message
from mealign.training import common
from tests.defaults import DpoConfig, LoraConfig, SftConfig
from tests.training.conftest import make_task


@pytest.mark.parametrize(
    ("batch_size", "at_most", "expected"), [(8, 4, 4), (6, 4, 3), (7, 4, 1), (2, 4, 2), (16, 16, 16)]
)
def test_micro_batches_make_up_the_batch(batch_size: int, at_most: int, expected: int) -> None:
    assert common.micro_batch(batch_size, at_most=at_most) == expected


@given(st.integers(1, 200), st.integers(1, 64))
def test_a_micro_batch_divides_every_batch(batch_size: int, at_most: int) -> None:
    size = common.micro_batch(batch_size, at_most=at_most)
    assert batch_size % size == 0
    assert size <= at_most


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (SftConfig(epochs=1, batch_size=4), 3),  # 10 examples: 4, 4 and 2
        (SftConfig(epochs=1.5, batch_size=4), 5),
        (DpoConfig(epochs=2, batch_size=10), 2),
        (DpoConfig(epochs=2, max_steps=7), 7),
    ],
)
def test_steps_of_ten_examples(settings: SftConfig | DpoConfig, expected: int) -> None:
    assert common.total_steps(settings, examples=10) == expected


@pytest.fixture(scope="module")
def base(tiny_model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_model)


@pytest.mark.parametrize(("rank", "ratio", "alpha"), [(16, 2.0, 32), (3, 0.5, 1.5)])
def test_alpha_is_a_ratio_of_the_rank(base: Any, rank: int, ratio: float, alpha: float) -> None:
    config = common.peft_config(base, LoraConfig(rank=rank, alpha_ratio=ratio, dropout=0.1, targets=("q_proj",)))
    assert (config.r, config.lora_alpha, config.lora_dropout) == (rank, alpha, 0.1)
    assert config.target_modules == {"q_proj"}


def test_a_target_that_no_layer_has_is_named(base: Any) -> None:
    with pytest.raises(MealignError, match=r"lora\.targets: .* named c_attn, fc1;"):
        common.peft_config(base, LoraConfig(targets=("q_proj", "c_attn", "fc1")))


def test_a_sequence_is_the_prompt_as_asked_the_answer_and_its_end(tokenizer: Any) -> None:
    task = make_task(3, "Ghent")
    asked = tokenizer.apply_chat_template([m.model_dump() for m in task.prompt], add_generation_prompt=True)[
        "input_ids"
    ]
    answer = tokenizer("Ghent<|im_end|>\n")["input_ids"]
    assert common.sequence_length(tokenizer, task.prompt, task.reference) == len(asked) + len(answer)


def test_a_template_that_changes_the_prompt_is_refused(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    template = "{{ messages | length }}{% for message in messages %}{{ message.content }}{% endfor %}"
    monkeypatch.setattr(tokenizer, "chat_template", template)
    with pytest.raises(MealignError, match="chat template changes the prompt"):
        common.sequence_length(tokenizer, [Message(role="user", content="Where?")], "Ghent")


def test_a_tokenizer_without_a_template_is_refused(tokenizer: Any, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path / "raw")
    (tmp_path / "raw/chat_template.jinja").unlink()
    with pytest.raises(MealignError, match="raw: its tokenizer has no chat template"):
        common.load_tokenizer(tmp_path / "raw")


def test_rows_are_ordered_by_length() -> None:
    rows = [{"name": "b", "length": 5}, {"name": "a", "length": 9}, {"name": "c", "length": 2}]
    assert list(common.to_dataset(rows)["name"]) == ["c", "b", "a"]


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
    with common.quiet_training():
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
        common.run(
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
