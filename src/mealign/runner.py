"""Running the pipeline: every stage whose result is not known yet, and no other.

Every result is kept in a store under the key of everything it depends on (settings, inputs, code), so a stage whose key
is known is restored and never computed twice, in a second run as in the next job of a sweep. Results appear whole or
not at all.
"""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, Literal

from mealign import config, terminal
from mealign.config import Settings
from mealign.errors import ConfigError, MealignError
from mealign.jsonl import digest_path, read_json, read_records, write_json
from mealign.pipeline import PIPELINE, Context, Stage, Summary
from mealign.records import Answer, canonical_json, content_id

if TYPE_CHECKING:
    from mealign.tracking import Tracker

PACKAGE = Path(__file__).parent
Outcome = Literal["ran", "restored", "up to date"]
PART = ".part-"
"""How the name of a result begins while it is being written."""


def run(settings: Settings, *, root: Path, workspace: Path | None = None) -> float | None:
    """Run the selected stages and return the objective of the evaluation, if there is one.

    Args:
        settings: checked settings.
        root: folder to which relative paths of the settings refer.
        workspace: the user's folder of results; ``<paths.data>/<user.name>`` unless given.

    Raises:
        MealignError: an input is missing or unusable, or a stage cannot do its work.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    folder = workspace or root / settings.paths.data / settings.user.name
    store = root / settings.paths.store
    selected = [stage for stage in PIPELINE if stage.name in config.selected_stages(settings)]
    _require_inputs(selected, settings, folder)
    terminal.show_config(settings, keys=_shown_keys(selected, settings))
    rows = []
    start = _start(settings, selected, root=root, store=store)
    with alone_in(folder), _tracking(settings, selected, root=root) as tracker:
        for stage in selected:
            started = time.perf_counter()
            outcome = _bring_up_to_date(
                stage, settings, root=root, folder=folder, store=store, start=start, tracker=tracker
            )
            summary = read_json(folder / stage.outputs(settings)[-1])
            rows.append((stage.name, outcome, time.perf_counter() - started, summary))
            _track(tracker, stage, settings, folder=folder, outcome=outcome, summary=summary)
    terminal.show_stages(rows)
    metrics = folder / "metrics.json"
    if not any(stage.name in ("evaluate", "report") for stage in selected):
        return None
    from mealign.reporting.terminal import arms_table

    result = read_json(metrics)
    terminal.show(arms_table(result))
    objective: float | None = result["objective"]
    return objective


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder of results, and remove what a killed one left there half-written."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise MealignError(
            f"{folder}: another run is at work there; wait for its end, or choose another folder with paths.data=..."
        ) from error
    try:
        for unfinished in list(folder.rglob(f"{PART}*")):
            shutil.rmtree(unfinished, ignore_errors=True)
        yield
    finally:
        lock.release()


def _shown_keys(selected: Sequence[Stage], settings: Settings) -> tuple[str, ...]:
    return ("egress", "tracking", "paths", *(key for stage in selected for key in stage.keys(settings)))


def _require_inputs(selected: Sequence[Stage], settings: Settings, folder: Path) -> None:
    written = {path for stage in selected for path in stage.outputs(settings)}
    for stage in selected:
        for path in stage.inputs(settings):
            if path in written or (folder / path).exists():
                continue
            maker = next(other.name for other in PIPELINE if path in other.outputs(settings))
            raise ConfigError(
                f"stage={stage.name}: it reads {folder / path}, which does not exist; "
                f"run stage={maker} first, or stage=all"
            )


def _start(settings: Settings, selected: Sequence[Stage], *, root: Path, store: Path) -> Path | None:
    """Fetch the adapter of ``training.init_from`` where a stage works with it."""
    run_id = settings.training.init_from
    if run_id is None or not any(stage.starts(settings) for stage in selected):
        return None
    from mealign.tracking import fetch_adapter

    return fetch_adapter(settings.tracking, run_id, root=root, cache=store / "adapters")


def _bring_up_to_date(
    stage: Stage, settings: Settings, *, root: Path, folder: Path, store: Path, start: Path | None, tracker: Tracker
) -> Outcome:
    from filelock import FileLock

    key = stage_key(stage, settings, root=root, folder=folder, start=start)
    entry = store / stage.name / key
    # Two jobs of a sweep that need the same result: the second waits and takes the first one's.
    store.mkdir(parents=True, exist_ok=True)
    with FileLock(store / f"{stage.name}-{key}.lock"):
        if not (entry / "manifest.json").exists():
            _compute(stage, settings, root=root, folder=folder, entry=entry, start=start, tracker=tracker)
            _publish(stage, settings, entry=entry, folder=folder)
            return "ran"
        manifest = read_json(entry / "manifest.json")
        if manifest == {path: digest_path(folder / path) for path in stage.outputs(settings)}:
            return "up to date"
        _publish(stage, settings, entry=entry, folder=folder)
        return "restored"


def stage_key(stage: Stage, settings: Settings, *, root: Path, folder: Path, start: Path | None = None) -> str:
    """Key of everything the stage's result depends on: its settings, its inputs' contents and its code.

    ``start`` is the adapter of ``training.init_from``.
    """
    values = config.plain(settings)
    inputs = {path: digest_path(folder / path) for path in stage.inputs(settings)}
    if stage.name == "ingest":
        inputs["source"] = digest_path(root / Path(settings.user.path).expanduser())
    if start is not None and stage.starts(settings):
        inputs["start"] = digest_path(start)
    if stage.name == "judge":
        inputs |= {path.name: digest_path(path) for path in config.template_paths(settings.judge)}
    code = {room: digest_path(PACKAGE / room) for room in (*stage.rooms, "records.py")}
    params = {key: _lookup(values, key) for key in stage.keys(settings)}
    return content_id("key", params, inputs, code, source_of(stage.run)).removeprefix("key_")


def source_of(function: Callable[..., Any]) -> str:
    """Return a function's code, and that of all functions of its module that it calls, in the order of their names."""
    found: dict[str, Callable[..., Any]] = {}
    waiting = [function]
    while waiting:
        current = waiting.pop()
        found[current.__name__] = current
        own = vars(inspect.getmodule(current))
        called = [own[name] for name in _names_used(current.__code__) if inspect.isfunction(own.get(name))]
        waiting += [each for each in called if each.__module__ == function.__module__ and each.__name__ not in found]
    return "\n".join(inspect.getsource(found[name]) for name in sorted(found))


def _names_used(code: CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*(_names_used(each) for each in inner))


def _compute(
    stage: Stage, settings: Settings, *, root: Path, folder: Path, entry: Path, start: Path | None, tracker: Tracker
) -> None:
    prefix = f"{PART}{entry.name}-"
    entry.parent.mkdir(parents=True, exist_ok=True)
    for unfinished in entry.parent.glob(f"{prefix}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=entry.parent, prefix=prefix) as name:
        outputs = Path(name) / "result"
        for path in stage.outputs(settings):
            (outputs / path).parent.mkdir(parents=True, exist_ok=True)
        context = Context(settings=settings, root=root, inputs=folder, outputs=outputs, tracker=tracker, start=start)
        summary = stage.run(context)
        *written, summary_path = stage.outputs(settings)
        write_json(outputs / summary_path, summary)
        manifest = {path: digest_path(outputs / path) for path in (*written, summary_path)}
        write_json(outputs / "manifest.json", manifest)
        shutil.rmtree(entry, ignore_errors=True)
        outputs.rename(entry)


def _publish(stage: Stage, settings: Settings, *, entry: Path, folder: Path) -> None:
    """Copy a stored result beside its place, then rename it there: a killed run leaves the previous one whole."""
    for path in stage.outputs(settings):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=PART) as name:
            fresh, old = Path(name) / "new", Path(name) / "old"
            if (entry / path).is_dir():
                shutil.copytree(entry / path, fresh)
            else:
                shutil.copy2(entry / path, fresh)
            if target.is_dir():
                target.rename(old)
            fresh.replace(target)


def _track(
    tracker: Tracker, stage: Stage, settings: Settings, *, folder: Path, outcome: Outcome, summary: Summary
) -> None:
    from mealign.evaluation.summary import flatten_metrics

    for path in (*stage.inputs(settings), *stage.outputs(settings)):
        if path.endswith(".jsonl"):
            tracker.log_dataset(path, source=path, digest=digest_path(folder / path), context=stage.name)
    if outcome != "ran" and stage.history:
        tracker.log_history(stage.name, read_json(folder / stage.history))
    if "metrics" in summary:
        tracker.log_metrics(summary["metrics"])
    if stage.name == "judge":
        _track_certificate(tracker, settings, summary["certificate"])
        _track_templates(tracker, settings)
    if stage.name in ("sft", "dpo"):
        tracker.log_adapter(stage.name, folder / "adapters" / stage.name)
    if stage.name == "evaluate":
        tracker.log_metrics(flatten_metrics(read_json(folder / "metrics.json")))
        _track_contender(tracker, settings, folder=folder)
    if stage.name == "report":
        tracker.log_artifacts(folder / "report", "report")


def _track_contender(tracker: Tracker, settings: Settings, *, folder: Path) -> None:
    """Enter the adapter that the objective was measured with into the line of champions."""
    from mealign.evaluation.summary import beats, objective_scores
    from mealign.registry import Contender

    arm, scores = objective_scores(read_records(folder / "evaluation.jsonl", Answer))
    stage, _, _ = str(arm).partition("+")
    if stage not in ("sft", "dpo"):
        return
    adapter = folder / "adapters" / stage
    contender = Contender(
        name=f"mealign-{settings.user.name}-{settings.model.name}",
        adapter=adapter,
        digest=digest_path(adapter),
        model=config.plain(settings)["model"],
        person=settings.user.person,
        scores=scores,
    )
    tracker.log_contender(contender, beats=partial(beats, settings=settings.evaluation, seed=settings.seed))


def _track_certificate(tracker: Tracker, settings: Settings, certificate: Mapping[str, Any]) -> None:
    from mealign.reporting.figures import draw_certificate

    folder = f"judge/{settings.judge.name}"
    tracker.log_bytes(f"{folder}/certificate.json", canonical_json(certificate).encode(), personal=False)
    for name, image in draw_certificate(certificate).items():
        tracker.log_bytes(f"{folder}/{name}", image, personal=False)


def _track_templates(tracker: Tracker, settings: Settings) -> None:
    from mealign.judging.templates import load_template

    for path in config.template_paths(settings.judge):
        template = load_template(path)
        tracker.log_prompt(template.name, template.text, digest=template.digest)


@contextmanager
def _tracking(settings: Settings, selected: Sequence[Stage], *, root: Path) -> Iterator[Tracker]:
    """Open the MLflow run of these settings and sources; only work that trains or measures has one."""
    from mealign.tracking import NullTracker, open_tracker

    if not {stage.name for stage in selected} & {"sft", "judge", "dpo", "evaluate", "report"}:
        yield NullTracker()
        return
    asked_of_one_run = ("stage", "mealign.", "export.")
    values = {key: value for key, value in config.flatten(settings).items() if not key.startswith(asked_of_one_run)}
    source = digest_path(root / Path(settings.user.path).expanduser())
    with open_tracker(
        settings.tracking,
        run_name=f"{settings.user.name} {settings.judge.name} {settings.mix.name} r{settings.lora.rank}",
        run_key=content_id("run", values, source),
        params=values,
        tags={"user": settings.user.name},
        root=root,
    ) as tracker:
        tracker.log_config(canonical_json(config.plain(settings)))
        yield tracker


def _lookup(values: Mapping[str, Any], key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values
