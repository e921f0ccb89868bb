"""What a disk refuses (no space, read-only, no permission): one message, whichever library met it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mealign.errors import MealignError, causes

ROOM = 1 << 20
"""Bytes below which a disk counts as full: whatever failed there, it failed for want of them."""
FULL = "free some space there, or choose other folders with paths.data=... and paths.store=..."
MENDS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "let yourself read and write it, or choose another path"),
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "let this shell open more files: ulimit -n 4096",
}
AGAIN = "then run the same command again: it goes on from the last finished stage"
OF_SQLITE = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS, sqlite3.SQLITE_IOERR: errno.EIO}
"""SQLite's primary codes, and what the system calls them."""
IN_WORDS = re.compile(r"\[Errno (\d+)\]|\(os error (\d+)\)")
"""How Python and Rust write the system's number into a text."""
TOO_LITTLE = re.compile(r"\d+ requested and \d+ written|failed writing file")
"""How NumPy and PyTorch say that less was written than they had; neither says why."""


@contextmanager
def refusals_named(folder: Path) -> Iterator[None]:
    """Convert what a disk refuses during the block to one error for the user.

    Args:
        folder: where the block writes; it is named where an error names no path.

    Raises:
        MealignError: a path and why it cannot be used, and how to mend that.
    """
    try:
        yield
    except MealignError:
        raise
    except Exception as error:
        full = full_disk(folder)
        found = refusal(error) or (_of(errno.ENOSPC) if full else None)
        if found is None:
            raise
        raise MealignError(explained(found, str(full or folder))) from error


def refusal(error: BaseException) -> OSError | None:
    """Return what the system refused, under what libraries made of it; None if it is none of the system's errors."""
    for link in causes(error):
        if isinstance(link, ConnectionError | TimeoutError):
            return None
        if isinstance(link, OSError) and link.errno is not None:
            return link
        if (number := _number(link)) is not None:
            copies = link.args[0] if isinstance(link, shutil.Error) and link.args else None
            return _of(number, copies[0][1] if isinstance(copies, list) else None)
    return None


def explained(found: OSError, place: str) -> str:
    """Say what the system refused, where, and how to mend it; ``place`` is named where the error names no path."""
    # Of two paths the second is written.
    path = (found.filename2 if found.errno in MENDS else None) or found.filename
    # What is being written beside its destination is gone by now.
    where = (os.fsdecode(path) if path else place).partition("/.part-")[0]
    return f"{where}: {found.strerror}; {MENDS.get(found.errno or 0, 'correct the path')}; {AGAIN}"


def _of(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path)


def _number(error: BaseException) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return OF_SQLITE.get(code & 0xFF)
    text = str(error)
    if said := IN_WORDS.search(text):
        return int(said[1] or said[2])
    return errno.ENOSPC if TOO_LITTLE.search(text) else None


def full_disk(folder: Path) -> Path | None:
    """Return the folder, or that of temporary files, if its disk has no space left."""
    with suppress(OSError):
        folders = (folder, Path(tempfile.gettempdir()))
        return next((each for each in folders if shutil.disk_usage(each).free < ROOM), None)
    return None
