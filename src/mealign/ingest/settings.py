"""Settings of ingest: whose sources, and what an importer accepts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mealign.settings import INFINITE, free_text, name_setting, optional, setting


class SourceFormat(StrEnum):
    """What the user's sources look like."""

    folder = "folder"
    locomo = "locomo"
    lifebench = "lifebench"


@dataclass
class UserConfig:
    """Whose notes, where they are, in which format. ``conversation`` and ``speaker`` choose a person of LoCoMo."""

    name: str = name_setting("the name of the user's folder", free=True)
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


@dataclass
class IngestConfig:
    """What an importer accepts."""

    strict: bool = setting("whether a refused item ends the run")
    max_bytes: int = setting("the largest note in bytes", 1, INFINITE)
    max_export_bytes: int = setting("the largest export of chats in bytes", 1, INFINITE)
    max_mailbox_bytes: int = setting("the largest mailbox in bytes", 1, INFINITE)
    max_unpacked_bytes: int = setting("the bytes to which a note or message may unpack", 1, INFINITE)
    max_pages: int = setting("the pages that a PDF may have", 1, INFINITE)
    max_seconds: float = setting("the seconds for a PDF, a Word file or a megabyte of mail", 1, INFINITE)
    time_zone: str = setting("the writer's time zone, in which moments without one are told, as Europe/Brussels")
    first_year: int = setting("the first year of a plausible date", 1, 9999)
    last_year: int = setting("the last year of a plausible date", 1, 9999)
    undated: str = setting("notes without a date: refuse, first (the day of the earliest source) or a day YYYY-MM-DD")
    day_first: bool | None = optional("whether 03/04/2024 is a day of April; null: what the file itself shows")

    def problems(self, key: str) -> Iterator[str]:
        """Say what cannot work."""
        if self.undated not in ("refuse", "first"):
            try:
                date.fromisoformat(self.undated)
            except ValueError:
                yield f"{key}.undated={self.undated}: write refuse, first, or a day as 2024-03-14"
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield f"{key}.time_zone={self.time_zone}: there is no such zone; name one as Europe/Brussels or UTC"
