"""One person's sources, whatever their format, as documents in canonical order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mealign.errors import ConfigError, MealignError
from mealign.ingest import questions as gold
from mealign.ingest.corrections import NAME as CORRECTIONS
from mealign.ingest.corrections import read_corrections
from mealign.ingest.dispatch import import_file, suffixes
from mealign.ingest.files import SourceFile, source_files
from mealign.ingest.importing import ImportContext
from mealign.ingest.labels import NAME as LABELS
from mealign.ingest.labels import read_labels
from mealign.ingest.locomo import read_locomo
from mealign.ingest.report import IngestReport
from mealign.ingest.settings import IngestConfig, SourceFormat, UserConfig
from mealign.progress import track
from mealign.records import Corrections, Document, Label, Question
from mealign.settings import path_at

SHOWN = 10
NOT_SOURCES = frozenset({"readme.md", gold.NAME, CORRECTIONS, LABELS})
"""Files at the top of the folder that describe the sources and are not sources themselves."""


class IngestError(MealignError):
    """Nothing usable was left, or ``ingest.strict`` was set and something was refused. ``report`` has every item."""

    def __init__(self, message: str, report: IngestReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class IngestResult:
    """Documents ordered by time and source, gold questions, what the user corrects and labels, and the report."""

    documents: list[Document]
    questions: list[Question]
    corrections: Corrections
    labels: list[Label]
    report: IngestReport


def ingest_user(user: UserConfig, settings: IngestConfig, *, root: Path) -> IngestResult:
    """Read everything under ``user.path`` (relative to ``root``).

    Raises:
        ConfigError: the path does not exist, or a LoCoMo speaker or conversation is unknown.
        IngestError: nothing usable is left, or ``settings.strict`` and there was a problem.
    """
    source = path_at(root, user.path)
    context = ImportContext.of(user, settings)
    problems = context.problems
    labels: list[Label] = []
    if user.format is SourceFormat.locomo:
        documents, questions = read_locomo(source, user, problems)
        corrections = Corrections()
    else:
        documents = _read_folder(source, user, context)
        sources = {document.source for document in documents}
        questions = gold.read_questions(source, sources=sources, problems=problems)
        corrections = read_corrections(source, documents=documents, settings=settings, problems=problems)
        labels = read_labels(source, settings=settings, problems=problems)
    documents = sorted(documents, key=lambda document: (document.created_at, document.source))
    report = IngestReport.of(documents, questions=len(questions), problems=problems)
    if not documents:
        mend = "give a folder with Markdown notes (*.md), or with files of another format that the README names"
        raise IngestError(f"user.path={user.path}: nothing usable was found; {mend}{_first(report)}", report)
    if settings.strict and report.problems:
        raise IngestError(f"ingest.strict=true and {len(report.problems)} problems:{_first(report)}", report)
    return IngestResult(documents, questions, corrections, labels, report)


def _read_folder(folder: Path, user: UserConfig, context: ImportContext) -> list[Document]:
    if not folder.is_dir():
        raise ConfigError(f"user.path={user.path}: there is no such folder; name the one that holds the notes")
    documents = []
    files = [file for file in source_files(folder, suffixes()) if file.name.lower() not in NOT_SOURCES]
    for file in track(files, "read files"):
        found = import_file(file, context)
        _note_stranger(file, found, context)
        documents += found
    return documents


def _note_stranger(file: SourceFile, documents: list[Document], context: ImportContext) -> None:
    """Note a chat or mailbox in which the person does not occur: an export may call them by another name."""
    people = {name for document in documents for name in (document.author, *document.participants)}
    if people and context.person not in people:
        message = f"none of its {len(people)} people is user.person or one of user.aliases"
        mend = "add the name or address that it gives to the person to user.aliases"
        context.problems.add(file.name, None, "no_user", message, mend)


def _first(report: IngestReport) -> str:
    lines = [f"\n  {problem.where}: {problem.message}; {problem.mend}" for problem in report.problems[:SHOWN]]
    more = len(report.problems) - SHOWN
    return "".join(lines) + (f"\n  and {more} more" if more > 0 else "")
