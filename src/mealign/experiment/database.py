"""MLflow's SQLite file: made whole or not at all, waited for while others write, set aside when it is damaged.

MLflow opens the file anew for every use (see :func:`one_connection_each`), so that none writes to a deleted one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar

from mealign.damage import tell
from mealign.errors import MealignError, causes

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds for which another process may keep the file locked."""
SIDECARS = ("-wal", "-shm")
PART = ".part-"
"""Prefix of the folder in which a file is made."""
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
UNFINISHED = sqlite3.SQLITE_ERROR
"""What MLflow meets when it opens tables that somebody has begun to make."""


class LostError(MealignError):
    """The file is not the one that was opened, or is none any more; the next run makes another."""


class Database:
    """The file and the lock that its writers share, in this process and in others.

    Args:
        path: of the file.
        make: makes the file of an empty store at a path.
    """

    def __init__(self, path: Path, make: Callable[[Path], object]) -> None:
        from filelock import FileLock

        self.path = path.resolve()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._make = make
        self._lock = FileLock(f"{self.path}.lock", timeout=PATIENCE)
        self._opened: tuple[int, int] | None = None

    def open(self, connect: Callable[[], T]) -> T:
        """Return what ``connect`` makes of the file; one that is missing is made, one that is damaged set aside."""
        with self._lock:
            try:
                return self._open(connect)
            except Exception as error:
                if _code(error) not in (*DAMAGED, UNFINISHED):
                    raise
                name = self._set_aside()
                tell(f"{self.path}: it is damaged; it is kept as {name}, and MLflow's books begin anew")
            return self._open(connect)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out: those of this package by the lock, and those before us by waiting for their end.

        Raises:
            LostError: the file was deleted, replaced or damaged since it was opened.
        """
        with self._lock:
            try:
                self._check()
                with closing(self._connection()) as connection:
                    connection.execute("BEGIN IMMEDIATE")
                    connection.execute("ROLLBACK")
                    # Open until the end, so that MLflow does not tidy up after each of its statements.
                    yield
            except Exception as error:
                self._check()
                if _code(error) in DAMAGED:
                    raise LostError(f"{self.path} is damaged; it is kept as {self._set_aside()}") from error
                raise

    def _check(self) -> None:
        if self._identity() != self._opened:
            raise LostError(f"{self.path} was deleted or replaced while this run was at work")

    def _open(self, connect: Callable[[], T]) -> T:
        if not self.path.exists() or not self.path.stat().st_size:
            self._begin()
        with closing(self._connection()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            opened = connect()
        self._opened = self._identity()
        return opened

    def _begin(self) -> None:
        for unfinished in self.path.parent.glob(f"{PART}*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.path.parent, prefix=PART) as folder:
            made = Path(folder) / self.path.name
            self._make(made)
            # SQLite would read what is left of a deleted file into the new one.
            for sidecar in SIDECARS:
                Path(f"{self.path}{sidecar}").unlink(missing_ok=True)
            made.replace(self.path)

    def _set_aside(self) -> str:
        names = (f"{self.path.name}.damaged{number or ''}" for number in count())
        name = next(name for name in names if not self.path.with_name(name).exists())
        for suffix in ("", *SIDECARS):
            found = Path(f"{self.path}{suffix}")
            if found.exists():
                found.rename(self.path.with_name(f"{name}{suffix}"))
        return name

    def _connection(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


def one_connection_each() -> None:
    """Let MLflow keep no connection to a SQLite file between two uses."""
    os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")


def sqlite_error(error: BaseException) -> sqlite3.Error | None:
    """Return SQLite's own error under what libraries made of it."""
    return next((link for link in causes(error) if isinstance(link, sqlite3.Error)), None)


def _code(error: BaseException) -> int | None:
    """Return the primary code of SQLite's error, if it is one."""
    found = sqlite_error(error)
    code: int | None = getattr(found, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
