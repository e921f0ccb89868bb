"""What is kept between runs: read as data, private, checked before it is used, and made again when it is damaged."""

import ast
import io
import json
import os
import pickle
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from mealign.jsonl import digest_path
from tests.export.conftest import train_adapter
from tests.promises.command import run, user, write_notes

SOURCE = Path(__file__).resolve().parents[2] / "src/mealign"
STAGES = "stage=[ingest,memory]"
WORDS = "the canary sings in the willow"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which documents and memory were made, undisturbed."""
    root = tmp_path_factory.mktemp("whole")
    write_notes(root / "notes")
    with umask(0):
        (root / "data").mkdir()
        (root / "data/old").write_text("open")
        again(root, STAGES)
    return root


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder, to damage it."""
    return shutil.copytree(whole, tmp_path / "root")


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def again(root: Path, *arguments: str) -> str:
    """Run in a folder and return what was said; it has to succeed."""
    result = run(*user(Path("notes")), "tracking=none", *arguments, cwd=root)
    assert result.code == 0, result.output
    return result.output


def results(root: Path) -> dict[str, str]:
    """Return the digest of everything in the user's folder."""
    folder = root / "data/me"
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): digest_path(path) for path in files}


def entry(root: Path, stage: str) -> Path:
    (found,) = (root / "data/.store" / stage).iterdir()
    return found


# Nothing is unpickled.


class Canary:
    def __init__(self, song: Path) -> None:
        self._song = song

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self._song,)


def plant(path: Path, canary: Canary) -> None:
    """Replace what a file holds by a pickle, in the file's own format where that has room for one."""
    pickled = pickle.dumps(canary)
    if path.read_bytes().startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(path)) as database, database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                columns = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
                if {"key", "value"} <= columns and table != "Settings":
                    # 4 is how diskcache marks a pickle.
                    mode = ", mode = 4" if "mode" in columns else ""
                    database.execute(f"UPDATE {table} SET value = ?{mode}", (pickled,))  # noqa: S608
    elif path.suffix == ".npy":
        stream = io.BytesIO()
        np.save(stream, np.array([canary], dtype=object), allow_pickle=True)
        path.write_bytes(stream.getvalue())
    else:
        path.write_bytes(pickled)


@pytest.mark.slow
@pytest.mark.parametrize("planted", ["memos", "all"])
def test_a_planted_pickle_is_never_run(root: Path, whole: Path, tmp_path: Path, planted: str) -> None:
    canary = Canary(tmp_path / "song")
    if planted == "memos":
        shutil.rmtree(root / "data/.store/memory")
        shutil.rmtree(root / "data/me/memory")
    for path in (root / "data").rglob("*"):
        if path.is_file() and (planted == "all" or path.suffix == ".db"):
            plant(path, canary)
    assert "damaged" in again(root, STAGES)
    assert not (tmp_path / "song").exists()
    assert results(root) == results(whole)


UNPICKLING = {"pickle", "shelve", "diskcache", "joblib", "dill", "cloudpickle", "marshal", "dbm"}
LOADERS = {("np", "load"), ("numpy", "load"), ("torch", "load"), ("yaml", "load"), ("yaml", "unsafe_load")}
SAFE = {"allow_pickle": False, "weights_only": True}


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_module_unpickles(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        assert not {name.split(".")[0] for name in names} & UNPICKLING
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            given = {word.arg: word.value for word in node.keywords}
            safe = any(isinstance(given.get(k), ast.Constant) and given[k].value is v for k, v in SAFE.items())
            assert safe or (node.func.value.id, node.func.attr) not in LOADERS
        if isinstance(node, ast.keyword) and node.arg in (*SAFE, "trust_remote_code"):
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is SAFE.get(node.arg, False)


# What holds the user's text is the user's alone.


def others_can_use(folder: Path) -> list[Path]:
    return [path for path in [folder, *folder.rglob("*")] if not path.is_symlink() and path.stat().st_mode & 0o077]


def test_files_and_folders_are_the_users_alone_whatever_the_umask(root: Path, whole: Path) -> None:
    assert not others_can_use(whole / "data")
    # As an earlier version, or another program, may have left them.
    (root / ".dvc/cache").mkdir(parents=True)
    (root / "mlruns").mkdir()
    (root / "mlruns/mlflow.db").touch()
    for path in (*(root / "data").rglob("*"), root / "data", root / "mlruns", root / "mlruns/mlflow.db"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    with umask(0):
        again(root, STAGES)
        again(root, "stage=memory_show")
    assert (root / "data/me/memory/memory.html").exists()
    assert not [*others_can_use(root / "data"), *others_can_use(root / "mlruns")]
    assert (root / ".dvc").stat().st_mode & 0o077 == 0


def test_what_others_share_outside_the_project_is_left_alone(root: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "theirs").touch()
    shared.chmod(0o775)
    (shared / "theirs").chmod(0o664)
    with umask(0):
        again(root, "stage=ingest", f"paths.data={shared}", f"paths.store={shared / 'store'}")
    assert others_can_use(shared) == [shared, shared / "theirs"]


@pytest.mark.slow
def test_a_whole_run_leaves_nothing_open(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes")
    with umask(0):
        result = run("-m", *user(Path("notes")), "mix=sft_only", "experiment=smoke", cwd=tmp_path, seconds=300)
    assert result.code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {"notes", "data", "mlruns", "multirun"}
    for name in ("data", "mlruns", "multirun"):
        assert not others_can_use(tmp_path / name)


# A name is one step down.

OUTSIDE = "../../../../outside"
NAMED = (
    ("user.name", OUTSIDE), ("user.name", ".."), ("user.name", ".hidden"), ("user.name", "x" * 300),
    ("judge.name", OUTSIDE), ("judge.name", "a/b"), ("judge.name", "-rf"), ("judge.language", OUTSIDE),
    ("judge.template", OUTSIDE), ("model.name", OUTSIDE), ("mix.name", "/outside"),
    ("model.weights.package", OUTSIDE), ("memory.embedder.version", OUTSIDE), ("memory.parser.sha256", OUTSIDE),
    ("memory.parser.path", OUTSIDE), ("dvc.judges", f"[{OUTSIDE}]"),
    ("evaluation.arms", "[{name: .., context: none}]"), ("+judge.members.x.name", OUTSIDE),
)  # fmt: skip


@pytest.mark.parametrize(("key", "value"), NAMED)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, key: str, value: str) -> None:
    root = tmp_path / "project"
    write_notes(root / "notes")
    group = {"judge.name": "evidence", "+judge.members.x.name": "panel"}.get(key, "bio")
    result = run(*user(Path("notes")), "stage=ingest", f"judge={group}", f"{key}={value}", cwd=root)
    assert result.code == 2
    assert key.lstrip("+") in result.stderr
    assert list(tmp_path.rglob("*"))[1:] == [root / "notes", *(root / "notes").iterdir()]


def test_the_store_and_the_users_folder_lie_apart(root: Path) -> None:
    for arguments in (["paths.store=data/me"], ["paths.store=data"], ["paths.store=data/me/store"]):
        result = run(*user(Path("notes")), STAGES, *arguments, cwd=root)
        assert result.code == 2
        assert "choose folders apart" in result.stderr


# An export replaces what an export wrote.


@pytest.mark.slow
def test_an_export_replaces_only_what_an_export_wrote(tiny_model: Path, tmp_path: Path) -> None:
    train_adapter(tiny_model, tmp_path / "data/me/adapters/sft", steps=1)
    asked = ("stage=export", "export.adapter=sft", "export.path=out", "model=tiny")
    with umask(0):
        again(tmp_path, *asked)
    assert not others_can_use(tmp_path / "out")
    (tmp_path / "out/letter.txt").write_text("Dear Anna")
    again(tmp_path, *asked, "export.quantization=bf16")
    assert (tmp_path / "out/letter.txt").read_text() == "Dear Anna"
    (tmp_path / "out/README.md").write_text("mine")
    before = digest_path(tmp_path / "out")
    result = run(*user(Path("notes")), *asked, cwd=tmp_path)
    assert (result.code, digest_path(tmp_path / "out")) == (2, before)
    assert "README.md is in the way" in result.stderr


# What is restored is what was kept.


def test_a_result_cut_in_half_is_made_again(root: Path, whole: Path) -> None:
    kept = entry(root, "ingest") / "documents.jsonl"
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(lines[: len(lines) // 2]))
    shutil.rmtree(root / "data/me")
    said = again(root, STAGES)
    assert f"{kept.parent.relative_to(root)}: this result differs from its manifest; it is thrown away" in said
    assert results(root) == results(whole)


def test_what_was_changed_in_the_users_folder_is_restored(root: Path, whole: Path) -> None:
    documents = root / "data/me/documents.jsonl"
    documents.write_text(documents.read_text().splitlines(keepends=True)[0])
    (root / "data/me/memory/embeddings.npy").unlink()
    assert "restored" in again(root, STAGES)
    assert results(root) == results(whole)


@pytest.mark.slow
def test_other_weights_in_the_same_folder_are_another_model(whole: Path, tmp_path: Path, embedder_path: Path) -> None:
    root, model = shutil.copytree(whole, tmp_path / "root"), tmp_path / "model"
    shutil.copytree(embedder_path, model)
    asked = (STAGES, f"memory.embedder_hub_id={model}")
    again(root, *asked)
    before = digest_path(root / "data/me/memory/embeddings.npy")
    assert "up to date" in again(root, *asked)
    weights = next(model.glob("*.safetensors"))
    times = weights.stat()
    with weights.open("r+b") as file:
        file.seek(times.st_size // 2)
        file.write(bytes(times.st_size // 4))
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "memory.embedder_hub_id changed" in again(root, *asked)
    assert digest_path(root / "data/me/memory/embeddings.npy") != before


# Damage is told, thrown away, and computed again.


def cut(path: Path, draw: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: draw.randrange(len(data) or 1)])


def flip(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes() or b"x")
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def folder_for_file(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").touch()


CONTENTS = (b"", b"not json", b"[1]", b'{"a": 1}', b"null", b"n\xe9", b"[" * 100_000)


def other_content(path: Path, draw: random.Random) -> None:
    path.write_bytes(draw.choice(CONTENTS))


def file_for_folder(path: Path, draw: random.Random) -> None:
    if "data/.store" in str(path.parent.parent):
        shutil.rmtree(path.parent)
        path.parent.write_text("a file for a folder")


def damage(root: Path, draw: random.Random, *, share: float) -> None:
    for path in sorted((root / "data").rglob("*")):
        if path.is_file() and draw.random() < share:
            draw.choice((cut, flip, folder_for_file, other_content, other_content, file_for_folder))(path, draw)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "share"), [(1, 1.0), *((n, n % 4 / 4 + 0.1) for n in range(2, 23))])
def test_a_run_on_damaged_files_ends_as_an_undisturbed_one(root: Path, whole: Path, seed: int, share: float) -> None:
    damage(root, random.Random(seed), share=share)
    said = again(root, STAGES)
    assert results(root) == results(whole)
    assert "thrown away" in said or "restored" in said or "damaged" in said
    # It is not told twice.
    assert "thrown away" not in again(root, STAGES)


SLOW = [pytest.param(each, marks=pytest.mark.slow) for each in ("key", "bytes", "folder")]


@pytest.mark.parametrize("spoilt", ["words", "list", *SLOW])
def test_what_cannot_be_read_is_one_line_without_the_users_words(root: Path, spoilt: str) -> None:
    documents = root / "data/me/documents.jsonl"
    first = json.loads(documents.read_text().splitlines()[0])
    contents = {
        "words": json.dumps({**first, "kind": WORDS, "created_at": WORDS}).encode(),
        "key": json.dumps({WORDS: WORDS, **first}).encode(),
        "list": json.dumps([WORDS]).encode(),
        "bytes": WORDS.encode() + b"\xe9",
    }
    documents.unlink()
    if spoilt in contents:
        documents.write_bytes(contents[spoilt] + b"\n")
    else:
        documents.mkdir()
    result = run(*user(Path("notes")), "tracking=none", "stage=memory", cwd=root)
    assert result.code == 1
    assert "documents.jsonl" in result.stderr
    assert "run stage=ingest" in result.stderr
    assert WORDS not in result.output
    again(root, STAGES)
