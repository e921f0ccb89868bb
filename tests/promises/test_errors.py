"""Whatever goes wrong, a user gets one message: no traceback, and nothing of their words that a terminal would keep."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.language.server import Response, serving
from tests.promises.command import run, user, write_notes

WORDS = "the canary sings at noon"
BROKEN = f'''
"""A stage with a bug."""

from mealign.pipeline.stage import Stage
from mealign.summaries import Summary, Funnel


def run(context):
    """Fail, with the user's words in the error."""
    if context.settings.lora.rank == 4:
        raise KeyError("{WORDS}")
    return Summary(funnel=Funnel(what="nothing", count=0, rest={{}}))


STAGE = Stage(name="broken", run=run, settings=("lora",))
'''


@pytest.fixture
def plugins(tmp_path: Path) -> dict[str, str]:
    """Environment variables: a plug-in whose stage `broken` fails with `lora.rank=4`, and a temporary folder."""
    (tmp_path / "plugins/stages").mkdir(parents=True)
    (tmp_path / "plugins/stages/broken.py").write_text(BROKEN)
    (tmp_path / "tmp").mkdir()
    return {"MEALIGN_PLUGINS": str(tmp_path / "plugins"), "TMPDIR": str(tmp_path / "tmp")}


def test_a_bug_says_that_it_is_one_and_where_the_traceback_is(tmp_path: Path, plugins: dict[str, str]) -> None:
    result = run("stage=broken", "lora.rank=4", cwd=tmp_path, env=plugins)
    assert result.code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: this is a bug of mealign (KeyError at experiment/runner.py:")
    assert "issue tracker" in line
    assert WORDS not in result.output
    (file,) = (tmp_path / "tmp").iterdir()
    assert str(file) in line
    assert file.stat().st_mode & 0o777 == 0o600
    assert WORDS in file.read_text()
    assert "Traceback" in file.read_text()


def test_a_bug_in_one_job_of_a_sweep_leaves_the_others_alone(tmp_path: Path, plugins: dict[str, str]) -> None:
    sweep = ["-m", "stage=broken", "lora.rank=4,8", "tracking=none", "hydra.sweep.dir=jobs"]
    result = run(*sweep, cwd=tmp_path, env=plugins)
    assert result.code == 1
    assert "error: this is a bug of mealign (KeyError at experiment/runner.py:" in result.stderr
    assert WORDS not in result.output
    assert not (tmp_path / "jobs/0/summaries/broken.json").exists()
    assert (tmp_path / "jobs/1/summaries/broken.json").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"user: [", r"config error: .*mine\.yaml:\d+: it is not YAML"),
        (b"user: \xff", "config error: a file of the configuration .*is not UTF-8"),
        (b"- user", "config error: "),
        (b"3", "config error: a file of the configuration holds no settings"),
        (b"user:\n  person: ${user.person}\n", "config error: "),
        (b"user:\n  person: ${oc.env:NOT_SET_AT_ALL}\n", "config error: .*NOT_SET_AT_ALL"),
        (b"user:\n  person: ${nothing.here}\n", "config error: .*nothing.here"),
        (b"user:\n  person: '${'\n", "config error: "),
        (b"user:\n  person: [a]\n", "config error: "),
        (b"user: &a [*a]\n", "config error: a file of the configuration refers to itself"),
        (b"user:\n  aliases: [a, 3, null]\n", "config error: "),
        (b'user:\n  person: "a\\0b"\n', "config error: user.person: the user's full name has a character"),
        (b"a: &a [1,1,1,1]\n" + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c]\n" % (c, c, *[c - 1] * 4) for c in range(98, 100)),
         "config error: "),
    ],
)  # fmt: skip
def test_a_config_file_that_cannot_be_used_is_one_message(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/mine.yaml").write_bytes(b"# @package _global_\n" + content)
    result = run("--config-dir", ".", "experiment=mine", "stage=ingest", cwd=tmp_path)
    assert result.code == 2, result.output
    assert re.search(message, result.stderr), result.stderr
    assert "bug of mealign" not in result.stderr


@pytest.mark.parametrize(
    ("place", "kind"), [("data", "file"), ("data/me", "file"), ("data/.store", "file"), ("mlruns", "file")]
)
def test_a_file_where_a_folder_belongs_is_one_message(place: str, kind: str, tmp_path: Path) -> None:
    write_notes(tmp_path / "notes")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("mine")
    result = run(*user(Path("notes")), "stage=ingest", cwd=tmp_path)
    assert "bug of mealign" not in result.output
    if result.code:
        assert (result.code, len(result.stderr.splitlines())) == (1, 1)
        assert place in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes")
    (tmp_path / "data").mkdir(mode=0o500)
    result = run(*user(Path("notes")), "stage=ingest", cwd=tmp_path)
    assert result.code == 1
    assert re.search(r"error: .*data.*: Permission denied; let yourself read and write it", result.stderr)


@pytest.mark.parametrize("arguments", [["stage=ingest"], ["--help"], ["--cfg", "job"], ["--hydra-help"]])
@pytest.mark.parametrize("where", ["/dev/full", "a pipe that nobody reads", "nowhere"])
def test_output_that_cannot_be_written_is_no_traceback(arguments: list[str], where: str, tmp_path: Path) -> None:
    write_notes(tmp_path / "notes")
    command = [sys.executable, "-m", "mealign", *arguments]
    command += [] if arguments == ["--hydra-help"] else user(Path("notes"))
    redirect = {"/dev/full": ">/dev/full", "a pipe that nobody reads": "| true", "nowhere": ">&-"}[where]
    script = f'"$@" {redirect}; exit ${{PIPESTATUS[0]}}'
    result = subprocess.run(
        ["bash", "-c", script, "bash", *command],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr
    assert "bug of mealign" not in result.stderr
    if where == "/dev/full":
        assert result.returncode == 1
        assert "No space left on device" in result.stderr
    if where == "nowhere":
        assert result.returncode == 0


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "LANG": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"COLUMNS": "garbage", "LINES": "-1"},
        {"COLUMNS": "²"},
        {"COLUMNS": "0"},
        {"COLUMNS": "99999999"},
        {"TERM": "nonsense", "FORCE_COLOR": "1"},
        {"HOME": ""},
        {"HOME": "/nowhere/at/all"},
    ],
)
def test_no_environment_is_too_odd(environment: dict[str, str], tmp_path: Path) -> None:
    write_notes(tmp_path / "notes")
    result = run("stage=ingest", *user(Path("notes")), "user.person=李雷", cwd=tmp_path, env=environment)
    assert result.code == 0, result.stderr
    assert "documents 5" in result.stdout


def test_a_folder_that_was_deleted_is_one_message(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd "{gone}"; rmdir "{gone}"; "$@"'
    command = ["bash", "-c", script, "bash", sys.executable, "-m", "mealign", "stage=ingest"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (result.returncode, result.stderr) == (
        1,
        "error: the current folder does not exist any more; change to another one\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["openai", "anthropic"])
def test_a_server_that_answers_anything_ends_in_one_message(backend: str, tmp_path: Path) -> None:
    write_notes(tmp_path / "notes", {"2024-01-02": f"I know that {WORDS}."})
    for number, body in enumerate((b"[]", b'{"choices": [{"message": []}], "content": [3]}', b"\xff" * 9)):
        with serving(lambda _, body=body: Response(body=body)) as server:
            address = server.openai if backend == "openai" else server.anthropic
            model = [f"memory.llm.backend={backend}", f"memory.llm.model=m{number}", f"memory.llm.base_url={address}"]
            result = run("stage=[ingest,memory]", *user(Path("notes")), "memory=llm", *model, cwd=tmp_path)
        assert result.code == 1, body
        assert "bug of mealign" not in result.stderr, body
        assert len(result.stderr.strip().splitlines()) == 1, body
        assert WORDS not in result.output


@pytest.mark.parametrize("key", ["ключ", "sk-1\n", "\x1b[2J", " sk-1", "sk-\t1", "", "sk-1\xa0"])
def test_a_key_that_no_header_can_carry_is_one_message_without_it(key: str, tmp_path: Path) -> None:
    write_notes(tmp_path / "notes")
    model = ["memory.llm.backend=openai", "memory.llm.model=m", "memory.llm.base_url=http://127.0.0.1:9/v1"]
    reading = ["stage=[ingest,memory]", *user(Path("notes")), "memory=llm", *model, "memory.llm.api_key_env=THE_KEY"]
    result = run(*reading, cwd=tmp_path, env={"THE_KEY": key})
    assert result.code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("config error: api_key_env=THE_KEY: ")
    assert not key.strip() or key not in result.output
