"""Settings of tasks: how many are made, and how they are divided."""

from __future__ import annotations

from dataclasses import dataclass

from mealign.settings import INFINITE, setting


@dataclass
class TaskConfig:
    """How many tasks are made and how they are divided.

    ``memory_share`` is the share of the answerable memory tasks whose prompt shows memory; unanswerable ones all show
    it, and there are none where the share is 0. It is 0 where the run's context shows nothing.
    """

    max_tasks: int = setting("the number of tasks", 1, INFINITE)
    memory_share: float = setting("a share", 0, 1)
    eval_share: float = setting("the share of facts held out", 0, 0.9)
    unanswerable_share: float = setting("a share", 0, 0.9)
    context_task_share: float = setting("a share", 0, 0.9)
