"""Settings of an experiment: tracking and folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mealign.settings import free_text, setting

PARENT_VARIABLE = "MEALIGN_PARENT_RUN_ID"
"""Environment variable that passes the id of the sweep's run to its jobs."""
Status = Literal["FINISHED", "FAILED", "KILLED"]
"""How a run ended."""


@dataclass
class TrackingConfig:
    """Where MLflow stores runs. ``log_texts`` allows artifacts that hold the user's text (answers, pairs)."""

    enabled: bool = setting("whether there is an MLflow run")
    uri: str = free_text("the address of MLflow's store")
    artifacts: str = free_text("the folder of the artifacts")
    experiment: str = setting("the name of MLflow's experiment")
    log_adapters: bool = setting("whether adapters become artifacts")
    log_texts: bool = setting("whether the user's texts become artifacts")


@dataclass
class PathsConfig:
    """Where the stages write.

    ``data`` holds one folder per user, ``store`` every result by the key of its inputs, ``weights`` the fetched models
    (null: the folder in the environment variable MEALIGN_CACHE, or the user's cache folder).
    """

    data: str = free_text("the folder of the users' folders")
    store: str = free_text("the folder of all results")
    weights: str | None = free_text("the folder of fetched models", required=False)


@dataclass
class DvcConfig:
    """What ``stage=dvc`` writes into ``dvc.yaml``.

    All of ``judges`` are certified and judge; those in ``pair_judges`` make preference pairs, and DPO learns from the
    pairs of the run's own judge.
    """

    judges: list[str] = setting("the judges, by their files in conf/judge")
    pair_judges: list[str] = setting("those whose verdicts become pairs")
