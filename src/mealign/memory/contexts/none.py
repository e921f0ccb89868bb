"""No memory: every prompt is the bare question."""

from __future__ import annotations

from collections.abc import Sequence

from mealign.memory.contexts import Asked
from mealign.memory.search import FactIndex
from mealign.memory.settings import ContextConfig
from mealign.memory.subject_mismatch import Recalled


def show(asked: Sequence[Asked], index: FactIndex, *, person: str, settings: ContextConfig) -> list[Recalled]:
    """Show nothing."""
    return [Recalled([], None) for _ in asked]
