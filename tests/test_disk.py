"""What a disk refuses reaches the user as one message with a path, and leaves nothing half-written."""

import errno
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.disk import refusal, refusals_named
from mealign.errors import MealignError
from mealign.jsonl import write_small
from mealign.language.egress import Ledger

LIMITED = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
folder = Path(sys.argv[1])
"""
"""What a process does that can write files of so many bytes: the first write beyond it is short, the next one fails."""


def in_limits(script: str, folder: Path, limit: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LIMITED + script, str(folder), str(limit)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "script",
    [
        "from mealign.jsonl import write_small; write_small(folder / 'reply.json', 'x' * 5000)",
        "from mealign.jsonl import write_text; write_text(folder / 'reply.json', 'x' * 5000)",
        "from mealign.jsonl import write_json; write_json(folder / 'reply.json', ['x' * 5000])",
    ],
)
def test_a_file_for_which_there_is_too_little_room_is_not_written_by_half(script: str, tmp_path: Path) -> None:
    (tmp_path / "reply.json").write_text("before")
    result = in_limits(script, tmp_path, 3000)
    assert result.returncode == 1
    assert f"[Errno {errno.EFBIG}] File too large: '{tmp_path / 'reply.json'}'" in result.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("reply.json", "before")]


def test_a_line_of_the_ledger_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path, address="http://192.0.2.1", model="m")
    ledger.write("a", purpose="test")
    line = path.stat().st_size
    script = """
from mealign.language.egress import Ledger
Ledger(folder / "ledger.jsonl", address="http://192.0.2.1", model="m").write("b", purpose="test")
"""
    result = in_limits(script, tmp_path, line + line // 2)
    assert result.returncode == 1
    assert str(path) in result.stderr
    ledger.write("c", purpose="test")
    assert [json.loads(each)["request"] for each in path.read_text().splitlines()] == ["a", "c"]


def copied_to_nowhere() -> shutil.Error:
    return shutil.Error([("here", "/there/adapter", "[Errno 28] No space left on device: 'here' -> '/there/adapter'")])


def renamed() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device", "here", None, "/there/adapter")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "/store: No space left on device; free some space"),
        (OSError(errno.EROFS, "Read-only file system", "/a"), "/a: Read-only file system; let yourself read and write"),
        (PermissionError(errno.EACCES, "Permission denied", b"/a\xff"), "/a\udcff: Permission denied; let yourself"),
        (OSError(errno.EFBIG, "File too large", "/a/.part-x1/new"), "/a: File too large; free some space"),
        (renamed(), "/there/adapter: No space left on device; free"),
        (copied_to_nowhere(), "/there/adapter: No space left on device; free"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/a", None, "/b"), "/a: No such file"),
        # Rust: safetensors, tokenizers.
        (Exception("Error while serializing: I/O error: No space left on device (os error 28)"), "/store: No space"),
        (OSError("9600 requested and 4096 written"), "/store: No space left on device"),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), "/store: No space left"),
    ],
)
def test_whatever_a_library_makes_of_it_the_message_is_one(error: Exception, told: str) -> None:
    with pytest.raises(MealignError) as raised, refusals_named(Path("/store")):
        raise error
    assert str(raised.value).startswith(told)
    assert str(raised.value).endswith("then run the same command again: it goes on from the last finished stage")
    wrapped = ValueError("wrapped")
    wrapped.__cause__ = error
    with pytest.raises(MealignError, match="run the same command again"), refusals_named(Path("/store")):
        raise wrapped


@pytest.mark.parametrize("error", [ValueError("28"), KeyError("x"), ConnectionResetError(errno.ECONNRESET, "reset")])
def test_other_errors_are_left_alone(error: Exception) -> None:
    with pytest.raises(type(error)), refusals_named(Path("/")):
        raise error
    assert refusal(error) is None


def test_an_error_for_the_user_is_left_alone() -> None:
    with pytest.raises(MealignError, match=r"^mine$"), refusals_named(Path("/")):
        raise MealignError("mine") from OSError(errno.ENOSPC, "No space left on device")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=3000))
def test_a_small_file_holds_what_was_written(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write_small(path, text)
        assert path.read_bytes() == text.encode()
