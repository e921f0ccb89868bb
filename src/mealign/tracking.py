"""The books: every run that trains or measures, in MLflow, which is imported only when a run opens.

A run is known by its key, the digest of everything it depends on: opening the same key again continues the same run,
and what it already holds is not written twice. Jobs of a sweep are children of the sweep's run, whose id travels in the
environment. Runs are closed as what they were: finished, failed or killed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mealign.config import TrackingConfig
from mealign.errors import ConfigError, MealignError
from mealign.jsonl import digest_path
from mealign.records import content_id

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from mealign.registry import Beats, Contender

PARENT_VARIABLE = "MEALIGN_PARENT_RUN_ID"
"""Environment variable that carries the id of the sweep's run to its jobs."""

RUN_KEY = "mealign.run_key"
ADAPTER_TAG = "mealign.adapter."
"""How the tag begins that holds the digest of an adapter, by the stage that trained it."""
CONTENDER_TAG = "mealign.contender"
PARENT = "mlflow.parentRunId"
SQLITE = "sqlite:///"
PROMPT_PREFIX = "mealign-judge-"

# Limits of MLflow.
PARAM_LENGTH = 6000
DIGEST_LENGTH = 36
RUN_NAME_LENGTH = 250
METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100

Status = Literal["FINISHED", "FAILED", "KILLED"]


class Tracker(Protocol):
    """What a pipeline may tell its run."""

    def log_step(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Log one point of a training curve, as ``<stage>/<metric>``."""

    def log_history(self, stage: str, history: Sequence[Mapping[str, Any]]) -> None:
        """Log a whole training curve at once: points with ``step`` and numbers. Points the run has are left out."""

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log final numbers; those the run already shows are left out."""

    def log_dataset(self, name: str, *, source: str, digest: str, context: str) -> None:
        """Name a data set that the run read or made, by where it is and what its content hashes to."""

    def log_adapter(self, name: str, folder: Path) -> None:
        """Keep a trained adapter, unless ``tracking.log_adapters=false`` or the run already holds this one."""

    def log_artifacts(self, folder: Path, name: str) -> None:
        """Keep the files of a folder that holds no text of the user."""

    def log_bytes(self, name: str, content: bytes, *, personal: bool) -> bool:
        """Keep one file under ``name``. ``personal`` ones (the user's text) need ``tracking.log_texts=true``.

        Returns:
            Whether it was kept.
        """
        ...

    def log_config(self, text: str) -> None:
        """Keep the resolved config as ``config.yaml``."""

    def log_prompt(self, name: str, text: str, *, digest: str) -> None:
        """Link a prompt template, which holds no text of the user, to the run; register it when its digest is new."""

    def log_contender(self, contender: Contender, *, beats: Beats) -> None:
        """Keep an adapter as a model, once, and register it as champion if it beats the present one."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Add or replace tags."""


class NullTracker:
    """Keeps nothing: the tracker of ``tracking.enabled=false``."""

    def log_step(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Keep nothing."""

    def log_history(self, stage: str, history: Sequence[Mapping[str, Any]]) -> None:
        """Keep nothing."""

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Keep nothing."""

    def log_dataset(self, name: str, *, source: str, digest: str, context: str) -> None:
        """Keep nothing."""

    def log_adapter(self, name: str, folder: Path) -> None:
        """Keep nothing."""

    def log_artifacts(self, folder: Path, name: str) -> None:
        """Keep nothing."""

    def log_bytes(self, name: str, content: bytes, *, personal: bool) -> bool:
        """Keep nothing."""
        return False

    def log_config(self, text: str) -> None:
        """Keep nothing."""

    def log_prompt(self, name: str, text: str, *, digest: str) -> None:
        """Keep nothing."""

    def log_contender(self, contender: Contender, *, beats: Beats) -> None:
        """Keep nothing."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Keep nothing."""


class MlflowTracker:
    """Writes to one open MLflow run; ``continued`` when the run may already hold some of what is told."""

    def __init__(
        self,
        client: MlflowClient,
        run_id: str,
        settings: TrackingConfig,
        *,
        continued: bool,
        lock: AbstractContextManager[Any],
    ) -> None:
        self.run_id = run_id
        self._lock = lock
        self._client = client
        self._settings = settings
        self._continued = continued
        self._points: dict[str, set[tuple[int, str]]] = {}

    def log_step(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Log one point of a training curve, as ``<stage>/<metric>``."""
        self.log_history(stage, [{**metrics, "step": step}])

    def log_history(self, stage: str, history: Sequence[Mapping[str, Any]]) -> None:
        """Log a whole training curve at once; points the run already has are left out."""
        with _refusals(self._settings):
            self._write(
                (name, int(point["step"]), float(value))
                for point in history
                for key, value in point.items()
                if key != "step" and isinstance(value, int | float)
                if self._is_new(name := metric_name(f"{stage}/{key}"), int(point["step"]), float(value))
            )

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log final numbers; those the run already shows are left out."""
        with _refusals(self._settings):
            shown = self._client.get_run(self.run_id).data.metrics
            named = {metric_name(key): float(value) for key, value in metrics.items()}
            self._write((name, 0, value) for name, value in named.items() if shown.get(name) != value)

    def log_dataset(self, name: str, *, source: str, digest: str, context: str) -> None:
        """Name a data set that the run read or made, by where it is and what its content hashes to."""
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.data.sources import LocalArtifactDatasetSource
        from mlflow.entities import Dataset, DatasetInput, InputTag

        described = MetaDataset(LocalArtifactDatasetSource(source), name=name, digest=digest[:DIGEST_LENGTH]).to_dict()
        dataset = Dataset(**{key: described[key] for key in ("name", "digest", "source_type", "source")})
        with _refusals(self._settings):
            tags = [InputTag("mlflow.data.context", context)]
            self._client.log_inputs(self.run_id, [DatasetInput(dataset, tags)])

    def log_adapter(self, name: str, folder: Path) -> None:
        """Keep a trained adapter, unless ``tracking.log_adapters=false`` or the run already holds this one."""
        if not self._settings.log_adapters:
            return
        tag, digest = f"{ADAPTER_TAG}{name}", digest_path(folder)
        with _refusals(self._settings):
            held = self._client.get_run(self.run_id).data.tags.get(tag)
        if held != digest:
            self.log_artifacts(folder, f"adapters/{name}")
            self.set_tags({tag: digest})

    def log_artifacts(self, folder: Path, name: str) -> None:
        """Keep the files of a folder that holds no text of the user."""
        with _refusals(self._settings):
            self._client.log_artifacts(self.run_id, str(folder), name)

    def log_bytes(self, name: str, content: bytes, *, personal: bool) -> bool:
        """Keep one file under ``name``, unless it is personal and ``tracking.log_texts=false``."""
        if personal and not self._settings.log_texts:
            return False
        parent, _, file_name = name.rpartition("/")
        with _refusals(self._settings), tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / file_name
            file.write_bytes(content)
            self._client.log_artifact(self.run_id, str(file), parent or None)
        return True

    def log_config(self, text: str) -> None:
        """Keep the resolved config as ``config.yaml``."""
        self.log_bytes("config.yaml", text.encode(), personal=False)

    def log_prompt(self, name: str, text: str, *, digest: str) -> None:
        """Link a prompt template to the run; it is registered as ``mealign-judge-<name>`` when its digest is new.

        The digest is an alias and a tag of the version. The text is kept as it is, front matter included.
        """
        full = f"{PROMPT_PREFIX}{name}"
        from mlflow.tracing.constant import TraceTagKey
        from mlflow.tracing.utils.prompt import update_linked_prompts_tag

        with _refusals(self._settings), self._lock:
            version = self._client.load_prompt(f"prompts:/{full}@{digest}", allow_missing=True)
            if version is None:
                version = self._client.register_prompt(full, text, tags={"mealign.digest": digest})
                self._client.set_prompt_alias(full, digest, int(version.version))
            # The client's own method looks for the run in the process's default store.
            linked = self._client.get_run(self.run_id).data.tags.get(TraceTagKey.LINKED_PROMPTS)
            updated = update_linked_prompts_tag(linked, [version])
            self._client.set_tag(self.run_id, TraceTagKey.LINKED_PROMPTS, updated)

    def log_contender(self, contender: Contender, *, beats: Beats) -> None:
        """Keep an adapter as a model, once, and register it as champion if it beats the present one."""
        if not self._settings.log_adapters:
            return
        known = content_id("contender", contender.name, contender.digest, dict(contender.scores))
        with _refusals(self._settings), self._lock:
            if self._client.get_run(self.run_id).data.tags.get(CONTENDER_TAG) == known:
                return
            from mealign.registry import log_contender

            won = log_contender(self._client, self.run_id, contender, beats=beats)
            self._client.set_tag(self.run_id, "mealign.champion", str(won).lower())
            self._client.set_tag(self.run_id, CONTENDER_TAG, known)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Add or replace tags."""
        with _refusals(self._settings):
            for key, value in sorted(tags.items()):
                self._client.set_tag(self.run_id, key, value)

    def _write(self, points: Iterable[tuple[str, int, float]]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, step, value in points]
        for start in range(0, len(metrics), METRICS_PER_BATCH):
            self._client.log_batch(self.run_id, metrics=metrics[start : start + METRICS_PER_BATCH])

    def _is_new(self, name: str, step: int, value: float) -> bool:
        """Tell whether the run lacks this point, and note it: a stage that runs again keeps one curve."""
        if name not in self._points:
            history = self._client.get_metric_history(self.run_id, name) if self._continued else ()
            # As text, because NaN differs from itself.
            self._points[name] = {(metric.step, str(metric.value)) for metric in history}
        known = self._points[name]
        if (step, str(value)) in known:
            return False
        known.add((step, str(value)))
        return True


@contextmanager
def open_tracker(
    settings: TrackingConfig,
    *,
    run_name: str,
    run_key: str,
    params: Mapping[str, Any],
    tags: Mapping[str, str],
    root: Path,
) -> Iterator[Tracker]:
    """Open the run of ``run_key``, continued if it exists, and close it as what it was: finished, failed or killed.

    Args:
        settings: where the books are, and what may go into them.
        run_name: what the dashboard shows.
        run_key: digest of everything the run depends on. A job of a sweep shares a run only with jobs of that sweep.
        params: dotted key to value; a value longer than MLflow keeps is cut and ends in its digest.
        tags: further tags.
        root: folder to which a relative SQLite path and the artifact folder refer.

    Raises:
        MealignError: MLflow refuses; the message says why and how to work without it.
    """
    if not settings.enabled:
        yield NullTracker()
        return
    with _refusals(settings):
        books = _open_books(settings, root=root)
        run_id, continued = books.open_run(
            run_name=run_name, run_key=run_key, parent=os.environ.get(PARENT_VARIABLE), tags=tags
        )
        books.log_params(run_id, params)
    tracker = MlflowTracker(books.client, run_id, settings, continued=continued, lock=books.lock)
    status: Status = "FAILED"
    try:
        yield tracker
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        with _refusals(settings):
            books.client.set_terminated(run_id, status)


def fetch_adapter(settings: TrackingConfig, run_id: str, *, root: Path, cache: Path) -> Path:
    """Return a folder with the adapter that a run logged; of several, that of its last training stage.

    Args:
        settings: where the books are.
        run_id: the run.
        root: folder to which a relative SQLite path refers.
        cache: where fetched adapters are kept, by their digest.

    Raises:
        ConfigError: there is no such run, or it logged no adapter.
        MealignError: MLflow refuses, or what it holds is not what the run logged.
    """
    asked = f"training.init_from={run_id}"
    with _refusals(settings):
        from mlflow.exceptions import MlflowException

        client = _open_books(settings, root=root).client
        try:
            tags = client.get_run(run_id).data.tags
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            raise ConfigError(
                f"{asked}: {settings.uri} has no such run; take the id from the dashboard, and check tracking.uri"
            ) from error
        held = {name: tags[f"{ADAPTER_TAG}{name}"] for name in ("dpo", "sft") if f"{ADAPTER_TAG}{name}" in tags}
        if not held:
            raise ConfigError(
                f"{asked}: this run logged no adapter; choose one that trained with tracking.log_adapters=true"
            )
        name, digest = next(iter(held.items()))
        folder: Path = cache / digest
        if folder.exists():
            return folder
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            fetched = Path(client.download_artifacts(run_id, f"adapters/{name}", scratch))
            if digest_path(fetched) != digest:
                raise MealignError(f"{asked}: its adapter {name} was changed since it was logged; choose another run")
            with suppress(OSError):  # Another job may have been faster.
                fetched.rename(folder)
    return folder


def metric_name(name: str) -> str:
    """Replace what MLflow does not allow in a metric's name: everything but letters, digits and ``_ - . : /``."""
    return re.sub(r"[^\w\-./:]", "_", name.replace("+", "_with_"))


@dataclass(frozen=True)
class Sweep:
    """The open run of a sweep, parent of its jobs' runs."""

    run_id: str
    keys: tuple[str, ...]
    books: Books
    settings: TrackingConfig

    def close(self, status: Status) -> None:
        """Write what the jobs came to (``comparison.csv``, the best objective and whose it is) and close the run.

        Raises:
            MealignError: MLflow refuses.
        """
        tracker = MlflowTracker(self.books.client, self.run_id, self.settings, continued=True, lock=self.books.lock)
        with _refusals(self.settings):
            jobs = self.books.children(self.run_id)
            tracker.log_bytes("comparison.csv", _comparison(jobs, self.keys).encode(), personal=False)
            tracker.log_metrics(
                {"jobs": len(jobs), "jobs_finished": sum(job.info.status == "FINISHED" for job in jobs)}
            )
            measured = [job for job in jobs if "objective" in job.data.metrics]
            if measured:
                best = max(measured, key=lambda job: job.data.metrics["objective"])
                tracker.log_metrics({"objective": best.data.metrics["objective"]})
                tracker.set_tags({"mealign.best_run_id": best.info.run_id, "mealign.best_run_name": best.info.run_name})
            self.books.client.set_terminated(self.run_id, status)


def open_sweep(settings: TrackingConfig, *, swept: Mapping[str, str], fixed: Sequence[str], root: Path) -> Sweep:
    """Open the run of a sweep; the same sweep started again continues it.

    Args:
        settings: where the books are.
        swept: what varies, key to values (``{"lora.rank": "4,8"}``).
        fixed: the other overrides.
        root: as in :func:`open_tracker`.

    Raises:
        MealignError: MLflow refuses.
    """
    name = " ".join(f"{key}={values}" for key, values in swept.items()) or "sweep"
    with _refusals(settings):
        books = _open_books(settings, root=root)
        run_id, _ = books.open_run(
            run_name=name[:RUN_NAME_LENGTH],
            run_key=content_id("sweep", dict(swept), sorted(fixed)),
            parent=None,
            tags={f"mealign.sweep.{key}": values for key, values in swept.items()},
        )
    return Sweep(run_id=run_id, keys=tuple(swept), books=books, settings=settings)


@dataclass(frozen=True)
class Books:
    """One experiment of one tracking store, and the lock that its writers share."""

    client: MlflowClient
    experiment_id: str
    lock: AbstractContextManager[Any]

    def open_run(self, *, run_name: str, run_key: str, parent: str | None, tags: Mapping[str, str]) -> tuple[str, bool]:
        """Return the id of the run with this key and parent, and whether it was there before."""
        with self.lock:
            found = [
                run for run in self._search(f"tags.`{RUN_KEY}` = '{run_key}'") if run.data.tags.get(PARENT) == parent
            ]
            if found:
                run_id = found[0].info.run_id
                self.client.update_run(run_id, status="RUNNING")
            else:
                identity = {RUN_KEY: run_key} | ({PARENT: parent} if parent else {})
                run_id = self.client.create_run(self.experiment_id, run_name=run_name, tags=identity).info.run_id
        for key, value in sorted(tags.items()):
            self.client.set_tag(run_id, key, value)
        return run_id, bool(found)

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Log the parameters that the run does not have yet."""
        from mlflow.entities import Param

        known = self.client.get_run(run_id).data.params
        fresh = [Param(key, _shortened(str(value))) for key, value in sorted(params.items()) if key not in known]
        for start in range(0, len(fresh), PARAMS_PER_BATCH):
            self.client.log_batch(run_id, params=fresh[start : start + PARAMS_PER_BATCH])

    def children(self, run_id: str) -> list[Run]:
        """Return the runs of a sweep's jobs, ordered by name."""
        jobs = self._search(f"tags.`{PARENT}` = '{run_id}'")
        return sorted(jobs, key=lambda job: (job.info.run_name, job.info.run_id))

    def _search(self, condition: str) -> list[Run]:
        runs: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], condition, page_token=token)
            runs += page
            token = page.token
            if not token:
                return runs


def _open_books(settings: TrackingConfig, *, root: Path) -> Books:
    from mlflow import MlflowClient

    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if not settings.uri.startswith(SQLITE):
        client = MlflowClient(tracking_uri=settings.uri)
        return Books(client, _experiment(client, settings, root=root), nullcontext())
    from filelock import FileLock

    database = root / settings.uri.removeprefix(SQLITE)
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{database}.lock")
    # Two processes that migrate a fresh database at once break it.
    with lock:
        client = MlflowClient(tracking_uri=f"{SQLITE}{database.resolve()}")
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        return Books(client, _experiment(client, settings, root=root), lock)


def _experiment(client: MlflowClient, settings: TrackingConfig, *, root: Path) -> str:
    found = client.get_experiment_by_name(settings.experiment)
    if found is None:
        location = (root / settings.artifacts).resolve().as_uri()
        return str(client.create_experiment(settings.experiment, artifact_location=location))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


@contextmanager
def _refusals(settings: TrackingConfig) -> Iterator[None]:
    """Turn what MLflow and its store refuse into an error for the user. Every use of MLflow passes here first."""
    # Read when MLflow is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, sqlite3.Error, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MealignError(
            f"tracking.uri={settings.uri}: MLflow cannot write its books ({reason}); "
            "mend that, or work without them: tracking=none"
        ) from error


def _shortened(value: str) -> str:
    if len(value) <= PARAM_LENGTH:
        return value
    digest = f"... sha256:{hashlib.sha256(value.encode()).hexdigest()}"
    return value[: PARAM_LENGTH - len(digest)] + digest


def _comparison(jobs: Sequence[Run], keys: Sequence[str]) -> str:
    """One line a job: what was swept, how it ended, and the aggregate numbers of every arm."""
    scores = sorted({name for job in jobs for name in job.data.metrics if name.count("/") == 2 and "score" in name})
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["run", "status", *keys, "objective", *scores])
    for job in jobs:
        params, metrics = job.data.params, job.data.metrics
        # A swept group (judge=evidence,bio) is a parameter by its name.
        values = [params.get(key, params.get(f"{key}.name", "")) for key in keys]
        numbers = [metrics.get(name, "") for name in ("objective", *scores)]
        writer.writerow([job.info.run_id, job.info.status, *values, *numbers])
    return table.getvalue()
