"""Markdown notes with YAML front matter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import frontmatter
import yaml

from mealign.config import IngestConfig
from mealign.ingest.dates import ImplausibleDateError, parse_date
from mealign.ingest.report import Problems
from mealign.ingest.text import read_text
from mealign.progress import track
from mealign.records import Document

NAME_DATE = re.compile(r"^(\d{4}-\d{2}-\d{2})")


def read_notes(folder: Path, *, author: str, settings: IngestConfig, problems: Problems) -> list[Document]:
    """Read every ``*.md`` below a folder as a note of ``author``.

    The text is the body; the front matter gives the date (``date``), else the file name (``YYYY-MM-DD...``). Hidden
    folders and a README at the top are no notes.
    """
    paths = [
        path
        for path in sorted(folder.rglob("*.md"))
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.relative_to(folder).as_posix().lower() != "readme.md"
    ]
    notes = []
    for path in track(paths, "read notes"):
        note = _read_note(path, path.relative_to(folder).as_posix(), author, settings, problems)
        if note:
            notes.append(note)
    return notes


def _read_note(path: Path, name: str, author: str, settings: IngestConfig, problems: Problems) -> Document | None:
    text = read_text(path, name, problems, settings)
    if text is None:
        return None
    if text.startswith("---\n") and "\n---" not in text[3:]:
        problems.add(name, 1, "front_matter", "the front matter is never closed", "end it with a line ---")
        return None
    try:
        metadata, body = frontmatter.parse(text)
    except yaml.YAMLError as error:
        # Lines of the YAML count from 0, and its line 0 is the rest of the opening ---.
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problems.add(name, line, "front_matter", "the front matter is not valid YAML", "correct or quote the value")
        return None
    except ValueError:
        # PyYAML builds dates while it reads: 2024-02-30 is a ValueError here.
        problems.add(name, _line_of_date(text), "bad_date", "the date does not exist", "write a date that exists")
        return None
    if not body.strip():
        problems.add(name, None, "empty", "the note has no text", "write something, or delete it")
        return None
    value = _date_of(metadata, path)
    if value is None:
        mend = "add `date: YYYY-MM-DD` to the front matter, or begin the file name with the date"
        problems.add(name, None, "no_date", "the note has no date", mend)
        return None
    try:
        created_at = parse_date(value, settings)
    except ImplausibleDateError as error:
        problems.add(name, _line_of_date(text), "bad_date", str(error), "correct the date")
        return None
    return Document.create(source=name, author=author, created_at=created_at, kind="note", text=body.strip())


def _date_of(metadata: dict[str, Any], path: Path) -> object:
    if metadata.get("date"):
        return metadata["date"]
    match = NAME_DATE.match(path.name)
    return match[1] if match else None


def _line_of_date(text: str) -> int | None:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("date:"):
            return number
    return None
