"""Plain text notes and diaries."""

from __future__ import annotations

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.text import read_text
from mealign.records import Document


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read a note of the person; lines that are only a date, or begin with a stamp, date what follows them."""
    text = read_text(file.path, file.name, context.problems)
    if text is None:
        return []
    mend = "put the date into the file's name (YYYY-MM-DD), or alone into the first line"
    return context.note(file, text, date=file.date, mend=mend, begins=1)


IMPORTER = Importer(suffixes=frozenset({".txt", ".text"}), read=read, limit="max_bytes")
