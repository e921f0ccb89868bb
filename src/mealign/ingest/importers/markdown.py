"""Markdown notes with YAML front matter, as Obsidian and other editors write them."""

from __future__ import annotations

import re
from typing import Any

import frontmatter
import yaml
from frontmatter.default_handlers import YAMLHandler

from mealign.ingest.dates import LONGEST
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.obsidian import prose
from mealign.ingest.text import read_text
from mealign.ingest.yaml_nodes import compose, what_is_wrong
from mealign.records import Document

DATE_KEYS = ("date", "created", "created_at", "date created", "creation date")
"""Front matter keys of a note's date, the preferred first: mealign's, Obsidian's, and those of its common plugins."""

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one written in C, where PyYAML was built with it."""


class _FrontMatter(YAMLHandler):  # type: ignore[misc]  # the library has no types
    """Front matter of which nothing is built but what may be a date."""

    def load(self, fm: str, **kwargs: object) -> dict[str, Any]:
        """Return the values of :data:`DATE_KEYS`.

        Raises:
            yaml.YAMLError: it is no valid YAML, or refused.
        """
        root = compose(fm, LOADER)
        pairs = root.value if isinstance(root, yaml.MappingNode) else ()
        keys = [(key.value.lower() if isinstance(key, yaml.ScalarNode) else None, value) for key, value in pairs]
        return {key: _value(value) for key, value in keys if key in DATE_KEYS}


def _value(node: yaml.Node) -> Any:
    """Return a short scalar, or the only one of a list, as what YAML takes it for; anything else as text."""
    while isinstance(node, yaml.SequenceNode) and len(node.value) == 1:
        node = node.value[0]
    if not isinstance(node, yaml.ScalarNode):
        return node.value and "a list or a section"
    if len(node.value) > LONGEST:
        return node.value
    try:
        return yaml.constructor.SafeConstructor().construct_document(node)
    except ValueError:
        # PyYAML takes 2024-02-30 for a date.
        return node.value


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read a note of the person.

    The text is the body; the front matter gives the date (:data:`DATE_KEYS`), else the file name (``YYYY-MM-DD...``).
    """
    problems = context.problems
    text = read_text(file.path, file.name, problems)
    if text is None:
        return []
    if text.startswith("---\n") and "\n---" not in text[3:]:
        problems.add(file.name, 1, "front_matter", "the front matter is never closed", "end it with a line ---")
        return []
    try:
        metadata, body = frontmatter.parse(text, handler=FRONT_MATTER if FRONT_MATTER.detect(text.strip()) else None)
        key, value = _date_in(metadata)
    except yaml.YAMLError as error:
        # Lines of the YAML count from 0, and its line 0 is the rest of the opening ---.
        line, wrong = what_is_wrong(error)
        problems.add(file.name, line, "front_matter", f"the front matter {wrong}", "correct or quote the value")
        return []
    except (ValueError, RecursionError):
        problems.add(file.name, 1, "front_matter", "the front matter is not valid JSON", "correct it")
        return []
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


FRONT_MATTER = _FrontMatter()
IMPORTER = Importer(suffixes=frozenset({".md"}), read=read, limit="max_bytes")
