"""Messenger and Instagram: ``message_1.json`` of Facebook's and Instagram's downloads, and Messenger's own."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from mealign.ingest.dates import from_unix
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.json_arrays import MESSAGES, elements
from mealign.ingest.text import read_text
from mealign.records import Document

SENDER = re.compile(r'"(?:sender_name|senderName)"\s*:')
PARTICIPANTS = re.compile(r'"participants"\s*:\s*\[([^\]]*)\]')
NAME = re.compile(r'(?:"name"\s*:\s*|(?<=[\[,])\s*|^\s*)("(?:[^"\\]|\\.){0,1000}")(?!\s*:)')
PROGRAM = re.compile(
    r"Reacted .{1,20} to your message\s*|Liked a message\s*|.{1,200} sent an attachment\.|"
    r"(?:.{1,200} (?:missed|started|joined)|Missed) (?:a |your |the )?(?:(?:video|audio|voice) )?(?:chat|call).{0,100}|"
    r".{1,200} (?:named the group|left the group|added .{1,100} to the group).{0,100}"
)
"""What these programs write as messages; in other languages it can be told by what else such a message has."""
ATTACHMENTS = ("photos", "videos", "audio_files", "gifs", "files", "media")


def recognises(file: SourceFile) -> bool:
    """Recognise an object with participants and messages that have a sender."""
    return file.head.lstrip().startswith("{") and '"participants"' in file.head and bool(SENDER.search(file.head))


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the messages; what the program says in their place, and what was shared, is counted.

    Facebook writes each byte of UTF-8 as a character of its own; that is mended.
    """
    text = read_text(file.path, file.name, context.problems, may_be_cut=True)
    if text is None:
        return []
    messages, seen = Messages(file, context), Counter[str]()
    people: tuple[str, ...] | None = None
    for element in elements(text, MESSAGES, file.name, context.problems):
        if people is None:
            people = messages.people(dict.fromkeys(_participants(element.head, context)))
        message = element.value
        if not isinstance(message, dict):
            context.problems.add(file.name, element.line, "message", "this is not a message", "export the chat again")
            continue
        content = mended(str(message.get("content") or message.get("text") or "")).strip()
        for key in ATTACHMENTS:
            files = message.get(key)
            context.problems.ignored["attachment"] += len(files) if isinstance(files, list) else 0
        _count_others(message, file, context)
        if not content or PROGRAM.fullmatch(content) or "call_duration" in message or _is_unsent(message):
            context.problems.leave_out(file.name, "program_line", content)
            continue
        author = context.name_of(mended(str(message.get("sender_name") or message.get("senderName") or "")))
        stamp = message.get("timestamp_ms") or message.get("timestamp")
        seen[str(stamp)] += 1
        messages.add(
            f"{stamp}/{seen[str(stamp)]}",
            author=author,
            participants=people if author in people else (*people, author),
            date=from_unix(stamp / 1000) if isinstance(stamp, int | float) else None,
            text=content,
            line=element.line,
        )
    return messages.documents


def mended(text: str) -> str:
    """Return a text whose bytes of UTF-8 were written as characters of Latin-1; any other as it is.

    >>> mended("JosÃ©"), mended("José"), mended("€")
    ('José', 'José', '€')
    """
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _participants(head: str, context: ImportContext) -> list[str]:
    found = PARTICIPANTS.search(head)
    names = []
    for written in NAME.findall(found[1]) if found else ():
        try:
            names.append(context.name_of(mended(str(json.loads(written)))))
        except ValueError:
            continue
    return names


def _is_unsent(message: dict[str, Any]) -> bool:
    return message.get("is_unsent") is True or message.get("isUnsent") is True


def _count_others(message: dict[str, Any], file: SourceFile, context: ImportContext) -> None:
    share, reactions = message.get("share"), message.get("reactions")
    if isinstance(share, dict):
        context.problems.leave_out(file.name, "shared", "\n".join(str(value) for value in share.values()))
    for reaction in reactions if isinstance(reactions, list) else ():
        if isinstance(reaction, dict):
            context.problems.leave_out(file.name, "reaction", mended(str(reaction.get("reaction") or "")))


IMPORTER = Importer(suffixes=frozenset({".json"}), read=read, recognises=recognises)
