"""Gold questions, as ``questions.jsonl`` beside a person's sources."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from mealign.ingest.report import Problems
from mealign.ingest.settings import IngestConfig
from mealign.ingest.text import read_text
from mealign.records import Question

NAME = "questions.jsonl"


def read_questions(
    folder: Path, *, sources: Collection[str], settings: IngestConfig, problems: Problems
) -> list[Question]:
    """Read the questions; a broken line is refused; evidence that names no document is kept and noted."""
    path = folder / NAME
    if not os.path.lexists(path):
        return []
    text = read_text(path, NAME, problems, settings, limit="max_export_bytes")
    questions: dict[str, Question] = {}
    for number, line in enumerate((text or "").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            question = Question.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            known = first["type"] != "extra_forbidden"
            where = (".".join(str(part) for part in first["loc"]) or "the line") if known else "one of its keys"
            problems.add(NAME, number, "question", f"{where}: {first['msg']}", "correct the question")
            continue
        if question.id in questions:
            problems.add(NAME, number, "duplicate_id", "a question with this id came before", "give it its own id")
            continue
        for position, source in enumerate(question.evidence, start=1):
            if source not in sources:
                message = f"its evidence {position} is no document that was kept"
                problems.add(NAME, number, "evidence", message, "give a source as in documents.jsonl")
        questions[question.id] = question
    return list(questions.values())
