"""PDF notes, through pypdf."""

from __future__ import annotations

import logging
from io import BytesIO

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.text import read_bytes
from mealign.records import Document


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the text of all pages as a note of the person.

    The date is that of the file name, else that of the document's information (``CreationDate``).
    """
    from pypdf import PdfReader

    problems = context.problems
    data = read_bytes(file.path, file.name, problems)
    if data is None:
        return []
    # It warns about minor damage in terms of PDF objects, which no user can repair.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        pdf = PdfReader(BytesIO(data))
        # A file that may be opened but not printed is encrypted with an empty password.
        if pdf.is_encrypted and not pdf.decrypt(""):
            problems.add(file.name, None, "encrypted", "a password locks the PDF", "save a copy without a password")
            return []
        pages, most = len(pdf.pages), context.settings.max_pages
        if pages > most:
            message = f"{pages} pages are more than ingest.max_pages={most}"
            problems.add(file.name, None, "too_large", message, "split it, or raise ingest.max_pages")
            return []
        text = "\n\n".join(page.extract_text().strip() for page in pdf.pages)
        created = pdf.metadata.creation_date if pdf.metadata and not file.date else None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a damaged file can make pypdf raise anything
        problems.add(file.name, None, "broken", "the PDF is damaged, or is none", "open it and save it again")
        return []
    if not text.strip():
        message = "its pages hold no text, perhaps only images"
        problems.add(file.name, None, "no_text", message, "run text recognition (OCR) over it")
        return []
    mend = "begin the file name with the date (YYYY-MM-DD)"
    return context.note(file, text, date=file.date or created, mend=mend)


IMPORTER = Importer(suffixes=frozenset({".pdf"}), read=read, limit="max_bytes", contained=True)
