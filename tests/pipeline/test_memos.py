"""A memo gives back what was put into it, whatever became of its file, or nothing."""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mealign.errors import MealignError
from mealign.pipeline.memos import Memo

PAIRS: TypeAdapter[Any] = TypeAdapter(tuple[float, float])
VALUES = {f"ref_{number:016x}": (number / 7, -1e-20 * 3**number) for number in range(200)}


def opened(path: Path, kind: Any = PAIRS) -> Any:
    return closing(Memo(path, kind))


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")), st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2)
    )
)
def test_what_is_kept_is_given_back(values: dict[str, tuple[float, float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with opened(Path(folder) / "a.db") as memo:
            memo.update(values)
        assert [path.name for path in Path(folder).iterdir()] == ["a.db"]
        with opened(Path(folder) / "a.db") as memo:
            assert dict(memo) == values
            assert len(memo) == len(values)
            for key in values:
                del memo[key]
            assert not memo


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("memo") / "a.db"
    with opened(path) as memo:
        memo.update(VALUES)
    return path.read_bytes()


def flip(data: bytearray, draw: random.Random) -> None:
    for _ in range(draw.choice([1, 3, 50])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def cut(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data)) :]


def repeat_a_page(data: bytearray, draw: random.Random) -> None:
    here, there = (4096 * draw.randrange(len(data) // 4096) for _ in range(2))
    data[here : here + 4096] = data[there : there + 4096]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([flip, cut, repeat_a_page]), st.integers(0, 2**32))
def test_damage_is_never_given_back_and_does_not_stay(
    whole: bytes, damage: Callable[[bytearray, random.Random], None], seed: int
) -> None:
    data = bytearray(whole)
    damage(data, random.Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        path.write_bytes(data)
        # What the first run may still read, the second may find damaged; the third begins with a whole file.
        for _ in range(2):
            with opened(path) as memo:
                found = {key: memo.get(key) for key in VALUES}
                assert all(value in (None, VALUES[key]) for key, value in found.items())
                memo.update({key: VALUES[key] for key, value in found.items() if value is None})
        with opened(path) as memo:
            assert {key: memo.get(key) for key in VALUES} == VALUES


def test_a_folder_or_another_database_in_its_place_is_thrown_away(tmp_path: Path, capfd: Any) -> None:
    path = tmp_path / "memos/a.db"
    path.mkdir(parents=True)
    (path / "inside").touch()
    with opened(path) as memo:
        memo["a"] = (1.0, 2.0)
    path.unlink()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE memo (other)")
    with opened(path) as memo:
        assert "a" not in memo
    shutil.rmtree(path.parent)
    path.parent.write_text("a file for a folder")
    with opened(path) as memo:
        memo["a"] = (1.0, 2.0)
    assert capfd.readouterr().err.count("thrown away") == 3


def test_a_value_of_another_kind_is_as_good_as_absent(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db", TypeAdapter(str)) as memo:
        memo["a"] = "text"
    with opened(tmp_path / "a.db") as memo:
        assert memo.get("a") is None


def test_one_that_cannot_be_written_is_one_error_and_not_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with opened(path) as memo:
        memo["a"] = (1.0, 2.0)
    with closing(sqlite3.connect(path)) as other, opened(path) as memo:
        other.execute("BEGIN EXCLUSIVE")
        memo._opened().execute("PRAGMA busy_timeout = 10")
        with pytest.raises(MealignError, match=r"a\.db: it cannot be used \(database is locked\)"):
            memo["b"] = (1.0, 2.0)
    with opened(path) as memo:
        assert dict(memo) == {"a": (1.0, 2.0)}
