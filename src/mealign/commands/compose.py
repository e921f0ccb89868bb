"""The first step of ``dvc repro``: the composed settings, and every stage's key.

DVC compares the keys and the stages' files; it need not know the parts of a key.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mealign.compose import compose_settings, write_params
from mealign.config import Settings
from mealign.damage import make_room
from mealign.experiment.keys import code_key
from mealign.experiment.runner import place_of
from mealign.jsonl import write_text
from mealign.pipeline.registry import pipeline
from mealign.pipeline.stage import Command

PARAMS, KEYS = "params.yaml", "keys.yaml"


def compose(settings: Settings, root: Path) -> None:
    """Write ``params.yaml``, and ``keys.yaml`` into the user's folder.

    Stages that depend on the judge have a key for every judge in ``dvc.judges``.

    Args:
        settings: checked settings.
        root: folder to which relative paths of the settings refer.
    """
    import yaml

    write_params(settings, root / PARAMS)
    by_judge = {name: replace(settings, judge=compose_settings(f"judge={name}").judge) for name in judges(settings)}
    keys: dict[str, Any] = {}
    for stage in pipeline(settings):
        if stage.by_judge:
            keys[stage.name] = {name: code_key(stage, chosen, root=root) for name, chosen in by_judge.items()}
        else:
            keys[stage.name] = code_key(stage, settings, root=root)
    header = "# Written by `python -m mealign stage=compose`: of every stage, what decides its result but its inputs.\n"
    folder = place_of(settings, root=root).folder
    write_text(make_room(folder / KEYS, inside=folder), header + yaml.safe_dump(keys, sort_keys=True))


def judges(settings: Settings) -> list[str]:
    """Return the judges in ``dvc.yaml``, including the run's own."""
    return sorted({*settings.dvc.judges, settings.judge.name})


COMMAND = Command(name="compose", run=compose)
