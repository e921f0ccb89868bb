"""Telegram Desktop's export: ``result.json``, one chat or all of them."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from mealign.ingest.dates import from_unix
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.json_arrays import MESSAGES, Element, elements
from mealign.ingest.text import read_text
from mealign.records import Document

CHAT = re.compile(r'"type"\s*:\s*"(?:personal_chat|bot_chat|saved_messages|(?:private|public)_\w+)"')
EXPORT = re.compile(r'"(?:personal_information|contacts|chats)"\s*:\s*\{')
SENDER = ("from", "from_id")
"""Who sent a message; a deleted account has an id and no name."""
AUTHOR = ("forwarded_from", *SENDER)
"""Who wrote a message: if it was forwarded, its author and not who forwarded it."""
CHAT_ID = re.compile(r'"id"\s*:\s*(-?\d+)')


def recognises(file: SourceFile) -> bool:
    """Recognise a JSON object that is a chat of one of Telegram's types, or has the sections of a whole export."""
    found = CHAT.search(file.head) or EXPORT.search(file.head)
    return file.head.lstrip().startswith("{") and bool(found)


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the messages of every chat; service entries (joined, called, pinned) are skipped."""
    text = read_text(file.path, file.name, context.problems, may_be_cut=True)
    if text is None:
        return []
    messages = Messages(file, context)
    found = elements(text, MESSAGES, file.name, context.problems)
    for number, chat in groupby(found, key=lambda element: element.array):
        _read_chat(list(chat), number + 1, messages, context)
    return messages.documents


def _read_chat(chat: list[Element], number: int, messages: Messages, context: ImportContext) -> None:
    ids = CHAT_ID.findall(chat[0].head)
    written = []
    for element in chat:
        if not isinstance(element.value, dict):
            mend = "export the chat again"
            context.problems.add(messages.file.name, element.line, "message", "this is not a message", mend)
        elif element.value.get("type") == "message" and (text := _text(element.value)):
            written.append((element, _named(element.value, AUTHOR, context), text))
    senders = messages.people(dict.fromkeys(_named(element.value, SENDER, context) for element, _, _ in written))
    for element, author, text in written:
        message = element.value
        messages.add(
            f"{ids[-1] if ids else number}/{message.get('id', '')}",
            author=author,
            participants=senders if author in senders else (*senders, author),
            # `date` is the local time of whoever made the export, `date_unixtime` is UTC.
            date=message.get("date") or from_unix(message.get("date_unixtime")),
            text=text,
            line=element.line,
        )


def _named(message: dict[str, Any], keys: tuple[str, ...], context: ImportContext) -> str:
    return next((context.name_of(str(message[key])) for key in keys if message.get(key)), "")


def _text(message: dict[str, Any]) -> str:
    """Return the text, which is a string, or a list of strings and of formatted pieces."""
    text = message.get("text")
    pieces = text if isinstance(text, list) else [text]
    texts = (piece.get("text") if isinstance(piece, dict) else piece for piece in pieces)
    return "".join(piece for piece in texts if isinstance(piece, str)).strip()


IMPORTER = Importer(
    suffixes=frozenset({".json"}),
    read=read,
    recognises=recognises,
    export_names=frozenset({"result.json"}),
)
