"""Assistants' exports: what the person says is kept, what is not is counted, and nothing is neither."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mealign.ingest.user import IngestError, IngestResult, ingest_user
from tests.defaults import IngestConfig, UserConfig

TIME = 1709546400.0
WRAPPED = "The user provided the following information about themselves.\nUser profile:\n```I live in Leeds.```"


def ingest(folder: Path, value: Any, name: str = "conversations.json") -> IngestResult:
    (folder / name).write_text(json.dumps(value, indent=1))
    (folder / "2024-01-01 good.md").write_text("I am well.")
    return ingest_user(UserConfig(name="m", person="Mira", path=str(folder)), IngestConfig(), root=folder)


def said(result: IngestResult) -> list[tuple[str, str]]:
    return [(document.author, document.text) for document in result.documents if document.kind != "note"]


def left_out(result: IngestResult) -> dict[str, int]:
    return result.report.left_out.get("conversations.json", {})


def message(role: str, text: str | None = None, **changes: Any) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [text]} if text is not None else {}
    return {"author": {"role": role}, "create_time": TIME, "content": content, "recipient": "all", **changes}


def conversation(number: int, *chain: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A conversation whose messages follow one another; the parent of one can be named by its key ``parent``."""
    mapping = {}
    for position, one in enumerate(chain):
        parent = one.pop("parent", f"n{position - 1}" if position else None)
        mapping[f"n{position}"] = {"id": f"n{position}", "parent": parent, "message": {"id": f"n{position}", **one}}
    current = f"n{len(chain) - 1}"
    return {
        "conversation_id": f"c{number}",
        "create_time": TIME,
        "mapping": mapping,
        "current_node": current,
        **changes,
    }


def profile(text: str, **changes: Any) -> dict[str, Any]:
    content = {"content_type": "user_editable_context", "user_profile": text, "user_instructions": "Be brief."}
    return message("user", content=content, **changes)


def test_the_custom_instructions_are_one_message_of_its_first_day(tmp_path: Path) -> None:
    new = conversation(1, profile(WRAPPED, create_time=None), message("user", "I row."), create_time=TIME + 9e6)
    old = conversation(2, profile(WRAPPED, create_time=None), message("user", "I ski."))
    result = ingest(tmp_path, [new, old])
    assert sorted(said(result)) == [("Mira", "I live in Leeds."), ("Mira", "I row."), ("Mira", "I ski.")]
    first = next(document for document in result.documents if document.text == "I live in Leeds.")
    assert (first.source, first.created_at) == ("conversations.json#c2/n0", datetime(2024, 3, 4, 10))
    wrapping = len(WRAPPED) - len("```I live in Leeds.```")
    assert left_out(result) == {"assistant_instructions": 2 * len("Be brief."), "program_line": 2 * wrapping}


def test_custom_instructions_of_older_exports(tmp_path: Path) -> None:
    data = {"about_user_message": "I live in Leeds.", "about_model_message": "Be brief."}
    old = message("system", "", metadata={"is_user_system_message": True, "user_context_message_data": data})
    result = ingest(tmp_path, [conversation(1, old, message("user", "I row."))])
    assert sorted(said(result)) == [("Mira", "I live in Leeds."), ("Mira", "I row.")]


def test_other_branches_tools_and_thoughts_are_counted(tmp_path: Path) -> None:
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Hm", "content": "boats"}]}
    chain = [
        message("system", "You are helpful."),
        message("user", "old"),
        message("user", "I row.", parent="n0"),
        message("assistant", "search(1)", recipient="browser"),
        message("tool", "ten results"),
        message("assistant", content=thoughts),
        message("assistant", "Good."),
    ]
    result = ingest(tmp_path, [conversation(1, *chain, title="Boats")])
    assert said(result) == [("Mira", "I row."), ("ChatGPT", "Good.")]
    counted = {"assistant": 17, "other_branch": 3, "system": 16, "title": 5, "tool": 11}
    assert left_out(result) == counted


@pytest.mark.parametrize("current", [None, "gone", 3])
def test_without_a_current_node_the_newest_branch_is_read(tmp_path: Path, current: object) -> None:
    chain = [
        message("user", "I row."),
        message("assistant", "Good."),
        message("assistant", "Fine.", parent="n0", create_time=TIME + 1),
        message("assistant", "Bad.", parent="n0"),
    ]
    result = ingest(tmp_path, [conversation(1, *chain, current_node=current)])
    assert said(result) == [("Mira", "I row."), ("ChatGPT", "Fine.")]
    assert left_out(result) == {"other_branch": 9}


def claude(*messages: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    return [
        {"uuid": "u", "name": "Boats", "created_at": "2024-03-04T10:00:00Z", "chat_messages": list(messages), **changes}
    ]


def turn(uuid: str, text: str, **changes: Any) -> dict[str, Any]:
    block = {"type": "text", "text": text}
    return {"uuid": uuid, "sender": "human", "created_at": "2024-03-04T10:00:00Z", "content": [block], **changes}


def test_what_is_beside_the_text_of_claudes_messages_is_counted(tmp_path: Path) -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "tool_use", "name": "artifacts", "input": {"content": "a poem"}},
        {"type": "tool_result", "content": [{"type": "text", "text": "done"}]},
        {"type": "text", "text": "Here."},
        {"type": "voice_note", "title": "x", "text": "Spoken."},
    ]
    pasted = [{"file_name": "", "extracted_content": "I moved to Hull."}]
    messages = [turn("1", "I row.", attachments=pasted, files=[{"file_name": "a.png"}])]
    messages += [{**turn("2", ""), "sender": "assistant", "content": blocks}]
    result = ingest(tmp_path, claude(*messages))
    assert said(result) == [("Mira", "I row."), ("Claude", "Here.\n\nSpoken.")]
    assert left_out(result) == {"attachment": 16, "thinking": 2, "title": 5, "tool": 10}
    assert result.report.ignored == {"attachment": 1}


@pytest.mark.parametrize(("leaf", "kept"), [({}, "I swim."), ({"current_leaf_message_uuid": "2"}, "I row.")])
def test_one_branch_of_claudes_is_read(tmp_path: Path, leaf: dict[str, str], kept: str) -> None:
    root = "00000000-0000-4000-8000-000000000000"
    messages = [
        turn("1", "Hi.", parent_message_uuid=root),
        turn("2", "I row.", parent_message_uuid="1"),
        turn("3", "I swim.", parent_message_uuid="1"),
    ]
    result = ingest(tmp_path, claude(*messages, **leaf))
    assert said(result) == [("Mira", "Hi."), ("Mira", kept)]
    assert left_out(result)["other_branch"] == len({"I swim.": "I row."}.get(kept, "I swim."))


@pytest.mark.parametrize(
    ("name", "value", "counted"),
    [
        (
            "projects.json",
            [{"uuid": "p", "name": "Boat", "description": "", "prompt_template": "Be brief.",
              "docs": [{"uuid": "d", "filename": "a.txt", "content": "I moved."}]}],
            {"assistant_instructions": 9, "attachment": 8, "title": 4},
        ),
        (
            "memories.json",
            [{"conversations_memory": "Mira rows.", "project_memories": {"p": "A boat."}, "account_uuid": "x"}],
            {"assistant_memory": 17},
        ),
    ],
)  # fmt: skip
def test_claudes_other_files_are_counted(tmp_path: Path, name: str, value: Any, counted: dict[str, int]) -> None:
    result = ingest(tmp_path, value, name)
    assert result.report.left_out == {name: counted}
    assert result.report.ignored == {".json": 1}
    assert not said(result)


@pytest.mark.parametrize(
    "damage",
    [[{"mapping": {"a": 1}}], [{"mapping": {"a": {"message": {"metadata": 3, "content": 4, "author": 5}}}}],
     [{"mapping": {"a": {"parent": [], "message": {"content": {"parts": 3}}}}, "current_node": "a"}],
     [{"chat_messages": [{"sender": "human", "content": [3], "attachments": 4, "files": 5, "uuid": []}]}],
     [{"chat_messages": [{"sender": "human", "uuid": "1", "parent_message_uuid": "1"}], "name": []}]],
)  # fmt: skip
def test_damage_is_no_crash(tmp_path: Path, damage: Any) -> None:
    result = ingest(tmp_path, damage)
    assert not any("cannot be read as" in problem.message for problem in result.report.problems)


def test_alone_they_are_nothing_usable(tmp_path: Path) -> None:
    (tmp_path / "memories.json").write_text('[{"conversations_memory": "Mira rows."}]')
    with pytest.raises(IngestError, match="nothing usable"):
        ingest_user(UserConfig(name="m", person="Mira", path=str(tmp_path)), IngestConfig(), root=tmp_path)
