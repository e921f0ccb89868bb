"""The files of a person's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mealign.ingest.report import Problems
from mealign.ingest.text import add_unreadable, open_regular, printable

HEAD = 16384
"""Bytes of a file that are read to recognise its format."""
NAME_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class SourceFile:
    """One file, and its name in the report: the path relative to the user's folder, as :func:`printable` shows it."""

    path: Path
    name: str

    @property
    def suffix(self) -> str:
        """The extension in lower case, with its dot."""
        return Path(self.name).suffix.lower()

    @property
    def date(self) -> str | None:
        """The date at the beginning of the file's name."""
        match = NAME_DATE.match(self.path.name)
        return match[0] if match else None

    @cached_property
    def head(self) -> str:
        """The first :data:`HEAD` bytes as text; invalid UTF-8 is replaced.

        Raises:
            OSError: the file cannot be read.
        """
        with open_regular(self.path) as stream:
            return (stream.read(HEAD) or b"").decode("utf-8-sig", errors="replace")


def source_files(folder: Path, suffixes: Collection[str], problems: Problems) -> list[SourceFile]:
    """List everything below a folder in the order of its name, without hidden folders and files.

    A folder is listed only where its extension is among ``suffixes``, so that an importer reads it or the report names
    it. Folders that cannot be listed, and links to folders, which are not followed, are noted.
    """
    found, waiting = [], [folder]
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
                found.append(SourceFile(path, name))
    return sorted(found, key=lambda file: file.name)


def _name(path: Path, folder: Path) -> str:
    return printable(path.relative_to(folder).as_posix())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads to itself.
        return False
