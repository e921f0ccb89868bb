"""MLflow's store: opening it without conflicts between processes, its runs, and the adapters in them.

A run is identified by its key, the digest of everything it depends on: opening the same key again continues the same
run. MLflow is imported only when the books are opened.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mealign.addresses import stays_here
from mealign.damage import discard, make_folder
from mealign.errors import ConfigError, MealignError
from mealign.experiment.database import Database, LostError, one_connection_each, sqlite_error
from mealign.experiment.settings import TrackingConfig
from mealign.jsonl import digest_path
from mealign.language.egress import Ledger
from mealign.records import content_id
from mealign.settings import path_at

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN_KEY = "mealign.run_key"
ADAPTER_TAG = "mealign.adapter."
"""Prefix of the tag with the digest of an adapter; the name of the stage that trained it follows."""
PARENT = "mlflow.parentRunId"
SQLITE = "sqlite:///"

# Limits of MLflow.
PARAM_LENGTH = 6000
PARAMS_PER_BATCH = 100


@dataclass(frozen=True)
class Books:
    """One experiment in a tracking store: its file if it is one, and the ledger if it is elsewhere."""

    client: MlflowClient
    experiment_id: str
    settings: TrackingConfig
    database: Database | None = None
    ledger: Ledger | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out; every use of the books is wrapped in this.

        Raises:
            MealignError: MLflow fails.
        """
        with refusals(self.settings), self.database.writing() if self.database else nullcontext():
            yield

    def record(self, what: str, digest: str) -> None:
        """Record, before it is sent, what is written to books on another machine."""
        if self.ledger is not None:
            self.ledger.write(digest, purpose=f"tracking: {what}")

    def open_run(self, *, run_name: str, run_key: str, parent: str | None, tags: Mapping[str, str]) -> tuple[str, bool]:
        """Return the id of the run with this key and parent, and whether it existed before."""
        found = [run for run in self._search(f"tags.`{RUN_KEY}` = '{run_key}'") if run.data.tags.get(PARENT) == parent]
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

        self.record("settings", content_id("params", {key: str(value) for key, value in params.items()}))
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


def open_books(settings: TrackingConfig, *, root: Path, ledger: Path | None = None) -> Books:
    """Open the store, created and migrated by one process at a time.

    Args:
        settings: where it is.
        root: folder to which relative paths refer.
        ledger: file that records what leaves this machine; None: nothing may.

    Raises:
        ConfigError: it, or its artifacts, are on another machine, where nothing may leave this one.
    """
    if ledger is None and not stays_here(settings.uri):
        raise ConfigError(
            f"egress=deny with tracking.uri={settings.uri}: MLflow keeps its books elsewhere; "
            "name a local store, allow it with egress=allow, or work without it: tracking=none"
        )
    if settings.uri.startswith(SQLITE):
        one_connection_each()
    from mlflow import MlflowClient

    logging.getLogger("alembic").setLevel(logging.WARNING)
    # What it says as it fails is part of its exception.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    if not settings.uri.startswith(SQLITE):
        client = MlflowClient(tracking_uri=settings.uri, registry_uri=settings.uri)
        record = Ledger(ledger, address=settings.uri) if ledger and not stays_here(settings.uri) else None
        return Books(client, _experiment(client, settings, root=root, ledger=ledger), settings, ledger=record)
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    artifacts = path_at(root, settings.artifacts).resolve().as_uri()
    database = Database(
        path_at(root, settings.uri.removeprefix(SQLITE)),
        make=lambda path: SqlAlchemyStore(f"{SQLITE}{path}", artifacts),
    )

    def connect() -> Books:
        uri = f"{SQLITE}{database.path}"
        # Without the latter, the registry would be where the environment says.
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        return Books(client, _experiment(client, settings, root=root, ledger=ledger), settings, database)

    return database.open(connect)


def _experiment(client: MlflowClient, settings: TrackingConfig, *, root: Path, ledger: Path | None) -> str:
    found = client.get_experiment_by_name(settings.experiment)
    if found is None:
        location = path_at(root, settings.artifacts).resolve().as_uri()
        return str(client.create_experiment(settings.experiment, artifact_location=location))
    location = str(found.artifact_location)
    # A server takes its artifacts by itself.
    if ledger is None and not stays_here(location) and not location.startswith("mlflow-artifacts:"):
        raise ConfigError(
            f"egress=deny with tracking.experiment={settings.experiment}: its artifacts are kept at {location}, on "
            "another machine; choose another experiment, or allow it with egress=allow"
        )
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


@contextmanager
def refusals(settings: TrackingConfig) -> Iterator[None]:
    """Convert errors of MLflow and its store to one for the user."""
    # MLflow reads this when it is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except LostError as error:
        raise MealignError(
            f"tracking.uri={settings.uri}: {error}; run the same command again: it writes MLflow's books anew"
        ) from error
    except (MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError) as error:
        raise MealignError(
            f"tracking.uri={settings.uri}: MLflow cannot write its books ({_reason(error)}); mend that and run the "
            "same command again, or work without them: tracking=none"
        ) from error


def _reason(error: Exception) -> str:
    said = str(sqlite_error(error) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def fetch_adapter(
    settings: TrackingConfig, run_id: str, *, root: Path, cache: Path, ledger: Path | None = None
) -> Path:
    """Return a folder with the adapter that a run logged; with several, that of its last training stage.

    Args:
        settings: where the books are.
        run_id: the run.
        root: folder to which a relative SQLite path refers.
        cache: where fetched adapters are kept, by their digest.
        ledger: as in :func:`open_books`.

    Raises:
        ConfigError: there is no such run, or it logged no adapter.
        MealignError: MLflow fails, or its files differ from what the run logged.
    """
    asked = f"training.init_from={run_id}"
    with refusals(settings):
        from mlflow.exceptions import MlflowException

        books = open_books(settings, root=root, ledger=ledger)
    with books.writing():
        client = books.client
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
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise MealignError(f"{asked}: what it says of its adapter {name} is no SHA-256; choose another run")
        folder: Path = make_folder(cache, inside=cache.parent) / digest
        if folder.exists():
            if digest_path(folder) == digest:
                return folder
            discard(folder, "this adapter differs from its name, which is its digest")
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            fetched = Path(client.download_artifacts(run_id, f"adapters/{name}", scratch))
            if digest_path(fetched) != digest:
                raise MealignError(f"{asked}: its adapter {name} was changed since it was logged; choose another run")
            with suppress(OSError):  # Another job may have been faster.
                fetched.rename(folder)
    return folder


def _shortened(value: str) -> str:
    if len(value) <= PARAM_LENGTH:
        return value
    digest = f"... sha256:{hashlib.sha256(value.encode()).hexdigest()}"
    return value[: PARAM_LENGTH - len(digest)] + digest
