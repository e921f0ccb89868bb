"""The store of results: one folder per result, named by its key, written completely or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mealign.errors import MealignError
from mealign.experiment.keys import Key
from mealign.jsonl import digest_path, read_json, write_json

PART = ".part-"
"""Prefix of a result's name while it is being written."""
MANIFEST, KEY = "manifest.json", "key.json"


class Entry:
    """One result of a stage in the store.

    Args:
        store: folder of all results.
        stage: name of the stage.
        key: of the result.
        paths: the parts of the result, relative to the user's folder.
    """

    def __init__(self, store: Path, stage: str, key: Key, paths: Sequence[str]) -> None:
        self.folder = store / stage / key.digest
        self._lock = store / f"{stage}-{key.digest}.lock"
        self._key = key
        self._paths = paths

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from making the same result: they wait, and then use this one."""
        from filelock import FileLock

        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._lock):
            yield

    @property
    def exists(self) -> bool:
        """Whether the complete result exists."""
        return (self.folder / MANIFEST).exists()

    def is_in(self, folder: Path) -> bool:
        """Whether a user's folder has exactly this result."""
        return self.exists and read_json(self.folder / MANIFEST) == self._digests(folder)

    def make(self, compute: Callable[[Path], None]) -> None:
        """Let ``compute`` write the result into an empty folder, and keep it if that succeeds."""
        prefix = f"{PART}{self.folder.name}-"
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        for unfinished in self.folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix=prefix) as name:
            made = Path(name) / "result"
            for path in self._paths:
                (made / path).parent.mkdir(parents=True, exist_ok=True)
            compute(made)
            write_json(made / KEY, self._key.to_json())
            write_json(made / MANIFEST, self._digests(made))
            shutil.rmtree(self.folder, ignore_errors=True)
            made.rename(self.folder)

    def publish(self, folder: Path) -> None:
        """Copy the result next to its destination, then rename it: a killed run leaves the previous one intact."""
        for path in self._paths:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=PART) as name:
                fresh, old = Path(name) / "new", Path(name) / "old"
                if (self.folder / path).is_dir():
                    shutil.copytree(self.folder / path, fresh)
                else:
                    shutil.copy2(self.folder / path, fresh)
                if target.is_dir():
                    target.rename(old)
                fresh.replace(target)

    def _digests(self, folder: Path) -> dict[str, str]:
        return {path: digest_path(folder / path) for path in self._paths}


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder of results, and remove what a killed run left half-written."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise MealignError(
            f"{folder}: another run is at work there; wait for its end, or choose another folder with paths.data=..."
        ) from error
    try:
        for unfinished in list(folder.rglob(f"{PART}*")):
            shutil.rmtree(unfinished, ignore_errors=True)
        yield
    finally:
        lock.release()
