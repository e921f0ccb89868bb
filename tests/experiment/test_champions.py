"""The line of champions in a real SQLite store."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from mealign.evaluation.summary import beats
from mealign.experiment.champions import ALIAS
from mealign.experiment.tracking import open_tracker
from mealign.pipeline.tracker import Contender
from tests.defaults import EvaluationConfig, TrackingConfig

BEATS = partial(beats, settings=EvaluationConfig(resamples=500), seed=1)
LOW, HIGH = ({f"q{number}": level + 0.1 * (number % 2) for number in range(20)} for level in (0.2, 0.6))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("books")


@pytest.fixture
def contend(root: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Let a contender of this test's own line be logged by a run, and return the line's champion."""
    name = f"mealign-{request.node.name}"

    def call(key: str, scores: dict[str, float], **changes: Any) -> str:
        adapter = tmp_path / key
        adapter.mkdir(exist_ok=True)
        (adapter / "adapter_config.json").write_text("{}")
        contender = Contender(name, adapter, f"digest of {key}", {"name": "tiny"}, "Nadia", scores)
        settings = TrackingConfig(**changes)
        with open_tracker(settings, run_name=key, run_key=f"{name} {key}", params={}, tags={}, root=root) as tracker:
            tracker.log_contender(contender, beats=BEATS)
        client = MlflowClient(tracking_uri=f"sqlite:///{root}/mlruns/mlflow.db")
        return str(client.get_model_version_by_alias(name, ALIAS).tags["mealign.adapter"])

    return call


@pytest.fixture
def client(root: Path, contend: Any) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{root}/mlruns/mlflow.db")


def test_the_alias_moves_to_what_is_better_by_more_than_its_interval(
    contend: Any, client: MlflowClient, request: pytest.FixtureRequest
) -> None:
    assert contend("first", LOW) == "digest of first"
    assert contend("no better", LOW | {"q0": 0.3}) == "digest of first"
    assert contend("worse", {key: value - 0.1 for key, value in LOW.items()}) == "digest of first"
    assert contend("better", HIGH) == "digest of better"
    assert contend("first", LOW) == "digest of better"
    versions = client.search_model_versions(f"name = 'mealign-{request.node.name}'")
    assert sorted(version.tags["mealign.adapter"] for version in versions) == ["digest of better", "digest of first"]
    runs = client.search_runs(["1"], filter_string="tags.`mealign.champion` = 'false'")
    assert {run.info.run_name for run in runs} >= {"no better", "worse"}


def test_a_contender_is_logged_once_with_its_signature(contend: Any, client: MlflowClient) -> None:
    for _ in range(2):
        contend("one", LOW)
    models = [m for m in client.search_logged_models(["1"]) if m.tags.get("mealign.adapter") == "digest of one"]
    assert len(models) == 1
    assert models[0].status == "READY"
    (described,) = Path(models[0].artifact_location.removeprefix("file://")).rglob("MLmodel")
    assert "question" in described.read_text()
    assert "mealign.serving" in described.read_text()


def test_a_champion_whose_artifacts_were_deleted_holds_the_alias_against_nobody(
    contend: Any, root: Path, client: MlflowClient, request: pytest.FixtureRequest
) -> None:
    assert contend("first", HIGH) == "digest of first"
    shutil.rmtree(root / "mlruns/artifacts")
    assert contend("worse", LOW) == "digest of worse"
    shutil.rmtree(root / "mlruns/artifacts")
    assert contend("worse", LOW) == "digest of worse"
    found = client.get_model_version_by_alias(f"mealign-{request.node.name}", ALIAS)
    assert list(Path(found.source.removeprefix("file://")).rglob("adapter_config.json"))


def test_adapters_that_are_not_logged_are_not_entered(contend: Any) -> None:
    contend("first", LOW)
    assert contend("second", HIGH, log_adapters=False) == "digest of first"


def test_of_other_questions_the_intervals_must_not_meet() -> None:
    others = {f"other {key}": value for key, value in LOW.items()}
    assert BEATS(HIGH, others)
    assert not BEATS({key: value + 0.02 for key, value in LOW.items()}, others)
    # The same gain on the same questions is certain.
    assert BEATS({key: value + 0.02 for key, value in LOW.items()}, LOW)
    assert BEATS({"q": 0.0}, None)
