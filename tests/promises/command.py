"""The real command line, in a process of its own, on a folder of notes: bounded in time, with everything it printed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.notes import NOTES


@dataclass(frozen=True)
class Result:
    """What one call of the command line did."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


class Started:
    """One call of ``python -m mealign`` that is under way; what it prints is kept in files, which never fill up."""

    def __init__(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self._printed = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        stdout, stderr = self._printed
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mealign", *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, "COLUMNS": "200", **(env or {})},
        )

    def result(self, *, seconds: float = 120) -> Result:
        """Wait for its end; one that takes longer than ``seconds`` is killed, and fails like one with a traceback."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        texts = []
        for file in self._printed:
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
            file.close()
        found = Result(code, *texts)
        assert "Traceback" not in found.output, found.output
        return found


def run(*arguments: str, cwd: Path, seconds: float = 120, env: Mapping[str, str] | None = None) -> Result:
    """Run ``python -m mealign``; a test fails when it takes longer than ``seconds``, or shows a traceback."""
    return Started(*arguments, cwd=cwd, env=env).result(seconds=seconds)


@dataclass(frozen=True)
class Measured:
    """What one call did, and the megabytes of memory that it or a child of it took at most."""

    code: int
    output: str
    megabytes: float


LAUNCH = (
    "import resource, subprocess, sys; code = subprocess.call(sys.argv[2:]); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=open(sys.argv[1], 'w')); sys.exit(abs(code))"
)
"""Starts a program and writes down its memory; started from here, it would count as large as this process is."""


def measured(*arguments: str, cwd: Path, seconds: float = 120) -> Measured:
    """Like :func:`run`, and say how much memory it took."""
    with tempfile.TemporaryDirectory() as scratch:
        note = Path(scratch) / "kilobytes"
        result = subprocess.run(
            [sys.executable, "-c", LAUNCH, str(note), sys.executable, "-m", "mealign", *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            env={**os.environ, "COLUMNS": "200"},
            check=False,
        )
        output = result.stdout.decode("utf-8", "replace")
        assert "Traceback" not in output, output
        return Measured(result.returncode, output, int(note.read_text()) / 1000)


def user(folder: Path) -> Sequence[str]:
    """Return the settings of a person whose sources lie in a folder."""
    return ("user=folder", "user.name=me", "user.person=Nadia Verhoeven", f"user.path={folder}")


def write_notes(folder: Path, notes: Mapping[str, str] = NOTES) -> Path:
    """Write dated notes into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for date, text in notes.items():
        (folder / f"{date}.md").write_text(text, encoding="utf-8")
    return folder
