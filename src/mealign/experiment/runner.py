"""Runs the pipeline: every stage whose result is not known yet, and no other.

Every result is kept in a store under the key of everything it depends on, so a stage whose key is known is restored and
never computed twice, in a second run or in the next job of a sweep. Results appear completely or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mealign import terminal
from mealign.config import Settings
from mealign.damage import make_room, tell
from mealign.disk import refusals_named
from mealign.errors import ConfigError, MealignError
from mealign.experiment.keys import Key, in_short, key_of, model_folders, read_key, reasons
from mealign.experiment.settings import ledger_in, permitted_ledger
from mealign.experiment.store import Entry, alone_in
from mealign.jsonl import digest_path, read_json, write_json
from mealign.language.settings import Download
from mealign.pipeline.models import fetch
from mealign.pipeline.registry import adapters, inputs, pipeline, selected_stages, stages
from mealign.pipeline.stage import Stage, StageContext, visible
from mealign.pipeline.tracker import Tracker
from mealign.settings import flat, path_at, plain

Outcome = Literal["ran", "restored", "up to date"]
ASKED_OF_ONE_RUN = ("stage", "memory_show.", "export.", "dvc.")
"""Settings that decide no result, and so are not parameters of an MLflow run."""


@dataclass(frozen=True)
class Place:
    """Where a run works.

    Attributes:
        root: folder to which relative paths of the settings refer.
        folder: the user's folder of results.
        store: folder of all results.
        start: the adapter of ``training.init_from``.
    """

    root: Path
    folder: Path
    store: Path
    start: Path | None = None


def place_of(settings: Settings, *, root: Path, workspace: Path | None = None) -> Place:
    """Return where a run with these settings works: ``<paths.data>/<user.name>``, unless another folder is given.

    Raises:
        ConfigError: the store lies in the user's folder, or this in it.
    """
    folder = workspace or path_at(root, settings.paths.data) / settings.user.name
    store = path_at(root, settings.paths.store)
    real, other = folder.resolve(), store.resolve()
    if real.is_relative_to(other) or other.is_relative_to(real):
        raise ConfigError(
            f"paths.store={settings.paths.store} with user.name={settings.user.name}: {folder} and {store} lie one in "
            "the other, and what is written into one would be taken for the other's; choose folders apart"
        )
    return Place(root=root, folder=folder, store=store)


def run(settings: Settings, *, root: Path, workspace: Path | None = None) -> float | None:
    """Run the requested stages and return the objective of the evaluation, if there is one.

    Args:
        settings: checked settings, which request stages.
        root: folder to which relative paths of the settings refer.
        workspace: the user's folder of results; ``<paths.data>/<user.name>`` unless given.

    Raises:
        MealignError: an input is missing or unusable, or a stage cannot do its work.
    """
    selected = selected_stages(settings)
    place = place_of(settings, root=root, workspace=workspace)
    _require_inputs(selected, settings, place.folder)
    terminal.show_config(settings, keys=_shown_keys(selected, settings))
    if settings.download is not Download.none:
        needed = {key for stage in selected for key in stage.keys(settings)}
        fetch(context_of(settings, place, outputs=place.folder), needed)
    place = replace(place, start=_start(settings, selected, place))
    rows, objective = [], None
    with refusals_named(place.store), alone_in(place.folder), _tracking(settings, selected, root=root) as tracker:
        for stage in selected:
            started = time.perf_counter()
            outcome, why = _bring_up_to_date(stage, settings, place, tracker)
            summary = read_json(place.folder / stage.summary_of(settings))
            rows.append((stage.name, outcome, why, time.perf_counter() - started, summary))
            objective = summary.get("objective", objective)
            _track(tracker, stage, settings, place, summary)
    terminal.show_stages(rows)
    shown = [stage.show for stage in selected if stage.show]
    if shown:
        terminal.show(shown[-1](context_of(settings, place, outputs=place.folder)))
    return objective


def context_of(settings: Settings, place: Place, *, outputs: Path, tracker: Tracker | None = None) -> StageContext:
    """Return what a stage may use, with all settings visible."""
    from mealign.language.weights import WeightsCache, default_cache

    ledger = ledger_in(settings.paths.egress, root=place.root)
    weights = default_cache(settings.paths.weights, root=place.root).folder
    return StageContext(
        settings=settings,
        inputs=place.folder,
        outputs=outputs,
        root=place.root,
        store=place.store,
        weights=WeightsCache(weights, settings.download, ledger),
        ledger=ledger,
        start=place.start,
        adapters={name: place.folder / path for name, path in adapters(settings).items()},
        reported={
            stage.name: (
                place.folder / stage.summary_of(settings),
                place.folder / stage.history if stage.history else None,
            )
            for stage in pipeline(settings)
            if not stage.reads_summaries
        },
        on_step=tracker.log_step if tracker else lambda stage, step, metrics: None,
    )


def _shown_keys(selected: Sequence[Stage], settings: Settings) -> tuple[str, ...]:
    return ("egress", "download", "tracking", "paths", *(key for stage in selected for key in stage.keys(settings)))


def _require_inputs(selected: Sequence[Stage], settings: Settings, folder: Path) -> None:
    written = {path for stage in selected for path in stage.outputs(settings)}
    for stage in selected:
        for path in inputs(stage, settings):
            if path in written or (folder / path).exists():
                continue
            makers = [other.name for other in stages().values() if path in other.outputs(settings)]
            mend = f"run stage={makers[0]} first, or stage=all" if makers else "no stage writes it"
            raise ConfigError(f"stage={stage.name}: it reads {folder / path}, which does not exist; {mend}")


def _start(settings: Settings, selected: Sequence[Stage], place: Place) -> Path | None:
    """Fetch the adapter of ``training.init_from`` if a stage works with it."""
    run_id = settings.training.init_from
    if run_id is None or not any(stage.starts(settings) for stage in selected):
        return None
    from mealign.experiment.books import fetch_adapter

    return fetch_adapter(
        settings.tracking,
        run_id,
        root=place.root,
        cache=place.store / "adapters",
        ledger=_permitted(settings, place.root),
    )


def _permitted(settings: Settings, root: Path) -> Path | None:
    return permitted_ledger(settings.egress, settings.paths.egress, root=root)


def _bring_up_to_date(stage: Stage, settings: Settings, place: Place, tracker: Tracker) -> tuple[Outcome, str]:
    """Bring a stage's result up to date with settings, inputs and code; return what was done, and why."""
    key = key_of(stage, settings, root=place.root, folder=place.folder, start=place.start)
    entry = Entry(place.store, stage.name, key, stage.outputs(settings))
    last = _last_key(stage, settings, place)
    why = in_short(reasons(read_key(last), key)) or "what it wrote was changed"
    outcome: Outcome
    with entry.locked():
        if entry.is_in(place.folder):
            outcome = "up to date"
        else:
            outcome = "restored" if entry.is_whole() else "ran"
            if outcome == "ran":
                entry.make(lambda made: _compute(stage, settings, place, made, tracker, key))
            entry.publish(place.folder)
    write_json(make_room(last, inside=place.folder), key.to_json())
    return outcome, "" if outcome == "up to date" else why


def _last_key(stage: Stage, settings: Settings, place: Place) -> Path:
    """Return the file with the key of a stage's result in the user's folder."""
    return place.folder / "keys" / Path(stage.summary_of(settings)).name


def _compute(stage: Stage, settings: Settings, place: Place, made: Path, tracker: Tracker, key: Key) -> None:
    changed = _changed_inputs(settings, place, key)
    for path, maker in changed.items():
        tell(f"{place.folder / path}: it is not what stage={maker} wrote there; to have that again, run stage={maker}")
    context = context_of(settings, place, outputs=made, tracker=tracker)
    try:
        with refusals_named(place.store):
            summary = stage.run(replace(context, settings=visible(settings, stage.keys(settings))))
    except Exception as error:
        if not changed or isinstance(error, MealignError):
            raise
        raise MealignError(
            f"stage={stage.name}: it failed ({type(error).__name__}), and what it reads was changed: "
            f"{', '.join(changed)}; run stage=[{','.join(dict.fromkeys(changed.values()))}] again"
        ) from error
    write_json(made / stage.summary_of(settings), summary.to_json())


def _changed_inputs(settings: Settings, place: Place, key: Key) -> dict[str, str]:
    """Return the inputs that are not what a stage last wrote into the user's folder, with that stage's name."""
    changed: dict[str, str] = {}
    for maker in pipeline(settings):
        written = maker.outputs(settings)
        last = read_key(_last_key(maker, settings, place)) if key.inputs.keys() & {*written} else None
        manifest = last and Entry(place.store, maker.name, last, written).manifest()
        if manifest:
            changed |= {path: maker.name for path in written if manifest[path] != key.inputs.get(path, manifest[path])}
    return changed


def _track(tracker: Tracker, stage: Stage, settings: Settings, place: Place, summary: Mapping[str, Any]) -> None:
    folder = place.folder
    for path in (*inputs(stage, settings), *stage.outputs(settings)):
        if path.endswith(".jsonl"):
            tracker.log_dataset(path, source=path, digest=digest_path(folder / path), context=stage.name)
    if stage.history:
        # Steps before a kill may have been reported to another run.
        tracker.log_history(stage.name, read_json(folder / stage.history))
    tracker.log_metrics(summary.get("metrics", {}))
    for name, path in stage.adapters(settings).items():
        tracker.log_adapter(name, folder / path)
    if stage.track:
        stage.track(tracker, context_of(settings, place, outputs=folder), summary)


@contextmanager
def _tracking(settings: Settings, selected: Sequence[Stage], *, root: Path) -> Iterator[Tracker]:
    """Open the MLflow run of these settings and sources; only stages that train or measure have one."""
    if not settings.tracking.enabled or not any(stage.tracked for stage in selected):
        yield Tracker()
        return
    from mealign.experiment.tracking import open_tracker
    from mealign.language.weights import folder_digest
    from mealign.records import canonical_json, content_id

    own, shown = plain(settings), plain(settings, public=not settings.tracking.log_texts)
    values, params = (
        {key: value for key, value in flat(each).items() if not key.startswith(ASKED_OF_ONE_RUN)}
        for each in (own, shown)
    )
    sources = {
        name: digest
        for stage in stages().values()
        if not stage.reads
        for name, digest in stage.outside(settings, root).items()
    }
    sources |= {name: folder_digest(folder) for name, folder in model_folders(settings, root=root).items()}
    with open_tracker(
        settings.tracking,
        run_name=f"{settings.user.name} {settings.judge.name} {settings.mix.name} r{settings.lora.rank}",
        run_key=content_id("run", values, sources),
        params=params,
        tags={"user": settings.user.name},
        root=root,
        ledger=_permitted(settings, root),
    ) as tracker:
        tracker.log_config(canonical_json(shown))
        yield tracker
