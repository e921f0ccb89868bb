"""Settings of ingest: whose sources, and what an importer accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mealign.settings import INFINITE, free_text, optional, setting


class SourceFormat(StrEnum):
    """What the user's sources look like."""

    folder = "folder"
    locomo = "locomo"


@dataclass
class UserConfig:
    """Whose notes, where they are, in which format. ``conversation`` and ``speaker`` choose a person of LoCoMo."""

    name: str = free_text("the name of the user's folder", personal=False)
    person: str = free_text("the user's full name")
    format: SourceFormat = setting("what the sources look like")
    path: str = free_text("where the sources are")
    aliases: list[str] = free_text("names and addresses that mean the user in chats and mails")
    conversation: str | None = optional("a conversation of a LoCoMo file")
    speaker: str | None = free_text("one of its two speakers", required=False)

    def problems(self, key: str) -> Iterator[str]:
        """Say what cannot work."""
        if self.format is SourceFormat.locomo and not (self.conversation and self.speaker):
            yield (
                f"{key}={self.name}: a LoCoMo file holds many people; "
                f"name one with {key}.conversation=conv-26 {key}.speaker=Caroline"
            )
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", self.name):
            yield f"{key}.name={self.name!r}: it names a folder; use letters, digits, '-', '_' and '.' only"


@dataclass
class IngestConfig:
    """What an importer accepts."""

    strict: bool = setting("whether a refused item ends the run")
    max_bytes: int = setting("the largest note in bytes", 1, INFINITE)
    first_year: int = setting("the first year of a plausible date", 1, 9999)
    last_year: int = setting("the last year of a plausible date", 1, 9999)
