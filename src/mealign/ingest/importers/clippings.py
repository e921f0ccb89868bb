"""A Kindle's ``My Clippings.txt``: what was highlighted is the book's, what was noted is the person's."""

from __future__ import annotations

import re

from mealign.ingest.dates import ImplausibleDateError, parse_date
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.text import read_text
from mealign.records import Document

RULE = re.compile(r"^={10}[ \t]*$", re.MULTILINE)
PLACE = re.compile(r"- .{1,300}")
NOTE = re.compile(
    r"- ?(?:(?:Your |Ihre |Deine |Votre |Tu |Mi |La tua |La mia |A sua |Sua |Uw |Je |Din |Min )?"
    r"(?:Note|Notiz|Nota|Notitie|Anteckning|Notat|Muistiinpano|Notatka|Poznámka|Заметка)\b|.{0,40}(?:メモ|笔记|筆記|메모|Not\b))",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\s:：]{1,40}[:：]?\s+")
BEFORE_DATE = 5
"""Words that may stand before the date: "Added on", "Aggiunto in data"."""


def recognises(file: SourceFile) -> bool:
    """Recognise a title, a line that begins with a hyphen and has fields between bars, and the rule below an entry."""
    lines = file.head.lstrip("\ufeff\r\n").splitlines()
    return len(lines) > 2 and bool(PLACE.fullmatch(lines[1])) and "|" in lines[1] and bool(RULE.search(file.head))


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the person's notes, each under its book's title; highlights are counted."""
    text = read_text(file.path, file.name, context.problems)
    if text is None:
        return []
    messages, line = Messages(file, context), 1
    for number, entry in enumerate(RULE.split(text), start=1):
        begun = line + len(entry) - len(entry.lstrip("\n"))
        line += entry.count("\n")
        title, _, rest = entry.strip("\n\ufeff ").partition("\n")
        place, _, body = rest.partition("\n")
        if not body.strip():
            continue
        if not NOTE.match(place):
            context.problems.leave_out(file.name, "highlight", body)
            continue
        messages.add(
            str(number),
            author=context.person,
            participants=(),
            date=_added(place, context),
            text=f"# {title.strip()}\n\n{body.strip()}",
            kind="note",
            line=begun,
            label="the note",
        )
    return messages.documents


def _added(place: str, context: ImportContext) -> object:
    """Return when an entry was made, which stands behind the last bar and a few words, in any language."""
    last = place.rpartition("|")[2].strip()
    words = last
    for _ in range(BEFORE_DATE):
        try:
            return parse_date(words, context.settings)
        except ImplausibleDateError:
            words = WORD.sub("", words, count=1)
    return last


IMPORTER = Importer(suffixes=frozenset({".txt"}), read=read, recognises=recognises)
