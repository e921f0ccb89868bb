"""Books in EPUB: those that the person wrote are notes, all others are another's words."""

from __future__ import annotations

import posixpath
import zipfile
from collections import Counter
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from mealign.ingest.files import SourceFile
from mealign.ingest.html_text import nothing_left_out, visible_text
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.packed import unpacked_size
from mealign.ingest.text import read_bytes
from mealign.records import Document

CONTAINER = "META-INF/container.xml"


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read a book of which the person is an author as one note, in the order of its chapters; any other is counted.

    The date is that of the file name, else that of the book.
    """
    problems, most = context.problems, context.settings.max_unpacked_bytes
    data = read_bytes(file.path, file.name, problems)
    if data is None:
        return []
    try:
        if unpacked_size(data, most) > most:
            message = f"it unpacks to more than ingest.max_unpacked_bytes={most}"
            problems.add(file.name, None, "too_large", message, "split it, or raise ingest.max_unpacked_bytes")
            return []
        with zipfile.ZipFile(BytesIO(data)) as packed:
            book, folder = _package(packed)
            text = "\n\n".join(_chapters(packed, book, folder))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - zipfile, the XML parsers and lxml each raise their own
        problems.add(file.name, None, "broken", "the book is damaged, locked, or is none", "export it again")
        return []
    authors = _texts(book, "creator")
    if not any(author.casefold() in context.names for author in authors):
        problems.leave_out(file.name, "book", text)
        message = "none of its authors is user.person or one of user.aliases: it is read as another's words"
        problems.add(file.name, None, "book", message, "if you wrote it, add the author's name to user.aliases")
        return []
    date = file.date or next(iter(_texts(book, "date")), None)
    return context.note(file, text, date=date, mend="begin the file name with the date (YYYY-MM-DD)")


def _package(packed: zipfile.ZipFile) -> tuple[Any, str]:
    """Return what the book is made of, and the folder in which that is.

    Raises:
        LookupError: there is no such file.
    """
    from defusedxml.ElementTree import fromstring

    container = fromstring(packed.read(CONTAINER))
    path = next(node.get("full-path") for node in container.iterfind(".//{*}rootfile"))
    return fromstring(packed.read(path)), posixpath.dirname(path)


def _chapters(packed: zipfile.ZipFile, book: Any, folder: str) -> list[str]:
    paths = {item.get("id"): item.get("href", "") for item in book.iterfind(".//{*}item")}
    texts = []
    for reference in book.iterfind(".//{*}itemref"):
        path = posixpath.normpath(posixpath.join(folder, unquote(paths[reference.get("idref")])))
        texts.append(visible_text(packed.read(path), nothing_left_out, Counter()))
    return [text for text in texts if text.strip()]


def _texts(book: Any, tag: str) -> list[str]:
    return [text for node in book.iterfind(f".//{{*}}{tag}") if (text := (node.text or "").strip())]


IMPORTER = Importer(suffixes=frozenset({".epub"}), read=read, limit="max_bytes", contained=True)
