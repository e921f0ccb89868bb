"""Which of two answers the user prefers, as ``labels.yaml`` beside their sources.

::

    - question: Where do I live?
      better: Ghent
      worse: Utrecht
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mealign.answers import normalise
from mealign.ingest.report import Problems
from mealign.ingest.settings import IngestConfig
from mealign.ingest.text import read_text
from mealign.ingest.yaml_nodes import compose, what_is_wrong
from mealign.records import Label

NAME = "labels.yaml"
KEYS = ("question", "better", "worse")


def read_labels(folder: Path, *, settings: IngestConfig, problems: Problems) -> list[Label]:
    """Read the labels; an invalid one is refused with its line, every other one is kept.

    Two labels about the same two answers to the same question are both refused: there is no telling which one is meant.
    """
    path = folder / NAME
    if not os.path.lexists(path):
        return []
    text = read_text(path, NAME, problems, settings)
    found: dict[tuple[tuple[str, ...], frozenset[tuple[str, ...]]], list[tuple[int, Label]]] = {}
    for line, value in _entries(text or "", problems):
        if label := _label(line, value, problems):
            answers = frozenset({tuple(normalise(label.better)), tuple(normalise(label.worse))})
            found.setdefault((tuple(normalise(label.question)), answers), []).append((line, label))
    kept = []
    for entries in found.values():
        if len(entries) == 1:
            kept.append(entries[0][1])
            continue
        for line, _ in entries:
            _refuse(problems, line, "these two answers to this question stand in two labels", "keep one of them")
    return kept


def _entries(text: str, problems: Problems) -> Iterator[tuple[int, Any]]:
    """Yield the line and value of every entry. All values are text: an answer like ``No`` stays what it is."""
    try:
        root = compose(text, yaml.BaseLoader)
    except yaml.YAMLError as error:
        line, wrong = what_is_wrong(error)
        _refuse(problems, line, f"this {wrong}, so that no label was used", "correct or quote the value")
        return
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        _refuse(problems, root.start_mark.line + 1, "this is no list of labels", "begin each label with -")
        return
    for node in root.value:
        line = node.start_mark.line + 1
        try:
            yield line, yaml.constructor.BaseConstructor().construct_document(node)
        except yaml.YAMLError:
            _refuse(problems, line, "this label is not valid YAML", "correct or quote the value")


def _label(line: int, value: Any, problems: Problems) -> Label | None:
    """Return an entry as a label; None, and a noted problem, where it is not one."""
    if not isinstance(value, dict) or set(value) != set(KEYS):
        _refuse(problems, line, "a label has three keys", f"give {', '.join(KEYS)}, and no other")
        return None
    if not all(isinstance(value[key], str) and normalise(value[key]) for key in KEYS):
        _refuse(problems, line, "one of its values holds no word", f"write text for {', '.join(KEYS)}")
        return None
    if normalise(value["better"]) == normalise(value["worse"]):
        _refuse(problems, line, "both answers say the same", "give two different answers")
        return None
    return Label.model_validate(value)


def _refuse(problems: Problems, line: int, message: str, mend: str) -> None:
    problems.add(NAME, line, "label", message, mend)
