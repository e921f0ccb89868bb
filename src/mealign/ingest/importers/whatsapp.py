"""WhatsApp's chat export: a text file with one line a message, as phones write it in many forms.

iOS writes ``[05/01/2024, 18:03:11] Name: text``, Android ``05/01/2024, 18:03 - Name: text``. The language of the phone
decides how the moment is written (:mod:`mealign.ingest.whatsapp_stamps`) and what the program says in between
(:mod:`mealign.ingest.whatsapp_lines`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.text import read_text
from mealign.ingest.whatsapp_lines import Program
from mealign.ingest.whatsapp_stamps import (
    BIDI,
    MARKS,
    ORDERS,
    SPACES,
    Form,
    Order,
    Stamp,
    date_order,
    known,
    looks_like_a_stamp,
    moment_of,
    read_stamp,
)
from mealign.records import Document

AUTHOR = re.compile(r"(?P<name>(?:[^:\n]|:(?![ \n]|$)){1,120}):(?: |$)", re.MULTILINE)
QUOTED = re.compile(r"(?:(?:\A|[\s(])[\"”]|[“„])(?=\S)[^\"“”]*\Z|«[^»]*\Z|「[^」]*\Z|『[^』]*\Z")
"""A quotation that does not end: the name of a group in what the program says, cut at its colon."""
AROUND_NAMES = re.compile(rf"\A[{SPACES}{MARKS}~]+|[{SPACES}{MARKS}]+\Z")
IN_NAMES = re.compile(rf"[{BIDI}]+")
WHITE = re.compile(rf"[{SPACES}]+")
EXPORTS = re.compile(r"_chat\b|WhatsApp[ -]Chat\b", re.IGNORECASE)
"""How WhatsApp calls its exports in English and German: such a file is one, whatever is in it."""
ENOUGH = 2
"""A text file with this many lines that begin like messages is a chat, whatever its name."""
MANY = 5
"""So many messages in another form than the others are no accident; fewer are, unless by one of the others' authors."""
OFTEN = 3
"""Whoever wrote so many messages is no part of a program's line."""


def recognises(file: SourceFile) -> bool:
    """Whether a text file is called as WhatsApp calls it, or its lines look like messages of a few people.

    A diary has dates and times too, and here and there a colon; but most of its lines have no name, or each another.
    """
    if EXPORTS.match(file.path.name):
        return True
    named = "whatsapp" in file.path.name.lower()
    if named and looks_like_a_stamp(file.head.lstrip().partition("\n")[0]):
        return True
    openings = [(stamp, line) for line in file.head.split("\n") if (stamp := read_stamp(line))]
    authors = Counter(
        name for stamp, line in openings if (named or stamp.form.close) and (name := _author(line[stamp.end :]))
    )
    messages = authors.total()
    return messages >= ENOUGH and 2 * messages >= len(openings) and 2 * len(authors) <= messages + 2


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the messages of a chat; what the program says is counted as left out.

    The order of day, month and year follows from all dates of a form (:func:`date_order`). Where they leave it open,
    ``ingest.day_first`` decides; where that is not set, the report says what was taken.
    """
    text = read_text(file.path, file.name, context.problems)
    if text is None:
        return []
    survey = _Survey.of(text)
    orders = _orders(survey, file, context)
    context.forms[file.name] = max(orders, key=lambda form: survey.authors[form].total(), default=None)
    written = list(_written(text, survey, orders, file, context))
    messages = Messages(file, context)
    participants = messages.people(dict.fromkeys(author for _, author, _, _ in written))
    at: Counter[datetime] = Counter()
    for line, author, date, content in written:
        if isinstance(date, datetime):
            # Android writes no seconds: messages of one minute keep their order.
            at[date] += 1
            moment: datetime | str = date + timedelta(microseconds=at[date] - 1)
        else:
            moment = date
        messages.add(f"L{line}", author=author, participants=participants, date=moment, text=content, line=line)
    return messages.documents


@dataclass(slots=True)
class _Entry:
    """The lines from one that begins like a message to the next; without a stamp where that cannot be read."""

    line: int
    stamp: Stamp | None
    text: str


def _entries(text: str) -> Iterator[_Entry]:
    """Yield the entries of an export; the first has line 0 where something stands before it."""
    entry, more = _Entry(0, None, ""), [""]
    for number, line in enumerate(_lines(text), start=1):
        stamp = read_stamp(line)
        if stamp or looks_like_a_stamp(line):
            if number > 1:
                entry.text = "\n".join(more)
                yield entry
            entry, more = _Entry(number, stamp, ""), [line[stamp.end :].lstrip() if stamp else line]
        else:
            more.append(line)
    entry.text = "\n".join(more)
    yield entry


def _lines(text: str) -> Iterator[str]:
    begin = 0
    while (end := text.find("\n", begin)) >= 0:
        yield text[begin:end]
        begin = end + 1
    yield text[begin:]


@dataclass
class _Survey:
    """What a whole export shows, before its messages are read.

    Attributes:
        dates: the different dates of each form of stamp, in the order of the lines.
        hours: the hours of each form.
        authors: how many messages each author has in each form.
        program: what the program says in this chat.
    """

    dates: dict[Form, dict[tuple[int, int, int], Stamp]] = field(default_factory=dict)
    hours: dict[Form, set[int]] = field(default_factory=dict)
    authors: dict[Form, Counter[str]] = field(default_factory=dict)
    program: Program = field(default_factory=Program)

    @classmethod
    def of(cls, text: str) -> _Survey:
        found = cls()
        for entry in _entries(text):
            if not (stamp := entry.stamp):
                continue
            authors = found.authors.setdefault(stamp.form, Counter())
            found.dates.setdefault(stamp.form, {}).setdefault(stamp.numbers, stamp)
            found.hours.setdefault(stamp.form, set()).add(stamp.time[0])
            if opening := AUTHOR.match(entry.text):
                authors[opening["name"]] += 1
                found.program.learn(entry.text[opening.end() :])
        return found

    @cached_property
    def forms(self) -> set[Form]:
        """The forms of this export's messages. A line of another form is part of something else, as of a list."""
        taken: set[Form] = set()
        people: set[str] = set()
        for form in sorted(self.authors, key=lambda form: -self.authors[form].total()):
            authors = self.authors[form]
            if authors and (not taken or authors.total() >= MANY or people & authors.keys()):
                taken.add(form)
                people |= authors.keys()
        return taken or set(self.authors)

    @cached_property
    def often(self) -> set[str]:
        """Whose names stand before many messages."""
        totals = sum(self.authors.values(), Counter())
        return {name for name, number in totals.items() if number >= OFTEN}


def _orders(survey: _Survey, file: SourceFile, context: ImportContext) -> dict[Form, Order]:
    found = {
        form: date_order(list(survey.dates[form].values()), day_first=context.settings.day_first)
        for form in survey.forms
    }
    # A few messages that were copied from elsewhere in the same phone have the order of the others.
    shown = {form.long: order for form, (order, decided) in found.items() if decided}
    orders = {form: order if decided else shown.get(form.long, order) for form, (order, decided) in found.items()}
    if guessed := next(
        (order for form, (order, decided) in found.items() if not decided and form.long not in shown), None
    ):
        message = f"no date in it says in which order day, month and year stand; {ORDERS[guessed]} was taken"
        mend = "where that is wrong, set ingest.day_first, or let the phone write dates otherwise and export again"
        context.problems.add(file.name, None, "day_order", message, mend)
    return orders


def _written(
    text: str, survey: _Survey, orders: dict[Form, Order], file: SourceFile, context: ImportContext
) -> Iterator[tuple[int, str, datetime | str, str]]:
    """Yield line, author, moment and text of each message; the moment is a text where there is no such date."""
    problems, name = context.problems, file.name
    clock24 = {form: bool(hours & {0, *range(13, 24)}) for form, hours in survey.hours.items()}
    calendars = set()
    for entry in _entries(text):
        stamp = entry.stamp
        if not entry.line:
            _note_beginning(entry.text, file, context)
            continue
        unread = None
        if not stamp or stamp.form not in orders:
            unread = "it begins like a message, but not in a form that is known, or not in that of the others"
            mend = "write its date, time and name as in the other lines, or put a word before the date"
        elif known(stamp.words) is None and not clock24[stamp.form]:
            unread = "the words beside its time are not known: they may mean morning or evening"
            mend = "let the phone show 24 hours and export the chat again"
        if unread or not stamp:
            problems.add(name, entry.line, "message", str(unread), mend)
            problems.leave_out(name, "unread_message", entry.text)
            continue
        if not (opening := _opening(entry.text, survey.often)):
            problems.leave_out(name, "program_line", entry.text)
            continue
        content, left_out = survey.program.speech(entry.text[opening.end() :].strip(), marks=stamp.form.close == "]")
        for reason, words in left_out:
            problems.leave_out(name, reason, words)
        author = context.name_of(_clean(opening["name"]))
        if not (content and author):
            problems.leave_out(name, "no_author", content)
            continue
        moment, calendar = moment_of(stamp, orders[stamp.form])
        if calendar and calendar not in calendars:
            calendars.add(calendar)
            message = f"its years are those of the {calendar} calendar" + (", and were converted" if moment else "")
            mend = "none needed, if that is right" if moment else "let the phone write other dates and export it again"
            problems.add(name, entry.line, "calendar", message, mend)
        yield entry.line, author, moment or "no such date", content


def _note_beginning(text: str, file: SourceFile, context: ImportContext) -> None:
    if text.strip():
        line = text[: len(text) - len(text.lstrip())].count("\n")
        message = "what stands before the first message does not begin with a date, as WhatsApp's messages do"
        context.problems.add(file.name, line, "message", message, "export the chat again, or delete these lines")
        context.problems.leave_out(file.name, "before_the_first_message", text)


def _opening(text: str, often: set[str]) -> re.Match[str] | None:
    """Return the name at the beginning of what follows a stamp; None in a program's line."""
    found = AUTHOR.match(text)
    return found if found and (found["name"] in often or not QUOTED.search(found["name"])) else None


def _author(text: str) -> str | None:
    found = _opening(text, set())
    return _clean(found["name"]) if found else None


def _clean(name: str) -> str:
    """Return a name without marks, and with the spaces and hyphens of a keyboard, as in an alias that was typed."""
    return AROUND_NAMES.sub("", WHITE.sub(" ", IN_NAMES.sub("", name))).replace("‑", "-")


IMPORTER = Importer(suffixes=frozenset({".txt"}), read=read, recognises=recognises)
