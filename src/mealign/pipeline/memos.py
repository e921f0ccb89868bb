"""Memos: partial results of earlier runs, kept beside the results as JSON in a database.

Every value stands beside the digest of its key and itself, so that a damaged one is not used but computed again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mealign.damage import discard, make_room, remove, tell
from mealign.errors import MealignError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from mealign.pipeline.stage import StageContext

T = TypeVar("T")
R = TypeVar("R")

MEMOS = "memos"
SECONDS = 60.0
"""How long a run waits while another one writes."""
TABLE = "CREATE TABLE IF NOT EXISTS memo (key TEXT PRIMARY KEY, value BLOB, digest BLOB) WITHOUT ROWID"
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH})
"""What SQLite says of a file that is no database, is only part of one, or has other tables."""


@contextmanager
def kept(context: StageContext, name: str, kind: Any) -> Iterator[MutableMapping[str, Any]]:
    """Open a persistent mapping from text to values of a type, such as ``tuple[float, float]``, for the block.

    Raises:
        MealignError: its database cannot be read or written.
    """
    from pydantic import TypeAdapter

    path = context.store / MEMOS / f"{name}.db"
    with closing(Memo(path, TypeAdapter(kind))) as memo:
        yield memo


class Memo(MutableMapping[str, T]):
    """A mapping in a SQLite database; a damaged database is made anew, and a damaged value is as good as absent.

    Args:
        path: of the database, which is made if it does not exist.
        kind: of the values.
    """

    def __init__(self, path: Path, kind: TypeAdapter[T]) -> None:
        self._path = path
        self._kind = kind
        self._told = False
        self._database: sqlite3.Connection | None = None

    def __getitem__(self, key: str) -> T:
        row = self._do(lambda db: db.execute("SELECT value, digest FROM memo WHERE key = ?", (key,)).fetchone())
        if row is None:
            raise KeyError(key)
        value, digest = row
        try:
            if digest != _digest(key, value):
                raise ValueError(key)
            return self._kind.validate_json(value)
        except (TypeError, ValueError):
            if not self._told:
                tell(f"{self._path}: some of it is damaged; that is not used, and computed again")
            self._told = True
            raise KeyError(key) from None

    def __setitem__(self, key: str, value: T) -> None:
        self.update({key: value})

    def update(self, values: Any = (), /, **more: T) -> None:
        """Keep several values, all or none."""
        kept = {key: self._kind.dump_json(value) for key, value in dict(values, **more).items()}
        rows = [(key, value, _digest(key, value)) for key, value in kept.items()]
        self._do(lambda db: db.executemany("INSERT OR REPLACE INTO memo VALUES (?, ?, ?)", rows))

    def __delitem__(self, key: str) -> None:
        if not self._do(lambda db: db.execute("DELETE FROM memo WHERE key = ?", (key,)).rowcount):
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter([key for (key,) in self._do(lambda db: db.execute("SELECT key FROM memo").fetchall())])

    def __len__(self) -> int:
        return int(self._do(lambda db: db.execute("SELECT COUNT(*) FROM memo").fetchone())[0])

    def close(self) -> None:
        """Close the database; left open, it would change its files later."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _do(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Work with the database; where it turns out to be none, with a new one in its place."""
        for attempt in (1, 2):
            try:
                with self._opened() as database:
                    return work(database)
            except (sqlite3.Error, UnicodeError) as error:
                self.close()
                code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
                if attempt == 2 or code & 0xFF not in DAMAGED:
                    raise MealignError(f"{self._path}: it cannot be used ({error}); mend that, and run again") from None
                discard(self._path, "it is damaged")
                for suffix in ("-wal", "-shm", "-journal"):
                    remove(self._path.with_name(self._path.name + suffix))
        raise AssertionError

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = sqlite3.connect(make_room(self._path, inside=self._path.parents[1]), timeout=SECONDS)
            # What a power cut takes is computed again; a commit need not wait for the disk.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute(TABLE)
            if self._database.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                # Even what is written into such a database is not found again.
                raise sqlite3.DatabaseError("it is damaged")
        return self._database


def _digest(key: str, value: bytes) -> bytes:
    return hashlib.sha256(b"\0".join([key.encode(), value])).digest()
