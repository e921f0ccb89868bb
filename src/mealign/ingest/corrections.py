"""What the user corrects, as ``corrections.yaml`` beside their sources.

::

    drop:
      - fact_0123456789abcdef
      - statement: Nadia likes olives.
      - source: notes/2024-05-18-olives.md
        text: I like olives
    change:
      - {fact: fact_0123456789abcdef, object: Ghent, statement: Nadia lives in Ghent., valid_from: 2024-03-01}
    same:
      - {names: [Ilse, Ilsje], is: Ilse Verhoeven}
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from mealign.ingest.report import Problems
from mealign.ingest.settings import IngestConfig
from mealign.ingest.text import read_text
from mealign.ingest.yaml_nodes import compose, what_is_wrong
from mealign.records import ChangeFact, Corrections, Document, DropFact, Evidence, SamePerson

NAME = "corrections.yaml"
KEYS = {
    "drop": {"statement", "source", "text"},
    "change": {"fact", "subject", "relation", "object", "statement", "valid_from"},
    "same": {"names", "is"},
}
MOST_PLACES = 1000
"""Places at which a document may say what is quoted."""
C = TypeVar("C", ChangeFact, SamePerson)
Entry = tuple[int, Any]
"""The line on which an entry begins, and its value."""


def read_corrections(
    folder: Path, *, documents: Sequence[Document], settings: IngestConfig, problems: Problems
) -> Corrections:
    """Read the corrections; an invalid entry is refused with its line, every other one is kept.

    A quotation (``source`` and ``text``) becomes spans of the document that it names, so that it applies to whatever is
    extracted from them.
    """
    path = folder / NAME
    if not os.path.lexists(path):
        return Corrections()
    text = read_text(path, NAME, problems, settings)
    sections: dict[str, list[Entry]] = {key: [] for key in KEYS}
    for section, entry in _entries(text or "", problems):
        sections[section].append(entry)
    by_source = {document.source: document for document in documents}
    drops = [_drop(line, value, by_source, problems) for line, value in sections["drop"]]
    changes = _records(ChangeFact, "change", sections["change"], problems)
    people = _records(SamePerson, "same", sections["same"], problems)
    return Corrections(
        drop=tuple(drop for drop in drops if drop),
        change=tuple(_alone(changes, lambda change: {change.fact}, "this fact is changed by two entries", problems)),
        same=tuple(_alone(people, lambda person: person.all_names, "one of the names stands in two entries", problems)),
    )


def _entries(text: str, problems: Problems) -> Iterator[tuple[str, Entry]]:
    """Yield every entry with its section. All values are text: a name like ``No`` or ``12`` stays one."""
    try:
        root = compose(text, yaml.BaseLoader)
    except yaml.YAMLError as error:
        line, wrong = what_is_wrong(error)
        message = f"this {wrong}, so that none of the corrections was used"
        problems.add(NAME, line, "corrections", message, "correct or quote the value")
        return
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        _refuse(problems, root.start_mark.line + 1, "these are no sections", f"use {', '.join(KEYS)}, each with a list")
        return
    for key, section in root.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.value not in KEYS:
            _refuse(problems, line, "there is no such section", f"use {', '.join(KEYS)}")
        elif isinstance(section, yaml.SequenceNode):
            for node in section.value:
                line = node.start_mark.line + 1
                try:
                    yield key.value, (line, yaml.constructor.BaseConstructor().construct_document(node))
                except yaml.YAMLError:
                    _refuse(problems, line, "this entry is not valid YAML", "correct or quote the value")
        elif section.value:
            _refuse(problems, line, "this section is no list", "begin each entry with -")


def _refuse(problems: Problems, line: int, message: str, mend: str) -> None:
    problems.add(NAME, line, "correction", message, mend)


def _drop(line: int, value: Any, documents: Mapping[str, Document], problems: Problems) -> DropFact | None:
    if isinstance(value, str) and value:
        return DropFact(line=line, fact=value)
    if not isinstance(value, dict) or not all(isinstance(part, str) and part.strip() for part in value.values()):
        _refuse(problems, line, "this names no fact", "give its id, its statement, or source and text")
    elif value.keys() == {"statement"}:
        return DropFact(line=line, statement=value["statement"])
    elif value.keys() != {"source", "text"}:
        _refuse(problems, line, "these keys name no fact", "give its id, its statement, or source and text")
    elif value["source"] not in documents:
        _refuse(problems, line, "its source is no document that was kept", "give a source as in documents.jsonl")
    else:
        document = documents[value["source"]]
        spans = document.spans_of(value["text"])
        if len(spans) > MOST_PLACES:
            _refuse(problems, line, f"its source says this {len(spans)} times", "give more of the text around it")
            return None
        if spans:
            evidence = tuple(Evidence(document_id=document.id, start=start, end=end) for start, end in spans)
            return DropFact(line=line, evidence=evidence)
        _refuse(problems, line, "its source does not say this text", "copy the text from the source")
    return None


def _records(kind: type[C], section: str, entries: Iterable[Entry], problems: Problems) -> list[C]:
    found = []
    for line, value in entries:
        if not isinstance(value, dict) or not value.keys() <= KEYS[section]:
            _refuse(problems, line, "it has a key that is not known here", f"use {', '.join(sorted(KEYS[section]))}")
            continue
        try:
            found.append(kind.model_validate({**value, "line": line}))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the entry"
            _refuse(problems, line, f"{where}: {first['msg']}", "correct the entry")
    return found


def _alone(entries: Sequence[C], names: Callable[[C], Iterable[str]], message: str, problems: Problems) -> Iterator[C]:
    """Yield the entries that share no name with another; which of two is meant cannot be guessed."""
    counts = Counter(name for entry in entries for name in names(entry))
    for entry in entries:
        if all(counts[name] == 1 for name in names(entry)):
            yield entry
        else:
            _refuse(problems, entry.line, message, "make one entry of them")
