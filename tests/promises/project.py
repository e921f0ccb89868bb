"""A small person's project folder, run through the real command line, and what its runs left."""

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mealign.jsonl import digest_path
from tests.promises.command import Result, Started, user, write_notes

SECONDS = 400
"""For one command on a busy machine."""
SMALL = ("experiment=smoke", "task.max_tasks=60", "candidates.max_prompts=8", "evaluation.max_questions=8")
OUTCOMES = re.compile(r"│ (\w+) +│ (ran|restored|up to date) +│")


class BrokenError(AssertionError):
    """A promise that was not kept."""


def check(kept: bool, what: str) -> None:
    """Raise when a promise was not kept."""
    if not kept:
        raise BrokenError(what)


@dataclass(frozen=True)
class Project:
    """A folder with notes, in which commands are run.

    Attributes:
        root: the folder.
        settings: of every command.
        env: of every command, beside this process's own.
    """

    root: Path
    settings: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> Started:
        flags = tuple(each for each in arguments if each == "-m")
        asked = (*user(Path("notes")), *SMALL, *self.settings, *(each for each in arguments if each != "-m"))
        return Started(*flags, *asked, cwd=self.root, env={"OMP_NUM_THREADS": "1", **self.env})

    def run(self, *arguments: str) -> Result:
        return self.start(*arguments).result(seconds=SECONDS)

    def done(self, *arguments: str) -> Result:
        """Run a command that has to succeed."""
        result = self.run(*arguments)
        check(result.code == 0, f"it failed: {result.stderr[-500:]}")
        return result

    def refused(self, *arguments: str, naming: str | Path) -> Result:
        """Run a command that has to end with one clear error, which names a path or a setting."""
        return one_error(self.run(*arguments), naming=naming)

    def results(self, folder: str = "data/me") -> dict[str, str]:
        return results(self.root / folder)


def one_error(result: Result, *, naming: str | Path) -> Result:
    """Check that a command ended with exit code 1 and one line that names what is wrong."""
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    check(result.code == 1, f"exit code {result.code} instead of 1: {result.stderr[-500:]}")
    check(len(errors) == 1 and "bug of mealign" not in errors[0], f"no clear error: {result.stderr[-500:]}")
    check(str(naming) in errors[0], f"{naming} is not named: {errors[0]}")
    return result


def results(folder: Path) -> dict[str, str]:
    """Return the digest of every file that a run wrote for the user, except what it notes for itself."""
    return {
        file.relative_to(folder).as_posix(): digest_path(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != ".lock" and file.relative_to(folder).parts[0] != "keys"
    }


def same(found: Mapping[str, str], expected: Mapping[str, str], what: str) -> None:
    """Check that two runs wrote the same bytes."""
    other = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    check(not other, f"{what}: other bytes in {', '.join(other[:5])}")


def half_written(root: Path) -> list[str]:
    """Return the unfinished files and folders below a folder, except a checkpoint's, which the next run removes."""
    return [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.part*")
        if "checkpoints" not in path.parts and not path.name.endswith(".before")
    ]


def outcomes(output: str) -> list[tuple[str, str]]:
    """Return what the stage tables of an output say was done for each stage."""
    return OUTCOMES.findall(output)


def new_project(root: Path, **notes: str) -> Project:
    """Make a project folder; ``notes`` are further notes, by their names."""
    write_notes(root / "notes")
    for name, text in notes.items():
        (root / "notes" / f"{name}.md").write_text(text, encoding="utf-8")
    return Project(root)


def copy_of(template: Project, root: Path, *, without: Iterable[str] = (), results: bool = True) -> Project:
    """Copy a project: its notes, its store but for the results of some stages, and the user's results."""
    shutil.copytree(template.root / "notes", root / "notes")
    left_out = shutil.ignore_patterns(*without)
    shutil.copytree(template.root / "data/.store", root / "data/.store", ignore=left_out)
    if results:
        shutil.copytree(template.root / "data/me", root / "data/me")
    return Project(root)
