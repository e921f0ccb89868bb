"""The settings of a run, put together from those of the rooms.

``conf/`` holds the values; every room's ``settings.py`` their names, types, meaning and limits. This module knows the
rooms and none of their settings. Unknown keys fail while Hydra composes (:mod:`mealign.compose`); what composes is
turned into :class:`Settings` and checked there and by the stages (:func:`mealign.stages.check`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mealign.evaluation.settings import EvaluationConfig
from mealign.experiment.settings import DvcConfig, PathsConfig, TrackingConfig
from mealign.export.settings import ExportConfig
from mealign.ingest.settings import IngestConfig, UserConfig
from mealign.judging.settings import JudgeConfig
from mealign.language.settings import Download, Egress, ModelConfig, PricesConfig
from mealign.memory.settings import ContextConfig, MemoryConfig
from mealign.preferences.settings import PreferencesConfig
from mealign.reporting.settings import MemoryShowConfig
from mealign.settings import section, setting
from mealign.synthesis.settings import CandidatesConfig
from mealign.tasks.settings import TaskConfig
from mealign.training.settings import LoraConfig, MixConfig, TrainingConfig


@dataclass
class Settings:
    """Everything a run depends on. ``extra`` holds the settings of plug-ins, which read them by themselves."""

    stage: Any = setting("the stages that run, or what is asked for instead")
    seed: int = setting("a seed", 0, 2**32 - 1)
    egress: Egress = setting("whether what the user wrote, or what was made of it, may be sent to another machine")
    download: Download = setting("what may be fetched")
    user: UserConfig = section()
    ingest: IngestConfig = section()
    memory: MemoryConfig = section()
    context: ContextConfig = section()
    task: TaskConfig = section()
    candidates: CandidatesConfig = section()
    judge: JudgeConfig = section()
    preferences: PreferencesConfig = section()
    prices: PricesConfig = section()
    model: ModelConfig = section()
    lora: LoraConfig = section()
    mix: MixConfig = section()
    training: TrainingConfig = section()
    evaluation: EvaluationConfig = section()
    tracking: TrackingConfig = section()
    paths: PathsConfig = section()
    dvc: DvcConfig = section()
    memory_show: MemoryShowConfig = section()
    export: ExportConfig = section()
    extra: dict[str, Any] = field(default_factory=dict)
