"""Against a real SQLite store. Creating one takes seconds, so one serves nearly all tests, an experiment each."""

import csv
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from omegaconf import OmegaConf

from mealign.errors import ConfigError, MealignError
from mealign.experiment.books import PARENT, RUN_KEY, fetch_adapter
from mealign.experiment.comparison import open_sweep
from mealign.experiment.settings import PARENT_VARIABLE
from mealign.experiment.sweeps import SweepParent
from mealign.experiment.tracking import MlflowTracker, metric_name
from mealign.experiment.tracking import open_tracker as open_real
from mealign.jsonl import digest_path
from mealign.language.settings import Egress
from mealign.pipeline.tracker import Tracker
from tests.defaults import TrackingConfig

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("books")


@pytest.fixture(scope="session")
def client(root: Path) -> MlflowClient:
    with open_real(TrackingConfig(), run_name="first", run_key="first", params={}, tags={}, root=root):
        pass
    return MlflowClient(tracking_uri=f"sqlite:///{root}/mlruns/mlflow.db")


@pytest.fixture
def settings(request: pytest.FixtureRequest, client: MlflowClient) -> TrackingConfig:
    return TrackingConfig(experiment=request.node.name)


@pytest.fixture
def open_tracker(root: Path, settings: TrackingConfig) -> Open:
    """Open a tracker with everything but the interesting arguments filled in."""

    def call(run_key: str = "key", *, using: TrackingConfig = settings, **given: Any) -> Any:
        arguments: dict[str, Any] = {"run_name": "demo", "params": {}, "tags": {}, **given}
        return open_real(using, run_key=run_key, root=root, **arguments)

    return call


@pytest.fixture
def runs(client: MlflowClient, settings: TrackingConfig) -> Callable[[], list[Run]]:
    def call() -> list[Run]:
        experiment = client.get_experiment_by_name(settings.experiment)
        return list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"]))

    return call


@pytest.fixture
def files(client: MlflowClient) -> Callable[[str], set[str]]:
    def call(run_id: str) -> set[str]:
        folder = Path(client.get_run(run_id).info.artifact_uri.removeprefix("file://"))
        return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}

    return call


def test_a_run_holds_what_it_was_told(open_tracker: Open, runs: Callable[[], list[Run]]) -> None:
    with open_tracker(params={"lora.rank": 8, "training.sft": None}, tags={"user": "demo"}) as tracker:
        tracker.log_step("sft", 1, {"loss": 2.0, "rewards/margins": 0.5})
        tracker.log_step("sft", 2, {"loss": 1.5})
        tracker.log_metrics({"gold/sft+memory/score": 0.25, "objective": 0.25})
        tracker.set_tags({"judge": "evidence"})
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "demo"
    assert run.data.params == {"lora.rank": "8", "training.sft": "None"}
    assert run.data.metrics == {
        "sft/loss": 1.5, "sft/rewards/margins": 0.5, "gold/sft_with_memory/score": 0.25, "objective": 0.25,
    }  # fmt: skip
    assert {"user": "demo", "judge": "evidence", RUN_KEY: "key"}.items() <= run.data.tags.items()


def test_the_same_key_continues_the_run_and_writes_nothing_twice(
    open_tracker: Open, runs: Callable[[], list[Run]], client: MlflowClient
) -> None:
    history = [{"step": step, "loss": 1 / step, "note": "text", "nothing": float("nan")} for step in range(1, 1200)]
    for _ in range(2):
        with open_tracker(params={"seed": 17}) as tracker:
            tracker.log_history("sft", history)
            tracker.log_step("sft", 3, {"loss": 1 / 3})
            tracker.log_metrics({"objective": 0.5})
    (run,) = runs()
    points = client.get_metric_history(run.info.run_id, "sft/loss")
    assert sorted(point.step for point in points) == list(range(1, 1200))
    assert len(client.get_metric_history(run.info.run_id, "sft/nothing")) == 1199
    assert len(client.get_metric_history(run.info.run_id, "objective")) == 1


def test_a_final_number_that_changes_is_shown(open_tracker: Open, runs: Callable[[], list[Run]]) -> None:
    for value in (0.5, 0.7, 0.5):
        with open_tracker() as tracker:
            tracker.log_metrics({"objective": value})
    assert runs()[0].data.metrics["objective"] == 0.5


def test_a_final_number_is_shown_although_the_clock_was_set_back(
    open_tracker: Open, runs: Callable[[], list[Run]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for hours, value in ((0, 0.5), (-5, 0.7), (-20_000, 0.6), (0, 0.5)):
        now = time.time() + 3600 * hours
        with monkeypatch.context() as patched, open_tracker() as tracker:
            patched.setattr(time, "time", lambda now=now: now)
            tracker.log_metrics({"objective": value})
        assert runs()[0].data.metrics["objective"] == value


def test_an_adapter_whose_artifact_was_deleted_is_kept_again(
    open_tracker: Open, runs: Any, files: Any, tmp_path: Path
) -> None:
    (tmp_path / "adapter.bin").write_bytes(b"weights")
    for _ in range(2):
        with open_tracker() as tracker:
            tracker.log_adapter("sft", tmp_path)
        (run,) = runs()
        assert files(run.info.run_id) == {"adapters/sft/adapter.bin"}
        shutil.rmtree(run.info.artifact_uri.removeprefix("file://"))


def test_another_key_is_another_run(open_tracker: Open, runs: Callable[[], list[Run]]) -> None:
    for key in ("a", "b"):
        with open_tracker(key):
            pass
    assert len(runs()) == 2


@pytest.mark.parametrize(
    ("error", "status"), [(MealignError, "FAILED"), (ZeroDivisionError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_a_run_is_closed_as_what_it_was(
    open_tracker: Open, runs: Callable[[], list[Run]], error: type[BaseException], status: str
) -> None:
    with pytest.raises(error), open_tracker():
        raise error
    assert runs()[0].info.status == status
    with open_tracker():
        assert runs()[0].info.status == "RUNNING"
    assert runs()[0].info.status == "FINISHED"


def test_a_long_parameter_ends_in_its_digest(open_tracker: Open, runs: Callable[[], list[Run]]) -> None:
    with open_tracker(params={"short": "x" * 6000, "long": "x" * 6001}):
        pass
    params = runs()[0].data.params
    assert params["short"] == "x" * 6000
    assert len(params["long"]) == 6000
    assert re.fullmatch(r"x+\.\.\. sha256:[0-9a-f]{64}", params["long"])


def test_data_sets_are_inputs(open_tracker: Open, runs: Callable[[], list[Run]]) -> None:
    for _ in range(2):
        with open_tracker() as tracker:
            tracker.log_dataset("tasks.jsonl", source="data/demo/tasks.jsonl", digest="ab" * 32, context="tasks")
    (given,) = runs()[0].inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("tasks.jsonl", "ab" * 18)
    assert "data/demo/tasks.jsonl" in given.dataset.source
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "tasks")]


def test_artifacts(open_tracker: Open, runs: Callable[[], list[Run]], files: Any, tmp_path: Path, root: Path) -> None:
    (tmp_path / "adapter.bin").write_bytes(b"weights")
    with open_tracker() as tracker:
        tracker.log_adapter("sft", tmp_path)
        tracker.log_artifacts(tmp_path, "report")
        tracker.log_config("seed: 17\n")
        assert tracker.log_bytes("figures/arms.svg", b"<svg/>", personal=False)
    (run,) = runs()
    assert files(run.info.run_id) == {
        "adapters/sft/adapter.bin",
        "report/adapter.bin",
        "config.yaml",
        "figures/arms.svg",
    }
    assert run.info.artifact_uri.startswith((root / "mlruns/artifacts").as_uri())


def test_an_adapter_is_copied_when_it_differs(open_tracker: Open, runs: Any, files: Any, tmp_path: Path) -> None:
    weights = tmp_path / "adapter.bin"
    weights.write_bytes(b"one")
    with open_tracker() as tracker:
        tracker.log_adapter("sft", tmp_path)
        kept = Path(runs()[0].info.artifact_uri.removeprefix("file://")) / "adapters/sft/adapter.bin"
        kept.write_bytes(b"untouched")
        tracker.log_adapter("sft", tmp_path)
        assert kept.read_bytes() == b"untouched"
        weights.write_bytes(b"two")
        tracker.log_adapter("sft", tmp_path)
        assert kept.read_bytes() == b"two"


def test_the_adapter_of_a_run_is_fetched_once(open_tracker: Open, runs: Any, root: Path, tmp_path: Path) -> None:
    folders = {}
    with open_tracker(using=replace(TrackingConfig(), experiment="fetched")) as tracker:
        for name in ("sft", "dpo"):
            folders[name] = tmp_path / name
            folders[name].mkdir()
            (folders[name] / "adapter.bin").write_bytes(name.encode())
        tracker.log_adapter("dpo", folders["dpo"])
        tracker.log_adapter("sft", folders["sft"])
        run_id = tracker.run_id

    def fetch() -> Path:
        return fetch_adapter(TrackingConfig(), run_id, root=root, cache=tmp_path / "cache")

    fetched = fetch()
    # The last that was trained, not the last that was logged.
    assert (fetched / "adapter.bin").read_bytes() == b"dpo"
    assert fetched.name == digest_path(folders["dpo"])
    assert fetch() == fetched
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [fetched.name]
    shutil.rmtree(fetched)
    (kept,) = (root / "mlruns/artifacts").rglob(f"{run_id}/artifacts/adapters/dpo/adapter.bin")
    kept.write_bytes(b"changed")
    with pytest.raises(MealignError, match="was changed since it was logged"):
        fetch()
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_cannot_be_fetched_is_named(open_tracker: Open, runs: Any, root: Path, tmp_path: Path) -> None:
    with open_tracker():
        pass
    with pytest.raises(ConfigError, match=r"training\.init_from=.*logged no adapter"):
        fetch_adapter(TrackingConfig(), runs()[0].info.run_id, root=root, cache=tmp_path)
    for unknown in ("0" * 32, "no id"):
        with pytest.raises(ConfigError, match=f"training.init_from={unknown}: .* no such run"):
            fetch_adapter(TrackingConfig(), unknown, root=root, cache=tmp_path)


def test_what_the_settings_refuse_is_not_kept(
    open_tracker: Open, settings: TrackingConfig, runs: Any, files: Any, tmp_path: Path
) -> None:
    (tmp_path / "adapter.bin").write_bytes(b"weights")
    with open_tracker(using=replace(settings, log_adapters=False)) as tracker:
        tracker.log_adapter("sft", tmp_path)
        assert not tracker.log_bytes("answers.jsonl", b"the user's text", personal=True)
    assert files(runs()[0].info.run_id) == set()
    with open_tracker(using=replace(settings, log_texts=True)) as tracker:
        assert tracker.log_bytes("answers.jsonl", b"the user's text", personal=True)
    assert files(runs()[0].info.run_id) == {"answers.jsonl"}


def test_a_deleted_experiment_is_restored(open_tracker: Open, settings: TrackingConfig, client: MlflowClient) -> None:
    with open_tracker():
        pass
    client.delete_experiment(client.get_experiment_by_name(settings.experiment).experiment_id)
    with open_tracker():
        pass
    assert client.get_experiment_by_name(settings.experiment).lifecycle_stage == "active"


def test_a_run_inside_a_sweep_is_a_child_of_its_own(
    open_tracker: Open, runs: Callable[[], list[Run]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_tracker() as alone:
        assert isinstance(alone, MlflowTracker)
    monkeypatch.setenv(PARENT_VARIABLE, alone.run_id)
    for _ in range(2):
        with open_tracker():
            pass
    assert [run.data.tags.get(PARENT) for run in runs()] == [None, alone.run_id]


def test_a_sweep_knows_its_best_job(
    root: Path, settings: TrackingConfig, open_tracker: Open, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"swept": {"judge": "evidence,bio", "lora.rank": "4,8"}, "fixed": ["seed=1"], "root": root}
    sweep = open_sweep(settings, **given)
    monkeypatch.setenv(PARENT_VARIABLE, sweep.run_id)
    for rank, score in ((4, 0.2), (8, 0.3)):
        params = {"lora.rank": rank, "judge.name": "bio"}
        with open_tracker(f"rank {rank}", run_name=f"r{rank}", params=params) as tracker:
            tracker.log_metrics({"objective": score, "gold/sft+memory/score": score, "gold/sft+memory/recall/score": 1})
    with pytest.raises(ValueError, match="broken"), open_tracker("rank 16", run_name="r16", params={"lora.rank": 16}):
        raise ValueError("broken")
    sweep.close("FINISHED")
    run = client.get_run(sweep.run_id)
    assert run.info.run_name == "judge=evidence,bio lora.rank=4,8"
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"objective": 0.3, "jobs": 3, "jobs_finished": 2}
    assert run.data.tags["mealign.best_run_name"] == "r8"
    assert run.data.tags["mealign.sweep.lora.rank"] == "4,8"
    table = Path(run.info.artifact_uri.removeprefix("file://")) / "comparison.csv"
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [(row["lora.rank"], row["judge"], row["status"], row["objective"]) for row in rows] == [
        ("16", "", "FAILED", ""), ("4", "bio", "FINISHED", "0.2"), ("8", "bio", "FINISHED", "0.3"),
    ]  # fmt: skip
    assert rows[2]["gold/sft_with_memory/score"] == "0.3"
    assert open_sweep(settings, **given).run_id == sweep.run_id


def test_a_sweep_without_results_has_no_best(root: Path, settings: TrackingConfig, client: MlflowClient) -> None:
    sweep = open_sweep(settings, swept={}, fixed=[], root=root)
    sweep.close("FAILED")
    run = client.get_run(sweep.run_id)
    assert (run.info.status, run.info.run_name, run.data.metrics["jobs"]) == ("FAILED", "sweep", 0)


def test_the_tracker_of_no_books_keeps_nothing(tmp_path: Path) -> None:
    tracker = Tracker()
    tracker.log_step("sft", 1, {"loss": 1.0})
    tracker.log_history("sft", [{"step": 1, "loss": 1.0}])
    tracker.log_metrics({"objective": 1.0})
    tracker.log_dataset("a", source="a", digest="a", context="a")
    tracker.log_adapter("sft", tmp_path)
    tracker.log_artifacts(tmp_path, "report")
    tracker.log_config("a: 1")
    tracker.set_tags({"a": "b"})
    assert not tracker.log_bytes("a", b"", personal=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["sqlite:///file/mlflow.db", "nonsense://here", "sqlite:///folder"])
def test_unusable_books_are_an_error_for_the_user(tmp_path: Path, uri: str) -> None:
    (tmp_path / "file").write_text("neither a folder nor a database")
    (tmp_path / "folder").mkdir()
    broken = open_real(TrackingConfig(uri=uri), run_name="n", run_key="k", params={}, tags={}, root=tmp_path)
    with pytest.raises(MealignError, match=f"tracking.uri={uri}.*tracking=none"), broken:
        pass


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("gold/sft+memory/score", "gold/sft_with_memory/score"), ("a b:c", "a_b:c"), ("kl(p|q)", "kl_p_q_")],
)
def test_metric_names(name: str, allowed: str) -> None:
    assert metric_name(name) == allowed


def test_importing_the_module_does_not_import_mlflow() -> None:
    script = "import sys, mealign.experiment.tracking; print('mlflow' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )


def test_two_processes_may_open_a_fresh_store_at_once(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from tests.defaults import TrackingConfig
from mealign.experiment.tracking import open_tracker
key, root = sys.argv[1], Path(sys.argv[2])
with open_tracker(TrackingConfig(), run_name=key, run_key=key, params={}, tags={}, root=root) as tracker:
    for step in range(30):
        tracker.log_step("sft", step, {"loss": step})
        tracker.log_dataset(f"{step}.jsonl", source="tasks.jsonl", digest="ab" * 32, context="tasks")
"""
    command = [sys.executable, "-c", script]
    both = [
        subprocess.Popen([*command, key, str(tmp_path)], stderr=subprocess.PIPE, text=True, env={**os.environ})
        for key in ("a", "b")
    ]
    results = [(process.communicate()[1], process.returncode) for process in both]
    assert [code for _, code in results] == [0, 0], results
    with sqlite3.connect(tmp_path / "mlruns/mlflow.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT count(*) FROM metrics").fetchone() == (60,)
        assert connection.execute("SELECT count(*) FROM runs WHERE status = 'FINISHED'").fetchone() == (2,)


SWEEP_APP = """
from pathlib import Path
import hydra
from mealign.compose import CONF, to_settings
from mealign.experiment.tracking import open_tracker

@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def main(cfg):
    settings = to_settings(cfg)
    key = f"sweep app {settings.seed} {settings.lora.rank}"
    with open_tracker(
        settings.tracking, run_name=key, run_key=key, params={"lora.rank": settings.lora.rank}, tags={}, root=Path.cwd()
    ) as tracker:
        if settings.lora.rank == 13:
            raise ValueError("this job fails")
        tracker.log_metrics({"objective": settings.lora.rank / 100})

main()
"""


@pytest.mark.parametrize(
    ("ranks", "status", "jobs"),
    [("4,8", "FINISHED", {"FINISHED"}), ("8,13", "FAILED", {"FINISHED", "FAILED"})],
)
def test_the_callback_puts_the_jobs_of_a_sweep_under_one_parent(
    tmp_path: Path, settings: TrackingConfig, client: MlflowClient, root: Path, ranks: str, status: str, jobs: set[str]
) -> None:
    experiment = f"sweep-of-{ranks.replace(',', '-')}"
    (tmp_path / "app.py").write_text(SWEEP_APP)
    books = [f"tracking.uri=sqlite:///{root}/mlruns/mlflow.db", f"tracking.experiment={experiment}"]
    command = [sys.executable, "app.py", "-m", f"lora.rank={ranks}", "seed=3", *books]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode == 0) == (status == "FINISHED"), result.stderr
    runs = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    (parent,) = [run for run in runs if PARENT not in run.data.tags]
    children = [run for run in runs if run.data.tags.get(PARENT) == parent.info.run_id]
    assert len(runs) == 3
    assert {run.info.status for run in children} == jobs
    assert parent.info.run_name == f"lora.rank={ranks}"
    assert parent.info.status == status
    assert parent.data.metrics["objective"] == 0.08


def test_a_sweep_goes_on_without_its_books_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("neither a folder nor a database")
    (tmp_path / "folder").mkdir()
    overrides = {"overrides": {"task": ["lora.rank=4,8"]}}
    config = OmegaConf.create({"hydra": overrides, "egress": Egress.deny, "paths": {"egress": "egress"}})
    config.tracking = OmegaConf.structured(TrackingConfig(uri="sqlite:///file/mlflow.db"))
    callback = SweepParent()
    callback.on_multirun_start(config)
    callback.on_multirun_end(config)
    assert "warning: this sweep's jobs will have no parent run" in capsys.readouterr().err
    assert PARENT_VARIABLE not in os.environ


def test_a_sweep_without_tracking_has_no_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = OmegaConf.create({"tracking": OmegaConf.structured(TrackingConfig(enabled=False))})
    SweepParent().on_multirun_start(config)
    assert list(tmp_path.iterdir()) == []
    assert PARENT_VARIABLE not in os.environ


def test_a_prompt_is_registered_once_a_digest_and_linked_to_every_run(
    open_tracker: Open, client: MlflowClient, runs: Callable[[], list[Run]]
) -> None:
    for key, text, digest in (
        ("a", "one {bio}", "template_1"),
        ("b", "one {bio}", "template_1"),
        ("c", "two", "template_2"),
    ):
        with open_tracker(key) as tracker:
            tracker.log_prompt("bio", text, digest=digest, personal=False)
    linked = {run.data.tags[RUN_KEY]: json.loads(run.data.tags["mlflow.linkedPrompts"]) for run in runs()}
    assert [linked[key] for key in "abc"] == [
        [{"name": "mealign-judge-bio", "version": version}] for version in ("1", "1", "2")
    ]
    assert client.load_prompt("prompts:/mealign-judge-bio@template_1").template == "one {bio}"
    assert client.load_prompt("prompts:/mealign-judge-bio/2").tags["mealign.digest"] == "template_2"
