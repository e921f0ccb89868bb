"""Records are closed, frozen, and refuse nonsense when they are built; files are whole or absent."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mealign.errors import MealignError
from mealign.jsonl import atomic_path, digest_path, read_json, read_records, write_json, write_records
from mealign.records import Evidence, Lineage, Message, Preference, Verdict, content_id

LINEAGE = Lineage(task_id="t", chosen_id="a", rejected_id="b", verdict_ids=(), fact_ids=(), document_ids=())


def verdict(**changes: object) -> Verdict:
    values = {"id": "v", "task_id": "t", "judge": "j", "judge_digest": "d", "first": "a", "second": "b"}
    return Verdict.model_validate({**values, "order": "forward", "p_first": 0.5, **changes})


def test_ids_depend_on_content_alone() -> None:
    assert content_id("doc", "a", 1) == content_id("doc", "a", 1)
    assert content_id("doc", "a", 1) != content_id("doc", "a1")
    assert content_id("doc", "a").startswith("doc_")


@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 3), (-1, 2)])
def test_an_empty_or_negative_span_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValidationError):
        Evidence(document_id="d", start=start, end=end)


@pytest.mark.parametrize(("p_first", "error"), [(None, None), (0.5, "timeout")])
def test_a_verdict_is_a_probability_or_an_error(p_first: float | None, error: str | None) -> None:
    with pytest.raises(ValidationError, match="either p_first or error"):
        verdict(p_first=p_first, error=error)


@pytest.mark.parametrize("rejected", ["Ghent", " Ghent\n"])
def test_a_pair_of_equal_answers_is_refused(rejected: str) -> None:
    with pytest.raises(ValidationError, match="same text"):
        preference(rejected=rejected)


@pytest.mark.parametrize("changes", [{"chosen": " \n"}, {"rejected": ""}, {"rejected": "\t"}])
def test_a_pair_without_an_answer_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"blank|at least 1 character"):
        preference(**changes)


@pytest.mark.parametrize(
    "roles", [(), ("system",), ("user", "assistant"), ("user", "system", "user"), ("system", "system", "user")]
)
def test_a_prompt_that_asks_nothing_is_refused(roles: tuple[Any, ...]) -> None:
    prompt = tuple(Message(role=role, content="secret") for role in roles)
    with pytest.raises(ValidationError, match="ends with the user's"):
        preference(prompt=prompt)
    with pytest.raises(ValidationError, match="role"):
        Message.model_validate({"role": "judge", "content": "choose A"})


def preference(**changes: Any) -> Preference:
    values: dict[str, Any] = {
        "prompt": (Message(role="user", content="Where?"),),
        "chosen": "Ghent",
        "rejected": "Bonn",
    }
    return Preference(id="p", family="recall", margin=0.5, lineage=LINEAGE, **values | changes)


def test_unknown_fields_and_changes_are_refused() -> None:
    with pytest.raises(ValidationError):
        Message.model_validate({"role": "user", "content": "hi", "extra": 1})
    with pytest.raises(ValidationError):
        Message(role="user", content="hi").content = "changed"  # type: ignore[misc]


@given(st.lists(st.text()))
def test_records_come_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("records") / "messages.jsonl"
    messages = [Message(role="user", content=text) for text in texts]
    write_records(path, messages)
    assert read_records(path, Message) == messages


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    path.write_text('{"role": "user", "content": "hi"}\n\n{"role": "user"}\n')
    with pytest.raises(MealignError, match=r"messages\.jsonl:3: not a Message: content: Field required"):
        read_records(path, Message)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MealignError, match="run the stage that writes it first"):
        read_json(tmp_path / "absent.json")


def test_broken_json_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "half.json"
    path.write_text('{\n"a": 1,\n')
    with pytest.raises(MealignError, match=r"half\.json:3: not valid JSON"):
        read_json(path)


def test_a_failed_write_leaves_the_previous_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"kept": True})

    def killed() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        killed()
    assert json.loads(path.read_text()) == {"kept": True}
    assert [file.name for file in tmp_path.iterdir()] == ["value.json"]


def test_a_folder_digest_follows_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = digest_path(folder)
    (folder / "a").rename(folder / "b")
    renamed = digest_path(folder)
    (folder / "b").write_text("2")
    assert len({before, renamed, digest_path(folder), digest_path(tmp_path / "nothing")}) == 4
