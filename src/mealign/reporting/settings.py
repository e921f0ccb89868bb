"""Settings of what is shown of a memory."""

from __future__ import annotations

from dataclasses import dataclass

from mealign.settings import optional


@dataclass
class MemoryShowConfig:
    """What ``stage=memory_show`` shows: the whole person, or how one fact came to be known."""

    fact: str | None = optional("the id of a fact, or its beginning, whose history and source are shown")
