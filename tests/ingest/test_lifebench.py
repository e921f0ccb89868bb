"""LifeBench's format: a phone's items as documents, each with its author; annotations never read; gold questions."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from mealign.errors import ConfigError
from mealign.ingest.settings import SourceFormat
from mealign.ingest.user import IngestResult, digest_of, ingest_user
from mealign.records import ABSTENTION, Document
from tests.defaults import IngestConfig, UserConfig

PERSON = "Bo Lind"
AT = {"datetime": "2025-03-04 10:00:00"}
PHONE: dict[str, list[dict[str, Any]]] = {
    "note": [
        {"phone_id": 1, "title": "Roof", "content": "I mended the roof.", **AT, "summarized_info": "SECRET"},
        {"phone_id": 1, "title": "Roof", "content": "I fixed the roof.", **AT},
    ],
    "sms": [
        {"phone_id": 1, "message_content": "Bo Lind: I row.", "contactName": "Dad", "message_type": "Send", **AT},
        {"phone_id": 2, "message_content": "Dad: I fish.", "contactName": "Dad", "message_type": "Receive", **AT},
        {"phone_id": 3, "message_content": "Warning: ice.", "contactName": "Town", "message_type": "Receive", **AT},
    ],
    "call": [
        {"phone_id": 1, "contactName": "Dad", "call_type": "Dial", **AT},
        {"phone_id": 2, "contactName": "Eva", "call_type": "Receive", "duration": 90, **AT},
        {"phone_id": 3, "contactName": "Eva", "call_type": "Ended", **AT},
    ],
    "calendar": [
        {"phone_id": 1, "title": "Dentist.", "description": "Bring the card.", "start_time": "2025-03-07 09:00:00",
         "end_time": "2025-03-07 09:30:00", **AT},
    ],
    "contact": [
        {"phone_id": 1, "name": "Al Lind", "relation": "Father", "nickname": "Dad", "gender": "Male", "idNumber": 12345,
         "phoneNumber": "0701"},
        {"phone_id": 2, "name": "Eva Moe", "relation": "Friend", "nickname": "Eve"},
        {"phone_id": 3, "name": "Eva Ek", "relation": "Friend", "nickname": "Eve"},
    ],
    "photo": [
        {"phone_id": 1, "caption": "The new roof", "location": {"poi": "Home", "city": "Falun"}, "imageTag": ["Roof"],
         "faceRecognition": ["Dad"], "ocrText": "Roofs & Co\nFalun", **AT},
    ],
    "push": [{"phone_id": 1, "title": "Paid", "content": "You paid 5.", "source": "Bank", **AT}],
    "agent_chat": [
        {"phone_id": 1, "date": "2025-03-05", "conversation": {"turn 1": {
            "user": {"content": "I have a leak."}, "assistant": {"content": "Turn off the water."}}}},
    ],
}  # fmt: skip
QUESTIONS: list[dict[str, Any]] = [
    {"question": "What did Bo Lind mend?", "answer": "B", "question_type": "Information Extraction",
     "ask_time": "2025-02", "options": [{"option": "A", "content": "a boat"}, {"option": "B", "content": "the roof"}],
     "evidence": [{"type": "note", "id": 1}, {"type": "sms", "id": 99}]},
    {"question": "When do I row?", "answer": "Unable", "question_type": "Unanswerable", "ask_time": "2025-12"},
    {"question": "?", "answer": "x", "question_type": "Something else", "ask_time": "2025-12"},
]  # fmt: skip


def ingest(folder: Path, person: str = PERSON) -> IngestResult:
    user = UserConfig(name="u", person=person, format=SourceFormat.lifebench, path=str(folder), aliases=[])
    return ingest_user(user, IngestConfig(), root=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, value in {
        **{f"phone_data/{kind}": items for kind, items in PHONE.items()},
        "QA/QA_clean": QUESTIONS,
    }.items():
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value, indent=1))
    (tmp_path / "persona.json").write_text('["SECRET"]')
    return tmp_path


def by_source(result: IngestResult) -> dict[str, Document]:
    return {document.source.removeprefix("phone_data/"): document for document in result.documents}


@pytest.mark.parametrize(
    ("source", "author", "kind", "text"),
    [
        ("note.json#1", PERSON, "note", "# Roof\n\nI mended the roof."),
        ("note.json#1~2", PERSON, "note", "# Roof\n\nI fixed the roof."),
        ("sms.json#1", PERSON, "message", "I row."),
        ("sms.json#2", "Al Lind", "message", "I fish."),
        ("sms.json#3", "Town", "message", "Warning: ice."),
        ("call.json#1", PERSON, "note", "I called Al Lind by telephone."),
        ("call.json#2", PERSON, "note", "Eva called me by telephone. The call lasted 90 seconds."),
        ("call.json#3", PERSON, "note", "I had a call with Eva by telephone."),
        ("calendar.json#1", PERSON, "note", "Dentist, 7 March 2025, 09:00 to 09:30.\n\nBring the card."),
        ("contact.json#1", PERSON, "note", "Al Lind is my father. I call him Dad. His phone number is 0701."),
        ("contact.json#2", PERSON, "note", "Eva Moe is my friend. I call them Eve."),
        (
            "photo.json#1", PERSON, "note",
            "I took a photo: The new roof. In the photo: Al Lind. Taken at Home, Falun.\n\n> Roofs & Co\n> Falun",
        ),
        ("push.json#1", "Bank", "assistant", "Paid\nYou paid 5."),
        ("agent_chat.json#1/1user", PERSON, "prompt", "I have a leak."),
        ("agent_chat.json#1/1assistant", "Assistant", "assistant", "Turn off the water."),
    ],
)  # fmt: skip
def test_each_item_is_a_document_of_its_author(folder: Path, source: str, author: str, kind: str, text: str) -> None:
    document = by_source(ingest(folder))[source]
    assert (document.author, document.kind, document.text) == (author, kind, text)


def test_what_happens_has_its_own_day_and_what_has_none_the_first(folder: Path) -> None:
    documents = by_source(ingest(folder))
    assert documents["calendar.json#1"].created_at == datetime(2025, 3, 7, 9)
    assert documents["contact.json#1"].created_at == datetime(2025, 3, 4, 10)
    assert documents["agent_chat.json#1/1user"].created_at < documents["agent_chat.json#1/1assistant"].created_at


def test_annotations_are_counted_and_never_read(folder: Path) -> None:
    result = ingest(folder)
    assert "SECRET" not in str(result.documents)
    assert "12345" not in str(result.documents)
    assert result.report.left_out["phone_data/note.json"] == {"annotation": len("SECRET")}
    assert result.report.left_out["phone_data/contact.json"] == {"program_field": len("12345")}


def test_questions(folder: Path) -> None:
    result = ingest(folder)
    assert [(question.family, question.answer) for question in result.questions] == [
        ("recall", "the roof"),
        ("unanswerable", ABSTENTION),
    ]
    first, second = result.questions
    assert first.question == "What did Bo Lind mend? (A: a boat; B: the roof)"
    assert first.evidence == ("phone_data/note.json#1",)
    assert [first.as_of, second.as_of] == [date(2025, 2, 28), date(2025, 12, 31)]
    assert [first.kind, second.kind] == ["memory_qa_third_party", "memory_qa_self"]
    codes = {"duplicate_id": 1, "evidence": 1, "guessed_date": 1, "question": 1}
    assert result.report.codes == codes


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder phone_data"):
        ingest(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[{", '{"a": 1}', "[1, {}]", '[{"phone_id": []}]', '[{"phone_id": 1, "title": 3}]']
)
def test_a_broken_file_is_named_and_the_others_are_kept(folder: Path, content: str) -> None:
    for kind in ("note", "contact", "photo", "agent_chat"):
        (folder / f"phone_data/{kind}.json").write_text(content)
    result = ingest(folder)
    assert "sms.json#1" in by_source(result)
    assert {problem.file for problem in result.report.problems} > {"phone_data/photo.json"} or content in (
        "",
        '{"a": 1}',
    )


def test_the_digest_is_that_of_what_is_read(folder: Path) -> None:
    user = UserConfig(name="u", person=PERSON, format=SourceFormat.lifebench, path=str(folder), aliases=[])
    before = digest_of(user, IngestConfig(), root=folder)
    (folder / "persona.json").write_text("[]")
    assert digest_of(user, IngestConfig(), root=folder) == before
    (folder / "QA/QA_clean.json").write_text("[]")
    assert digest_of(user, IngestConfig(), root=folder) != before


def test_the_published_person(lifebench_path: Path) -> None:
    result = ingest(lifebench_path, "Lu Mingqiang")
    assert len(result.documents) == 3351
    assert len(result.questions) == 158
    assert set(result.report.codes) == {"duplicate_id", "guessed_date"}
    sources = {document.source for document in result.documents}
    assert all(source in sources for question in result.questions for source in question.evidence)
