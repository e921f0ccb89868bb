"""What is kept between runs and turns out to be damaged: told in one line, thrown away, and made again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mealign import processes
from mealign.console import say
from mealign.errors import MealignError

if TYPE_CHECKING:
    from filelock import BaseFileLock


def tell(text: str) -> None:
    """Show one line on standard error; of several processes only the first one does."""
    if processes.leads():
        say(text)


def discard(path: Path, reason: str) -> None:
    """Remove a file or folder that is of no use, and tell why.

    Raises:
        MealignError: it cannot be removed.
    """
    tell(f"{path}: {reason}; it is thrown away and made again")
    remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with everything in it, if it exists.

    Raises:
        MealignError: it cannot be removed.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except FileNotFoundError:  # Another process was faster.
        pass
    except OSError as error:
        raise MealignError(f"{path}: it cannot be removed ({error.strerror}); mend that, and run again") from error


def make_folder(path: Path, *, inside: Path) -> Path:
    """Make a folder and return it; a file in its place, or in that of a parent below ``inside``, is thrown away.

    Raises:
        MealignError: it cannot be made, or ``inside`` is a file.
    """
    parents = [part for part in (path, *path.parents) if part.is_relative_to(inside) and part != inside]
    for part in reversed(parents):
        if part.exists() and not part.is_dir():
            discard(part, "it stands where a folder belongs")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MealignError(f"{path}: this folder cannot be made ({error.strerror}); choose another place") from error
    return path


def make_room(path: Path, *, inside: Path) -> Path:
    """Make the folder of a file, and return the file's path; a folder in its place is thrown away.

    Raises:
        MealignError: see :func:`make_folder`.
    """
    make_folder(path.parent, inside=inside)
    if path.is_dir():
        discard(path, "it stands where a file belongs")
    return path


def lock_at(path: Path, *, inside: Path) -> BaseFileLock:
    """Return the lock of a file, for which room is made (:func:`make_room`)."""
    from filelock import FileLock

    return FileLock(make_room(path, inside=inside))
