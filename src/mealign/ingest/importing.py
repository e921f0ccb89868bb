"""What an importer declares and is given: whose sources, what is accepted, how notes and messages are built."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from functools import cached_property
from itertools import accumulate

from mealign.ingest.dates import (
    AmbiguousDateError,
    ImplausibleDateError,
    Period,
    is_utc,
    moment_of,
    on_the_clock,
    period_at,
)
from mealign.ingest.diary import Dates, Entry, split
from mealign.ingest.files import SourceFile, day_first_of
from mealign.ingest.report import Problems
from mealign.ingest.settings import IngestConfig, UserConfig
from mealign.ingest.text import well_formed
from mealign.records import Document, DocumentKind

UNDATED = datetime.min
"""Stands for the date of a note without one, until those of all others are known."""
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
    addresses and numbers (:func:`contact_key`), "" where several people share one; ``files`` are the folder's.
    """

    person: str
    names: frozenset[str]
    settings: IngestConfig
    problems: Problems = field(default_factory=Problems)
    forms: dict[str, object] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    files: Sequence[SourceFile] = ()

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

    def note(
        self,
        file: SourceFile,
        text: str,
        *,
        date: object,
        line: int | None = None,
        mend: str,
        begins: int | None = None,
    ) -> list[Document]:
        """Return one of the person's files as notes, one a day where it is a diary (:mod:`mealign.ingest.diary`).

        Its date is the one given, else that in its name, else the first day of a week, month or year that is named;
        without one, ``ingest.undated`` decides. What is doubtful is noted as a problem.

        Args:
            file: where it comes from.
            text: what it says.
            date: as it was found, for :func:`mealign.ingest.dates.parse_date`; None when there is none.
            line: where the date was found.
            mend: what the report advises where there is no date.
            begins: the line of the file where the text begins, where its lines are the file's.
        """
        above = text[: len(text) - len(text.lstrip())].count("\n")
        content = well_formed(text).strip()
        if not content:
            self.problems.add(file.name, None, "empty", "the note has no text", "write something, or delete it")
            return []
        if len(content) > self.settings.max_unpacked_bytes:
            message = f"its text is longer than ingest.max_unpacked_bytes={self.settings.max_unpacked_bytes}"
            self.problems.add(file.name, None, "too_large", message, "split the note")
            return []
        own, period, doubted = self._own_date(file, date, line)
        known = Dates(own is not None, period, self.settings.day_first, lambda: self.day_first, self._is_plausible)
        found = split(content, known)
        self.problems.leave_out(file.name, "entry_field", found.fields)

        def place(number: int) -> int | None:
            return None if begins is None else begins - 1 + above + number

        for number, wrong in found.wrong:
            message = f"{wrong}, of which a heading speaks; its text belongs to the day above"
            self.problems.add(file.name, place(number), "bad_date", message, "correct the date")
        if found.guessed_order:
            message = "no date says whether the day or the month comes first; the day was taken"
            self.problems.add(file.name, place(found.guessed_order), "day_order", message, "set ingest.day_first")
        dates = self._dates_of(file, found.entries, own, period, None if doubted else mend)
        entries = _of_days(found.entries, dates)
        days = {moment.date() for _, moment in entries if moment}
        if own and len(entries) == 1 and days != {own.date()}:
            message = "its only heading has another day than the file, and was taken"
            self.problems.add(file.name, line, "several_dates", message, "take out the one that is wrong")
        names = _names(file.name, [entry for entry, _ in entries])
        return [
            Document.create(source=name, author=self.person, created_at=moment, kind="note", text=entry.text)
            for name, (entry, moment) in zip(names, entries, strict=True)
            if moment is not None
        ]

    @cached_property
    def day_first(self) -> bool | None:
        """Whether 03/04/2024 is a day of April: as the settings say, else as the folder's other notes show it."""
        return self.settings.day_first if self.settings.day_first is not None else day_first_of(self.files)

    def moment(self, file: SourceFile, date: object) -> datetime:
        """Return when something was written, on the writer's clock, and note where the setting of that is missing.

        Raises:
            ImplausibleDateError: as :func:`mealign.ingest.dates.parse_date`.
        """
        try:
            found = moment_of(date, day_first=self.settings.day_first)
        except AmbiguousDateError:
            # Only now are the other files asked.
            found = moment_of(date, day_first=self.day_first)
        if is_utc(found) and self.settings.time_zone == "UTC":
            message = "its times are in UTC, and so is ingest.time_zone: late in the day, the date may be another one"
            mend = "set ingest.time_zone to where you live, as Europe/Brussels (Etc/UTC: where it is UTC)"
            self.problems.add(file.name, None, "time_zone", message, mend)
        return on_the_clock(found, self.settings)

    def _is_plausible(self, moment: datetime) -> bool:
        return self.settings.first_year <= moment.year <= self.settings.last_year

    def _own_date(
        self, file: SourceFile, date: object, line: int | None
    ) -> tuple[datetime | None, Period | None, bool]:
        """Return a note's moment or period, and whether a problem says already that its date is in doubt."""
        own, period, wrong = None, file.named.period, ""
        # What is found in the file, and what in its name.
        dates = [(value, value is not date) for value in dict.fromkeys((date, file.date)) if value is not None]
        for value, in_name in dates:
            try:
                moment = self.moment(file, value)
            except ImplausibleDateError as error:
                longer = None if in_name else period_at(str(value).strip())
                if longer and longer[0] == len(str(value).strip()):
                    period = longer[1]
                else:
                    wrong = wrong or str(error)
                continue
            if own is None:
                own = moment
            elif own.date() != moment.date():
                message = "the day in it is another one than that in its name, and was taken"
                self.problems.add(file.name, line, "several_dates", message, "take out the one that is wrong")
        if file.named.ambiguous and own is None:
            wrong = wrong or "its name could be two days"
        if wrong:
            fallback = "the other date was taken" if own else "the note counts as one without a date (ingest.undated)"
            message = f"{wrong}; {fallback}"
            mend = "set ingest.day_first" if "either" in wrong or "two days" in wrong else "correct the date"
            self.problems.add(file.name, line, "bad_date", message, mend)
        return own, period, bool(wrong)

    def _dates_of(
        self, file: SourceFile, entries: Sequence[Entry], own: datetime | None, period: Period | None, mend: str | None
    ) -> list[datetime | None]:
        """Return when each entry was written; None: it is refused. Guesses are noted.

        ``mend`` advises where there is no date; None where a problem says so already.
        """
        dates: list[datetime | None] = []
        days = [on_the_clock(entry.moment, self.settings) for entry in entries if entry.moment]
        guessed: set[str] = set()
        undated = False
        for entry in entries:
            longer = entry.period or (None if entry.moment or own else period)
            if entry.moment:
                moment = on_the_clock(entry.moment, self.settings)
                same_day = own and not entry.timed and own.date() == moment.date()
                dates.append(own if same_day else moment)
            elif longer:
                guessed.add(f"only the {longer.unit} is known of a text, whose first day was taken")
                dates.append(datetime.combine(longer.start, time()))
            elif own:
                dates.append(own)
            elif days:
                guessed.add("what stands above or below its days has the date of the first")
                dates.append(min(days))
            else:
                undated = True
                dates.append(self._undated())
        if guessed:
            mended = "write the day into a heading, or into the file's name"
            self.problems.add(file.name, None, "guessed_date", "; ".join(sorted(guessed)), mended)
        if undated and mend:
            what = "is left out" if self.settings.undated == "refuse" else "gets a day that is none of its own"
            message = f"the note has no date, and {what} (ingest.undated={self.settings.undated})"
            self.problems.add(file.name, None, "no_date", message, mend)
        return dates

    def _undated(self) -> datetime | None:
        if self.settings.undated == "refuse":
            return None
        return UNDATED if self.settings.undated == "first" else datetime.fromisoformat(self.settings.undated)


def _of_days(entries: Sequence[Entry], dates: Sequence[datetime | None]) -> list[tuple[Entry, datetime | None]]:
    """Return the entries with their dates; those that follow one another and have the same are one."""
    found: list[tuple[Entry, datetime | None]] = []
    for entry, moment in zip(entries, dates, strict=True):
        if found and found[-1][1] == moment and not entry.timed:
            before = found.pop()[0]
            entry = replace(before, text=f"{before.text}\n\n{entry.text}")
        found.append((entry, moment))
    return found


def _names(file: str, entries: Sequence[Entry]) -> list[str]:
    """Return the sources of a file's entries: that of one alone is the file, and of several their days."""
    if len(entries) == 1:
        return [file]
    names, seen = [], Counter[str]()
    for entry in entries:
        item = ""
        if entry.moment:
            item = entry.moment.strftime("%Y-%m-%dT%H:%M" if entry.timed else "%Y-%m-%d")
        elif entry.period:
            item = f"{entry.period.unit} {entry.period.start}"
        seen[item] += 1
        again = f"~{seen[item]}" if seen[item] > 1 else ""
        names.append(f"{file}#{item}{again}" if item or again else file)
    return names


def date_undated(documents: list[Document], problems: Problems) -> list[Document]:
    """Give the documents without a date that of the earliest one; where none has a date, they are left out."""
    dated = [document.created_at for document in documents if document.created_at != UNDATED]
    if len(dated) == len(documents):
        return documents
    if not dated:
        message = "no source has a date, so that there is none for the notes without one"
        problems.add(".", None, "no_date", message, "set ingest.undated to a day, as 2024-03-14")
        return []
    first = min(dated)
    return [
        document
        if document.created_at != UNDATED
        else Document.create(
            source=document.source, author=document.author, created_at=first, kind=document.kind, text=document.text
        )
        for document in documents
    ]


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
            date: as the export has it, for :func:`mealign.ingest.dates.parse_date`.
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
            created_at = self.context.moment(self.file, date)
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
