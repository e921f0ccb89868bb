"""The configuration of a fresh adapter; test_lora_variants.py has adapters that are trained and saved."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from mealign.errors import MealignError
from mealign.training.adapters import peft_config
from tests.defaults import LoraConfig


@pytest.fixture(scope="module")
def base(tiny_model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_model)


@pytest.mark.parametrize(("rank", "ratio", "alpha"), [(16, 2.0, 32), (3, 0.5, 1.5)])
def test_alpha_is_a_ratio_of_the_rank(base: Any, rank: int, ratio: float, alpha: float) -> None:
    config = peft_config(base, LoraConfig(rank=rank, alpha_ratio=ratio, dropout=0.1, targets=("q_proj",)))
    assert (config.r, config.lora_alpha, config.lora_dropout) == (rank, alpha, 0.1)
    assert config.target_modules == {"q_proj"}


def test_a_target_that_no_layer_has_is_named(base: Any) -> None:
    with pytest.raises(MealignError, match=r"lora\.targets: .* named c_attn, fc1;"):
        peft_config(base, LoraConfig(targets=("q_proj", "c_attn", "fc1")))
