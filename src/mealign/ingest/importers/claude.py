"""Claude's data export: ``conversations.json``, a list of conversations with their messages in order."""

from __future__ import annotations

import re
from typing import Any

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.json_arrays import LIST, elements
from mealign.ingest.text import read_text
from mealign.records import Document

ASSISTANT = "Claude"
CHAT_MESSAGES = re.compile(r'"chat_messages"\s*:\s*\[')


def recognises(file: SourceFile) -> bool:
    """Recognise a JSON list whose conversations have ``chat_messages``."""
    return bool(LIST.match(file.head) and CHAT_MESSAGES.search(file.head))


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the person's messages and Claude's answers; messages without text (tool calls) are skipped."""
    text = read_text(file.path, file.name, context.problems, may_be_cut=True)
    if text is None:
        return []
    authors = {"human": context.person, "assistant": ASSISTANT}
    messages = Messages(file, context)
    for number, element in enumerate(elements(text, LIST, file.name, context.problems), start=1):
        conversation = element.value
        if not isinstance(conversation, dict) or not isinstance(conversation.get("chat_messages"), list):
            problem = f"conversation {number} has no chat_messages"
            context.problems.add(file.name, element.line, "conversation", problem, "export the chats again")
            continue
        for position, message in enumerate(conversation["chat_messages"], start=1):
            label = f"message {position} of conversation {number}"
            if not isinstance(message, dict) or message.get("sender") not in tuple(authors):
                problem = f"{label} is from neither human nor assistant"
                context.problems.add(file.name, element.line, "message", problem, "export the chats again")
            elif content := _text(message):
                messages.add(
                    f"{conversation.get('uuid') or number}/{message.get('uuid') or position}",
                    author=authors[message["sender"]],
                    participants=(context.person, ASSISTANT),
                    date=message.get("created_at") or conversation.get("created_at"),
                    text=content,
                    kind="assistant" if message["sender"] == "assistant" else "prompt",
                    line=element.line,
                    label=label,
                )
    return messages.documents


def _text(message: dict[str, Any]) -> str:
    """Return the text blocks; a message's ``text``, all that older exports have, also holds placeholders for others."""
    blocks = message.get("content")
    texts = [
        str(block.get("text") or "").strip()
        for block in (blocks if isinstance(blocks, list) else ())
        if isinstance(block, dict) and block.get("type") == "text"
    ]
    return "\n\n".join(text for text in texts if text) or ("" if blocks else str(message.get("text") or "").strip())


IMPORTER = Importer(
    suffixes=frozenset({".json"}),
    read=read,
    recognises=recognises,
    export_names=frozenset({"conversations.json"}),
)
