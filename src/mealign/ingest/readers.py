"""Which reader takes which file. Another format is a module with ``claims`` and ``read``, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mealign.ingest import chat, chatgpt, claude, docx, mail, markdown, pdf, plain_text, telegram, whatsapp
from mealign.ingest.files import SourceFile
from mealign.ingest.reading import Reading
from mealign.ingest.text import add_unreadable
from mealign.records import Document


@dataclass(frozen=True)
class Reader:
    """One format: whether a file has it, and how its documents are read."""

    claims: Callable[[SourceFile], bool]
    read: Callable[[SourceFile, Reading], list[Document]]


READERS = (
    Reader(markdown.claims, markdown.read),
    Reader(whatsapp.claims, whatsapp.read),
    Reader(plain_text.claims, plain_text.read),
    Reader(pdf.claims, pdf.read),
    Reader(docx.claims, docx.read),
    Reader(mail.claims, mail.read),
    Reader(chat.claims, chat.read),
    Reader(chatgpt.claims, chatgpt.read),
    Reader(claude.claims, claude.read),
    Reader(telegram.claims, telegram.read),
)
"""The first that claims a file reads it; a WhatsApp chat is a text file too."""

SUFFIXES = frozenset({".md", ".txt", ".pdf", ".docx", ".json"})
"""What ends the name of a file that could be read. Apple Mail's ``.mbox`` is a folder."""
EXPORTS = frozenset({"conversations.json", "result.json"})
"""JSON files that say by their names that they are an export; another that is in no known format is not ours."""


def read_file(file: SourceFile, reading: Reading) -> list[Document]:
    """Read one file of whatever format.

    Whatever is in it, the report says what became of it: documents, a problem, or one more file that was ignored.
    """
    problems = reading.problems
    before = len(problems.items)
    try:
        reader = next((reader for reader in READERS if reader.claims(file)), None)
    except OSError as error:
        add_unreadable(file.name, error, problems)
        return []
    documents = reader.read(file, reading) if reader else []
    if not documents and len(problems.items) == before:
        if file.path.name in EXPORTS or (reader and file.suffix != ".json"):
            message = "nothing in it can be used"
            problems.add(file.name, None, "nothing", message, "export it again, or take it out of the folder")
        else:
            problems.ignored[file.suffix or "no extension"] += 1
    return documents
