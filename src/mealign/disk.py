"""What a disk refuses (no space, read-only, no permission): one message, whichever library met it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mealign.errors import MealignError, causes

ROOM = 1 << 20
"""Bytes below which a disk counts as full: whatever failed there, it failed for want of them."""
FULL = "make room there, or choose other folders with paths.data=... and paths.store=..."
CLOSED = "let yourself read and write it, or choose another path"
MENDS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), FULL),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), CLOSED),
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
        found = refusal(error) or (is_full(folder) and OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        if not found:
            raise
        raise explained(found, folder) from error


def explained(found: OSError, folder: Path | str) -> MealignError:
    """Return what the system refused as an error for the user; ``folder`` is named where it names no path itself."""
    where, mend = found.filename2 or found.filename or folder, MENDS.get(found.errno or 0, "mend that")
    return MealignError(f"{os.fsdecode(where)}: {found.strerror}; {mend}; {AGAIN}")


def refusal(error: BaseException) -> OSError | None:
    """Return what the system refused, under what libraries made of it; None if it is none of the system's errors."""
    for link in causes(error):
        if isinstance(link, ConnectionError | TimeoutError):
            return None
        if isinstance(link, OSError) and link.errno is not None:
            return link
        if (number := _number(link)) is not None:
            copies = link.args[0] if isinstance(link, shutil.Error) and link.args else None
            return OSError(number, os.strerror(number), copies[0][1] if isinstance(copies, list) else None)
    return None


def _number(error: BaseException) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return OF_SQLITE.get(code & 0xFF)
    text = str(error)
    if said := IN_WORDS.search(text):
        return int(said[1] or said[2])
    return errno.ENOSPC if TOO_LITTLE.search(text) else None


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has no space left."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free < ROOM
    return False
