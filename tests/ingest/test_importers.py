"""Which importer reads a file follows from what each declares, and a plug-in folder adds one by a file alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mealign.experiment.code import code_of
from mealign.ingest.dispatch import importers
from mealign.ingest.files import SourceFile
from mealign.jsonl import read_json, read_records
from mealign.plugins import names_in
from mealign.records import Document
from mealign.stages.ingest import run

SHOUT = '''
"""Texts that are read aloud."""

from mealign.ingest.importing import Importer
from mealign.ingest.text import read_text


def read(file, context):
    text = read_text(file.path, file.name, context.problems, context.settings)
    return context.note(file, text.upper(), date=file.date, mend="begin the file name with the date") if text else []


IMPORTER = Importer(suffixes=frozenset({".shout", ".txt"}), read=read)
'''
CHAT = "05/01/2024, 18:03 - Ada: I sing.\n13/01/2024, 18:03 - Ada: I row.\n"


def imported(folder: Path, out: Path, plugins: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mealign", "stage=ingest", "user=folder", "user.name=ada", "user.person=Ada"]
    command += [f"user.path={folder}", "tracking=none", f"paths.data={out}", f"paths.store={out / 'store'}"]
    return subprocess.run(command, env={**os.environ, "MEALIGN_PLUGINS": str(plugins)}, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "ada"
    folder.mkdir()
    for name, text in {
        "2024-01-01 a.md": "I paint.",
        "2024-01-02 b.shout": "I dance.",
        "2024-01-03 c.txt": CHAT,
    }.items():
        (folder / name).write_text(text)
    (tmp_path / "importers").mkdir()
    return folder


def test_a_plug_in_is_asked_before_the_importers_of_the_package(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "importers/shout.py").write_text(SHOUT)
    result = imported(folder, tmp_path / "out", tmp_path)
    assert result.returncode == 0, result.stderr
    documents = read_records(tmp_path / "out/ada/documents.jsonl", Document)
    assert [document.text for document in documents] == ["I paint.", "I DANCE.", "ADA: I SING.", "ADA: I ROW."]
    assert read_json(tmp_path / "out/ada/ingest_report.json")["ignored"] == {}


def test_a_module_that_is_no_importer_is_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "importers/shout.py").write_text("")
    result = imported(folder, tmp_path / "out", tmp_path)
    assert result.returncode == 2
    assert "importers/shout.py" in result.stderr
    assert "IMPORTER" in result.stderr


@pytest.mark.parametrize(
    ("name", "text", "module"),
    [
        ("a.txt", CHAT, "whatsapp"),
        ("a.txt", "I sing.", "plain_text"),
        ("A.MD", "I sing.", "markdown"),
        ("mbox", "From x Mon Mar 18 09:00:00 2024\n", "mail"),
        ("a.json", '{"format": "mealign-chat", "type": "personal_chat", "id": 1}', "chat"),
        ("a.json", '{"type": "personal_chat", "id": 1}', "telegram"),
        ("a.json", "{}", None),
        ("mail.md", "From x Mon Mar 18 09:00:00 2024\n", "markdown"),
        ("mail", "I sing.", None),
    ],
)
def test_the_more_specific_importer_takes_a_file(tmp_path: Path, name: str, text: str, module: str | None) -> None:
    (tmp_path / name).write_text(text)
    file = SourceFile(tmp_path / name, name)
    taker = next((importer for importer in importers() if importer.claims(file)), None)
    assert (taker and taker.read.__module__.rpartition(".")[2]) == module


def test_every_importer_counts_as_code_of_the_stage() -> None:
    package = "mealign.ingest.importers"
    assert {f"{package}.{name}" for name in names_in(package)} <= code_of(run).files.keys()
