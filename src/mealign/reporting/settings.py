"""Settings of how a memory is shown."""

from __future__ import annotations

from dataclasses import dataclass

from mealign.settings import optional


@dataclass
class MemoryShowConfig:
    """What ``stage=memory_show`` shows: the whole memory, or the origin of one fact."""

    fact: str | None = optional("the id of a fact, or its beginning, whose history and source are shown")
