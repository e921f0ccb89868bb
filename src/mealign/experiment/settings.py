"""Settings of an experiment: tracking and folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mealign.addresses import is_address
from mealign.language.settings import Egress
from mealign.settings import free_text, leads_home, name_setting, path_at, setting

PARENT_VARIABLE = "MEALIGN_PARENT_RUN_ID"
"""Environment variable that passes the id of the sweep's run to its jobs."""
Status = Literal["FINISHED", "FAILED", "KILLED"]
"""How a run ended."""


def _tells(uri: str) -> bool:
    """Whether a store's address may hold a password, or the way to a user's home."""
    return not is_address(uri) and leads_home(uri.removeprefix("sqlite:///"))


@dataclass
class TrackingConfig:
    """Where MLflow stores runs. ``log_texts`` allows artifacts that hold the user's text (answers, pairs)."""

    enabled: bool = setting("whether there is an MLflow run")
    uri: str = free_text("the address of MLflow's store", personal=_tells)
    artifacts: str = free_text("the folder of the artifacts", personal=leads_home)
    experiment: str = setting("the name of MLflow's experiment")
    log_adapters: bool = setting("whether adapters become artifacts")
    log_texts: bool = setting("whether the user's texts become artifacts")


@dataclass
class PathsConfig:
    """Where the stages write.

    ``data`` holds one folder per user, ``store`` every result by the key of its inputs, ``egress`` the ledger of what
    left this machine, ``weights`` the fetched models (null: the folder in the environment variable MEALIGN_CACHE, or
    the user's cache folder).
    """

    data: str = free_text("the folder of the users' folders", personal=leads_home)
    store: str = free_text("the folder of all results", personal=leads_home)
    egress: str = free_text("the folder of the ledger", personal=leads_home)
    weights: str | None = free_text("the folder of fetched models", required=False, personal=leads_home)


def ledger_in(folder: str, *, root: Path) -> Path:
    """Return the file in ``paths.egress`` that records what leaves this machine."""
    return path_at(root, folder) / "ledger.jsonl"


def permitted_ledger(egress: Egress, folder: str, *, root: Path) -> Path | None:
    """Return the same file; None where nothing may leave."""
    return ledger_in(folder, root=root) if egress is Egress.allow else None


@dataclass
class DvcConfig:
    """What ``stage=dvc`` writes into ``dvc.yaml``.

    All of ``judges`` are certified and judge; those in ``pair_judges`` make preference pairs, and DPO learns from the
    pairs of the run's own judge.
    """

    judges: list[str] = name_setting("the judges, by their files in conf/judge")
    pair_judges: list[str] = name_setting("those whose verdicts become pairs")
