"""Google Chat in Google's Takeout: ``messages.json`` of each group and direct chat."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.json_arrays import MESSAGES, elements
from mealign.ingest.text import read_text
from mealign.records import Document

CREATOR = re.compile(r'"creator"\s*:\s*\{|"created_date"\s*:')
FORM = "%A, %B %d, %Y at %I:%M:%S %p %Z"
SPACE = re.compile(r"[\s\u202f\u00a0]+")


def recognises(file: SourceFile) -> bool:
    """Recognise an object with messages that have a creator and a date of creation."""
    return bool(MESSAGES.search(file.head) and CREATOR.search(file.head)) and file.head.lstrip().startswith("{")


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the messages; what a message quotes, and the addresses of attached files, are counted."""
    text = read_text(file.path, file.name, context.problems, may_be_cut=True)
    if text is None:
        return []
    messages = Messages(file, context)
    found = [(element.line, element.value) for element in elements(text, MESSAGES, file.name, context.problems)]
    authors = {number: _author(message, context) for number, (_, message) in enumerate(found)}
    people = messages.people(dict.fromkeys(authors.values()))
    for number, (line, message) in enumerate(found):
        if not isinstance(message, dict):
            context.problems.add(file.name, line, "message", "this is not a message", "export the chat again")
            continue
        files, quoted = message.get("attached_files"), message.get("quoted_message_metadata")
        context.problems.ignored["attachment"] += len(files) if isinstance(files, list) else 0
        if isinstance(quoted, dict):
            context.problems.leave_out(file.name, "quoted_message", str(quoted.get("text") or ""))
        if not str(message.get("text") or "").strip():
            continue
        messages.add(
            str(message.get("message_id") or number + 1),
            author=authors[number],
            participants=people,
            date=_moment(message.get("created_date")),
            text=str(message["text"]),
            kind="assistant" if _creator(message).get("user_type") == "Bot" else "message",
            line=line,
        )
    return messages.documents


def _creator(message: Any) -> dict[str, Any]:
    creator = message.get("creator") if isinstance(message, dict) else None
    return creator if isinstance(creator, dict) else {}


def _author(message: Any, context: ImportContext) -> str:
    creator = _creator(message)
    return context.name_of(*(str(creator.get(key) or "") for key in ("name", "email")))


def _moment(written: object) -> object:
    """Return Google's English date; any other as it is, for the dates in other languages are read as well."""
    if not isinstance(written, str):
        return None
    written = SPACE.sub(" ", written)
    try:
        return datetime.strptime(written, FORM)
    except ValueError:
        return written


IMPORTER = Importer(suffixes=frozenset({".json"}), read=read, recognises=recognises)
