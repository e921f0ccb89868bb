"""ChatGPT's data export: ``conversations.json``, a list of conversations that are trees of messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mealign.ingest.dates import from_unix
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.json_arrays import LIST, elements, strings
from mealign.ingest.text import read_text
from mealign.records import Document

ASSISTANT = "ChatGPT"
ROLES = ("user", "assistant", "system", "tool")
TEXTS = frozenset({"parts", "text", "result", "content", "summary", "thoughts", "model_set_context", "user_profile"})
"""Where a message's content has text, whatever its type."""
FENCED = re.compile(r"```(.{0,20000}?)```", re.DOTALL)
"""What the person wrote of themselves, where ChatGPT put its own words around it."""
MAPPING = re.compile(r'"mapping"\s*:\s*\{')


def recognises(file: SourceFile) -> bool:
    """Recognise a JSON list whose conversations have a ``mapping``."""
    return bool(LIST.match(file.head) and MAPPING.search(file.head))


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the branch of each conversation that ChatGPT displays: the person's messages and ChatGPT's answers.

    What the person says of themselves in the custom instructions, which every conversation repeats, is one message as
    old as its first. Branches that were abandoned by editing a question or regenerating an answer, system and tool
    messages, tool calls and titles are counted.
    """
    text = read_text(file.path, file.name, context.problems, may_be_cut=True)
    if text is None:
        return []
    messages = Messages(file, context)
    profiles: dict[str, _Profile] = {}
    for number, element in enumerate(elements(text, LIST, file.name, context.problems), start=1):
        conversation = element.value
        nodes, branch = _branches(conversation)
        if not branch:
            problem = f"conversation {number} has no messages in a branch that ends"
            context.problems.add(file.name, element.line, "conversation", problem, "export the chats again")
            continue
        context.problems.leave_out(file.name, "title", str(conversation.get("title") or ""))
        for other in nodes.keys() - branch.keys():
            context.problems.leave_out(file.name, "other_branch", _all_text(nodes[other]))
        moment = conversation.get("create_time")
        name = str(conversation.get("conversation_id") or conversation.get("id") or number)
        for position, message in enumerate(branch.values(), start=1):
            # A message without a time of its own gets that of the message before it.
            moment = message.get("create_time") or moment
            item = f"{name}/{message.get('id') or position}"
            if profile := _profile(message, file, context):
                found = _Profile(from_unix(moment), item, element.line)
                profiles[profile] = min(profiles.get(profile, found), found, key=_Profile.order)
                continue
            author = _author(message, context)
            content = _text(message) if author else ""
            if author is None or not content:
                context.problems.leave_out(file.name, _role(message), _all_text(message))
                continue
            context.problems.ignored["attachment"] += _attachments(message)
            messages.add(
                item,
                author=author,
                participants=(context.person, ASSISTANT),
                date=from_unix(moment),
                text=content,
                kind="assistant" if author == ASSISTANT else "prompt",
                line=element.line,
                label=f"message {position} of conversation {number}",
            )
    for profile, found in profiles.items():
        messages.add(
            found.item,
            author=context.person,
            participants=(context.person, ASSISTANT),
            date=found.date,
            text=profile,
            line=found.line,
            label="the custom instructions",
        )
    return messages.documents


@dataclass(frozen=True)
class _Profile:
    """Where the custom instructions say something of the person, and when."""

    date: object
    item: str
    line: int

    def order(self) -> tuple[bool, str]:
        """Sort by date, what has none last."""
        return not isinstance(self.date, datetime), str(self.date)


def _branches(conversation: Any) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return all messages of a conversation, and those from the root to its current node, by the ids of their nodes.

    Where there is no current node, it is the newest of those without an answer.
    """
    if not isinstance(conversation, dict) or not isinstance(conversation.get("mapping"), dict):
        return {}, {}
    nodes = {key: node for key, node in conversation["mapping"].items() if isinstance(node, dict)}
    messages = {key: node["message"] for key, node in nodes.items() if isinstance(node.get("message"), dict)}
    current = conversation.get("current_node")
    if not (isinstance(current, str) and current in nodes):
        parents = {node.get("parent") for node in nodes.values() if isinstance(node.get("parent"), str)}
        leaves = [key for key in messages if key not in parents]
        current = max(leaves, key=lambda key: _seconds(messages[key].get("create_time")), default=None)
    path = [*_path(nodes, current)][::-1]
    return messages, {key: messages[key] for key in path if key in messages}


def _seconds(moment: object) -> float:
    return float(moment) if isinstance(moment, int | float) else 0.0


def _path(nodes: dict[str, Any], current: Any) -> Iterator[str]:
    """Yield the nodes from the current one upwards; stop where a node is its own ancestor."""
    seen = set()
    while isinstance(current, str) and current not in seen and current in nodes:
        seen.add(current)
        yield current
        current = nodes[current].get("parent")


def _profile(message: dict[str, Any], file: SourceFile, context: ImportContext) -> str:
    """Return what the custom instructions say of the person; how ChatGPT shall answer and its own words are counted."""
    content = message.get("content")
    content = content if isinstance(content, dict) else {}
    metadata = message.get("metadata")
    data = metadata.get("user_context_message_data") if isinstance(metadata, dict) else None
    data = data if isinstance(data, dict) else {}
    if content.get("content_type") != "user_editable_context" and not data:
        return ""
    about = str(content.get("user_profile") or data.get("about_user_message") or "")
    instructions = str(content.get("user_instructions") or data.get("about_model_message") or "")
    context.problems.leave_out(file.name, "assistant_instructions", instructions)
    if wrapped := FENCED.search(about):
        context.problems.leave_out(file.name, "program_line", about[: wrapped.start()] + about[wrapped.end() :])
        about = wrapped[1]
    return about.strip()


def _author(message: dict[str, Any], context: ImportContext) -> str | None:
    role = _role(message)
    if role == "user":
        return context.person
    # What is addressed to a tool is a search or a program, not an answer.
    return ASSISTANT if role == "assistant" and message.get("recipient", "all") == "all" else None


def _role(message: dict[str, Any]) -> str:
    author = message.get("author")
    role = author.get("role") if isinstance(author, dict) else None
    return role if role in ROLES else "other_message"


def _attachments(message: dict[str, Any]) -> int:
    metadata = message.get("metadata")
    attachments = metadata.get("attachments") if isinstance(metadata, dict) else None
    return len(attachments) if isinstance(attachments, list) else 0


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return "\n\n".join(part for part in map(_part, parts if isinstance(parts, list) else ()) if part)


def _part(part: Any) -> str:
    """Return the text of a part that is text or speech; "" for images and files."""
    if isinstance(part, dict) and part.get("content_type") == "audio_transcription":
        part = part.get("text")
    return part.strip() if isinstance(part, str) else ""


def _all_text(message: dict[str, Any]) -> str:
    """Return whatever text a message has: a question, a program, a tool's result, thoughts."""
    content = message.get("content")
    return "\n".join(strings(content, TEXTS)) if isinstance(content, dict) else ""


IMPORTER = Importer(
    suffixes=frozenset({".json"}),
    read=read,
    recognises=recognises,
    export_names=frozenset({"conversations.json"}),
)
