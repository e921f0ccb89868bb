"""More of each kind that ingest has to survive: every one is one line of the report, and its neighbours are kept."""

import json
import os
import resource
import socket
import subprocess
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import docx
import pytest

from tests.ingest.hostile import BESIDE, FILES, MARKS, written
from tests.promises.command import Result, run, user

NOTE = "I live in Ghent. Tom gave me a fern."
SECRET = "mysecret"  # noqa: S105
ADDRESS_SPACE = 3_000_000_000
Problems = dict[str, list[dict[str, object]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good note, beside which something else can be wrong."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "2024-01-02.md").write_text(NOTE)
    return folder


@pytest.fixture
def bounded() -> Iterator[None]:
    """Programs that are started here get an address space of three gigabytes."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (max(ADDRESS_SPACE, _mapped()), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def _mapped() -> int:
    """Return the address space of this process and some room, for it is bounded too."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize() + 1_000_000_000


def ingested(folder: Path, *settings: str, seconds: float = 120) -> tuple[Result, Problems]:
    """Ingest a folder; return the result, and the problems by file."""
    result = run("stage=ingest", "tracking=none", *user(folder), *settings, cwd=folder.parent, seconds=seconds)
    assert result.code == 0, result.output
    report = (folder.parent / "data/me/ingest_report.json").read_text(encoding="utf-8")
    assert SECRET not in result.output + report
    problems: Problems = {}
    for item in json.loads(report)["items"]:
        assert item["mend"]
        problems.setdefault(item["file"], []).append(item)
    return result, problems


def codes(problems: Problems) -> dict[str, str]:
    return {name: " ".join(str(item["code"]) for item in found) for name, found in problems.items()}


def records(folder: Path, name: str) -> list[dict[str, object]]:
    lines = (folder.parent / "data/me" / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def kept(folder: Path) -> list[object]:
    return [document["source"] for document in records(folder, "documents.jsonl")]


def test_what_is_no_file_or_ends_nowhere_is_never_read(folder: Path) -> None:
    pipes = ["pipe", *(f"pipe.{end}" for end in ("md", "txt", "json", "pdf", "docx", "mbox")), "corrections.yaml"]
    for name in pipes:
        os.mkfifo(folder / name)
    links = {
        "questions.jsonl": "pipe", "labels.yaml": "/dev/zero", "to_pipe.md": "pipe", "zero": "/dev/zero",
        "random.mbox": "/dev/urandom", "round.md": "about.md", "about.md": "round.md", "itself": "itself",
        "endless.md": "/proc/self/pagemap", "broken.txt": "/proc/self/mem", "nowhere.pdf": "nowhere",
    }  # fmt: skip
    folders = {"above": "..", "here.md": "."}
    for name, target in {**links, **folders}.items():
        (folder / name).symlink_to(target)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket.md"))
    # What is passed over is not opened either.
    (folder / ".hidden.md").symlink_to("/proc/self/mem")
    (folder / "photo.png").symlink_to("/proc/self/pagemap")
    _, problems = ingested(folder, seconds=60)
    unreadable = dict.fromkeys((*pipes, *links, "socket.md"), "unreadable")
    assert codes(problems) == {**unreadable, **dict.fromkeys(folders, "linked_folder")}
    assert kept(folder) == ["2024-01-02.md"]


def test_sizes_are_checked_before_anything_is_read(folder: Path) -> None:
    begun = {"a.md": b"", "a.mbox": b"From x\n", "a.json": b'{"format": "mealign-chat"', "a.png": b""}
    for name, begins in begun.items():
        with (folder / name).open("wb") as stream:
            stream.write(begins)
            stream.truncate(10**13)
    _, problems = ingested(folder, seconds=60)
    assert codes(problems) == dict.fromkeys(("a.md", "a.mbox", "a.json"), "too_large")


FRONT_MATTER = {
    "bomb": "a: &a [x, x]\n" + "\n".join(f"{b}: &{b} [*{a}, *{a}, *{a}]" for a, b in pairwise("abcdefghi")),
    "own": f"a: !mine {SECRET}",
    "deep": "a: " + "[" * 100_000,
    "wide": "a: [" + "1," * 100_000 + "]",
    "day": "date: 2024-02-30",
    "zone": "date: 2024-01-01T00:00:00+99:99",
    "digits": "date: 1" + "0" * 100_000,
    "sixties": "date: 1" + ":1" * 100_000,
    "nan": "date: .nan",
    "list": "date: [2024-01-01, 2024-01-02]",
}


def test_odd_front_matter_is_named_and_the_note_is_kept(folder: Path) -> None:
    for name, text in FRONT_MATTER.items():
        (folder / f"{name}.md").write_text(f"---\n{text}\n---\n{SECRET}")
    (folder / "json.md").write_text('{\n"date": ' + "[" * 100_000 + "\n}\n" + SECRET)
    (folder / "corrections.yaml").write_text("drop:\n  - &a [*a]\n")
    (folder / "labels.yaml").write_text(f"- !!bool {SECRET}\n")
    _, problems = ingested(folder, seconds=60)
    assert set(problems) == {*(f"{name}.md" for name in (*FRONT_MATTER, "json")), "corrections.yaml", "labels.yaml"}
    ours = {"corrections.yaml": 1, "labels.yaml": 1}
    # What is wrong with it, and where it dates nothing any more, that too.
    assert all(len(found) <= ours.get(name, 2) for name, found in problems.items())
    assert set(kept(folder)) == {"2024-01-02.md", *(f"{name}.md" for name in (*FRONT_MATTER, "json"))}


def test_two_names_never_become_one(folder: Path) -> None:
    shown = {
        b"2024-01-03 caf\xe9.md": "2024-01-03 caf\\xe9.md",
        b"2024-01-03 caf\\xe9.md": "2024-01-03 caf\\\\xe9.md",
        b"2024-01-03 \xc2\x85.md": "2024-01-03 \\u0085.md",
        b"2024-01-03 \xe2\x80\xa8.md": "2024-01-03 \\u2028.md",
    }
    for name in (*shown, b"fold\xe9r/2024-01-03.md"):
        path = folder / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(NOTE)
    _, problems = ingested(folder)
    assert set(kept(folder)) == {"2024-01-02.md", *shown.values(), "fold\\xe9r/2024-01-03.md"}
    assert codes(problems) == dict.fromkeys((*shown.values(), "fold\\xe9r"), "odd_name")


def test_a_folder_that_cannot_be_listed_is_named(folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    _, problems = ingested(folder)
    # Deeper than Python's own removal of a tree goes, with which pytest would end.
    subprocess.run(["rm", "-r", folder / "deep"], check=True)
    assert list(codes(problems).values()) == ["unreadable"]
    assert kept(folder) == ["2024-01-02.md"]


ERRORS = ("ValueError(SECRET)", "RecursionError()", "MemoryError()", "AssertionError(SECRET)", "OSError(SECRET)")
RAISING = f"""
from mealign.ingest.importing import Importer

SECRET = {SECRET!r}


def read(file, context):
    raise [{", ".join(ERRORS)}][int(file.path.stem)]


IMPORTER = Importer(suffixes=frozenset({{".odd"}}), read=read)
"""


def test_an_importer_may_raise_anything(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = folder.parent / "plugins/importers/raising.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(RAISING)
    monkeypatch.setenv("MEALIGN_PLUGINS", str(plugin.parents[1]))
    for number in range(len(ERRORS)):
        (folder / f"{number}.odd").write_text(SECRET)
    _, problems = ingested(folder)
    assert codes(problems) == {
        **dict.fromkeys(("0.odd", "1.odd", "2.odd", "3.odd"), "broken"),
        "4.odd": "unreadable",
    }


BUSY = {
    "note": (" ", "[x](", "[x](a", "> [!a] ", "==a ", " ^a"),
    "text": ("\n", "\r"),
    "whatsapp message": (" ", "\n \n"),
    "mail": ("> q\n\n", "a:\n> q\n\n"),
    "addresses": ('"', ","),
    "parts of a mail": ("--b\n",),
    "html mail": ("<div>",),
    "telegram": ("[", "1,", "9"),
    "participants": ('"a",',),
    "chatgpt": ('{"a":',),
}


@pytest.mark.usefixtures("bounded")
def test_a_text_without_end_is_read_in_time(folder: Path) -> None:
    write_hostile(folder, BUSY, 200_000)
    for name, (file, content) in BESIDE.items():
        (folder / file).write_bytes(written(content, " " if name == "quotation" else "- - ", 200_000))
    ingested(folder, seconds=90)
    assert "2024-01-02.md" in kept(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_every_mark_in_every_format_is_read_in_time(folder: Path, kind: str) -> None:
    write_hostile(folder, {kind: MARKS}, 980_000)
    ingested(folder, seconds=3000)
    assert "2024-01-02.md" in kept(folder)


def write_hostile(folder: Path, kinds: Mapping[str, Iterable[str]], length: int) -> None:
    """Write files of every kind with every mark, each into a folder of its own."""
    for kind, marks in kinds.items():
        name, content = FILES[kind]
        for number, mark in enumerate(marks):
            path = folder / f"{kind} {number}" / name
            path.parent.mkdir()
            path.write_bytes(written(content, mark, length))


WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
PARAGRAPH = "<w:p><w:r><w:t>I like tea.</w:t></w:r></w:p>"
WIDE = '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2000000000"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>'
SAYS = b"BT /F 12 Tf (I like tea) Tj ET\n"


def word_file(path: Path, body: str) -> None:
    plain = BytesIO()
    docx.Document().save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            text = f"<w:document {WORD}><w:body>{body}</w:body></w:document>"
            target.writestr(entry, text if entry.filename == "word/document.xml" else source.read(entry))


def pdf_file(path: Path, pages: int, content: bytes, rounds: int = 1) -> None:
    """Write a PDF whose pages are all the same one; its content is compressed so many times."""
    for _ in range(rounds):
        content = zlib.compress(content, 9)
    filters = b"/FlateDecode " * rounds
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%b] >>" % (pages, b"5 0 R " * pages),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d /Filter [%b] >>\nstream\n%b\nendstream" % (len(content), filters, content),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << /Font << /F 3 0 R >> >> /Contents 4 0 R >>",
    ]
    data, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    path.write_bytes(
        b"%bxref\n0 6\n0000000000 65535 f \n%btrailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
        % (data, table, len(data))
    )


@pytest.mark.slow
@pytest.mark.usefixtures("bounded")
def test_what_keeps_a_library_busy_is_given_up(folder: Path) -> None:
    word_file(folder / "2024-01-03 fine.docx", PARAGRAPH)
    word_file(folder / "2024-01-03 wide.docx", WIDE)
    word_file(folder / "2024-01-03 long.docx", "<w:p/>" * 4_000_000)
    pdf_file(folder / "2024-01-03 fine.pdf", 1, SAYS)
    pdf_file(folder / "2024-01-03 busy.pdf", 1000, SAYS * 60_000)
    pdf_file(folder / "2024-01-03 huge.pdf", 1000, bytes(70_000_000), rounds=2)
    _, problems = ingested(folder, "ingest.max_seconds=2", seconds=90)
    assert {name.split()[1] for name in problems} == {"wide.docx", "long.docx", "busy.pdf", "huge.pdf"}
    assert all(len(found) == 1 for found in problems.values())
    assert len(kept(folder)) == 3


def test_the_limits_are_settings(folder: Path) -> None:
    pdf_file(folder / "2024-01-03 pages.pdf", 12, SAYS)
    word_file(folder / "2024-01-03 long.docx", PARAGRAPH * 1000)
    (folder / "a.mbox").write_text("From x\nFrom: a@b.c\nDate: Mon, 18 Mar 2024 09:00:00 +0100\n\nI like tea.\n")
    (folder / "a.json").write_text(json.dumps({"format": "mealign-chat", "messages": [{"id": "1", "text": "x"}]}))
    low = ("max_pages=10", "max_unpacked_bytes=30000", "max_export_bytes=50", "max_mailbox_bytes=50")
    _, problems = ingested(folder, *(f"ingest.{limit}" for limit in low))
    assert len(problems) == len(low)
    for limit in low:
        assert any(f"ingest.{limit}" in str(found[0]["message"]) for found in problems.values())


def test_one_mail_that_cannot_be_read_is_one_line(folder: Path) -> None:
    begin = "From x\nFrom: Nadia Verhoeven <n@example.org>\nDate: Mon, 18 Mar 2024 09:00:00 +0100\n"
    nested = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(5000))
    mails = {
        "nested": nested, "type": "Content-Type: text/plain" + "; a=b" * 100_000 + "\n\ntext\n",
        "answers": "\n" + "> q\n\n" * 50_000 + "I like tea.\n", "to": f"To: {'a@b.c, ' * 50_000}\n\nI like it.\n",
    }  # fmt: skip
    (folder / "a.mbox").write_text("".join(f"{begin}Message-ID: <{name}>\n{mail}\n" for name, mail in mails.items()))
    _, problems = ingested(folder)
    assert codes(problems) == {"a.mbox": "message message crowd"}
    assert set(kept(folder)) == {"2024-01-02.md", "a.mbox#answers", "a.mbox#to"}


def test_a_crowd_does_not_multiply(folder: Path) -> None:
    """Thousands of people and as many messages: each message names a part of them."""
    lines = [f"{1 + n % 28:02}/01/2024, 18:03 - Person {n}: I like tea.\n" for n in range(4000)]
    (folder / "_chat.txt").write_text("".join(lines))
    _, problems = ingested(folder)
    assert codes(problems) == {"_chat.txt": "crowd no_user"}
    assert len(kept(folder)) == 4001
    assert (folder.parent / "data/me/documents.jsonl").stat().st_size < 4000 * 30_000


def test_many_problems_are_counted_and_the_first_are_listed(folder: Path) -> None:
    (folder / "result.json").write_text(f'{{"type": "personal_chat", "id": 1, "messages": [{"7," * 50_000}7]}}')
    result, problems = ingested(folder)
    assert len(problems["result.json"]) == 10_001
    assert str(problems["result.json"][-1]["message"]).startswith("40001 more")
    assert len(result.stdout.splitlines()) < 5000
    report = json.loads((folder.parent / "data/me/ingest_report.json").read_text(encoding="utf-8"))
    assert report["problems"] == {"message": 50_001}


@pytest.mark.slow
def test_a_paragraph_without_end_is_parsed_in_pieces(folder: Path) -> None:
    """Evidence stays where it stands in the text, and neither a deep sentence nor a far time ends the run."""
    (folder / "2024-02-01.md").write_text("I bought " + "apples and " * 2500 + "pears.")
    (folder / "2024-02-02.md").write_text(f"I moved to Lille in May 0000. {'(' * 40_000} Joris left in 999 years.")
    (folder / "2024-02-03.md").write_text("Tom said that she and he like it. " * 600 + "Ana painted the fence.")
    result = run("stage=[ingest,memory]", "tracking=none", *user(folder), cwd=folder.parent, seconds=300)
    assert result.code == 0, result.output
    texts = {document["id"]: str(document["text"]) for document in records(folder, "documents.jsonl")}
    said = {}
    for fact in records(folder, "memory/facts.jsonl"):
        place = fact["evidence"]
        said[fact["statement"]] = texts[place["document_id"]][place["start"] : place["end"]]  # type: ignore[index]
    assert said["Nadia lives in Ghent."] == "I live in Ghent"
    assert said["Ana painted the fence."] == "Ana painted the fence"
    assert any("Lille" in statement for statement in map(str, said))
