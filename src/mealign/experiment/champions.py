"""Champions: an adapter enters MLflow's model registry when it beats the one that holds the alias."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from mealign.jsonl import write_json
from mealign.pipeline.tracker import Beats, Contender
from mealign.serving import RECIPE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

ALIAS = "champion"
SCORES = "scores.json"
"""Artifact of a run: its contender's scores, by question."""


def log_contender(client: MlflowClient, run_id: str, contender: Contender, *, beats: Beats) -> bool:
    """Log a contender as a model of its run, and register it as champion if it beats the current one.

    Args:
        client: of the tracking store.
        run_id: the run that made it.
        contender: logged as an MLflow model with signature, which :mod:`mealign.serving` loads.
        beats: decides whether it beats the champion.

    Returns:
        Whether it is now the champion.
    """
    from mlflow.exceptions import MlflowException

    try:
        present = client.get_model_version_by_alias(contender.name, ALIAS)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        present = None
    # One whose artifacts were deleted cannot be served, and holds the alias against nobody.
    to_beat = _scores_of(client, present.run_id) if present and has_scores(client, present.run_id) else None
    client.log_dict(run_id, dict(contender.scores), SCORES)
    logged = _log_model(client, run_id, contender)
    if not beats(contender.scores, to_beat):
        return False
    if not client.search_registered_models(f"name = '{contender.name}'"):
        client.create_registered_model(contender.name)
    version = client.create_model_version(
        contender.name,
        # Not its `models:/` address, which MLflow would look up in the process's default store.
        logged.artifact_location,
        run_id=run_id,
        model_id=logged.model_id,
        tags={"mealign.adapter": contender.digest},
    )
    client.set_registered_model_alias(contender.name, ALIAS, version.version)
    return True


def _log_model(client: MlflowClient, run_id: str, contender: Contender) -> LoggedModel:
    from importlib.metadata import version

    from mlflow import pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "question")]),
        outputs=Schema([ColSpec(DataType.string)]),
        params=ParamSchema([ParamSpec("max_new_tokens", DataType.long, 16)]),
    )
    run = client.get_run(run_id)
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        # With an input example MLflow would load the base model to answer it.
        warnings.filterwarnings("ignore", message=".*input example was not provided.*")
        data = Path(scratch) / "adapter"
        shutil.copytree(contender.adapter, data)
        write_json(data / RECIPE, {"model": dict(contender.model), "person": contender.person})
        pyfunc.save_model(
            Path(scratch) / "model",
            loader_module="mealign.serving",
            data_path=str(data),
            signature=signature,
            pip_requirements=[f"mealign=={version('mealign')}"],
        )
        logged = client.create_logged_model(
            run.info.experiment_id,
            name=contender.name,
            source_run_id=run_id,
            tags={"mealign.adapter": contender.digest},
            model_type="lora",
        )
        client.log_model_artifacts(logged.model_id, str(Path(scratch) / "model"))
    return client.finalize_logged_model(logged.model_id, "READY")


def has_scores(client: MlflowClient, run_id: str) -> bool:
    """Whether the artifacts of a run's contender are still there."""
    return any(file.path == SCORES for file in client.list_artifacts(run_id))


def _scores_of(client: MlflowClient, run_id: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        scores: dict[str, float] = json.loads(Path(client.download_artifacts(run_id, SCORES, scratch)).read_text())
    return scores
