"""What happens to a machine: a disk that is full or read-only, a clock that jumps, a database in other hands."""

import importlib.util
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

KIB = 1024
ENOUGH = "128m"
CLOCKS = ("-5h", "-3y", "+0", "-10y", "-1h", "+2y")
"""Where the clock is in turn, as faketime says it."""


class CannotError(Exception):
    """This machine does not let us try that; the message says why."""


@dataclass(frozen=True)
class Disk:
    """A small disk in memory, mounted on a folder."""

    folder: Path

    def leave(self, kib: int) -> None:
        """Let there be so much room, and no more."""
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        self._resize(f"{used + kib * KIB}")

    def enlarge(self) -> None:
        """Let there be room enough."""
        self._resize(ENOUGH)

    def fill(self) -> None:
        """Leave no room at all."""
        with (self.folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
            self.leave(64)
            while file.write(bytes(KIB)):
                pass

    def close(self) -> None:
        """Let nobody write."""
        _mount("-o", "remount,ro", str(self.folder))

    def open(self) -> None:
        """Let everybody write again."""
        _mount("-o", "remount,rw", str(self.folder))

    def _resize(self, size: str) -> None:
        _mount("-o", f"remount,size={size}", str(self.folder))


@contextmanager
def disk_on(folder: Path) -> Iterator[Disk]:
    """Mount a disk on a folder, which keeps its content, for the block.

    Raises:
        CannotError: this process may not mount.
    """
    kept = folder.with_name(f"{folder.name}.before")
    folder.mkdir(parents=True, exist_ok=True)
    folder.rename(kept)
    folder.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", f"size={ENOUGH}", "tmpfs", str(folder))
    except CannotError:
        folder.rmdir()
        kept.rename(folder)
        raise
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        shutil.rmtree(kept)


def may_mount() -> str | None:
    """Return why this process may not mount; None if it may."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return "mounting a small disk takes root"
    return None


def _mount(*arguments: str) -> None:
    if why := may_mount():
        raise CannotError(why)
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise CannotError(f"mount: {result.stderr.strip()}")


@contextmanager
def jumping_clock(folder: Path, *, every: float) -> Iterator[Mapping[str, str]]:
    """Set the clock of other processes back and forth during the block.

    Args:
        folder: for the file that says what time it is.
        every: seconds between two jumps.

    Yields:
        the environment of a process that has this clock.

    Raises:
        CannotError: libfaketime is not installed.
    """
    clock = folder / "clock"
    clock.write_text(f"{CLOCKS[0]}\n")
    done = threading.Event()

    def jump() -> None:
        turn = 0
        while not done.wait(every):
            turn += 1
            clock.with_suffix(".new").write_text(f"{CLOCKS[turn % len(CLOCKS)]}\n")
            clock.with_suffix(".new").replace(clock)

    thread = threading.Thread(target=jump)
    thread.start()
    try:
        yield {**_faked(), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1"}
    finally:
        done.set()
        thread.join()


def clock_from(moment: str) -> Mapping[str, str]:
    """Return the environment of a process whose clock begins at a moment (``2024-02-03 04:05:06``).

    Raises:
        CannotError: libfaketime is not installed.
    """
    return {**_faked(), "FAKETIME": f"@{moment}"}


def _faked() -> Mapping[str, str]:
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.origin is None:
        raise CannotError("libfaketime is not installed")
    (library,) = Path(found.origin).parent.rglob("libfaketime.so.1")
    # Whoever sets a clock does not change that with which pauses are measured.
    return {"LD_PRELOAD": str(library), "FAKETIME_DONT_RESET": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@contextmanager
def locked(database: Path, *, seconds: float) -> Iterator[None]:
    """Hold an open exclusive transaction on a SQLite file for so long, from before the block begins."""
    begun = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
            # So readers wait too, as they do where the file has no write-ahead log.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            begun.set()
            time.sleep(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait()
    try:
        yield
    finally:
        thread.join()
