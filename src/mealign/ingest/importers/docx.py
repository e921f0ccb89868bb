"""Word documents, opened by python-docx."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.packed import unpacked_size
from mealign.ingest.text import read_bytes
from mealign.records import Document

if TYPE_CHECKING:
    from docx.document import Document as DocumentObject

COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")
"""The first bytes of an Office file with a password, and of a .doc that was merely renamed."""

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
TEXT = (f"{W}t", f"{M}t")
AS_TEXT = {f"{W}tab": "\t", f"{W}ptab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
FRAMES = frozenset({f"{W}tc", f"{W}txbxContent"})
NOTES = frozenset({"footnote", "endnote"})
REFERENCES = {f"{W}footnoteReference": "footnote", f"{W}endnoteReference": "endnote"}
NOT_READ = {
    f"{W}del": "deleted", f"{W}moveFrom": "deleted", f"{W}delText": "deleted", f"{W}instrText": "field_code",
    f"{W}rt": "reading_aid", f"{W}pPr": "format", f"{W}rPr": "format",
}  # fmt: skip
"""Elements that are passed over, and the reason under which their text is counted."""
OTHER_PARTS = {
    "footnotes": "footnote", "endnotes": "endnote", "comments": "comment", "header": "header", "footer": "footer",
    "diagramData": "diagram", "chart": "chart",
}  # fmt: skip
"""Parts with text besides the body, by the end of their type."""


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read paragraphs, list items, tables, text boxes and notes, in their order, as a note of the person.

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
        text = "\n\n".join(_body(document, lambda reason, text: problems.leave_out(file.name, reason, text)))
        created = None if file.date else document.core_properties.created
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - zipfile, lxml and python-docx each raise their own
        message = "the document is damaged, or is none"
        problems.add(file.name, None, "broken", message, "open it and save it again")
        return []
    mend = "begin the file name with the date (YYYY-MM-DD)"
    return context.note(file, text, date=file.date or created, mend=mend)


@dataclass
class _Frame:
    """What is being put together: the body, a cell, a text box or a note. ``after`` waits for its paragraph's end."""

    blocks: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)

    def end_paragraph(self) -> None:
        self.blocks += [text for text in ("".join(self.line), *self.after) if text.strip()]
        self.line, self.after = [], []


def _body(document: DocumentObject, leave_out: Callable[[str, str], None]) -> list[str]:
    """Return the text of each paragraph and row, with notes and text boxes below the paragraph that holds them.

    Tracked insertions count as made, deletions and what was moved away as gone. What is not read (comments, headers,
    hidden text) is counted by ``leave_out(reason, text)``.
    """
    from lxml import etree

    notes: dict[str, list[str]] = {}
    # More than one page may have the same header, and a part may be reached in several ways.
    for part in document.part.package.iter_parts():
        kind = OTHER_PARTS.get(part.content_type.rpartition(".")[2].removesuffix("+xml"))
        if not kind:
            continue
        root = etree.fromstring(part.blob, etree.XMLParser(resolve_entities=False, no_network=True))
        if kind in NOTES:
            for note in root:
                if note.get(f"{W}type") in (None, "normal"):
                    notes[f"{kind} {note.get(f'{W}id')}"] = _blocks(note, {}, leave_out)
        else:
            leave_out(kind, _all_text(root))
    return _blocks(document.element.body, notes, leave_out)


def _blocks(root: Any, notes: Mapping[str, list[str]], leave_out: Callable[[str, str], None]) -> list[str]:
    from lxml import etree

    frames = [_Frame()]
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, node in walk:
        frame, tag = frames[-1], node.tag
        if event == "start":
            if reason := _why_not(node):
                leave_out(reason, _all_text(node))
                walk.skip_subtree()
            elif tag in FRAMES:
                frames.append(_Frame())
            elif tag in TEXT:
                frame.line.append(node.text or "")
            elif tag in AS_TEXT:
                frame.line.append(AS_TEXT[tag])
            elif tag in REFERENCES:
                frame.after += notes.get(f"{REFERENCES[tag]} {node.get(f'{W}id')}", ())
        elif _why_not(node):
            continue
        elif tag == f"{W}p" and node.find(f"{W}pPr/{W}rPr/{W}del") is None:
            frame.end_paragraph()
        elif tag in FRAMES:
            frame.end_paragraph()
            frames.pop()
            if tag == f"{W}tc":
                frames[-1].cells.append(" ".join(frame.blocks))
            else:
                frames[-1].after += frame.blocks
        elif tag == f"{W}tr":
            row = "; ".join(cell for cell in frame.cells if cell)
            frame.blocks += [row] if row else []
            frame.cells = []
    frames[0].end_paragraph()
    return frames[0].blocks


def _why_not(node: Any) -> str | None:
    """Return why an element is not read; None for those that are."""
    tag = node.tag
    if tag in NOT_READ:
        return NOT_READ[tag]
    if tag == f"{W}r" and (hidden := node.find(f"{W}rPr/{W}vanish")) is not None:
        return None if hidden.get(f"{W}val") in ("0", "false", "off") else "hidden"
    if tag == f"{W}sdt" and node.find(f"{W}sdtPr/{W}showingPlcHdr") is not None:
        return "placeholder"
    if tag == f"{W}tr" and node.find(f"{W}trPr/{W}del") is not None:
        return "deleted"
    # The same again for programs that do not know the first form.
    if tag == f"{MC}Fallback" and node.getparent().find(f"{MC}Choice") is not None:
        return "repeated"
    return None


def _all_text(root: Any) -> str:
    return "".join(node.text or "" for node in root.iter(*TEXT, f"{W}delText", f"{W}instrText", f"{A}t"))


IMPORTER = Importer(suffixes=frozenset({".docx"}), read=read, limit="max_bytes", contained=True)
