"""Plain text notes."""

from __future__ import annotations

import re

from mealign.ingest.dates import LONGEST, ImplausibleDateError, parse_date
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.text import read_text
from mealign.records import Document

YEAR = re.compile(r"\d{4}")


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read a note of the person; its date comes from the file name, or from a first line that is only a date."""
    text = read_text(file.path, file.name, context.problems)
    if text is None:
        return []
    first, _, rest = text.lstrip().partition("\n")
    date, line = file.date, None
    if not date and _is_date(first, context):
        date, line, text = first, text[: len(text) - len(text.lstrip())].count("\n") + 1, rest
    mend = "begin the file name with the date (YYYY-MM-DD), or write the date alone into the first line"
    return context.note(file, text, date=date, line=line, mend=mend)


def _is_date(line: str, context: ImportContext) -> bool:
    if len(line) > LONGEST or not YEAR.search(line):
        return False
    try:
        parse_date(line, context.settings)
    except ImplausibleDateError:
        return False
    return True


IMPORTER = Importer(suffixes=frozenset({".txt"}), read=read, limit="max_bytes")
