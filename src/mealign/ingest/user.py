"""One person's sources, whatever their format, as documents in canonical order."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from pathlib import Path

from mealign.errors import ConfigError, MealignError
from mealign.ingest import questions as gold
from mealign.ingest.corrections import NAME as CORRECTIONS
from mealign.ingest.corrections import read_corrections
from mealign.ingest.dispatch import import_file, importers, suffixes
from mealign.ingest.files import SourceFile, source_files
from mealign.ingest.importing import ImportContext, date_undated
from mealign.ingest.labels import NAME as LABELS
from mealign.ingest.labels import read_labels
from mealign.ingest.lifebench import digest_of_lifebench, read_lifebench
from mealign.ingest.locomo import read_locomo
from mealign.ingest.report import IngestReport, Problems
from mealign.ingest.settings import IngestConfig, SourceFormat, UserConfig
from mealign.ingest.text import is_folder, open_regular
from mealign.progress import track
from mealign.records import Corrections, Document, Label, Question
from mealign.settings import path_at

SHOWN = 10
BLOCK = 1 << 20
NOT_SOURCES = frozenset({"readme.md", gold.NAME, CORRECTIONS, LABELS})
"""Files at the top of the folder that describe the sources and are not sources themselves."""


ADDRESS_BOOK = ".vcf"


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
        ConfigError: the path does not exist or holds nobody's phone, or a LoCoMo speaker or conversation is unknown.
        IngestError: nothing usable is left, or ``settings.strict`` and there was a problem.
    """
    source = source_of(user, root)
    context = ImportContext.of(user, settings)
    problems = context.problems
    labels: list[Label] = []
    if user.format is SourceFormat.locomo:
        documents, questions = read_locomo(source, user, settings, problems)
        corrections = Corrections()
    elif user.format is SourceFormat.lifebench:
        documents, questions = read_lifebench(source, context)
        corrections = Corrections()
    else:
        documents = _read_folder(source, user, context)
        sources = {document.source for document in documents}
        questions = gold.read_questions(source, sources=sources, settings=settings, problems=problems)
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


def source_of(user: UserConfig, root: Path) -> Path:
    """Return where the sources are.

    Raises:
        ConfigError: the path begins with the home of a user who does not exist.
    """
    try:
        return path_at(root, user.path)
    except RuntimeError as error:
        raise ConfigError(f"user.path={user.path}: there is no such user; write the path in full") from error


def digest_of(user: UserConfig, settings: IngestConfig, *, root: Path) -> str:
    """Return the digest of all that :func:`ingest_user` reads: the names of the files, and contents of known formats.

    What is refused unread (a pipe, a file above its limit) is not read here either.
    """
    source = source_of(user, root)
    if user.format is SourceFormat.locomo:
        return _digest_of_file(source, settings.max_export_bytes)
    if user.format is SourceFormat.lifebench:
        return digest_of_lifebench(source, lambda path: _digest_of_file(path, settings.max_export_bytes))
    if not is_folder(source):
        return "absent"
    problems, digest = Problems(), hashlib.sha256()
    for file in source_files(source, suffixes(), problems):
        limits = [getattr(settings, each.limit) for each in importers() if file.suffix in each.suffixes]
        limits += [settings.max_export_bytes] if file.name in NOT_SOURCES else []
        content = _digest_of_file(file.path, max(limits)) if limits else ""
        digest.update(f"{file.name}\0{content}\n".encode())
    digest.update(repr(problems.items).encode())
    return digest.hexdigest()


def _digest_of_file(path: Path, most: int) -> str:
    digest = hashlib.sha256()
    try:
        with open_regular(path) as stream:
            left = os.fstat(stream.fileno()).st_size
            if left > most:
                return f"{left} bytes"
            # No further than the size says: some files of the kernel never end.
            while left > 0 and (block := stream.read(min(left, BLOCK))):
                digest.update(block)
                left -= len(block)
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return digest.hexdigest()


def _read_folder(folder: Path, user: UserConfig, context: ImportContext) -> list[Document]:
    if not is_folder(folder):
        raise ConfigError(f"user.path={user.path}: there is no such folder; name the one that holds the notes")
    read = {}
    files = source_files(folder, suffixes(), context.problems, day_first=context.settings.day_first)
    # Address books first: they say whose a number or address is in all others.
    files = sorted(files, key=lambda file: file.suffix != ADDRESS_BOOK)
    files = [file for file in files if file.name.lower() not in NOT_SOURCES]
    context = replace(context, files=files)
    for file in track(files, "read files"):
        if found := import_file(file, context):
            _note_stranger(file, found, context)
            read[file.name] = found
    return date_undated(_each_once(read, context), context.problems)


def _each_once(read: dict[str, list[Document]], context: ImportContext) -> list[Document]:
    """Return the documents of all files; a message that several files hold, as exports of one chat do, once.

    Exports of one chat have the same form. What somebody said twice stands twice in one of them, and stays.
    """
    kept: list[Document] = []
    seen: defaultdict[Hashable, Counter[tuple[str, ...]]] = defaultdict(Counter)
    several = sum(any(document.participants for document in documents) for documents in read.values()) > 1
    for name, documents in read.items():
        here: Counter[Hashable] = Counter()
        added: list[tuple[Hashable, tuple[str, ...]]] = []
        for document in documents:
            people = document.participants
            if several and people:
                moment = document.created_at.replace(microsecond=0)
                key: Hashable = (context.forms.get(name), document.kind, document.author, moment, document.text)
                here[key, people] += 1
                others = seen.get(key) or Counter()
                before = sum(number for its, number in others.items() if _same_chat(people, its))
                if here[key, people] <= before:
                    context.problems.leave_out(name, "seen_before", document.text)
                    continue
                added.append((key, people))
            kept.append(document)
        for key, people in added:
            seen[key][people] += 1
    return kept


def _same_chat(people: Collection[str], others: Collection[str]) -> bool:
    """Whether two exports can be of one chat: the same people wrote in both, but for some who wrote in one alone."""
    shared = len(set(people) & set(others))
    return shared > 1 or shared == min(len(people), len(others))


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
