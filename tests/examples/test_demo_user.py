"""The demo person is measured with: what a careful annotator promised is checked, item by item."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from mealign.answers import normalise
from mealign.ingest.user import IngestResult, ingest_user
from mealign.records import ABSTENTION, FAMILIES, Question
from tests.conftest import ROOT
from tests.defaults import IngestConfig, UserConfig

FOLDER = ROOT / "examples/demo_user"
PERSON = "Nadia Verhoeven"
COMPARES_TWO_DATES = "q047"
"""Which of two things came first: the answer is named by the question, not by the notes."""


@pytest.fixture(scope="module")
def ingested() -> IngestResult:
    user = UserConfig(name="demo", person=PERSON, path=str(FOLDER))
    return ingest_user(user, IngestConfig(), root=ROOT)


@pytest.fixture(scope="module")
def texts(ingested: IngestResult) -> dict[str, str]:
    """What a question's evidence names, a note's file or a message of the chat export, with its day."""
    return {document.source: f"{document.created_at:%-d %B %Y} {document.text}" for document in ingested.documents}


@pytest.fixture(scope="module")
def export() -> dict[str, Any]:
    exported: dict[str, Any] = json.loads((FOLDER / "chat.json").read_text(encoding="utf-8"))
    return exported


def test_nothing_of_it_is_refused(ingested: IngestResult) -> None:
    assert not ingested.report.problems
    assert Counter(document.kind for document in ingested.documents).keys() == {"note", "message"}


def test_it_is_a_year_of_enough_items_and_words(ingested: IngestResult) -> None:
    notes = [document for document in ingested.documents if document.kind == "note"]
    assert len(notes) >= 150
    assert sum(len(document.text.split()) for document in ingested.documents) >= 8000
    months = Counter(document.created_at.strftime("%Y-%m") for document in notes)
    assert len(months) == 12
    assert min(months.values()) >= 8


def test_a_note_is_named_after_its_date() -> None:
    for path in sorted((FOLDER / "notes").glob("*.md")):
        (written,) = re.findall(r"^date: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert path.name.startswith(f"{date.fromisoformat(written[:10])}-"), path.name


def test_the_chats_have_many_speakers_in_order_of_time(export: dict[str, Any]) -> None:
    speakers: Counter[str] = Counter()
    ids: list[str] = []
    for conversation in export["conversations"]:
        times = [message["created_at"] for message in conversation["messages"]]
        assert times == sorted(times), conversation["id"]
        authors = [message["author"] for message in conversation["messages"]]
        assert set(authors) <= set(conversation["participants"]), conversation["id"]
        speakers.update(authors)
        ids += [message["id"] for message in conversation["messages"]]
    assert len(ids) == len(set(ids))
    assert PERSON in speakers
    assert len(speakers) >= 5
    assert min(speakers.values()) >= 5, "a manner of speaking needs more than a few lines"


def test_every_family_has_its_questions_and_none_is_asked_twice(ingested: IngestResult) -> None:
    families = Counter(question.family for question in ingested.questions)
    assert families.keys() == set(FAMILIES)
    assert min(families.values()) >= 30
    for asked in ([question.id for question in ingested.questions], [q.question for q in ingested.questions]):
        assert len(asked) == len(set(asked))
    kinds = Counter(question.kind for question in ingested.questions)
    assert min(kinds["memory_qa_self"], kinds["memory_qa_third_party"]) >= 60


def test_two_notes_prove_what_takes_two(ingested: IngestResult, texts: dict[str, str]) -> None:
    for question in ingested.questions:
        assert set(question.evidence) <= texts.keys(), question.id
        assert len(set(question.evidence)) == len(question.evidence), question.id
        if question.family in ("update", "multi_hop"):
            assert len(question.evidence) >= 2, question.id
        elif question.family != "unanswerable":
            assert question.evidence, question.id


def test_an_update_is_proved_by_notes_of_different_days(ingested: IngestResult) -> None:
    days = {document.source: document.created_at.date() for document in ingested.documents}
    for question in ingested.questions:
        if question.family == "update":
            assert len({days[source] for source in question.evidence}) >= 2, question.id


def test_an_answer_stands_in_its_evidence(ingested: IngestResult, texts: dict[str, str]) -> None:
    for question in answerable(ingested):
        said = plain(" ".join(texts[source] for source in question.evidence))
        stands = any(plain(answer) in said for answer in (question.answer, *question.variants))
        assert stands or is_a_date(question.answer) or question.id == COMPARES_TWO_DATES, question.id


def test_a_variant_says_something_else_than_its_answer(ingested: IngestResult) -> None:
    for question in ingested.questions:
        answers = [answer.casefold() for answer in (question.answer, *question.variants)]
        assert len(answers) == len(set(answers)), question.id


def test_a_dated_answer_is_on_or_before_the_day_of_the_question(ingested: IngestResult) -> None:
    dated = [question for question in ingested.questions if is_a_date(question.answer)]
    assert len(dated) >= 15
    for question in dated:
        assert any(re.fullmatch(r"\d{4}-\d{2}-\d{2}", variant) for variant in question.variants), question.id
    for question in ingested.questions:
        assert question.as_of is not None
        assert question.as_of.year == 2024


def test_what_cannot_be_answered_is_abstained_from(ingested: IngestResult) -> None:
    for question in ingested.questions:
        assert (question.answer == ABSTENTION) == (question.family == "unanswerable"), question.id


def answerable(ingested: IngestResult) -> Iterator[Question]:
    return (question for question in ingested.questions if question.family != "unanswerable")


def plain(text: str) -> str:
    return " ".join(normalise(text))


def is_a_date(answer: str) -> bool:
    return re.fullmatch(r"\d{1,2} [A-Z][a-z]+ \d{4}", answer) is not None


def test_the_readme_counts_what_is_there(ingested: IngestResult, export: dict[str, Any]) -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    notes = [document for document in ingested.documents if document.kind == "note"]
    messages = [message for conversation in export["conversations"] for message in conversation["messages"]]
    said = dict(re.findall(r"^\| ([a-z ]+) \| ([\d,]+) \|$", readme, re.MULTILINE))
    assert {name: int(number.replace(",", "")) for name, number in said.items()} == {
        "notes": len(notes),
        "conversations": len(export["conversations"]),
        "messages": len(messages),
        "speakers": len({message["author"] for message in messages}),
        "questions": len(ingested.questions),
    }
