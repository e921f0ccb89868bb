"""What holds the user's text is for the user alone: folders 0700, files 0600.

A process makes its files so (:func:`write_privately`). What was there before, or was made by another program, is closed
when a run starts; a folder that is closed protects what is in it, whatever its modes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mealign.config import Settings
from mealign.damage import tell
from mealign.settings import path_at

OTHERS = 0o077
SQLITE = "sqlite:///"


def write_privately() -> None:
    """Let everything that this process and its children make be the user's alone, whatever the shell's umask."""
    os.umask(OTHERS)


def close_folders(settings: Settings, root: Path) -> None:
    """Take other people's access from the folders of the project in which runs, MLflow and DVC keep what they write.

    Outside the project only those are touched in which a run has locked something before, for others may share what the
    user names there.
    """
    from mealign.experiment.runner import place_of

    place, tracking = place_of(settings, root=root), settings.tracking
    books = [path_at(root, tracking.uri.removeprefix(SQLITE)).parent] if tracking.uri.startswith(SQLITE) else []
    named = (settings.paths.data, settings.paths.egress, tracking.artifacts, "multirun")
    for folder in (place.folder, place.store, *books, *(path_at(root, each) for each in named)):
        if not (_is_below(folder, root) or any(folder.glob("*.lock"))):
            continue
        try:
            if _close(folder):
                for path in _below(folder):
                    _close(path)
        except OSError as error:
            tell(f"{folder}: others can read what is in it, and that cannot be changed ({error.strerror})")
    if (root / ".dvc").is_dir():
        # Nothing in it, for DVC takes a copy whose mode it did not set for a damaged one.
        _close(root / ".dvc")


def _is_below(folder: Path, root: Path) -> bool:
    real = folder.resolve()
    return real.is_relative_to(root.resolve()) and real != root.resolve()


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent) / name for name in (*folders, *files))


def _close(path: Path) -> bool:
    """Take other people's access from a file or folder; return whether there was any."""
    try:
        mode = path.lstat().st_mode
        # A folder into which all may put their own (/tmp) stays theirs too.
        if stat.S_ISLNK(mode) or not mode & OTHERS or mode & stat.S_ISVTX:
            return False
        path.chmod(stat.S_IMODE(mode) & ~OTHERS)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
