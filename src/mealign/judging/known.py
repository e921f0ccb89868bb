"""Pairs of answers whose better one is known: by construction, or because the user said so."""

from __future__ import annotations

from dataclasses import dataclass

from mealign.records import Task


@dataclass(frozen=True)
class KnownPair:
    """Two answers to a task. ``kind`` names what makes ``wrong`` wrong (a corruption), or ``user`` for a label."""

    task: Task
    right: str
    wrong: str
    kind: str
