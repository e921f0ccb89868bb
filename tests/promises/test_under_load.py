"""What a machine does to runs, in small: full and read-only disks, clocks, locked and damaged books, many at once.

``benchmarks/soak.py`` tries the same at full length; ``-m slow`` runs it.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.promises import loads
from tests.promises.judges import judges
from tests.promises.machine import CannotError
from tests.promises.project import Project, copy_of, new_project

pytestmark = pytest.mark.slow
LIGHT = ("ingest", "memory", "tasks")
Try = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose stages have all run, undisturbed."""
    made = new_project(tmp_path_factory.mktemp("undisturbed"))
    made.done("tracking=none")
    return made


@pytest.fixture
def tried(template: Project, tmp_path: Path) -> Try:
    """Try a scenario; where this machine does not allow it, the test is skipped with the reason."""

    def call(scenario: Callable[..., dict[str, Any]], **options: Any) -> dict[str, Any]:
        try:
            return scenario(template, tmp_path / "project", **options)
        except CannotError as error:
            pytest.skip(str(error))

    return call


def test_a_judge_whose_server_fails_pays_nothing_twice_and_loses_nothing(template: Project, tmp_path: Path) -> None:
    figures = judges(copy_of(template, tmp_path / "project"), tasks=200, settle=2.0)
    assert figures["most_at_once"] > 32


def test_runs_and_a_sweep_on_one_store_compute_nothing_twice(tried: Try) -> None:
    assert tried(loads.together, stages=LIGHT)["computed"] == 2 * len(LIGHT)


def test_a_full_disk_is_one_error_and_harms_nothing(tried: Try) -> None:
    assert len(tried(loads.full_disk, without=("tasks",), rooms=(4, 40))["errors"]) == 2


def test_books_on_a_full_disk_are_one_error_and_no_dead_end(tried: Try) -> None:
    assert tried(loads.full_books, rooms=(500,))["errors"]


def test_replies_and_a_ledger_on_a_full_disk_are_one_error(tried: Try) -> None:
    assert len(tried(loads.full_replies)["errors"]) == 2


@pytest.mark.parametrize("folder", ["data", "data/.store", "mlruns"])
def test_a_read_only_folder_is_one_error(tried: Try, folder: str) -> None:
    assert len(tried(loads.read_only, folders=[folder])["errors"]) == 1


def test_a_clock_that_jumps_changes_nothing(tried: Try) -> None:
    assert tried(loads.clock, stages=("tasks", "report"))["folders_of_sweeps"] == 4


def test_books_that_are_locked_are_waited_for(tried: Try) -> None:
    tried(loads.locked_books, seconds=8.0)


def test_books_that_are_damaged_or_gone_are_made_again(tried: Try) -> None:
    tried(loads.damaged_books, accidents=["garbage", "all deleted"])


@pytest.mark.parametrize("accident", ["deleted", "garbage"])
def test_books_that_are_lost_half_way_lose_no_result(tried: Try, accident: str) -> None:
    assert tried(loads.lost_books, accidents=[accident])["errors"]


@pytest.mark.slow
def test_the_soak(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, ROOT / "benchmarks/soak.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["broken"] == []
