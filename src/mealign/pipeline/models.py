"""The run's own language model, with the adapter that a stage needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mealign.errors import ConfigError
from mealign.jsonl import read_json

if TYPE_CHECKING:
    from mealign.language.local import LocalModel
    from mealign.pipeline.stage import StageContext

SFT_ADAPTER = "adapters/sft"


def base_model(context: StageContext) -> Path:
    """Return the folder of the base model, fetched if it is missing."""
    from mealign.language.weights import fetch_model

    return fetch_model(context.settings.model, cache=context.weights)


def language_model(context: StageContext, adapter: Path | None = None) -> LocalModel:
    """Return the base model, with an adapter if one is given."""
    from mealign.language.local import LocalModel

    return LocalModel(base_model(context), adapter=adapter, precision=context.settings.model.precision)


def policy_before_dpo(context: StageContext) -> Path | None:
    """Return the adapter of the policy before DPO; None if that is the base model."""
    return context.inputs / SFT_ADAPTER if context.settings.mix.sft else given_adapter(context)


def given_adapter(context: StageContext) -> Path | None:
    """Return the adapter of ``training.init_from``, if there is one.

    Raises:
        ConfigError: it was trained on another model.
    """
    if context.start is None:
        return None
    trained_on = read_json(context.start / "adapter_config.json")["base_model_name_or_path"]
    if (present := base_model(context).name) != trained_on:
        raise ConfigError(
            f"training.init_from={context.settings.training.init_from}: its adapter was trained on {trained_on}, and "
            f"this run's model is {present}; choose the same model, or another run"
        )
    return context.start
