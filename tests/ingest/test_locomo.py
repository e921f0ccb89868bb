"""LoCoMo's published format: turns of both speakers, dated; questions with evidence; annotations never read."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from mealign.errors import ConfigError, MealignError
from mealign.ingest.settings import SourceFormat
from mealign.ingest.user import IngestResult, ingest_user
from mealign.records import ABSTENTION
from tests.defaults import IngestConfig, UserConfig


def sample() -> dict[str, Any]:
    return {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ann",
            "speaker_b": "Ben",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ann", "dia_id": "D1:1", "text": "I bought a bike."},
                {"speaker": "Ben", "dia_id": "D1:2", "text": "Nice!", "blip_caption": "a photo of a bike"},
            ],
            "session_2_date_time": "9:00 am on 1 June, 2023",
            "session_2": [{"speaker": "Ben", "dia_id": "D2:1", "text": "I moved to Ghent."}],
        },
        "observation": {"session_1_observation": {"Ann": [["SECRET", "D1:1"]]}},
        "session_summary": {"session_1_summary": "SECRET"},
        "qa": [
            {"question": "What did Ann buy?", "answer": "a bike", "evidence": ["D1:1"], "category": 4},
            {"question": "When did Ben move?", "answer": 2023, "evidence": ["D2:1; D1:2"], "category": 2},
            {"question": "Who?", "answer": "x", "evidence": ["D01:02", "D9:9"], "category": 1},
            {"question": "What did Ben buy?", "adversarial_answer": "a bike", "evidence": ["D1:1"], "category": 5},
        ],
    }


def ingest(path: Path, *, conversation: str = "conv-1", speaker: str = "Ann") -> IngestResult:
    user = UserConfig(
        name="u", person=speaker, format=SourceFormat.locomo, path=str(path), conversation=conversation, speaker=speaker
    )
    return ingest_user(user, IngestConfig(), root=path.parent)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([sample()]))
    return path


def test_turns_of_both_speakers_become_documents_in_order(file: Path) -> None:
    documents = ingest(file).documents
    assert [document.source for document in documents] == ["conv-1#D1:1", "conv-1#D1:2", "conv-1#D2:1"]
    assert [document.author for document in documents] == ["Ann", "Ben", "Ben"]
    assert documents[1].created_at == datetime(2023, 5, 8, 13, 56, 1)
    assert documents[1].participants == ("Ann", "Ben")
    assert documents[1].text == "Nice! I am sharing a photo: a photo of a bike."


def test_annotations_are_never_read(file: Path) -> None:
    result = ingest(file)
    assert "SECRET" not in "".join(document.text for document in result.documents)


def test_questions_carry_category_evidence_and_the_last_day(file: Path) -> None:
    result = ingest(file)
    assert [question.category for question in result.questions] == [4, 2, 1, 5]
    assert [question.answer for question in result.questions] == ["a bike", "2023", "x", ABSTENTION]
    assert result.questions[1].evidence == ("conv-1#D2:1", "conv-1#D1:2")
    assert result.questions[2].evidence == ("conv-1#D1:2",)
    assert {question.as_of for question in result.questions} == {date(2023, 6, 1)}
    assert [problem.code for problem in result.report.problems] == ["evidence"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"conversation": "conv-9"}, r"user\.conversation=conv-9: the file has conv-1"),
        ({"speaker": "Eve"}, r"user\.speaker=Eve: conv-1 is between Ann and Ben"),
    ],
)
def test_an_unknown_person_is_refused_with_the_known_ones(file: Path, given: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ingest(file, **given)


@pytest.mark.parametrize(
    ("content", "message"),
    [("[{", "not valid JSON"), ('{"a": 1}', "not LoCoMo's format"), ('[{"sample_id": "x"}]', "not LoCoMo's format")],
)
def test_another_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(MealignError, match=message):
        ingest(path)


def test_an_undated_session_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    changed = sample()
    changed["conversation"]["session_1_date_time"] = "some day"
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([changed]))
    result = ingest(path)
    assert [document.source for document in result.documents] == ["conv-1#D2:1"]
    assert "bad_date" in [problem.code for problem in result.report.problems]


def test_all_ten_published_people(locomo_path: Path) -> None:
    for entry in json.loads(locomo_path.read_text()):
        for key in ("speaker_a", "speaker_b"):
            speaker = entry["conversation"][key]
            result = ingest(locomo_path, conversation=entry["sample_id"], speaker=speaker)
            turns = sum(len(value) for value in entry["conversation"].values() if isinstance(value, list))
            assert len(result.documents) == turns
            assert len(result.questions) == len(entry["qa"])
