"""Nothing under a user's folder hangs a run, takes everything or ends it: every odd file is a line of the report."""

import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.promises.command import Result, measured, run, user, write_notes

LONG = 200_000
SECONDS = 60.0
"""For one call on an idle machine it is a few seconds; on a busy one, more."""


def ingest(folder: Path, *arguments: str, cwd: Path) -> tuple[Result, list[dict[str, object]]]:
    """Ingest a folder; return what happened, and the problems in the report."""
    result = run("stage=ingest", "tracking=none", *user(folder), *arguments, cwd=cwd, seconds=SECONDS)
    report = cwd / "data/me/ingest_report.json"
    return result, json.loads(report.read_text(encoding="utf-8"))["items"] if report.exists() else []


def bomb() -> str:
    """A billion entries in a kilobyte of YAML."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines)


HOSTILE: dict[str, str] = {
    "alias in itself": "---\ndate: &a [*a]\n---\nI live in Ghent.\n",
    "bomb": f"---\n{bomb()}\ndate: *a9\n---\nI live in Ghent.\n",
    "deep": f"---\ndate: {'[' * 50_000}\n---\nI live in Ghent.\n",
    "tag of a type": "---\ndate: 2024-05-06\nmood: !!bool mysecret\n---\nI live in Ghent.\n",
    "tag of a time": "---\ndate: !!timestamp foo\n---\nI live in Ghent.\n",
    "tag of Python": "---\ndate: !!python/object/apply:os.getcwd []\n---\nI live in Ghent.\n",
    "binary": "---\ndate: !!binary '####'\n---\nI live in Ghent.\n",
    "set": "---\ndate: !!set {? a, ? b}\n---\nI live in Ghent.\n",
    "spaces": f"I live in Ghent.{' ' * LONG}x\n",
    "open link": f"[x]({'a' * LONG}\n",
    "open links": "[x](" * (LONG // 4) + "\n",
    "open embeds": "![[" * (LONG // 3) + "\n",
    "open comment": "<!--" * (LONG // 4) + "\n",
    "open comments": "%%a" * (LONG // 3) + "\n",
    "brackets": "[" * LONG + "\n",
    "stars": "*a" * (LONG // 2) + "\n",
    "backticks": "`" * LONG + "\n",
    "quotes": "> " * (LONG // 2) + "\n",
    "tags": "<a " * (LONG // 3) + "\n",
    "hashes": "#a/" * (LONG // 3) + "\n",
    "digits": f"{'1' * LONG}\n",
    "date of digits": f"---\ndate: {'1' * LONG}\n---\nI live in Ghent.\n",
}


def test_hostile_notes_neither_hang_nor_end_the_run(tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    for name, text in HOSTILE.items():
        (notes / f"2024-09-09 {name}.md").write_text(text, encoding="utf-8")
    result, items = ingest(notes, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "mysecret" not in result.output
    documents = (tmp_path / "data/me/documents.jsonl").read_text(encoding="utf-8")
    for name in HOSTILE:
        file = f"2024-09-09 {name}.md"
        assert file in documents or any(item["file"] == file for item in items), file


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_note_leaves_the_others(name: str, tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    (notes / "2024-09-09 odd.md").write_text(HOSTILE[name], encoding="utf-8")
    result, _ = ingest(notes, cwd=tmp_path)
    assert result.code == 0, result.stderr
    documents = (tmp_path / "data/me/documents.jsonl").read_text(encoding="utf-8")
    assert documents.count("\n") >= 5


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("make", [pipe, device, loop])
def test_what_is_no_regular_file_is_a_line_of_the_report(make: Callable[[Path], None], tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    names = {"2024-09-09.md", "questions.jsonl", "corrections.yaml", "labels.yaml", "chat.json", "a.pdf", "b.mbox"}
    for name in names:
        (tmp_path / name).mkdir()
        make(tmp_path / name / "odd")
        (notes / name).symlink_to(tmp_path / name / "odd")
    make(notes / "2024-09-10.md")
    result, items = ingest(notes, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert names | {"2024-09-10.md"} <= {item["file"] for item in items}


@pytest.mark.parametrize("make", [pipe, device])
def test_a_source_that_is_no_file_and_no_folder_is_one_message(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "source")
    for arguments in ((), ("user=locomo", "user.conversation=conv-26", "user.speaker=Caroline")):
        result = run(*user(tmp_path / "source"), *arguments, "stage=ingest", cwd=tmp_path, seconds=SECONDS)
        assert result.code == 2
        assert "user.path" in result.stderr
        assert len(result.stderr.splitlines()) == 1


ODD_NAMES = [
    b"2024-09-09 caf\xe9.md", b"2024-09-09 \x1b]52;c;aGk=\x07.md", b"2024-09-09 a\nb.md", b"2024-09-09 [/b].md",
    "2024-09-09 \u202e李雷.md".encode(), b"2024-09-09 " + b"a" * 240 + b".md", b"2024-09-09 \xff\xfe.txt",
]  # fmt: skip


def test_an_odd_file_name_is_no_more_than_a_name(tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    written = 0
    for number, name in enumerate(ODD_NAMES):
        with suppress(OSError):  # not every file system has such names
            path = Path(os.fsdecode(os.fsencode(notes) + b"/" + name))
            path.write_text(f"I painted {number} fences.\n", encoding="utf-8")
            written += 1
    result, _ = ingest(notes, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "\x1b]52" not in result.output
    documents = (tmp_path / "data/me/documents.jsonl").read_text(encoding="utf-8")
    assert len(re.findall(r"I painted \d fences", documents)) == written


def test_brackets_in_folders_and_files_are_no_markup(tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    (notes / "a[").mkdir()
    (notes / "a[" / "b].md").write_text("no date, so a line of the report\n", encoding="utf-8")
    result, items = ingest(notes, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert any(item["file"] == "a[/b].md" for item in items)
    assert "a[/b].md" in result.stdout


def docx(megabytes: int, *, honest: bool = True) -> bytes:
    """A Word file whose text unpacks to so many megabytes; one that is not honest says it is small."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w", force_zip64=True) as file:
            for _ in range(megabytes):
                file.write(b" " * 1_000_000)
    data = content.getvalue()
    if honest:
        return data
    size = (megabytes * 1_000_000).to_bytes(4, "little")
    return data.replace(size, (10).to_bytes(4, "little"))


def pdf(pages: int) -> bytes:
    """A PDF with so many pages, all the same."""
    kids = " ".join(["3 0 R"] * pages)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
    ]
    body, at = "%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        at.append(len(body))
        body += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in at)
    start = len(body)
    body += f"xref\n0 4\n0000000000 65535 f \n{table}trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    return body.encode()


PACKED = {
    "2024-09-09.docx": lambda: docx(1200),
    "2024-09-10.docx": lambda: docx(1200, honest=False),
    "2024-09-11.pdf": lambda: pdf(100_000),
}


@pytest.mark.parametrize("name", PACKED)
def test_what_unpacks_to_gigabytes_is_a_line_of_the_report(name: str, tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    (notes / name).write_bytes(PACKED[name]())
    limit = "ingest.max_bytes=20000000"
    result = measured("stage=ingest", "tracking=none", limit, *user(notes), cwd=tmp_path, seconds=SECONDS)
    assert result.code == 0, result.output
    items = json.loads((tmp_path / "data/me/ingest_report.json").read_text(encoding="utf-8"))["items"]
    assert any(item["file"] == name for item in items), items
    assert result.megabytes < 1500


@pytest.mark.slow
def test_a_line_of_a_megabyte_goes_through_the_parser_in_bounded_memory(tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    (notes / "2024-09-09.md").write_text("I live in Ghent and " * 49_000, encoding="utf-8")
    result = measured("stage=[ingest,memory]", "tracking=none", *user(notes), cwd=tmp_path, seconds=900)
    assert result.code == 0, result.output
    assert result.megabytes < 4000
