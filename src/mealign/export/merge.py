"""Merges an adapter into its base model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import safe_open
from transformers import AutoModelForCausalLM

from mealign.errors import MealignError
from mealign.language.weights import loading, quiet_transformers
from mealign.training.adapters import CONFIG_FILE, UNFIT, WEIGHTS_FILE, read_config


def merge_adapter(base: Path, adapter: Path) -> Any:
    """Merge an adapter into its base model: every adapted matrix becomes W + scale * B A (arXiv 2106.09685, sec. 4.1).

    Args:
        base: a ``from_pretrained`` folder.
        adapter: a PEFT folder that :mod:`mealign.training` wrote.

    Returns:
        The merged model in fp32, on the CPU, in evaluation mode.

    Raises:
        MealignError: the folder holds no adapter, the adapter was made for another base model, or a merged weight is
            not a finite number.
    """
    if not ((adapter / CONFIG_FILE).is_file() and (adapter / WEIGHTS_FILE).is_file()):
        raise MealignError(f"{adapter}: there is no adapter in this folder; train it first")
    trained_on = read_config(adapter)["base_model_name_or_path"]
    if trained_on != base.name:
        raise MealignError(
            f"{adapter}: this adapter was trained on {trained_on}, and model=... chooses {base.name}; "
            "choose the model that it was trained on, or train it again with this one"
        )
    with loading(base):
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, trust_remote_code=False)
    with quiet_transformers():
        try:
            adapted = PeftModel.from_pretrained(model, adapter)
            with safe_open(adapter / WEIGHTS_FILE, framework="pt") as saved:
                names = set(saved.keys())
        except UNFIT as error:
            raise _misfit(adapter, base) from error
        # PEFT only warns about missing weights.
        if names != set(get_peft_model_state_dict(adapted, save_embedding_layers=False)):
            raise _misfit(adapter, base)
        try:
            merged = adapted.merge_and_unload(safe_merge=True)
        except ValueError as error:
            raise MealignError(
                f"{adapter}: merged into {base.name} its weights are not finite numbers; train it again"
            ) from error
    return merged.eval()


def _misfit(adapter: Path, base: Path) -> MealignError:
    return MealignError(
        f"{adapter}: its weights do not fit {base.name}, or are damaged; train it again with this model"
    )
