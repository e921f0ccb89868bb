"""ChatGPT's data export: ``conversations.json``, a list of conversations that are trees of messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mealign.ingest.dates import from_unix
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.json_arrays import LIST, elements
from mealign.ingest.text import read_text
from mealign.records import Document

ASSISTANT = "ChatGPT"
MAPPING = re.compile(r'"mapping"\s*:\s*\{')


def recognises(file: SourceFile) -> bool:
    """Recognise a JSON list whose conversations have a ``mapping``."""
    return bool(LIST.match(file.head) and MAPPING.search(file.head))


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the branch of each conversation that ChatGPT displays: the person's messages and ChatGPT's answers.

    Branches that were abandoned by editing a question or regenerating an answer are not read, nor are system and tool
    messages, tool calls, and messages without text.
    """
    text = read_text(file.path, file.name, context.problems, may_be_cut=True)
    if text is None:
        return []
    messages = Messages(file, context)
    for number, element in enumerate(elements(text, LIST, file.name, context.problems), start=1):
        conversation = element.value
        branch = _branch(conversation)
        if not branch:
            problem = f"conversation {number} has no branch that ends in its current_node"
            context.problems.add(file.name, element.line, "conversation", problem, "export the chats again")
            continue
        moment = conversation.get("create_time")
        name = str(conversation.get("conversation_id") or conversation.get("id") or number)
        for position, message in enumerate(branch, start=1):
            # A message without a time of its own gets that of the message before it.
            moment = message.get("create_time") or moment
            author = _author(message, context)
            content = _text(message)
            if author is None or not content:
                continue
            messages.add(
                f"{name}/{message.get('id') or position}",
                author=author,
                participants=(context.person, ASSISTANT),
                date=from_unix(moment),
                text=content,
                kind="assistant" if author == ASSISTANT else "prompt",
                line=element.line,
                label=f"message {position} of conversation {number}",
            )
    return messages.documents


def _branch(conversation: Any) -> list[dict[str, Any]]:
    """Return the messages from the root of a conversation to its current node; none where there is no such path."""
    if not isinstance(conversation, dict) or not isinstance(conversation.get("mapping"), dict):
        return []
    nodes = conversation["mapping"]
    return [node["message"] for node in _path(nodes, conversation.get("current_node"))][::-1]


def _path(nodes: dict[str, Any], current: Any) -> Iterator[dict[str, Any]]:
    """Yield the nodes with a message from the current one upwards; stop where a node is its own ancestor."""
    seen = set()
    while isinstance(current, str) and current not in seen and isinstance(node := nodes.get(current), dict):
        seen.add(current)
        if isinstance(node.get("message"), dict):
            yield node
        current = node.get("parent")


def _author(message: dict[str, Any], context: ImportContext) -> str | None:
    author = message.get("author")
    role = author.get("role") if isinstance(author, dict) else None
    if role == "user":
        return context.person
    # What is addressed to a tool is a search or a program, not an answer.
    return ASSISTANT if role == "assistant" and message.get("recipient", "all") == "all" else None


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return "\n\n".join(part for part in map(_part, parts if isinstance(parts, list) else ()) if part)


def _part(part: Any) -> str:
    """Return the text of a part that is text or speech; "" for images and files."""
    if isinstance(part, dict) and part.get("content_type") == "audio_transcription":
        part = part.get("text")
    return part.strip() if isinstance(part, str) else ""


IMPORTER = Importer(
    suffixes=frozenset({".json"}),
    read=read,
    recognises=recognises,
    export_names=frozenset({"conversations.json"}),
)
