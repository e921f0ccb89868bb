"""The chat export: conversations of dated messages in one JSON file.

``{"format": "mealign-chat", "version": 1, "conversations": [{"id", "title", "participants", "messages": [{"id",
"created_at", "author", "text"}]}]}``
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mealign.config import IngestConfig
from mealign.ingest.dates import ImplausibleDateError, parse_date
from mealign.ingest.report import Problems
from mealign.ingest.text import read_text
from mealign.records import Document

FORMAT = re.compile(r'"format"\s*:\s*"mealign-chat"')
MESSAGES = re.compile(r'"messages"\s*:\s*\[')
PARTICIPANTS = re.compile(r'"participants"\s*:\s*\[')
SEPARATOR = re.compile(r"[\s,]*")


def read_chat(path: Path, name: str, *, settings: IngestConfig, problems: Problems) -> list[Document]:
    """Read one export as one document a message.

    Messages are decoded one by one, so that a file cut off in the middle still gives every message before the cut. A
    JSON file that is no such export is not ours to judge and gives nothing.
    """
    text = read_text(path, name, problems)
    if text is None or not FORMAT.search(text):
        return []
    documents: list[Document] = []
    seen: set[str] = set()
    for line, participants, message in _messages(text, name, problems):
        document = _document(message, line, name, participants, settings, problems)
        if document is None:
            continue
        if document.source in seen:
            problems.add(name, line, "duplicate_id", "a message with this id came before", "give it an id of its own")
            continue
        seen.add(document.source)
        documents.append(document)
    return documents


def _messages(text: str, name: str, problems: Problems) -> Iterator[tuple[int, tuple[str, ...], Any]]:
    decoder = json.JSONDecoder()
    position = 0
    while opening := MESSAGES.search(text, position):
        participants = _participants(text, position, opening.start(), decoder)
        position = _skip(text, opening.end())
        while position < len(text) and text[position] != "]":
            try:
                message, end = decoder.raw_decode(text, position)
            except json.JSONDecodeError as error:
                problems.add(
                    name, text.count("\n", 0, min(error.pos, len(text) - 1)) + 1, "cut_off",
                    "the export breaks off here or is not valid JSON; the messages before it were kept",
                    "export the chat again",
                )  # fmt: skip
                return
            yield text.count("\n", 0, position) + 1, participants, message
            position = _skip(text, end)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        line = text.count("\n", 0, min(error.pos, len(text) - 1)) + 1
        message = "the export breaks off here or is not valid JSON; the messages before it were kept"
        problems.add(name, line, "cut_off", message, "export the chat again")


def _participants(text: str, start: int, end: int, decoder: json.JSONDecoder) -> tuple[str, ...]:
    """Return the participants named before a conversation's messages; nobody where that is no list of names."""
    opening = PARTICIPANTS.search(text, start, end)
    if not opening:
        return ()
    try:
        names, _ = decoder.raw_decode(text, opening.end() - 1)
    except json.JSONDecodeError:
        return ()
    return tuple(str(name).strip() for name in names if str(name).strip())


def _skip(text: str, position: int) -> int:
    match = SEPARATOR.match(text, position)
    return match.end() if match else position


def _document(
    message: Any, line: int, name: str, participants: tuple[str, ...], settings: IngestConfig, problems: Problems
) -> Document | None:
    if not isinstance(message, dict):
        problems.add(name, line, "message", "this is not a message", "a message is an object with id, author and text")
        return None
    missing = [key for key in ("id", "created_at", "author", "text") if not str(message.get(key) or "").strip()]
    if missing:
        problems.add(name, line, "message", f"the message has no {', '.join(missing)}", "add it, or delete the message")
        return None
    try:
        created_at = parse_date(message["created_at"], settings)
    except ImplausibleDateError as error:
        problems.add(name, line, "bad_date", str(error), "correct created_at")
        return None
    return Document.create(
        source=f"{name}#{message['id']}",
        author=str(message["author"]).strip(),
        participants=participants,
        created_at=created_at,
        kind="message",
        text=str(message["text"]).strip(),
    )
