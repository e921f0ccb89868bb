"""What an importer declares and is given: whose sources, what is accepted, how notes and messages are built."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from mealign.ingest.dates import ImplausibleDateError, parse_date
from mealign.ingest.files import SourceFile
from mealign.ingest.report import Problems
from mealign.ingest.settings import IngestConfig, UserConfig
from mealign.ingest.text import well_formed
from mealign.records import Document, DocumentKind

NUMBER = re.compile(r"(?:tel:)?\+?[\d\s()./-]{7,30}", re.IGNORECASE)
DIGITS = 9
"""Digits of a telephone number that remain when it is written without its country's."""


def contact_key(address: str) -> str:
    """Return what a mail address or telephone number has in common with its other spellings; "" for anything else.

    >>> contact_key("+44 7700 900123") == contact_key("07700900123"), contact_key("Anna")
    (True, '')
    """
    if NUMBER.fullmatch(address):
        digits = re.sub(r"\D", "", address)
        return digits[-DIGITS:] if len(digits) >= DIGITS - 2 else ""
    return address.casefold().removeprefix("mailto:") if "@" in address else ""


@dataclass(frozen=True)
class ImportContext:
    """Whose folder is imported and under which settings; collects the problems.

    ``names`` are all names and addresses of the person, case-folded; ``forms`` how a file writes its messages, by its
    name, where a program writes them in several forms; ``contacts`` the names of other people by the keys of their
    addresses and numbers (:func:`contact_key`), "" where several people share one.
    """

    person: str
    names: frozenset[str]
    settings: IngestConfig
    problems: Problems = field(default_factory=Problems)
    forms: dict[str, object] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, user: UserConfig, settings: IngestConfig) -> ImportContext:
        """Begin to import the sources of ``user``."""
        names = frozenset(name.strip().casefold() for name in (user.person, *user.aliases))
        return cls(person=user.person, names=names, settings=settings)

    def name_of(self, *written: str) -> str:
        """Return who an export's names, the best first, mean.

        That is the person, where one is theirs; else the contact to whom one belongs as an address or number; else the
        first name.
        """
        names = [name for name in (well_formed(name).strip() for name in written) if name]
        known = [self.contacts[key] for name in names if self.contacts.get(key := contact_key(name))]
        if any(name.casefold() in self.names for name in (*names, *known)):
            return self.person
        return (*known, *names, "")[0]

    def add_contact(self, name: str, *addresses: str) -> None:
        """Remember to whom mail addresses and telephone numbers belong."""
        for key in filter(None, map(contact_key, addresses)):
            self.contacts[key] = name if self.contacts.get(key, name) == name else ""

    def note(self, file: SourceFile, text: str, *, date: object, line: int | None = None, mend: str) -> list[Document]:
        """Return one of the person's files as a note; without text or a plausible date, nothing, and a noted problem.

        Args:
            file: where it comes from.
            text: what it says.
            date: as it was found, for :func:`parse_date`; None when there is none.
            line: where the date was found.
            mend: what the report advises where there is no date.
        """
        content = well_formed(text).strip()
        if not content:
            self.problems.add(file.name, None, "empty", "the note has no text", "write something, or delete it")
            return []
        if len(content) > self.settings.max_unpacked_bytes:
            message = f"its text is longer than ingest.max_unpacked_bytes={self.settings.max_unpacked_bytes}"
            self.problems.add(file.name, None, "too_large", message, "split the note")
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


@dataclass(frozen=True)
class Importer:
    """One format: which files may have it, and how their documents are read.

    Attributes:
        suffixes: extensions of its files, in lower case and with the dot; "" is a file without one. A folder with such
            an extension is offered too.
        read: returns a file's documents and notes what it cannot use in ``context.problems``. It opens the file through
            :mod:`mealign.ingest.text`.
        recognises: whether a file with such an extension has the format; None: every one does.
        export_names: how the exporting program calls its files; one of that name in which nothing can be used is a
            problem.
        limit: the setting of ``ingest`` that bounds the size of a file.
        contained: whether files are read in a process that gets only so much time and memory, for formats that unpack
            (:mod:`mealign.ingest.contained`).
    """

    suffixes: frozenset[str]
    read: Callable[[SourceFile, ImportContext], list[Document]]
    recognises: Callable[[SourceFile], bool] | None = None
    export_names: frozenset[str] = frozenset()
    limit: str = "max_export_bytes"
    contained: bool = False

    def claims(self, file: SourceFile) -> bool:
        """Whether this importer reads the file.

        Raises:
            OSError: the file cannot be read.
        """
        return file.suffix in self.suffixes and (self.recognises is None or self.recognises(file))


CROWD = 20_000
"""Characters of the names that every message of a conversation repeats: those of a thousand people."""
LONGEST_NAME = 1000
"""Characters of a message's id, or of its author's name."""


@dataclass
class Messages:
    """The messages of one file so far."""

    file: SourceFile
    context: ImportContext
    documents: list[Document] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def people(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of the names that are not empty as who takes part in a conversation.

        Of a crowd, which every message would repeat, only the first are named, and that is noted.
        """
        found = tuple(name for name in names if name)
        kept = sum(length <= CROWD for length in accumulate(map(len, found)))
        if kept < len(found):
            message = f"{len(found)} people take part in a conversation; its messages name the first {kept}"
            self.context.problems.add(self.file.name, None, "crowd", message, "none needed: the messages are kept")
        return found[:kept]

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
            item: identifies it within the file.
            author: who wrote it, as :meth:`ImportContext.name_of` gives names.
            participants: all who took part, likewise.
            date: as the export has it, for :func:`parse_date`.
            text: what it says.
            kind: ``assistant`` where a program said it.
            line: where it begins.
            label: what the report calls it.
        """
        problems, name = self.context.problems, self.file.name
        item, content = well_formed(item).strip(), well_formed(text).strip()
        parts = {"id": item, "date": date, "author": author, "text": content}
        if missing := [part for part, value in parts.items() if value in ("", None)]:
            message = f"{label} has no {', '.join(missing)}"
            problems.add(name, line, "message", message, "add it, or delete the message")
            problems.leave_out(name, "incomplete", content)
            return
        most = self.context.settings.max_unpacked_bytes
        if len(content) > most or max(len(item), len(author)) > LONGEST_NAME:
            message = f"{label} has {len(content)} characters, or an id or author of more than {LONGEST_NAME}"
            problems.add(name, line, "too_large", message, f"shorten it, or raise ingest.max_unpacked_bytes={most}")
            problems.leave_out(name, "too_large", content)
            return
        try:
            created_at = parse_date(date, self.context.settings)
        except ImplausibleDateError as error:
            problems.add(name, line, "bad_date", f"{label}: {error}", "correct its date")
            problems.leave_out(name, "bad_date", content)
            return
        source = f"{name}#{item}"
        if source in self._seen:
            message = f"{label} has the id of one that came before"
            problems.add(name, line, "duplicate_id", message, "give it an id of its own, or delete it")
            problems.leave_out(name, "duplicate_id", content)
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
