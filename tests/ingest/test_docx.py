"""Word files: what a reader of the printed page sees is the note, and what is not read is counted."""

import zipfile
from io import BytesIO
from pathlib import Path

import docx
import pytest

from mealign.ingest.files import SourceFile
from mealign.ingest.importers.docx import read
from mealign.ingest.importing import ImportContext
from tests.defaults import IngestConfig, UserConfig

SPACES = " ".join(
    f'xmlns:{name}="{address}"'
    for name, address in {
        "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "v": "urn:schemas-microsoft-com:vml",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    }.items()
)
NOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"


def run(text: str, properties: str = "") -> str:
    return f'<w:r>{properties}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*content: str) -> str:
    return f"<w:p>{''.join(content)}</w:p>"


def box(text: str) -> str:
    return f"<w:txbxContent>{paragraph(run(text))}</w:txbxContent>"


def word_file(path: Path, body: str, footnotes: str = "") -> None:
    plain = BytesIO()
    docx.Document().save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            data = source.read(entry).decode("utf-8", "surrogateescape")
            if entry.filename == "word/document.xml":
                data = f"<w:document {SPACES}><w:body>{body}</w:body></w:document>"
            elif entry.filename == "[Content_Types].xml" and footnotes:
                part = f'<Override PartName="/word/footnotes.xml" ContentType="{NOTES}"/>'
                data = data.replace("</Types>", f"{part}</Types>")
            elif entry.filename == "word/_rels/document.xml.rels" and footnotes:
                part = f'<Relationship Id="rId99" Type="{RELATION}" Target="footnotes.xml"/>'
                data = data.replace("</Relationships>", f"{part}</Relationships>")
            target.writestr(entry, data.encode("utf-8", "surrogateescape"))
        if footnotes:
            target.writestr("word/footnotes.xml", f"<w:footnotes {SPACES}>{footnotes}</w:footnotes>")


def texts(folder: Path, body: str, footnotes: str = "") -> tuple[list[str], dict[str, int]]:
    path = folder / "2024-03-04 letter.docx"
    word_file(path, body, footnotes)
    context = ImportContext.of(UserConfig(name="mira", person="Mira"), IngestConfig())
    documents = read(SourceFile(path, path.name), context)
    return [document.text for document in documents], {
        reason: number for (_, reason), number in context.problems.left_out.items()
    }


INSERTED = f'<w:ins w:id="1" w:author="A">{run("not ")}</w:ins>'
DELETED = '<w:del w:id="2" w:author="A"><w:r><w:delText>gladly </w:delText></w:r></w:del>'
HIDDEN = "<w:rPr><w:vanish/></w:rPr>"
CASES = {
    "insertion": (paragraph(run("I did "), INSERTED, run("sign.")), "I did not sign.", {}),
    "deletion": (paragraph(run("I "), DELETED, run("signed.")), "I signed.", {"deleted": 7}),
    "deleted end of a paragraph": (
        paragraph("<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>", run("I did ")) + paragraph(run("not sign.")),
        "I did not sign.",
        {},
    ),
    "move": (
        paragraph(f"<w:moveFrom>{run('I ran.')}</w:moveFrom>") + paragraph(f"<w:moveTo>{run('I ran.')}</w:moveTo>"),
        "I ran.",
        {"deleted": 6},
    ),
    "content control": (f"<w:sdt><w:sdtContent>{paragraph(run('I moved.'))}</w:sdtContent></w:sdt>", "I moved.", {}),
    "control in a line": (
        paragraph(run("I live in "), f"<w:sdt><w:sdtContent>{run('Leeds')}</w:sdtContent></w:sdt>", run(".")),
        "I live in Leeds.",
        {},
    ),
    "placeholder": (
        paragraph(run("Name: "))
        + "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
        + f"{paragraph(run('Click here'))}</w:sdtContent></w:sdt>",
        "Name:",
        {"placeholder": 10},
    ),
    "smart tag": (
        paragraph(run("In "), f"<w:smartTag><w:smartTag>{run('Leeds')}</w:smartTag></w:smartTag>", run(".")),
        "In Leeds.",
        {},
    ),
    "link and field": (
        paragraph(
            f"<w:hyperlink>{run('the site')}</w:hyperlink>",
            "<w:r><w:instrText>PAGE</w:instrText></w:r>",
            f"<w:fldSimple>{run(' 3')}</w:fldSimple>",
        ),
        "the site 3",
        {"field_code": 4},
    ),
    "text box": (
        paragraph(run("Above."), f"<w:r><w:pict><v:textbox>{box('I bought a boat.')}</v:textbox></w:pict></w:r>")
        + paragraph(run("Below.")),
        "Above.\n\nI bought a boat.\n\nBelow.",
        {},
    ),
    "text box in two forms": (
        paragraph(
            f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><wps:txbx>{box('Boxed.')}</wps:txbx></mc:Choice>"
            f"<mc:Fallback><w:pict><v:textbox>{box('Boxed.')}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
        ),
        "Boxed.",
        {"repeated": 6},
    ),
    "hidden": (paragraph(run("Seen."), run("Unseen.", HIDDEN)), "Seen.", {"hidden": 7}),
    "table": (
        f"<w:tbl><w:tr><w:tc>{paragraph(run('Rooms'))}</w:tc><w:tc>{paragraph(run('two'))}{paragraph(run('big'))}</w:tc>"
        f"</w:tr><w:ins><w:tr><w:tc>{paragraph(INSERTED)}</w:tc></w:tr></w:ins>"
        f"<w:tr><w:trPr><w:del/></w:trPr><w:tc>{paragraph(run('gone'))}</w:tc></w:tr></w:tbl>",
        "Rooms; two big\n\nnot",
        {"deleted": 4},
    ),
    "breaks": (paragraph(run("a"), "<w:r><w:br/></w:r>", run("b"), "<w:r><w:noBreakHyphen/></w:r>"), "a\nb-", {}),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_what_a_reader_sees(tmp_path: Path, kind: str) -> None:
    body, text, left_out = CASES[kind]
    assert texts(tmp_path, body) == ([text], left_out)


def test_a_footnote_stands_below_its_paragraph(tmp_path: Path) -> None:
    body = paragraph(run("I ran."), '<w:r><w:footnoteReference w:id="2"/></w:r>') + paragraph(run("I sat."))
    notes = f'<w:footnote w:type="separator" w:id="0">{paragraph(run("-"))}</w:footnote>'
    notes += f'<w:footnote w:id="2">{paragraph(run("Ten miles."))}</w:footnote>'
    assert texts(tmp_path, body, notes) == (["I ran.\n\nTen miles.\n\nI sat."], {})


def test_a_diary_in_word_becomes_a_document_a_day(tmp_path: Path) -> None:
    days = ["5 May 2024", "I ran.", "6 May 2024", "I sat."]
    assert texts(tmp_path, "".join(paragraph(run(text)) for text in days))[0] == ["I ran.", "I sat."]
