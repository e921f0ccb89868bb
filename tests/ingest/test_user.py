"""A person's folder with everything that can be wrong with it: each problem is named, everything else is kept."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mealign.errors import ConfigError
from mealign.ingest.report import Problem, render
from mealign.ingest.user import IngestError, IngestResult, ingest_user
from tests.defaults import IngestConfig, UserConfig

NOTE = "---\ntitle: Keys\ndate: 2024-03-14\ntags: [home]\n---\nI moved to Ghent today.\n"
MESSAGES = [
    {"id": f"m{number}", "created_at": f"2024-02-0{number}T18:22:00", "author": author, "text": f"Message {number} äö"}
    for number, author in enumerate(["Nadia Verhoeven", "Bart Molenaar", "Nadia Verhoeven", "Bart Molenaar"], start=1)
]
EXPORT = {
    "format": "mealign-chat",
    "version": 1,
    "conversations": [
        {"id": "c1", "title": "a", "participants": ["Nadia Verhoeven", "Bart Molenaar"], "messages": MESSAGES[:2]},
        {"id": "c2", "title": "b", "participants": ["Nadia Verhoeven", "Bart Molenaar"], "messages": MESSAGES[2:]},
    ],
}


def ingest(folder: Path, **changes: object) -> IngestResult:
    user = UserConfig(name="me", person="Nadia Verhoeven", path=str(folder))
    return ingest_user(user, IngestConfig(**changes), root=folder)  # type: ignore[arg-type]


def only_problem(result: IngestResult) -> Problem:
    (problem,) = result.report.problems
    return problem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/keys.md").write_text(NOTE)
    return tmp_path


def test_a_note_becomes_a_document(folder: Path) -> None:
    result = ingest(folder)
    (document,) = result.documents
    assert document.source == "notes/keys.md"
    assert document.author == "Nadia Verhoeven"
    assert document.created_at == datetime(2024, 3, 14)
    assert document.text == "I moved to Ghent today."
    assert result.report.problems == ()


def test_a_chat_export_becomes_one_document_a_message(folder: Path) -> None:
    (folder / "chat.json").write_text(json.dumps(EXPORT))
    messages = [document for document in ingest(folder).documents if document.kind == "message"]
    assert [message.source for message in messages] == [f"chat.json#m{number}" for number in (1, 2, 3, 4)]
    assert messages[1].author == "Bart Molenaar"
    assert messages[1].participants == ("Nadia Verhoeven", "Bart Molenaar")


def test_the_date_may_stand_in_the_file_name_and_a_zone_is_that_of_the_writer(folder: Path) -> None:
    (folder / "notes/2024-05-01-may.md").write_text("No front matter at all.")
    (folder / "notes/zoned.md").write_text("---\ndate: '2024-05-02T01:30:00+02:00'\n---\nLate.\n")
    by_source = {document.source: document.created_at for document in ingest(folder).documents}
    assert by_source["notes/2024-05-01-may.md"] == datetime(2024, 5, 1)
    assert by_source["notes/zoned.md"] == datetime(2024, 5, 2, 1, 30)


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"---\ndate: 2024-03-14\n---\nfirst\nsecond \xff line\n", "not_utf8", 5),
        (b"---\ntitle: x\ndate: 3000-01-01\n---\ntext\n", "bad_date", 3),
        (b"---\ndate: 1492-01-01\n---\ntext\n", "bad_date", 2),
        (b"---\ndate: 2024-02-30\n---\ntext\n", "bad_date", 2),
        (b"---\ndate: soon\n---\ntext\n", "bad_date", 2),
        (b"---\ntitle: x\n---\ntext\n", "no_date", None),
        (b"---\ndate: 2024-03-14\n---\n  \n", "empty", None),
        (b"---\ndate: 2024-03-14\n---\n" + b"word " * 400_000, "too_large", None),
    ],
)
def test_a_bad_note_is_named_with_its_line_and_the_rest_is_kept(
    folder: Path, content: bytes, code: str, line: int | None
) -> None:
    (folder / "notes/bad.md").write_bytes(content)
    result = ingest(folder, undated="refuse")
    problem = only_problem(result)
    assert (problem.file, problem.code, problem.line) == ("notes/bad.md", code, line)
    assert problem.mend
    assert [document.source for document in result.documents] == ["notes/keys.md"]


def test_what_cannot_be_read_at_all_is_named(folder: Path) -> None:
    (folder / "notes/gone.md").symlink_to(folder / "nowhere")
    (folder / "notes/folder.md").mkdir()
    result = ingest(folder)
    assert [(problem.file, problem.code) for problem in result.report.problems] == [
        ("notes/folder.md", "unreadable"),
        ("notes/gone.md", "unreadable"),
    ]
    assert len(result.documents) == 1


def test_a_large_note_names_the_key_that_allows_it(folder: Path) -> None:
    (folder / "notes/large.md").write_text(NOTE + "word " * 400_000)
    assert "ingest.max_bytes=1000000" in only_problem(ingest(folder)).message
    assert len(ingest(folder, max_bytes=3_000_000).documents) == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"text": " "}, "message"),
        ({"author": None}, "message"),
        ({"created_at": "2024-13-01"}, "bad_date"),
        ({"created_at": "3000-01-01T00:00:00"}, "bad_date"),
        ({"id": "m1"}, "duplicate_id"),
    ],
)
def test_a_bad_message_is_named_with_its_line(folder: Path, change: dict[str, object], code: str) -> None:
    messages = [MESSAGES[0], {**MESSAGES[1], **change}, MESSAGES[2]]
    export = {**EXPORT, "conversations": [{"id": "c1", "messages": messages}]}
    text = json.dumps(export, indent=1)
    (folder / "chat.json").write_text(text)
    result = ingest(folder)
    problem = only_problem(result)
    assert problem.code == code
    opening = [number for number, line in enumerate(text.splitlines(), start=1) if line == "    {"]
    assert problem.line == opening[1]
    assert len(result.documents) == 3


@given(cut=st.integers(min_value=0, max_value=len(json.dumps(EXPORT).encode()) - 1))
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_an_export_cut_anywhere_gives_the_messages_before_the_cut(folder: Path, cut: int) -> None:
    data = json.dumps(EXPORT).encode()[:cut]
    (folder / "chat.json").write_bytes(data)
    result = ingest(folder)
    text = data.decode(errors="ignore")
    whole = sum(json.dumps(message) in text for message in MESSAGES)
    assert sum(document.kind == "message" for document in result.documents) == whole
    if '"format": "mealign-chat"' in text:
        assert [problem.code for problem in result.report.problems] == ["cut_off"]


def test_a_message_of_two_exports_is_kept_once(folder: Path) -> None:
    (folder / "a.json").write_text(json.dumps(EXPORT))
    again = [
        *MESSAGES[2:],
        {**MESSAGES[3], "id": "m5"},
        {**MESSAGES[3], "id": "m6", "created_at": "2024-02-05T18:22:00"},
    ]
    later = {"id": "c2", "title": "b", "participants": ["Nadia Verhoeven", "Bart Molenaar"], "messages": again}
    (folder / "b.json").write_text(json.dumps({**EXPORT, "conversations": [later]}))
    result = ingest(folder)
    sources = [document.source for document in result.documents if document.kind == "message"]
    # What somebody sent twice at one moment stands twice in one file.
    assert sources == ["a.json#m1", "a.json#m2", "a.json#m3", "a.json#m4", "b.json#m5", "b.json#m6"]
    assert result.report.left_out["b.json"] == {"seen_before": 2 * len("Message 1 äö")}


def test_other_json_files_are_left_alone(folder: Path) -> None:
    (folder / "package.json").write_text('{"name": "x"}')
    assert ingest(folder).report.problems == ()


def test_questions_are_read_and_checked(folder: Path) -> None:
    good = {"id": "q1", "family": "recall", "kind": "memory_qa_self", "question": "Where?", "answer": "Ghent",
            "evidence": ["notes/keys.md"]}  # fmt: skip
    lines = [good, {**good, "id": "q2", "evidence": ["notes/none.md"]}, {**good, "id": "q3", "family": "x"}, good]
    (folder / "questions.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n{half\n")
    result = ingest(folder)
    assert [question.id for question in result.questions] == ["q1", "q2"]
    assert [(problem.code, problem.line) for problem in result.report.problems] == [
        ("evidence", 2), ("question", 3), ("duplicate_id", 4), ("question", 5),
    ]  # fmt: skip


def test_an_empty_folder_is_an_error_that_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"nothing usable was found; give a folder with Markdown notes"):
        ingest(tmp_path)


def test_nothing_usable_names_the_first_problems(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(IngestError, match=r"bad\.md:1: byte 0 is not UTF-8; save the file as UTF-8"):
        ingest(tmp_path)


def test_strict_turns_any_problem_into_an_error(folder: Path) -> None:
    (folder / "notes/bad.md").write_text("no date")
    with pytest.raises(IngestError, match=r"ingest\.strict=true and 1 problems") as caught:
        ingest(folder, strict=True, undated="refuse")
    assert caught.value.report.kept == {"note": 1}


def test_a_missing_folder_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"user\.path="):
        ingest(tmp_path / "nowhere")


def test_the_report_names_places_and_no_text(folder: Path) -> None:
    (folder / "notes/secret.md").write_text("My secret has no date.")
    report = ingest(folder, undated="refuse").report
    assert "secret has" not in json.dumps(report.to_json())
    assert report.counts() == {
        "kept": {"note": 1},
        "questions": 0,
        "problems": {"no_date": 1},
        "left_out": {"front_matter": 49},
    }
    assert render(report).row_count == 1


def test_the_order_of_files_does_not_matter(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (folder / "notes/a.md").write_text(NOTE.replace("03-14", "01-02"))
    other = tmp_path_factory.mktemp("other")
    (other / "notes").mkdir()
    for path in sorted((folder / "notes").iterdir()):
        (other / "notes" / path.name).write_text(path.read_text())
    assert ingest(folder).documents == ingest(other).documents
