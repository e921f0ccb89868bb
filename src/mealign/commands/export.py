"""Exports what was trained: an adapter merged into its base, as a folder or one file, with its model card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.text import Text

from mealign import terminal
from mealign.config import Settings
from mealign.errors import ConfigError
from mealign.experiment.keys import key_of
from mealign.experiment.runner import Place, context_of, place_of
from mealign.experiment.store import Entry, alone_in
from mealign.export.settings import AdapterName, export_quantization
from mealign.jsonl import digest_path, read_json
from mealign.language.settings import ModelConfig, WeightsSource
from mealign.pipeline.models import base_model
from mealign.pipeline.registry import pipeline, stages
from mealign.pipeline.stage import Command, Stage


def export(settings: Settings, root: Path) -> None:
    """Write the chosen adapter, merged into its base, with its model card, to its own folder.

    The card shows only numbers that belong to this adapter: what was measured with other settings, inputs or code is
    left out.

    Args:
        settings: checked settings.
        root: folder to which relative paths of the settings refer.

    Raises:
        ConfigError: there is no such adapter yet, or ``export.path`` holds something else.
        MealignError: the export failed, or another run is using the user's folder.
    """
    asked, place = settings.export, place_of(settings, root=root)
    folder = place.folder
    adapter, quantization = folder / "adapters" / asked.adapter.value, export_quantization(asked)
    if not adapter.exists():
        raise ConfigError(
            f"stage=export: it reads {adapter}, which does not exist; "
            f"run stage={asked.adapter.value} first, or stage=all"
        )
    name = f"{settings.model.name}-{asked.adapter.value}-{quantization.value}"
    usual = folder / "exports" / f"{asked.adapter.value}-{asked.format.value}-{quantization.value}"
    target = root / Path(asked.path).expanduser() if asked.path else usual
    from mealign.export.build import adapter_settings, export_model, require_free
    from mealign.export.card import CardValues, render_model_card
    from mealign.export.licence import base_licence
    from mealign.language.weights import weights_digest

    require_free(target)
    with alone_in(folder):
        context = context_of(settings, place, outputs=folder)
        base = base_model(context)
        digest = weights_digest(base, adapter)
        datasets = _learnt_from(settings, place)
        judged = asked.adapter is AdapterName.dpo
        card = CardValues(
            name=name,
            format=asked.format,
            quantization=quantization,
            base=settings.model.name,
            base_source=_source_of(settings.model),
            base_digest=digest,
            licence=base_licence(settings.model, base, cache=context.weights),
            adapter=asked.adapter.value,
            lora=adapter_settings(adapter),
            datasets=datasets,
            judge=settings.judge.name if judged else None,
            certificate=_of_now("judge", f"judge/{settings.judge.name}/certificate.json", settings, place)
            if judged and datasets
            else None,
            metrics=_of_now("evaluate", "metrics.json", settings, place),
        )
        export_model(
            target,
            base=base,
            adapter=adapter,
            quantization=quantization,
            name=name,
            card=render_model_card(card),
            provenance={
                "name": name,
                "base": base.name,
                "digest": digest,
                "lora": card.lora,
                "datasets": datasets,
                "quantization": quantization.value,
            },
        )
    terminal.show(Text(f"the export: {target}"))


def _learnt_from(settings: Settings, place: Place) -> dict[str, str] | None:
    """Return the digests of the adapter's training data; None if it was not trained on the present data."""
    digests: dict[str, str] = {}
    for stage in pipeline(settings):
        if stage.adapters(settings):
            if not _is_current(stage, settings, place):
                return None
            digests |= {path: digest_path(place.folder / path) for path in stage.inputs(settings) if _is_data(path)}
        if settings.export.adapter.value in stage.adapters(settings):
            break
    return digests


def _is_data(path: str) -> bool:
    return path.endswith(".jsonl")


def _of_now(stage: str, path: str, settings: Settings, place: Place) -> dict[str, Any] | None:
    """Return a JSON object that a stage wrote, if it is the result of the present settings and inputs."""
    return dict(read_json(place.folder / path)) if _is_current(stages()[stage], settings, place) else None


def _is_current(stage: Stage, settings: Settings, place: Place) -> bool:
    """Whether a stage's outputs are those of the present settings, inputs and code."""
    key = key_of(stage, settings, root=place.root, folder=place.folder)
    return Entry(place.store, stage.name, key, stage.outputs(settings)).is_in(place.folder)


def _source_of(model: ModelConfig) -> str:
    """Return where weights are from, without a path of this machine."""
    if model.source is not WeightsSource.hub:
        drawn = "random weights; tokenizer of " if model.source is WeightsSource.random else ""
        return f"{drawn}package {model.weights.package} {model.weights.version}, SHA-256 {model.weights.sha256}"
    if Path(str(model.hub_id)).expanduser().is_dir():
        return "a local folder"
    return f"model hub: {model.hub_id}" + (f", revision {model.revision}" if model.revision else "")


def problems(settings: Settings) -> Iterator[str]:
    """Report when the mix trains no such adapter."""
    asked = settings.export.adapter.value
    if not any(asked in stage.adapters(settings) for stage in pipeline(settings)):
        yield (
            f"export.adapter={asked} with mix={settings.mix.name}: this mix trains no such adapter; "
            "choose the other adapter, or another mix"
        )


COMMAND = Command(name="export", run=export, section="export", problems=problems)
