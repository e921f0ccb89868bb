"""What is installed from the wheel works outside the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the wheel was unpacked, as an installer unpacks it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_values_types_and_templates_travel_with_the_code(installed: Path) -> None:
    conf = {path.relative_to(ROOT / "conf") for path in (ROOT / "conf").rglob("*.yaml")}
    assert {path.relative_to(installed / "mealign/conf") for path in installed.rglob("conf/**/*.yaml")} == conf
    assert (installed / "mealign/py.typed").exists()
    sources = {path.relative_to(ROOT / "src") for path in (ROOT / "src/mealign").rglob("*") if path.is_file()}
    assert {path for path in sources if "__pycache__" not in path.parts} <= {
        path.relative_to(installed) for path in installed.rglob("*")
    }


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["judge=graph", "lora.rank=8", "--cfg", "job"]])
def test_it_runs_from_any_folder(installed: Path, arguments: list[str], tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    where = [sys.executable, "-c", "import mealign; print(mealign.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).is_relative_to(installed)
    command = [sys.executable, "-m", "mealign", *arguments]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "evidence" in result.stdout or "rank: 8" in result.stdout
