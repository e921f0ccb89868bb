"""Claude's data export: ``conversations.json``, a list of conversations with their messages in order."""

from __future__ import annotations

import re
from typing import Any

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.json_arrays import LIST, elements, strings
from mealign.ingest.text import read_text
from mealign.records import Document

ASSISTANT = "Claude"
CHAT_MESSAGES = re.compile(r'"chat_messages"\s*:\s*\[')
BESIDE = re.compile(r'"(?:conversations_memory|prompt_template)"\s*:')
KEYS_BESIDE = {
    "conversations_memory": "assistant_memory", "project_memories": "assistant_memory",
    "prompt_template": "assistant_instructions", "docs": "attachment", "name": "title", "description": "title",
}  # fmt: skip
"""What the files beside the conversations hold: what Claude noted of the person, and the documents of projects."""
BESIDE_KEYS = frozenset({"conversations_memory", "prompt_template"})
TEXTS = frozenset({"content", "text", "thinking"})
"""Where the other blocks of a message, and the documents of a project, have text."""
SAID = ("text", "voice_note")


def recognises(file: SourceFile) -> bool:
    """Recognise a JSON list whose conversations have ``chat_messages``, or that is Claude's of projects or memories."""
    return bool(LIST.match(file.head) and (CHAT_MESSAGES.search(file.head) or BESIDE.search(file.head)))


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the person's messages and Claude's answers, of a conversation with branches the one that is displayed.

    Counted are the text of attachments (pasted text is one), thoughts, tool calls and their results, titles, other
    branches, projects, and what Claude remembers.
    """
    text = read_text(file.path, file.name, context.problems, may_be_cut=True)
    if text is None:
        return []
    messages = Messages(file, context)
    for number, element in enumerate(elements(text, LIST, file.name, context.problems), start=1):
        conversation = element.value
        if isinstance(conversation, dict) and not BESIDE_KEYS.isdisjoint(conversation):
            for key, reason in KEYS_BESIDE.items():
                texts = strings(conversation.get(key), TEXTS if key == "docs" else None)
                context.problems.leave_out(file.name, reason, "\n".join(texts))
            continue
        if not isinstance(conversation, dict) or not isinstance(conversation.get("chat_messages"), list):
            problem = f"conversation {number} has no chat_messages"
            context.problems.add(file.name, element.line, "conversation", problem, "export the chats again")
            continue
        _read_conversation(conversation, number, element.line, messages)
    return messages.documents


def _read_conversation(conversation: dict[str, Any], number: int, line: int, messages: Messages) -> None:
    context, name = messages.context, messages.file.name
    authors = {"human": context.person, "assistant": ASSISTANT}
    for key in ("name", "summary"):
        context.problems.leave_out(name, "title", str(conversation.get(key) or ""))
    displayed = _displayed(conversation)
    for position, message in enumerate(conversation["chat_messages"], start=1):
        label = f"message {position} of conversation {number}"
        if not isinstance(message, dict) or message.get("sender") not in tuple(authors):
            problem = f"{label} is from neither human nor assistant"
            context.problems.add(name, line, "message", problem, "export the chats again")
            continue
        content = _text(message)
        if displayed is not None and message["uuid"] not in displayed:
            context.problems.leave_out(name, "other_branch", content)
            continue
        _count_others(message, messages)
        if content:
            messages.add(
                f"{conversation.get('uuid') or number}/{message.get('uuid') or position}",
                author=authors[message["sender"]],
                participants=(context.person, ASSISTANT),
                date=message.get("created_at") or conversation.get("created_at"),
                text=content,
                kind="assistant" if message["sender"] == "assistant" else "prompt",
                line=line,
                label=label,
            )


def _displayed(conversation: dict[str, Any]) -> set[str] | None:
    """Return the messages of the displayed branch, or else that of the last one; None where the export has no tree."""
    messages = [message for message in conversation["chat_messages"] if isinstance(message, dict)]
    parents = {message.get("uuid"): message.get("parent_message_uuid") for message in messages if _in_tree(message)}
    if not parents or len(parents) < len(messages):
        return None
    current = conversation.get("current_leaf_message_uuid")
    current = current if isinstance(current, str) and current in parents else messages[-1]["uuid"]
    found: set[str] = set()
    while isinstance(current, str) and current in parents and current not in found:
        found.add(current)
        current = parents[current]
    return found


def _in_tree(message: dict[str, Any]) -> bool:
    return isinstance(message.get("uuid"), str) and isinstance(message.get("parent_message_uuid"), str)


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = message.get("content")
    return [block for block in (blocks if isinstance(blocks, list) else ()) if isinstance(block, dict)]


def _text(message: dict[str, Any]) -> str:
    """Return what was written or spoken; a message's ``text``, all that older exports have, also holds placeholders."""
    blocks = _blocks(message)
    texts = [str(block.get("text") or "").strip() for block in blocks if block.get("type") in SAID]
    return "\n\n".join(text for text in texts if text) or ("" if blocks else str(message.get("text") or "").strip())


def _count_others(message: dict[str, Any], messages: Messages) -> None:
    """Count what is in a message beside its text."""
    problems, name = messages.context.problems, messages.file.name
    for block in _blocks(message):
        if block.get("type") not in SAID:
            reason = "thinking" if block.get("type") == "thinking" else "tool"
            texts = [*strings(block.get("input")), *strings(block, TEXTS)]
            problems.leave_out(name, reason, "\n".join(texts))
    pasted = strings(message.get("attachments"), frozenset({"extracted_content"}))
    problems.leave_out(name, "attachment", "\n".join(pasted))
    files = message.get("files")
    problems.ignored["attachment"] += len(files) if isinstance(files, list) else 0


IMPORTER = Importer(
    suffixes=frozenset({".json"}),
    read=read,
    recognises=recognises,
    export_names=frozenset({"conversations.json"}),
)
