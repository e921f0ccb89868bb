"""The real command line, in a process of its own, on a folder of notes: bounded in time, with everything it printed."""

import os
import subprocess
import sys
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


def run(*arguments: str, cwd: Path, seconds: float = 120, env: Mapping[str, str] | None = None) -> Result:
    """Run ``python -m mealign``; a test fails when it takes longer than ``seconds``, or shows a traceback."""
    result = subprocess.run(
        [sys.executable, "-m", "mealign", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        env={**os.environ, "COLUMNS": "200", **(env or {})},
        check=False,
    )
    found = Result(
        result.returncode, result.stdout.decode("utf-8", "replace"), result.stderr.decode("utf-8", "replace")
    )
    assert "Traceback" not in found.output, found.output
    return found


def user(folder: Path) -> Sequence[str]:
    """Return the settings of a person whose sources lie in a folder."""
    return ("user=folder", "user.name=me", "user.person=Nadia Verhoeven", f"user.path={folder}")


def write_notes(folder: Path, notes: Mapping[str, str] = NOTES) -> Path:
    """Write dated notes into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for date, text in notes.items():
        (folder / f"{date}.md").write_text(text, encoding="utf-8")
    return folder
