"""The interface for what the pipeline reports; :mod:`mealign.experiment.tracking` records it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Beats = Callable[[Mapping[str, float], Mapping[str, float] | None], bool]
"""Whether scores beat those of the current champion (None: there is none)."""


@dataclass(frozen=True)
class Contender:
    """A trained adapter and its scores.

    Attributes:
        name: of the registered model, whose versions are for one user and one base model.
        adapter: a PEFT folder.
        digest: of that folder.
        model: plain settings of the base model.
        person: the user's name, which is part of every prompt.
        scores: by question id.
    """

    name: str
    adapter: Path
    digest: str
    model: Mapping[str, Any]
    person: str
    scores: Mapping[str, float]


class Tracker:
    """Receives what the pipeline reports. This one keeps nothing: it is that of ``tracking.enabled=false``."""

    def log_step(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Log one point of a training curve, as ``<stage>/<metric>``."""

    def log_history(self, stage: str, history: Sequence[Mapping[str, Any]]) -> None:
        """Log a whole training curve at once: points with ``step`` and numbers, except those the run already has."""

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log final numbers; those that the run already shows are left out."""

    def log_dataset(self, name: str, *, source: str, digest: str, context: str) -> None:
        """Record a data set that the run read or made, by its location and content hash."""

    def log_adapter(self, name: str, folder: Path) -> None:
        """Keep a trained adapter, unless ``tracking.log_adapters=false`` or the run already holds this one."""

    def log_artifacts(self, folder: Path, name: str) -> None:
        """Keep the files of a folder that holds no text of the user."""

    def log_bytes(self, name: str, content: bytes, *, personal: bool) -> bool:
        """Keep one file under ``name``. ``personal`` files (the user's text) require ``tracking.log_texts=true``.

        Returns:
            Whether it was kept.
        """
        return False

    def log_config(self, text: str) -> None:
        """Keep the resolved config as ``config.yaml``."""

    def log_prompt(self, name: str, text: str, *, digest: str, personal: bool) -> None:
        """Link a prompt template to the run; register it when its digest is new.

        Of a ``personal`` one (the user's own file) only the digest is kept, unless ``tracking.log_texts=true``.
        """

    def log_contender(self, contender: Contender, *, beats: Beats) -> None:
        """Keep an adapter as a model, once, and register it as champion if it beats the current one."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Add or replace tags."""
