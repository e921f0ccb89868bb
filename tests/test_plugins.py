"""What is wrong with a plug-in folder is one message that names the file and the mend."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def mealign(plugins: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MEALIGN_PLUGINS": str(plugins)}
    command = [sys.executable, "-m", "mealign", *arguments]
    return subprocess.run(command, cwd=plugins.parent, env=environment, capture_output=True, text=True, check=False)


def stage(name: str) -> str:
    imports = "from mealign.pipeline.stage import Stage\nfrom mealign.summaries import Summary\n"
    return f"{imports}STAGE = Stage(name={name!r}, run=lambda _: Summary(), writes=('x',))\n"


@pytest.mark.parametrize(
    ("file", "text", "arguments", "message"),
    [
        ("stages/mine.py", "STAGE =", [], r"mine.py: it cannot be imported (SyntaxError: "),
        ("stages/mine.py", "import nothing_of_that_name", [], "mine.py: it cannot be imported (ModuleNotFoundError: "),
        ("stages/mine.py", "", [], "mine.py: it defines no `STAGE`; docs/extending.md shows one"),
        (
            "vendors/mine.py",
            "1 / 0",
            ["judge=bio", "judge.backend=mine"],
            "mine.py: it cannot be imported (ZeroDivisionError: ",
        ),
        ("losses/mine.py", "", ["training.dpo.loss=mine"], "mine.py: it defines no function `loss`"),
        ("contexts/mine.py", "", ["context.name=other"], "context.name=other"),
        ("stages/mine.py", stage("../../outside"), [], "mine.py: name='../../outside': it names a folder"),
        ("stages/mine.py", stage("memos"), [], "mine.py: name='memos': it is taken; give it another one"),
    ],
)
def test_a_module_that_cannot_be_used_is_named(
    file: str, text: str, arguments: list[str], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "plugins" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    result = mealign(tmp_path / "plugins", "stage=memory_show", *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    result = mealign(tmp_path / "nowhere", "--help")
    assert result.returncode == 2
    assert "nowhere: there is no such folder; correct the path, or unset the variable" in result.stderr
    assert "Traceback" not in result.stderr
