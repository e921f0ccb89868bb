"""Where in the user's files the words of a fact are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mealign.records import Document, Evidence


@dataclass(frozen=True)
class MarkedLine:
    """A line of a text, split into the evidence and what comes before and after it."""

    before: str
    span: str
    after: str


@dataclass(frozen=True)
class Passage:
    """The lines that state a fact. ``place`` is ``file:line``, ``number`` the first line's number."""

    place: str
    number: int
    lines: tuple[MarkedLine, ...]


def find_passage(document: Document, evidence: Evidence, *, sources: Path) -> Passage:
    """Find the lines of a document that a span covers, and their place in its file.

    A note's file holds it unchanged; a message is one JSON string on one line of its file. If the file is gone or has
    changed, lines are counted in the document's text, and the place says so.

    Args:
        document: the document to which the evidence refers.
        evidence: a span of its text.
        sources: the folder or file from which the user's documents were read.
    """
    first = document.text.count("\n", 0, evidence.start)
    begun = document.text.rfind("\n", 0, evidence.start) + 1
    lines = []
    for text in document.text[begun:].split("\n")[: document.text.count("\n", evidence.start, evidence.end) + 1]:
        start = min(len(text), max(0, evidence.start - begun))
        end = min(len(text), evidence.end - begun)
        lines.append(MarkedLine(before=text[:start], span=text[start:end], after=text[end:]))
        begun += len(text) + 1
    number = _line_in_file(document, first, sources)
    if number is None:
        return Passage(f"{document.source}, line {first + 1} of its text", first + 1, tuple(lines))
    name, _, item = document.source.partition("#")
    where = f"{sources.name if sources.is_file() else name}:{number}"
    return Passage(f"{where} ({item})" if item else where, number, tuple(lines))


def _line_in_file(document: Document, line: int, sources: Path) -> int | None:
    """Return the line of the file that holds the document's line ``line`` (from 0); None if none does."""
    name, _, item = document.source.partition("#")
    try:
        data = (sources if sources.is_file() else sources / name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    # Two messages may have the same text; the item's id precedes the right one.
    anchor = max(0, data.find(json.dumps(item))) if item else 0
    found = data.find(document.text, anchor)
    if found >= 0 and (not item or line == 0):
        return data.count("\n", 0, found) + 1 + line
    for ascii_only in (False, True):
        found = data.find(json.dumps(document.text, ensure_ascii=ascii_only)[1:-1], anchor)
        if found >= 0:
            return data.count("\n", 0, found) + 1
    return None
