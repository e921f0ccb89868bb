"""The files of a person's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HEAD = 16384
"""Bytes of a file that are read to recognise its format."""
NAME_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class SourceFile:
    """One file, and its name in the report: the path relative to the user's folder."""

    path: Path
    name: str

    @property
    def suffix(self) -> str:
        """The extension in lower case, with its dot."""
        return self.path.suffix.lower()

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
        with self.path.open("rb") as stream:
            return stream.read(HEAD).decode("utf-8-sig", errors="replace")


def source_files(folder: Path, suffixes: Collection[str]) -> list[SourceFile]:
    """List everything below a folder in the order of its name, without hidden folders and files.

    A folder is listed only where its extension is among ``suffixes``, so that an importer reads it or the report names
    it.
    """
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(parent)
        paths = [below / name for name in folders if Path(name).suffix.lower() in suffixes]
        # Office programs keep ~$name beside a document while it is open. A dangling link is listed, for its owner takes
        # it for a file; a pipe is not, for reading it would never end.
        visible = [below / name for name in files if not name.startswith((".", "~$"))]
        paths += [path for path in visible if path.is_file() or path.is_symlink()]
        found += [SourceFile(path, path.relative_to(folder).as_posix()) for path in paths]
    return sorted(found, key=lambda file: file.name)
