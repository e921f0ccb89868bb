"""Writes what the pipeline reports to an MLflow run: curves, numbers, data sets, adapters, prompts, champions.

Nothing is written twice. Runs are closed with their outcome: finished, failed or killed. When the books cannot be
written any more, the work goes on without them and the error comes at its end: results are kept in the store, and the
next run with the same settings writes what is missing.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from mealign.errors import MealignError
from mealign.experiment.books import ADAPTER_TAG, Books, open_books, refusals
from mealign.experiment.settings import PARENT_VARIABLE, Status, TrackingConfig
from mealign.jsonl import digest_path
from mealign.pipeline.tracker import Beats, Contender, Tracker
from mealign.records import content_id

P = ParamSpec("P")

CONTENDER_TAG = "mealign.contender"
PROMPT_PREFIX = "mealign-judge-"

# Limits of MLflow.
DIGEST_LENGTH = 36
METRICS_PER_BATCH = 1000


def _written(write: Callable[Concatenate[MlflowTracker, P], None]) -> Callable[Concatenate[MlflowTracker, P], None]:
    """Let a method write to the books alone, and not at all after they have failed."""

    @wraps(write)
    def call(tracker: MlflowTracker, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if tracker.failure is None:
            try:
                with tracker.books.writing():
                    write(tracker, *args, **kwargs)
            except MealignError as error:
                tracker.failure = error

    return call


class MlflowTracker(Tracker):
    """Writes to one open MLflow run; ``continued`` means that it may already have some of what is reported.

    ``failure`` is why nothing is written any more.
    """

    def __init__(self, books: Books, run_id: str, *, continued: bool) -> None:
        self.run_id = run_id
        self.books = books
        self.failure: MealignError | None = None
        self._client = books.client
        self._settings = books.settings
        self._continued = continued
        self._points: dict[str, set[tuple[int, str]]] = {}

    def log_step(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Log one point of a training curve, as ``<stage>/<metric>``."""
        self.log_history(stage, [{**metrics, "step": step}])

    @_written
    def log_history(self, stage: str, history: Sequence[Mapping[str, Any]]) -> None:
        """Log a whole training curve at once; points the run already has are left out."""
        now = _milliseconds()
        self._write(
            (name, int(point["step"]), float(value), now)
            for point in history
            for key, value in point.items()
            if key != "step" and isinstance(value, int | float)
            if self._is_new(name := metric_name(f"{stage}/{key}"), int(point["step"]), float(value))
        )

    @_written
    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log final numbers; those that the run already shows are left out."""
        shown = self._client.get_run(self.run_id).data.metrics
        named = {metric_name(key): float(value) for key, value in metrics.items()}
        changed = {name: value for name, value in named.items() if shown.get(name) != value}
        now = _milliseconds()
        # MLflow shows the latest, and the clock may have been set back since.
        last = {
            name: max(point.timestamp for point in self._client.get_metric_history(self.run_id, name))
            for name in changed.keys() & shown.keys()
        }
        self._write((name, 0, value, max(now, last.get(name, 0) + 1)) for name, value in changed.items())

    @_written
    def log_dataset(self, name: str, *, source: str, digest: str, context: str) -> None:
        """Record a data set that the run read or made, by its location and content hash."""
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.data.sources import LocalArtifactDatasetSource
        from mlflow.entities import Dataset, DatasetInput, InputTag

        described = MetaDataset(LocalArtifactDatasetSource(source), name=name, digest=digest[:DIGEST_LENGTH]).to_dict()
        dataset = Dataset(**{key: described[key] for key in ("name", "digest", "source_type", "source")})
        tags = [InputTag("mlflow.data.context", context)]
        self._client.log_inputs(self.run_id, [DatasetInput(dataset, tags)])

    @_written
    def log_adapter(self, name: str, folder: Path) -> None:
        """Keep a trained adapter, unless ``tracking.log_adapters=false`` or the run already holds this one."""
        if not self._settings.log_adapters:
            return
        tag, digest, place = f"{ADAPTER_TAG}{name}", digest_path(folder), f"adapters/{name}"
        held = self._client.get_run(self.run_id).data.tags.get(tag)
        if held != digest or not self._client.list_artifacts(self.run_id, place):
            self.log_artifacts(folder, place)
            self.set_tags({tag: digest})

    @_written
    def log_artifacts(self, folder: Path, name: str) -> None:
        """Keep the files of a folder that holds no text of the user."""
        self.books.record(name, digest_path(folder))
        self._client.log_artifacts(self.run_id, str(folder), name)

    def log_bytes(self, name: str, content: bytes, *, personal: bool) -> bool:
        """Keep one file under ``name``, unless it is personal and ``tracking.log_texts=false``."""
        if personal and not self._settings.log_texts:
            return False
        self._log_file(name, content)
        return self.failure is None

    @_written
    def _log_file(self, name: str, content: bytes) -> None:
        self.books.record(name, hashlib.sha256(content).hexdigest())
        parent, _, file_name = name.rpartition("/")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / file_name
            file.write_bytes(content)
            self._client.log_artifact(self.run_id, str(file), parent or None)

    def log_config(self, text: str) -> None:
        """Keep the resolved config as ``config.yaml``."""
        self.log_bytes("config.yaml", text.encode(), personal=False)

    @_written
    def log_prompt(self, name: str, text: str, *, digest: str, personal: bool) -> None:
        """Link a prompt template to the run; it is registered as ``mealign-judge-<name>`` when its digest is new.

        The digest is an alias and a tag of the version. The text is kept unchanged, including front matter. Of a
        ``personal`` one, name and text stay here unless ``tracking.log_texts=true``, and the run has the digest.
        """
        if personal and not self._settings.log_texts:
            self.set_tags({"mealign.template": digest})
            return
        full = f"{PROMPT_PREFIX}{name}"
        from mlflow.tracing.constant import TraceTagKey
        from mlflow.tracing.utils.prompt import update_linked_prompts_tag

        version = self._client.load_prompt(f"prompts:/{full}@{digest}", allow_missing=True)
        if version is None:
            self.books.record("judge template", digest)
            version = self._client.register_prompt(full, text, tags={"mealign.digest": digest})
            self._client.set_prompt_alias(full, digest, int(version.version))
        # The client's own method looks up the run in the process's default store.
        linked = self._client.get_run(self.run_id).data.tags.get(TraceTagKey.LINKED_PROMPTS)
        updated = update_linked_prompts_tag(linked, [version])
        self._client.set_tag(self.run_id, TraceTagKey.LINKED_PROMPTS, updated)

    @_written
    def log_contender(self, contender: Contender, *, beats: Beats) -> None:
        """Keep an adapter as a model, once, and register it as champion if it beats the current one."""
        if not self._settings.log_adapters:
            return
        known = content_id("contender", contender.name, contender.digest, dict(contender.scores))
        from mealign.experiment.champions import has_scores, log_contender

        logged = self._client.get_run(self.run_id).data.tags.get(CONTENDER_TAG) == known
        if logged and has_scores(self._client, self.run_id):
            return
        self.books.record(f"model {contender.name}", contender.digest)
        won = log_contender(self._client, self.run_id, contender, beats=beats)
        self._client.set_tag(self.run_id, "mealign.champion", str(won).lower())
        self._client.set_tag(self.run_id, CONTENDER_TAG, known)

    @_written
    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Add or replace tags."""
        for key, value in sorted(tags.items()):
            self._client.set_tag(self.run_id, key, value)

    def close(self, status: Status) -> None:
        """Close the run with its outcome; one that is not complete has failed."""
        try:
            with self.books.writing():
                self._client.set_terminated(self.run_id, "FAILED" if self.failure else status)
        except MealignError as error:
            self.failure = self.failure or error

    def _write(self, points: Iterable[tuple[str, int, float, int]]) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(name, value, when, step) for name, step, value, when in points]
        for start in range(0, len(metrics), METRICS_PER_BATCH):
            self._client.log_batch(self.run_id, metrics=metrics[start : start + METRICS_PER_BATCH])

    def _is_new(self, name: str, step: int, value: float) -> bool:
        """Whether the run lacks this point, which is then recorded: a stage that runs again keeps one curve."""
        if name not in self._points:
            history = self._client.get_metric_history(self.run_id, name) if self._continued else ()
            # As text, because NaN is not equal to itself.
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
    ledger: Path | None = None,
) -> Iterator[MlflowTracker]:
    """Open the run of ``run_key``, continued if it exists, and close it with its outcome: finished, failed or killed.

    Args:
        settings: where the books are, and what may be written to them.
        run_name: what the dashboard shows.
        run_key: digest of everything the run depends on. A job of a sweep shares a run only with jobs of that sweep.
        params: dotted key to value; a value that is too long for MLflow is cut and ends with its digest.
        tags: further tags.
        root: folder to which a relative SQLite path and the artifact folder refer.
        ledger: as in :func:`mealign.experiment.books.open_books`.

    Raises:
        MealignError: MLflow fails; the message says why and how to work without it.
    """
    with refusals(settings):
        books = open_books(settings, root=root, ledger=ledger)
    with books.writing():
        run_id, continued = books.open_run(
            run_name=run_name, run_key=run_key, parent=os.environ.get(PARENT_VARIABLE), tags=tags
        )
        books.log_params(run_id, params)
    tracker = MlflowTracker(books, run_id, continued=continued)
    status: Status = "FAILED"
    try:
        yield tracker
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        tracker.close(status)
    if tracker.failure is not None:
        raise MealignError(f"the results are complete, but not MLflow's books: {tracker.failure}") from tracker.failure


def metric_name(name: str) -> str:
    """Replace what MLflow does not allow in a metric's name: all but letters, digits and ``_ - . : /``."""
    return re.sub(r"[^\w\-./:]", "_", name.replace("+", "_with_"))


def _milliseconds() -> int:
    return int(time.time() * 1000)
