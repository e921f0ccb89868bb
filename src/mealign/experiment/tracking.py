"""Writes what the pipeline reports to an MLflow run: curves, numbers, data sets, adapters, prompts, champions.

Nothing is written twice. Runs are closed with their outcome: finished, failed or killed.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mealign.experiment.books import ADAPTER_TAG, Books, open_books, refusals
from mealign.experiment.settings import PARENT_VARIABLE, Status, TrackingConfig
from mealign.jsonl import digest_path
from mealign.pipeline.tracker import Beats, Contender, Tracker
from mealign.records import content_id

if TYPE_CHECKING:
    pass

CONTENDER_TAG = "mealign.contender"
PROMPT_PREFIX = "mealign-judge-"

# Limits of MLflow.
DIGEST_LENGTH = 36
METRICS_PER_BATCH = 1000


class MlflowTracker(Tracker):
    """Writes to one open MLflow run; ``continued`` means that it may already have some of what is reported."""

    def __init__(
        self,
        books: Books,
        run_id: str,
        settings: TrackingConfig,
        *,
        continued: bool,
    ) -> None:
        self.run_id = run_id
        self._books = books
        self._lock = books.lock
        self._client = books.client
        self._settings = settings
        self._continued = continued
        self._points: dict[str, set[tuple[int, str]]] = {}

    def log_step(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Log one point of a training curve, as ``<stage>/<metric>``."""
        self.log_history(stage, [{**metrics, "step": step}])

    def log_history(self, stage: str, history: Sequence[Mapping[str, Any]]) -> None:
        """Log a whole training curve at once; points the run already has are left out."""
        with refusals(self._settings):
            self._write(
                (name, int(point["step"]), float(value))
                for point in history
                for key, value in point.items()
                if key != "step" and isinstance(value, int | float)
                if self._is_new(name := metric_name(f"{stage}/{key}"), int(point["step"]), float(value))
            )

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log final numbers; those that the run already shows are left out."""
        with refusals(self._settings):
            shown = self._client.get_run(self.run_id).data.metrics
            named = {metric_name(key): float(value) for key, value in metrics.items()}
            self._write((name, 0, value) for name, value in named.items() if shown.get(name) != value)

    def log_dataset(self, name: str, *, source: str, digest: str, context: str) -> None:
        """Record a data set that the run read or made, by its location and content hash."""
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.data.sources import LocalArtifactDatasetSource
        from mlflow.entities import Dataset, DatasetInput, InputTag

        described = MetaDataset(LocalArtifactDatasetSource(source), name=name, digest=digest[:DIGEST_LENGTH]).to_dict()
        dataset = Dataset(**{key: described[key] for key in ("name", "digest", "source_type", "source")})
        with refusals(self._settings):
            tags = [InputTag("mlflow.data.context", context)]
            self._client.log_inputs(self.run_id, [DatasetInput(dataset, tags)])

    def log_adapter(self, name: str, folder: Path) -> None:
        """Keep a trained adapter, unless ``tracking.log_adapters=false`` or the run already holds this one."""
        if not self._settings.log_adapters:
            return
        tag, digest = f"{ADAPTER_TAG}{name}", digest_path(folder)
        with refusals(self._settings):
            held = self._client.get_run(self.run_id).data.tags.get(tag)
        if held != digest:
            self.log_artifacts(folder, f"adapters/{name}")
            self.set_tags({tag: digest})

    def log_artifacts(self, folder: Path, name: str) -> None:
        """Keep the files of a folder that holds no text of the user."""
        self._books.record(name, digest_path(folder))
        with refusals(self._settings):
            self._client.log_artifacts(self.run_id, str(folder), name)

    def log_bytes(self, name: str, content: bytes, *, personal: bool) -> bool:
        """Keep one file under ``name``, unless it is personal and ``tracking.log_texts=false``."""
        if personal and not self._settings.log_texts:
            return False
        self._books.record(name, hashlib.sha256(content).hexdigest())
        parent, _, file_name = name.rpartition("/")
        with refusals(self._settings), tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / file_name
            file.write_bytes(content)
            self._client.log_artifact(self.run_id, str(file), parent or None)
        return True

    def log_config(self, text: str) -> None:
        """Keep the resolved config as ``config.yaml``."""
        self.log_bytes("config.yaml", text.encode(), personal=False)

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

        with refusals(self._settings), self._lock:
            version = self._client.load_prompt(f"prompts:/{full}@{digest}", allow_missing=True)
            if version is None:
                self._books.record("judge template", digest)
                version = self._client.register_prompt(full, text, tags={"mealign.digest": digest})
                self._client.set_prompt_alias(full, digest, int(version.version))
            # The client's own method looks up the run in the process's default store.
            linked = self._client.get_run(self.run_id).data.tags.get(TraceTagKey.LINKED_PROMPTS)
            updated = update_linked_prompts_tag(linked, [version])
            self._client.set_tag(self.run_id, TraceTagKey.LINKED_PROMPTS, updated)

    def log_contender(self, contender: Contender, *, beats: Beats) -> None:
        """Keep an adapter as a model, once, and register it as champion if it beats the current one."""
        if not self._settings.log_adapters:
            return
        known = content_id("contender", contender.name, contender.digest, dict(contender.scores))
        with refusals(self._settings), self._lock:
            if self._client.get_run(self.run_id).data.tags.get(CONTENDER_TAG) == known:
                return
            from mealign.experiment.champions import log_contender

            self._books.record(f"model {contender.name}", contender.digest)
            won = log_contender(self._client, self.run_id, contender, beats=beats)
            self._client.set_tag(self.run_id, "mealign.champion", str(won).lower())
            self._client.set_tag(self.run_id, CONTENDER_TAG, known)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Add or replace tags."""
        with refusals(self._settings):
            for key, value in sorted(tags.items()):
                self._client.set_tag(self.run_id, key, value)

    def _write(self, points: Iterable[tuple[str, int, float]]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, step, value in points]
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
        run_id, continued = books.open_run(
            run_name=run_name, run_key=run_key, parent=os.environ.get(PARENT_VARIABLE), tags=tags
        )
        books.log_params(run_id, params)
    tracker = MlflowTracker(books, run_id, settings, continued=continued)
    status: Status = "FAILED"
    try:
        yield tracker
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        with refusals(settings):
            books.client.set_terminated(run_id, status)


def metric_name(name: str) -> str:
    """Replace what MLflow does not allow in a metric's name: all but letters, digits and ``_ - . : /``."""
    return re.sub(r"[^\w\-./:]", "_", name.replace("+", "_with_"))
