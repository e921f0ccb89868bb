"""The key of a result: everything that it depends on, and why it differs from the previous key.

Freshness is decided only here: by the settings that a stage reads, the contents of its inputs, the code that it can
reach and the versions of the libraries in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mealign.config import Settings
from mealign.damage import discard
from mealign.errors import MealignError
from mealign.experiment.code import code_of
from mealign.jsonl import digest_path, read_object
from mealign.language.settings import WeightsSource
from mealign.language.weights import default_cache, folder_digest, hub_folder
from mealign.pipeline.registry import inputs
from mealign.pipeline.stage import Stage
from mealign.settings import plain

SHOWN = 3
"""How many reasons a run reports."""


@dataclass(frozen=True)
class Key:
    """What a result depends on, in parts: settings by their keys, and digests or versions by name."""

    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    code: Mapping[str, str]
    libraries: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The result's name in the store."""
        from mealign.records import content_id

        return content_id("key", asdict(self)).removeprefix("key_")

    def to_json(self) -> dict[str, Any]:
        """Return all parts as JSON values."""
        return asdict(self)


def read_key(path: Path) -> Key | None:
    """Return the key that was written to a file; None if there is none, or a damaged one, which is thrown away."""
    if not path.exists():
        return None
    try:
        found = read_object(path)
    except MealignError:
        found = {}
    if found.keys() == {field.name for field in fields(Key)} and all(isinstance(part, dict) for part in found.values()):
        return Key(**found)
    discard(path, "this record of what a result depends on is damaged")
    return None


def key_of(stage: Stage, settings: Settings, *, root: Path, folder: Path, start: Path | None = None) -> Key:
    """Compute the key of a stage's result.

    Args:
        stage: the stage.
        settings: the run's settings.
        root: folder to which relative paths of the settings refer.
        folder: the user's folder, which holds the stage's inputs.
        start: the adapter of ``training.init_from``.
    """
    read = {path: digest_path(folder / path) for path in inputs(stage, settings)}
    return _key(stage, settings, {**read, **_outside(stage, settings, root=root, start=start)})


def code_key(stage: Stage, settings: Settings, *, root: Path) -> str:
    """Return the digest of all that decides a result except the files that other stages write; DVC compares those."""
    return _key(stage, settings, _outside(stage, settings, root=root, start=None)).digest


def reasons(before: Key | None, now: Key) -> list[str]:
    """Return why a key differs from ``before``, the most informative reasons first."""
    if before is None:
        return ["never made here"]
    return [
        *_changes(before.settings, now.settings),
        *(f"{name} changed" for name in _differing(before.inputs, now.inputs)),
        *(f"code: {name}" for name in _differing(before.code, now.code)),
        *_changes(before.libraries, now.libraries),
    ]


def model_folders(settings: Settings, *, root: Path) -> dict[str, Path]:
    """Return the folders of the models that settings name on this machine or a hub, by the settings' keys."""
    model, memory = settings.model, settings.memory
    named: dict[str, tuple[str | None, str | None, str | None]] = {
        "model.hub_id": (model.hub_id if model.source is WeightsSource.hub else None, model.revision, model.sha256),
        "memory.embedder_hub_id": (memory.embedder_hub_id, None, memory.embedder_sha256),
    }
    cache = default_cache(settings.paths.weights, root=root).folder
    return {
        key: hub_folder(name, revision=revision, sha256=sha256, cache=cache)
        for key, (name, revision, sha256) in named.items()
        if name
    }


def in_short(found: list[str]) -> str:
    """Return the first reasons on one line."""
    rest = len(found) - SHOWN
    return "; ".join([*found[:SHOWN], *([f"and {rest} more"] if rest > 0 else [])])


def _key(stage: Stage, settings: Settings, files: Mapping[str, str]) -> Key:
    values, code = plain(settings), code_of(stage.run)
    chosen = {key: _lookup(values, key) for key in stage.keys(settings)}
    return Key(settings=chosen, inputs=files, code=code.files, libraries=code.libraries)


def _lookup(values: Mapping[str, Any], key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values


def _outside(stage: Stage, settings: Settings, *, root: Path, start: Path | None) -> dict[str, str]:
    files = stage.outside(settings, root)
    read = stage.keys(settings)
    for name, folder in model_folders(settings, root=root).items():
        if any(name == key or name.startswith(f"{key}.") for key in read):
            files[name] = folder_digest(folder)
    if start is not None and stage.starts(settings):
        files["training.init_from"] = digest_path(start)
    return files


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name in _differing(before, now):
        old, new = before.get(name, "none"), now.get(name, "none")
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes(old, new, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name} {old} -> {new}"


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
