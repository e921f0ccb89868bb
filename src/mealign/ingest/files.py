"""The files of a person's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mealign.ingest.named_dates import NamedDate, date_in_name, day_first_in
from mealign.ingest.report import Problems
from mealign.ingest.text import add_unreadable, open_regular, printable

HEAD = 16384
"""Bytes of a file that are read to recognise its format."""
SLASHED = re.compile(r"^[ \t]{0,4}[\w ]{1,20}:[ \t]{0,4}[\"']?(\d{1,2})([-/])(\d{1,2})\2\d{4}", re.MULTILINE)
"""A date in front matter whose order of day and month is the user's habit."""


@dataclass(frozen=True)
class SourceFile:
    """One file, and its name in the report: the path relative to the user's folder, as :func:`printable` shows it.

    ``day_first`` says what 03-04-2024 in a name is, as far as the names of the other files show it.
    """

    path: Path
    name: str
    day_first: bool | None = None

    @property
    def suffix(self) -> str:
        """The extension in lower case, with its dot."""
        return Path(self.name).suffix.lower()

    @cached_property
    def named(self) -> NamedDate:
        """What its name, and those of its folders, say of its date."""
        return date_in_name(self.name, self.day_first)

    @property
    def date(self) -> str | None:
        """The day in its name, or in those of its folders."""
        return self.named.day

    @cached_property
    def head(self) -> str:
        """The first :data:`HEAD` bytes as text; invalid UTF-8 is replaced.

        Raises:
            OSError: the file cannot be read.
        """
        with open_regular(self.path) as stream:
            return (stream.read(HEAD) or b"").decode("utf-8-sig", errors="replace")


def day_first_of(files: Iterable[SourceFile]) -> bool | None:
    """Return whether the dates of a folder have the day before the month; None where nothing shows it.

    Names show it, and dates in the front matter of notes that cannot be read otherwise.
    """
    found, seen = list(files), set[bool]()
    if (named := day_first_in(file.name for file in found)) is not None:
        return named
    for file in found:
        if file.suffix != ".md":
            continue
        with suppress(OSError):
            seen.update(int(first) > 12 for first, _, second in SLASHED.findall(file.head) if _shows(first, second))
    return seen.pop() if len(seen) == 1 else None


def _shows(first: str, second: str) -> bool:
    return (int(first) > 12) != (int(second) > 12)


def source_files(
    folder: Path, suffixes: Collection[str], problems: Problems, *, day_first: bool | None = None
) -> list[SourceFile]:
    """List everything below a folder in the order of its name, without hidden folders and files.

    A folder is listed only where its extension is among ``suffixes``, so that an importer reads it or the report names
    it. Folders that cannot be listed, and links to folders, which are not followed, are noted. ``day_first`` says what
    03-04-2024 in a name is; None: what the other names show.
    """
    found: list[tuple[str, Path]] = []
    waiting = [folder]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(below) as entries:
                seen = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            add_unreadable(_name(below, folder), error, problems)
            continue
        for entry in seen:
            # Office programs keep ~$name beside a document while it is open.
            if entry.name.startswith(".") or (entry.name.startswith("~$") and not _is_folder(entry)):
                continue
            path = below / entry.name
            name = _name(path, folder)
            if printable(entry.name) != entry.name:
                message = "its name is not UTF-8, or has a backslash or control characters, and is shown with escapes"
                problems.add(name, None, "odd_name", message, "rename it")
            if _is_folder(entry) and entry.is_symlink():
                mend = "move the folder here, or name its own place as user.path"
                problems.add(name, None, "linked_folder", "it is a link to a folder, which is not followed", mend)
                continue
            if _is_folder(entry):
                waiting.append(path)
            if not _is_folder(entry) or path.suffix.lower() in suffixes:
                found.append((name, path))
    if day_first is None:
        day_first = day_first_in(name for name, _ in found)
    return [SourceFile(path, name, day_first) for name, path in sorted(found)]


def _name(path: Path, folder: Path) -> str:
    return printable(path.relative_to(folder).as_posix())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads to itself.
        return False
