"""dvc.yaml and the pipeline name the same inputs, outputs, parameters and code."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mealign.config import JudgeConfig, MixConfig, Settings
from mealign.pipeline import PIPELINE, Stage

ROOT = Path(__file__).resolve().parents[1]
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())
VARIABLES = {key: value for entry in DVC["vars"] for key, value in entry.items()}


def names(entries: list[Any], judge: str) -> set[str]:
    """Return the paths or keys of a dvc.yaml list with its variables filled in."""
    plain = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]
    known = {"${item.judge}": judge, **{f"${{{key}}}": str(value) for key, value in VARIABLES.items()}}
    for variable, value in known.items():
        plain = [name.replace(variable, value) for name in plain]
    return set(plain)


@pytest.mark.parametrize("stage", PIPELINE, ids=lambda stage: stage.name)
def test_every_stage_is_declared_as_it_is(stage: Stage) -> None:
    matrix = "matrix" in DVC["stages"][stage.name]
    judge = "bio" if matrix else str(VARIABLES["main_judge"])
    settings = Settings(mix=MixConfig(), judge=JudgeConfig(name=judge))
    declared = DVC["stages"][stage.name]
    folder = f"data/{VARIABLES['who']}"

    written = [*declared["outs"], *declared.get("metrics", []), *declared.get("plots", [])]
    assert names(written, judge) == {f"{folder}/{path}" for path in stage.outputs(settings)}
    code = {f"src/mealign/{room}" for room in stage.rooms}
    source = {str(VARIABLES["source"])} if stage.name == "ingest" else set()
    assert names(declared["deps"], judge) == {f"{folder}/{path}" for path in stage.inputs(settings)} | code | source
    keys = {f"conf/judge/{judge}.yaml" if key == "judge" else key for key in stage.params}
    assert names(declared.get("params", []), judge) == keys
    assert all(entry[next(iter(entry))]["persist"] for entry in written), "a killed stage must leave its outputs"
    assert f"stage={stage.name}" in declared["cmd"]


def test_compose_depends_on_every_group_but_the_judges() -> None:
    groups = {f"conf/{path.name}" for path in (ROOT / "conf").iterdir()} - {"conf/judge", "conf/user"}
    declared = set(DVC["stages"]["compose"]["deps"])
    assert groups - {"conf/experiment"} <= declared
    assert "conf/judge" not in declared


def test_every_judge_of_the_matrix_has_its_file() -> None:
    assert {*VARIABLES["judges"], VARIABLES["main_judge"]} <= {path.stem for path in (ROOT / "conf/judge").iterdir()}
