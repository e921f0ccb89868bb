"""Markdown notes with front matter, as Obsidian, Logseq, Hugo and other editors write them."""

from __future__ import annotations

from mealign.ingest import front_matter
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.obsidian import prose
from mealign.ingest.text import read_text
from mealign.records import Document


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read a note of the person, one document a day where it has several.

    The front matter gives the date (:data:`mealign.ingest.front_matter.DATE_KEYS`), else the name of the file. Front
    matter that cannot be read is no reason to drop the note.
    """
    problems = context.problems
    text = read_text(file.path, file.name, problems)
    if text is None:
        return []
    head = front_matter.parse(text)
    problems.leave_out(file.name, "front_matter", head.written)
    if head.wrong:
        line, wrong = head.wrong
        problems.add(file.name, line, "front_matter", f"{wrong}; the note is kept", "correct or quote the value")
    shown = prose(head.body, lambda reason, text: problems.leave_out(file.name, reason, text))
    same_lines = shown.count("\n") == head.body.count("\n")
    return context.note(
        file,
        shown,
        date=head.date or file.date,
        line=head.line,
        mend="add `date: YYYY-MM-DD` to the front matter, or put the date into the file's name",
        begins=1 + text.count("\n") - head.body.count("\n") if same_lines else None,
    )


IMPORTER = Importer(suffixes=frozenset({".md", ".markdown"}), read=read, limit="max_bytes")
