"""What every reader shares: whose sources these are, what is accepted, and how a note or a message is built."""

from __future__ import annotations

from dataclasses import dataclass, field

from mealign.ingest.dates import ImplausibleDateError, parse_date
from mealign.ingest.files import SourceFile
from mealign.ingest.report import Problems
from mealign.ingest.settings import IngestConfig, UserConfig
from mealign.ingest.text import well_formed
from mealign.records import Document, DocumentKind


@dataclass(frozen=True)
class Reading:
    """One reading of a person's folder. ``names`` are all names and addresses of the person, case-folded."""

    person: str
    names: frozenset[str]
    settings: IngestConfig
    problems: Problems = field(default_factory=Problems)

    @classmethod
    def of(cls, user: UserConfig, settings: IngestConfig) -> Reading:
        """Begin to read the sources of ``user``."""
        names = frozenset(name.strip().casefold() for name in (user.person, *user.aliases))
        return cls(person=user.person, names=names, settings=settings)

    def name_of(self, *written: str) -> str:
        """Return who is meant by what an export calls somebody, the best name first: the person, or that name."""
        names = [name for name in (well_formed(name).strip() for name in written) if name]
        if any(name.casefold() in self.names for name in names):
            return self.person
        return names[0] if names else ""

    def note(self, file: SourceFile, text: str, *, date: object, line: int | None = None, mend: str) -> list[Document]:
        """Return a file of the person as a note, or nothing and a problem.

        Args:
            file: where it comes from.
            text: what it says.
            date: as it was found, for :func:`parse_date`; None when there is none.
            line: where the date was found.
            mend: what to do when there is none.
        """
        content = well_formed(text).strip()
        if not content:
            self.problems.add(file.name, None, "empty", "the note has no text", "write something, or delete it")
            return []
        if date is None:
            self.problems.add(file.name, None, "no_date", "the note has no date", mend)
            return []
        try:
            created_at = parse_date(date, self.settings)
        except ImplausibleDateError as error:
            self.problems.add(file.name, line, "bad_date", str(error), "correct the date")
            return []
        return [Document.create(source=file.name, author=self.person, created_at=created_at, kind="note", text=content)]


@dataclass
class Messages:
    """The messages of one file so far."""

    file: SourceFile
    reading: Reading
    documents: list[Document] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def add(
        self,
        item: str,
        *,
        author: str,
        participants: tuple[str, ...],
        date: object,
        text: str,
        kind: DocumentKind = "message",
        line: int | None = None,
        label: str = "the message",
    ) -> None:
        """Add one message, or note why it was refused.

        Args:
            item: what finds it again in the file.
            author: who wrote it, as :meth:`Reading.name_of` gives names.
            participants: all who took part, likewise.
            date: as the export has it, for :func:`parse_date`.
            text: what it says.
            kind: ``assistant`` where a program said it.
            line: where it begins.
            label: what the report calls it.
        """
        problems, name = self.reading.problems, self.file.name
        item, content = well_formed(item).strip(), well_formed(text).strip()
        parts = {"id": item, "date": date, "author": author, "text": content}
        if missing := [part for part, value in parts.items() if value in ("", None)]:
            message = f"{label} has no {', '.join(missing)}"
            problems.add(name, line, "message", message, "add it, or delete the message")
            return
        try:
            created_at = parse_date(date, self.reading.settings)
        except ImplausibleDateError as error:
            problems.add(name, line, "bad_date", f"{label}: {error}", "correct its date")
            return
        source = f"{name}#{item}"
        if source in self._seen:
            message = f"{label} has the id of one that came before"
            problems.add(name, line, "duplicate_id", message, "give it an id of its own, or delete it")
            return
        self._seen.add(source)
        self.documents.append(
            Document.create(
                source=source,
                author=author,
                participants=participants,
                created_at=created_at,
                kind=kind,
                text=content,
            )
        )
