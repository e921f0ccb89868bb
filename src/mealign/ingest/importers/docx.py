"""Word documents, through python-docx."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.packed import unpacked_size
from mealign.ingest.text import read_bytes
from mealign.records import Document

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")
"""The first bytes of an Office file with a password, and of a .doc that was merely renamed."""


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read paragraphs, list items and tables, in their order, as a note of the person.

    The date is that of the file name, else that of the document's properties (``created``).
    """
    import docx

    problems = context.problems
    data = read_bytes(file.path, file.name, problems)
    if data is None:
        return []
    if data.startswith(COMPOUND_FILE):
        message = "a password locks it, or it is an older .doc"
        problems.add(file.name, None, "encrypted", message, "save it as .docx without a password")
        return []
    try:
        most = context.settings.max_unpacked_bytes
        if unpacked_size(data, most) > most:
            message = f"it unpacks to more than ingest.max_unpacked_bytes={most}"
            problems.add(file.name, None, "too_large", message, "split it, or raise ingest.max_unpacked_bytes")
            return []
        document = docx.Document(BytesIO(data))
        text = "\n\n".join(_blocks(document.iter_inner_content()))
        created = None if file.date else document.core_properties.created
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - zipfile, lxml and python-docx each raise their own
        message = "the document is damaged, or is none"
        problems.add(file.name, None, "broken", message, "open it and save it again")
        return []
    mend = "begin the file name with the date (YYYY-MM-DD)"
    return context.note(file, text, date=file.date or created, mend=mend)


def _blocks(items: Iterator[Paragraph | Table]) -> Iterator[str]:
    """Yield the text of each paragraph and of each row of a table; a row's cells are separated by semicolons."""
    from docx.text.paragraph import Paragraph

    for item in items:
        if isinstance(item, Paragraph):
            rows = [item.text]
        else:
            rows = ["; ".join(cell for cell in cells if cell) for cells in _rows(item)]
        yield from (row for row in rows if row.strip())


def _rows(table: Table) -> Iterator[list[str]]:
    for row in table.rows:
        # A cell that spans several columns is listed once for each.
        cells = list({id(cell._tc): cell for cell in row.cells}.values())
        yield [" ".join(_blocks(cell.iter_inner_content())) for cell in cells]


IMPORTER = Importer(suffixes=frozenset({".docx"}), read=read, limit="max_bytes", contained=True)
