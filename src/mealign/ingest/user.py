"""One person's sources, whatever their format, as documents in canonical order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mealign.config import IngestConfig, SourceFormat, UserConfig
from mealign.errors import ConfigError, MealignError
from mealign.ingest.chat import read_chat
from mealign.ingest.corrections import read_corrections
from mealign.ingest.locomo import read_locomo
from mealign.ingest.markdown import read_notes
from mealign.ingest.questions import read_questions
from mealign.ingest.report import IngestReport, Problems
from mealign.records import Corrections, Document, Question

SHOWN = 10


class IngestError(MealignError):
    """Nothing usable was left, or ``ingest.strict`` was set and something was refused. ``report`` has every item."""

    def __init__(self, message: str, report: IngestReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class IngestResult:
    """Documents ordered by time and source, gold questions, what the user corrects, and the report."""

    documents: list[Document]
    questions: list[Question]
    corrections: Corrections
    report: IngestReport


def ingest_user(user: UserConfig, settings: IngestConfig, *, root: Path) -> IngestResult:
    """Read everything under ``user.path`` (relative to ``root``).

    Raises:
        ConfigError: the path does not exist, or a LoCoMo speaker or conversation is unknown.
        IngestError: nothing usable is left, or ``settings.strict`` and there was a problem.
    """
    source = root / Path(user.path).expanduser()
    problems = Problems()
    if user.format is SourceFormat.locomo:
        documents, questions = read_locomo(source, user, problems)
        corrections = Corrections()
    else:
        documents = _read_folder(source, user, settings, problems)
        sources = {document.source for document in documents}
        questions = read_questions(source, sources=sources, problems=problems)
        corrections = read_corrections(source, documents=documents, settings=settings, problems=problems)
    documents = sorted(documents, key=lambda document: (document.created_at, document.source))
    report = IngestReport.of(documents, questions=len(questions), problems=problems.items)
    if not documents:
        mend = "give a folder with Markdown notes (*.md) or a chat export (*.json)"
        raise IngestError(f"user.path={user.path}: nothing usable was found; {mend}{_first(report)}", report)
    if settings.strict and report.problems:
        raise IngestError(f"ingest.strict=true and {len(report.problems)} problems:{_first(report)}", report)
    return IngestResult(documents, questions, corrections, report)


def _read_folder(folder: Path, user: UserConfig, settings: IngestConfig, problems: Problems) -> list[Document]:
    if not folder.is_dir():
        raise ConfigError(f"user.path={user.path}: there is no such folder; name the one that holds the notes")
    documents = read_notes(folder, author=user.person, settings=settings, problems=problems)
    for path in sorted(folder.glob("*.json")):
        documents += read_chat(path, path.name, settings=settings, problems=problems)
    return documents


def _first(report: IngestReport) -> str:
    lines = [f"\n  {problem.where}: {problem.message}; {problem.mend}" for problem in report.problems[:SHOWN]]
    more = len(report.problems) - SHOWN
    return "".join(lines) + (f"\n  and {more} more" if more > 0 else "")
