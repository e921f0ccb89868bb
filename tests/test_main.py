"""The command line as a user meets it: exit codes, one message, nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def mealign(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mealign", *arguments]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lora.rank=-1"], "config error: lora.rank=-1: the rank of the adapter must be between 1 and 1024"),
        (["judge=nonsense"], "config error: judge=nonsense: there is no such file in conf/judge/"),
        (["mix=dpo_only", "preferences.max_pairs=0"], "DPO has no preferences to learn from"),
        (["user=folder"], "user.path: it has no value"),
        (["stage=dpo"], "run stage=preferences first, or stage=all"),
        (["-m", "lora.rank=4,-1"], "config error: lora.rank=-1"),
        (["-m", "lora.rank=4,8", "judge=evidence,nonsense"], "config error: judge=nonsense"),
    ],
)
def test_a_config_error_is_one_message_and_exit_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = mealign(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == [], "nothing has been started"


def test_an_unusable_source_is_exit_2_and_names_its_key(tmp_path: Path) -> None:
    result = mealign("stage=ingest", "user=folder", "user.name=me", "user.person=Me", "user.path=nowhere", cwd=tmp_path)
    assert result.returncode == 2
    assert "user.path" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_answers(tmp_path: Path) -> None:
    result = mealign("--help", cwd=tmp_path)
    assert result.returncode == 0
    assert "judge: bio, evidence" in result.stdout
