"""The store of results: one folder per result, named by its key, written completely or not at all.

Beside every result lies its manifest, the digests of its parts; a result that differs from it is never used.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mealign.damage import discard, lock_at, make_folder, remove
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
        self._store = store
        self._lock = store / f"{stage}-{key.digest}.lock"
        self._key = key
        self._paths = paths

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from making the same result: they wait, and then use this one."""
        with lock_at(self._lock, inside=self._store):
            yield

    def manifest(self) -> dict[str, str] | None:
        """Return the digests of the result's parts by their paths; None if there is no result, or a damaged one."""
        try:
            found = read_json(self.folder / MANIFEST)
        except MealignError:
            return None
        return found if isinstance(found, dict) and found.keys() == {*self._paths, KEY} else None

    def is_in(self, folder: Path) -> bool:
        """Whether a user's folder has exactly this result."""
        manifest = self.manifest()
        return manifest is not None and all(manifest[path] == digest_path(folder / path) for path in self._paths)

    def is_whole(self) -> bool:
        """Whether the store has the complete result; a damaged one is thrown away."""
        if not self.folder.exists():
            return False
        if self.manifest() == self._digests(self.folder):
            return True
        discard(self.folder, "this result differs from its manifest")
        return False

    def make(self, compute: Callable[[Path], None]) -> None:
        """Let ``compute`` write the result into an empty folder, and keep it if that succeeds."""
        prefix = f"{PART}{self.folder.name}-"
        make_folder(self.folder.parent, inside=self._store)
        for unfinished in self.folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix=prefix) as name:
            made = Path(name) / "result"
            for path in self._paths:
                (made / path).parent.mkdir(parents=True, exist_ok=True)
            compute(made)
            write_json(made / KEY, self._key.to_json())
            write_json(made / MANIFEST, self._digests(made))
            remove(self.folder)
            made.rename(self.folder)

    def publish(self, folder: Path) -> None:
        """Copy the result next to its destination, then rename it: a killed run leaves the previous one intact."""
        for path in self._paths:
            target = folder / path
            make_folder(target.parent, inside=folder)
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
        return {path: digest_path(folder / path) for path in (*self._paths, KEY)}


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder of results, and remove what a killed run left half-written."""
    from filelock import Timeout

    lock = lock_at(folder / ".lock", inside=folder)
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
