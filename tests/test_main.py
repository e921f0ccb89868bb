"""The command line as a user meets it: exit codes, one message, nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from mealign.jsonl import digest_path, write_json, write_records
from mealign.pipeline.registry import stages
from mealign.reporting.memory_page import render_memory_page
from tests.conftest import ROOT
from tests.reporting.memories import memory


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
        (
            ["memory=llm", "memory.llm.backend=openai", "memory.llm.model=m"],
            "config error: egress=deny with memory.llm",
        ),
        (["stage=memory_show"], "run stage=[ingest,memory] first"),
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


def test_a_memory_is_shown_explained_and_written_as_a_page(tmp_path: Path) -> None:
    shown = memory()
    folder = tmp_path / "data/demo"
    write_records(folder / "documents.jsonl", shown.documents.values())
    write_records(folder / "memory/facts.jsonl", shown.facts)
    write_json(folder / "memory/profile.json", shown.profile.model_dump(mode="json"))
    result = mealign("stage=memory_show", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "Nadia goes to work by train." in result.stdout
    assert (folder / "memory/memory.html").read_text(encoding="utf-8") == render_memory_page(shown)
    why = mealign("stage=memory_show", "memory_show.fact=aa", cwd=tmp_path)
    assert "replaced by: Nadia goes to work by train with Bart." in why.stdout
    unknown = mealign("stage=memory_show", "memory_show.fact=fact_zz", cwd=tmp_path)
    assert unknown.returncode == 2
    assert "config error: memory_show.fact=fact_zz: there is no such fact" in unknown.stderr
    write_json(folder / "memory/profile.json", {"person": "Nadia Verhoeven"})
    older = mealign("stage=memory_show", cwd=tmp_path)
    assert older.returncode == 1
    assert "profile.json: not a Profile: bio: Field required; run the stage that writes it again" in older.stderr


def test_help_answers(tmp_path: Path) -> None:
    result = mealign("--help", cwd=tmp_path)
    assert result.returncode == 0
    assert "judge: bio, blind, evidence, graph," in result.stdout


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_whole_results_and_goes_on(tmp_path: Path) -> None:
    person, undisturbed, disturbed = (tmp_path / name for name in ("person", "undisturbed", "disturbed"))
    notes = sorted((ROOT / "examples/demo_user/notes").glob("*.md"))
    person.mkdir()
    for note in notes[:20]:
        shutil.copy(note, person)
    command = ["stage=[ingest,memory]", "user=folder", "user.name=me", "user.person=Nadia Verhoeven", "tracking=none"]
    command.append(f"user.path={person}")
    for folder in (undisturbed, disturbed):
        folder.mkdir()
        assert mealign(*command, cwd=folder).returncode == 0
    earlier = results(disturbed)
    for note in notes[20:30]:
        shutil.copy(note, person)
    assert mealign(*command, cwd=undisturbed).returncode == 0
    later = results(undisturbed)
    for path in ("documents.jsonl", "memory/facts.jsonl", "memory/embeddings.npy", "summaries/memory.json"):
        assert earlier[path] != later[path]
    for seconds in (0.6, 1.8, 3.2):
        with subprocess.Popen(
            [sys.executable, "-m", "mealign", *command],
            cwd=disturbed,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            time.sleep(seconds)
            os.killpg(process.pid, signal.SIGKILL)
        found = results(disturbed)
        assert found.keys() == earlier.keys()
        assert all(found[path] in (earlier[path], later[path]) for path in found)
    assert mealign(*command, cwd=disturbed).returncode == 0
    assert results(disturbed) == later


def results(folder: Path) -> dict[str, str]:
    """Digest of every file that the stages have published."""
    data = folder / "data/me"
    published = (path for path in sorted(data.rglob("*")) if path.is_file() and "/." not in str(path))
    return {str(path.relative_to(data)): digest_path(path) for path in published}


def test_what_dvc_compares_is_written_in_a_moment(tmp_path: Path) -> None:
    result = mealign("stage=compose", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    keys = yaml.safe_load((tmp_path / "data/demo/keys.yaml").read_text())
    assert keys.keys() == stages().keys()
    assert keys["judge"].keys() == {"evidence", "bio"}
    assert keys["judge"]["evidence"] != keys["judge"]["bio"]
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert params["lora"]["rank"] == 16
    assert "judge" not in params
