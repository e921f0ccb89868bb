"""MLflow's file: made whole, waited for, set aside when damaged, missed when gone."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mealign.errors import MealignError
from mealign.experiment.database import Database, LostError
from mealign.experiment.tracking import MlflowTracker, open_tracker
from tests.defaults import TrackingConfig


def make(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (name TEXT)")
        connection.execute("INSERT INTO runs VALUES ('first')")
        connection.commit()


def names(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM runs")]


def opened(path: Path) -> Database:
    database = Database(path, make)
    assert database.open(lambda: names(path)) == ["first"]
    return database


def tracking(root: Path) -> AbstractContextManager[MlflowTracker]:
    return open_tracker(TrackingConfig(), run_name="a", run_key="a", params={}, tags={}, root=root)


def damaged(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.iterdir() if "damaged" in found.name)


@pytest.mark.parametrize(
    "content", [b"", None, bytes(range(256)) * 40, b"SQLite format 3\0" + bytes(200), b"not a database at all" * 9]
)
def test_what_is_missing_or_damaged_is_made_again_and_kept_aside(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mlruns/mlflow.db"
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    opened(path)
    kept = damaged(path)
    assert kept == (["mlflow.db.damaged"] if content else [])
    assert ("it is damaged; it is kept as mlflow.db.damaged" in capsys.readouterr().err) == bool(content)
    for name in kept:
        assert (path.parent / name).read_bytes() == content


def test_damaged_files_are_kept_under_names_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    for _ in range(3):
        path.write_bytes(b"garbage" * 300)
        opened(path)
    assert damaged(path) == ["mlflow.db.damaged", "mlflow.db.damaged1", "mlflow.db.damaged2"]


def test_tables_that_somebody_left_half_made_are_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE _alembic_tmp_params (name TEXT)")
    opened(path)
    assert damaged(path) == ["mlflow.db.damaged"]


def test_what_a_deleted_file_left_does_not_enter_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    opened(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO runs VALUES ('second')")
        connection.commit()
        left = Path(f"{path}-wal").read_bytes()
    path.unlink()
    Path(f"{path}-wal").write_bytes(left)
    opened(path)
    assert names(path) == ["first"]


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"

    def dies(made: Path) -> None:
        make(made)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Database(path, dies).open(lambda: None)
    (tmp_path / ".part-killed").mkdir()
    opened(path)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.lock"]


@pytest.mark.parametrize("accident", ["deleted", "replaced", "its folder deleted", "garbage", "deleted while writing"])
def test_a_file_that_is_lost_is_missed(accident: str, tmp_path: Path) -> None:
    path = tmp_path / "mlruns/mlflow.db"
    database = opened(path)
    with database.writing():
        names(path)
    if accident == "replaced":
        make(path.with_name("other"))
        path.with_name("other").replace(path)
    elif accident == "garbage":
        with path.open("r+b") as file:
            file.write(b"garbage" * 200)
    elif accident != "deleted while writing":
        path.unlink()
    if accident == "its folder deleted":
        path.with_name("mlflow.db.lock").unlink()
        path.parent.rmdir()

    def write() -> None:
        if accident == "deleted while writing":
            path.unlink()
        names(path)

    with pytest.raises(LostError, match=r"is damaged|was deleted or replaced"), database.writing():
        write()
    opened(path)


def test_writers_wait_for_one_another(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    database = opened(path)
    script = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
connection.execute("INSERT INTO runs VALUES ('another')")
print(flush=True)
time.sleep(1)
connection.execute("COMMIT")
"""
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with database.writing():
            assert names(path) == ["first", "another"]


def test_a_run_ends_without_its_books_and_says_so(tmp_path: Path) -> None:
    done = []

    def work(tracker: MlflowTracker, accident: Callable[[], object] = lambda: None) -> None:
        tracker.log_metrics({"objective": 1.0})
        accident()
        tracker.log_step("sft", 1, {"loss": 1.0})
        done.append(tracker.log_bytes("file", b"", personal=False))

    told = r"the results are complete, but not MLflow's books: .*run the same command"
    with pytest.raises(MealignError, match=told), tracking(tmp_path) as tracker:
        work(tracker, (tmp_path / "mlruns/mlflow.db").unlink)
    with tracking(tmp_path) as tracker:
        work(tracker)
    assert done == [False, True]
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name(TrackingConfig().experiment).experiment_id])
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"objective": 1.0, "sft/loss": 1.0})


def test_the_error_of_the_work_comes_before_that_of_the_books(tmp_path: Path) -> None:
    def work(tracker: MlflowTracker) -> None:
        os.truncate(tmp_path / "mlruns/mlflow.db", 100)
        tracker.set_tags({"a": "b"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), tracking(tmp_path) as tracker:
        work(tracker)
