"""dvc.yaml is what the stages say, and DVC runs what has changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mealign.commands.dvc import render
from mealign.compose import compose_settings
from mealign.pipeline.registry import pipeline

ROOT = Path(__file__).resolve().parents[1]
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())
VARIABLES = {key: value for entry in DVC["vars"] for key, value in entry.items()}


def test_dvc_yaml_is_what_the_stages_say() -> None:
    assert (ROOT / "dvc.yaml").read_text() == render(compose_settings()), "write it anew: python -m mealign stage=dvc"


def test_every_stage_has_its_key_and_its_files() -> None:
    settings = compose_settings()
    for stage in pipeline(settings):
        declared = DVC["stages"][stage.name]
        written = [*declared["outs"], *declared.get("metrics", []), *declared.get("plots", [])]
        assert len(written) == len(stage.outputs(settings))
        assert all(entry[next(iter(entry))]["persist"] for entry in written), "a killed stage must leave its outputs"
        assert f"stage={stage.name}" in declared["cmd"]
        ((keys, names),) = declared["params"][0].items()
        assert keys == "data/${who}/keys.yaml"
        assert names[0].startswith(stage.name)


def test_every_judge_of_the_matrix_has_its_file() -> None:
    assert {*VARIABLES["judges"], VARIABLES["main_judge"]} <= {path.stem for path in (ROOT / "conf/judge").iterdir()}


def test_the_judges_that_make_pairs_judge_and_the_main_one_is_among_them() -> None:
    assert VARIABLES["main_judge"] in VARIABLES["pair_judges"]
    assert set(VARIABLES["pair_judges"]) <= set(VARIABLES["judges"])


def dvc(*arguments: str, project: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(project / "src"), "DVC_NO_ANALYTICS": "1"}
    command = [sys.executable, "-m", "dvc", *arguments]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_only_what_changed_is_reproduced(tmp_path: Path) -> None:
    """The whole way under DVC, on the random model: nothing twice, and one judge's file is one judge's business."""
    project = tmp_path / "project"
    for name in ("conf", "src", "examples"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, project)
    replace_in(project / "conf/config.yaml", "model: smollm2_135m", "model: tiny")
    replace_in(project / "conf/training/default.yaml", "max_steps: -1", "max_steps: 2")
    replace_in(project / "conf/task/default.yaml", "max_tasks: 400", "max_tasks: 60")
    replace_in(project / "conf/evaluation/default.yaml", "max_questions: null", "max_questions: 6")
    dvc("init", "--no-scm", project=project)
    dvc("repro", project=project)
    assert ran(project) == ["compose"], "what is written every time changes nothing"
    replace_in(project / "conf/judge/bio.yaml", "max_tasks: 8", "max_tasks: 3")
    assert ran(project) == ["compose", "judge@bio"]
    replace_in(project / "conf/evaluation/default.yaml", "max_questions: 6", "max_questions: 5")
    assert ran(project) == ["compose", "evaluate", "report"]
    # A stage that DVC did not run may still have to: its code or a library is another one.
    replace_in(project / "src/mealign/answers.py", '"no information available")', '"no information available" )')
    expected = ["compose", "candidates", "judge@bio", "judge@evidence", "preferences@evidence", "evaluate"]
    assert sorted(ran(project)) == sorted(["ingest", *expected])


def ran(project: Path) -> list[str]:
    """Reproduce, and return the stages that DVC ran."""
    lines = dvc("repro", project=project).splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("Running stage")]


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} no longer says {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")
