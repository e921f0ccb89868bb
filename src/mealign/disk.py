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

from mealign.errors import MealignError

ROOM = 1 << 20
"""Bytes below which a disk counts as full: whatever failed there, it failed for want of them."""
FULL = "make room there"
CLOSED = "let yourself write there, or choose another folder"
MENDS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), FULL),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), CLOSED),
}
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
        found = refusal(error)
        if found is None and _is_full(folder):
            found = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if found is None:
            raise
        where, mend = found.filename2 or found.filename or folder, MENDS.get(found.errno or 0, "mend that")
        raise MealignError(
            f"{where}: {found.strerror}; {mend}, then run the same command again: it goes on from the last finished "
            "stage"
        ) from error


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


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def _is_full(folder: Path) -> bool:
    with suppress(OSError):
        return shutil.disk_usage(folder).free < ROOM
    return False
