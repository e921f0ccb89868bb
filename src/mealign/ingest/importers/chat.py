"""The project's own chat export: conversations of dated messages in one JSON file.

``{"format": "mealign-chat", "version": 1, "conversations": [{"id", "title", "participants", "messages": [{"id",
"created_at", "author", "text"}]}]}``
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.json_arrays import DECODER, MESSAGES, elements
from mealign.ingest.text import read_text
from mealign.records import Document

FORMAT = re.compile(r'"format"\s*:\s*"mealign-chat"')
CONVERSATIONS = re.compile(r'\s*\{\s*"conversations"\s*:')
PARTICIPANTS = re.compile(r'"participants"\s*:\s*\[')


def recognises(file: SourceFile) -> bool:
    """Recognise JSON that names the format, or whose first key is ours: with sorted keys the format comes last."""
    return bool(FORMAT.search(file.head) or CONVERSATIONS.match(file.head))


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read one export as one document a message."""
    text = read_text(file.path, file.name, context.problems, may_be_cut=True)
    if text is None or not FORMAT.search(text):
        return []
    messages, array = Messages(file, context), -1
    participants: tuple[str, ...] = ()
    for element in elements(text, MESSAGES, file.name, context.problems):
        if element.array != array:
            array, participants = element.array, messages.people(_participants(element.head, context))
        message = element.value
        if not isinstance(message, dict):
            mend = "a message is an object with id, author and text"
            context.problems.add(file.name, element.line, "message", "this is not a message", mend)
            continue
        id_, author, content = (str(message.get(key) or "") for key in ("id", "author", "text"))
        messages.add(
            id_,
            author=context.name_of(author),
            participants=participants,
            date=message.get("created_at"),
            text=content,
            line=element.line,
        )
    return messages.documents


def _participants(head: str, context: ImportContext) -> Iterator[str]:
    """Yield the participants named before a conversation's messages; none where that is not a list of names."""
    opening = PARTICIPANTS.search(head)
    try:
        names, _ = DECODER.raw_decode(head, opening.end() - 1) if opening else ((), 0)
    except (ValueError, RecursionError):
        return
    yield from (context.name_of(str(name)) for name in names)


IMPORTER = Importer(suffixes=frozenset({".json"}), read=read, recognises=recognises)
