"""Settings of preferences: which verdicts become pairs."""

from __future__ import annotations

from dataclasses import dataclass

from mealign.settings import INFINITE, setting


@dataclass
class PreferencesConfig:
    """Which verdicts become pairs.

    A judge whose certificate shows less than ``min_accuracy`` or ``min_consistency`` makes none, unless
    ``allow_uncertified``.
    """

    min_margin: float = setting("a margin of probability", 0, 1)
    max_pairs: int = setting("the number of pairs", 0, INFINITE)
    max_pairs_per_task: int = setting("the number of pairs a task", 1, 1000)
    eval_share: float = setting("a share", 0, 0.9)
    min_accuracy: float = setting("a share", 0, 1)
    min_consistency: float = setting("a share", 0, 1)
    allow_uncertified: bool = setting("whether a judge below these shares makes pairs all the same")
