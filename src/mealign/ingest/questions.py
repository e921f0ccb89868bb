"""Gold questions, as ``questions.jsonl`` beside a person's sources."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from mealign.ingest.report import Problems
from mealign.ingest.text import read_text
from mealign.records import Question

NAME = "questions.jsonl"


def read_questions(folder: Path, *, sources: Collection[str], problems: Problems) -> list[Question]:
    """Read the questions; a broken line is refused; evidence that names no document is kept and noted."""
    path = folder / NAME
    if not path.exists():
        return []
    text = read_text(path, NAME, problems)
    questions: dict[str, Question] = {}
    for number, line in enumerate((text or "").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            question = Question.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            problems.add(NAME, number, "question", f"{where}: {first['msg']}", "correct the question")
            continue
        if question.id in questions:
            problems.add(NAME, number, "duplicate_id", "a question with this id came before", "give it its own id")
            continue
        for source in question.evidence:
            if source not in sources:
                message = f"its evidence {source} is no document that was kept"
                problems.add(NAME, number, "evidence", message, "correct the id")
        questions[question.id] = question
    return list(questions.values())
