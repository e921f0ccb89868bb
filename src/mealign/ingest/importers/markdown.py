"""Markdown notes with YAML front matter, as Obsidian and other editors write them."""

from __future__ import annotations

import re
from typing import Any

import frontmatter
import yaml

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.obsidian import prose
from mealign.ingest.text import read_text
from mealign.records import Document

DATE_KEYS = ("date", "created", "created_at", "date created", "creation date")
"""Front matter keys of a note's date, the preferred first: mealign's, Obsidian's, and those of its common plugins."""


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read a note of the person.

    The text is the body; the front matter gives the date (:data:`DATE_KEYS`), else the file name (``YYYY-MM-DD...``).
    """
    problems = context.problems
    text = read_text(file.path, file.name, problems, context.settings)
    if text is None:
        return []
    if text.startswith("---\n") and "\n---" not in text[3:]:
        problems.add(file.name, 1, "front_matter", "the front matter is never closed", "end it with a line ---")
        return []
    try:
        metadata, body = frontmatter.parse(text)
    except (yaml.YAMLError, RecursionError) as error:
        # Lines of the YAML count from 0, and its line 0 is the rest of the opening ---.
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        message = "the front matter is not valid YAML"
        problems.add(file.name, line, "front_matter", message, "correct or quote the value")
        return []
    except ValueError:
        # PyYAML builds dates while it reads: 2024-02-30 is a ValueError here.
        line = _line_of(DATE_KEYS, text)
        problems.add(file.name, line, "bad_date", "the date does not exist", "write a date that exists")
        return []
    key, value = _date_in(metadata)
    return context.note(
        file,
        prose(body),
        date=value or file.date,
        line=_line_of((key,), text) if key else None,
        mend="add `date: YYYY-MM-DD` to the front matter, or begin the file name with the date",
    )


def _date_in(metadata: dict[str, Any]) -> tuple[str | None, Any]:
    """Return the key and the value of a note's date. A link to a daily note (``[[2024-03-14]]``) is its day."""
    values = {str(key).lower(): value for key, value in metadata.items()}
    for key in DATE_KEYS:
        value = values.get(key)
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str):
            value = value.strip().removeprefix("[[").removesuffix("]]")
        if value:
            return key, value
    return None, None


def _line_of(keys: tuple[str, ...], text: str) -> int | None:
    pattern = re.compile(rf"[\"']?(?:{'|'.join(map(re.escape, keys))})[\"']?\s*:", re.IGNORECASE)
    return next((number for number, line in enumerate(text.split("\n"), start=1) if pattern.match(line)), None)


IMPORTER = Importer(suffixes=frozenset({".md"}), read=read)
