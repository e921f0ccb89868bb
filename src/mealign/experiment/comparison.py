"""The outcome of a sweep: the parent run of its jobs, and the table of their results."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mealign.experiment.books import Books, open_books, refusals
from mealign.experiment.settings import Status, TrackingConfig
from mealign.experiment.tracking import MlflowTracker
from mealign.records import content_id
from mealign.settings import WITHHELD

if TYPE_CHECKING:
    from mlflow.entities import Run

RUN_NAME_LENGTH = 250
"""MLflow's limit."""


@dataclass(frozen=True)
class Sweep:
    """The open run of a sweep, the parent of its jobs' runs."""

    run_id: str
    keys: tuple[str, ...]
    books: Books

    def close(self, status: Status) -> None:
        """Write the jobs' results (``comparison.csv``, the best objective and its job) and close the run.

        Raises:
            MealignError: MLflow fails.
        """
        tracker = MlflowTracker(self.books, self.run_id, continued=True)
        with self.books.writing():
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
        tracker.close(status)
        if tracker.failure is not None:
            raise tracker.failure


def open_sweep(
    settings: TrackingConfig,
    *,
    swept: Mapping[str, str],
    fixed: Sequence[str],
    root: Path,
    ledger: Path | None = None,
    withheld: Collection[str] = (),
) -> Sweep:
    """Open the run of a sweep; the same sweep started again continues it.

    Args:
        settings: where the books are.
        swept: what varies, from key to values (``{"lora.rank": "4,8"}``).
        fixed: the other overrides.
        root: as in :func:`open_tracker`.
        ledger: as in :func:`open_tracker`.
        withheld: swept keys whose values are personal.

    Raises:
        MealignError: MLflow fails.
    """
    shown = {key: WITHHELD if key in withheld else values for key, values in swept.items()}
    name = " ".join(f"{key}={values}" for key, values in shown.items()) or "sweep"
    with refusals(settings):
        books = open_books(settings, root=root, ledger=ledger)
    with books.writing():
        run_id, _ = books.open_run(
            run_name=name[:RUN_NAME_LENGTH],
            run_key=content_id("sweep", dict(swept), sorted(fixed)),
            parent=None,
            tags={f"mealign.sweep.{key}": values for key, values in shown.items()},
        )
    return Sweep(run_id=run_id, keys=tuple(swept), books=books)


def _comparison(jobs: Sequence[Run], keys: Sequence[str]) -> str:
    """Return one line per job: the swept values, how it ended, and the aggregate numbers of every arm."""
    scores = sorted({name for job in jobs for name in job.data.metrics if name.count("/") == 2 and "score" in name})
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["run", "status", *keys, "objective", *scores])
    for job in jobs:
        params, metrics = job.data.params, job.data.metrics
        # A swept group (judge=evidence,bio) is logged as a parameter with its name.
        values = [params.get(key, params.get(f"{key}.name", "")) for key in keys]
        numbers = [metrics.get(name, "") for name in ("objective", *scores)]
        writer.writerow([job.info.run_id, job.info.status, *values, *numbers])
    return table.getvalue()
