"""WhatsApp's chat export: a text file with one line a message, as phones write it in many forms.

iOS writes ``[05/01/2024, 18:03:11] Name: text``, Android ``05/01/2024, 18:03 - Name: text``; the language of the phone
decides order and separators of the date, 12 or 24 hours, and the wording of system messages.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.report import Problems
from mealign.ingest.text import read_text
from mealign.records import Document

MARK = "\u200e"
"""Left-to-right mark: iOS writes it before system messages and before attachments."""
STAMP = (
    r"(?P<date>\d{1,4}[./-]\d{1,2}[./-]\d{1,4})[,،]?[ \u00a0\u202f]+"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
    r"(?:[ \u00a0\u202f]*(?P<half>[AaPp])\.?[ \u00a0\u202f]?[Mm]\.?)?"
)
IOS = re.compile(rf"[\u200e\u200f]*\[{STAMP}\][ \u00a0\u202f](?P<rest>.*)")
ANDROID = re.compile(rf"[\u200e\u200f]*{STAMP} - (?P<rest>.*)")
AUTHOR = re.compile(r"(?P<name>[^:\n\"“«]{1,100}):(?: |$)", re.MULTILINE)
AROUND_NAMES = " ~\u00a0\u202f\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# Placeholders of attachments, in any language in which their form or WhatsApp's file names give them away:
# <Media omitted>, score.pdf (file attached), IMG-20240105-WA0001.jpg (Datei angehängt), <attached: 00012-score.pdf>.
FILE_SENT = re.compile(
    r"\A<[^<>\n]{5,40}>\Z|^[^\n]{1,200} \(file attached\)$|^[A-Z]{3}-\d{8}-WA\d{4}\.\w{2,5} \([^()\n]{1,60}\)$"
    r"|\u200e?<[^<>:\n]{1,40}: [^<>\n]{1,200}\.\w{2,5}>",
    re.MULTILINE,
)
EDITED = re.compile(r"(?<!\s)\s*\u200e?<This message was edited>\Z")
PLACEHOLDERS = {
    "null", "This message was deleted", "You deleted this message", "Missed voice call", "Missed video call",
    "Waiting for this message", "Waiting for this message. This may take a while.",
}  # fmt: skip
NAMES = re.compile(r"_chat|WhatsApp\b", re.IGNORECASE)
ENOUGH = 2
"""A text file with this many lines that begin like messages is a chat, whatever its name."""


def recognises(file: SourceFile) -> bool:
    """Whether a text file is called as WhatsApp calls it, or its lines look like its messages."""
    return bool(NAMES.match(file.path.name)) or sum(bool(_opening(line)) for line in file.head.split("\n")) >= ENOUGH


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the messages of a chat, without system messages and attachments.

    Whether the day or the month comes first is decided by the whole file: a number above 12 is a day. When there is
    none, the day is taken to come first, and the report says so.
    """
    text = read_text(file.path, file.name, context.problems)
    if text is None:
        return []
    entries = _entries(text, file.name, context.problems)
    day_first = _day_first(entries, file.name, context.problems)
    written = [(entry, *found) for entry in entries if (found := _author_and_text(entry, context))]
    messages = Messages(file, context)
    participants = messages.people(dict.fromkeys(author for _, author, _ in written))
    at: Counter[datetime] = Counter()
    for entry, author, content in written:
        date = entry.moment(day_first=day_first)
        if isinstance(date, datetime):
            # Android writes no seconds: messages of one minute keep their order.
            at[date] += 1
            date += timedelta(microseconds=at[date] - 1)
        messages.add(
            f"L{entry.line}", author=author, participants=participants, date=date, text=content, line=entry.line
        )
    return messages.documents


@dataclass(frozen=True)
class _Entry:
    """The text from one date to the next. ``numbers`` are the date's, as written; ``time`` is on the 24-hour clock."""

    line: int
    numbers: tuple[int, int, int]
    time: tuple[int, int, int]
    rest: str
    year_first: bool

    def moment(self, *, day_first: bool) -> datetime | str:
        """Return when it was written; where that day does not exist, a text that is refused as a date."""
        first, second, third = self.numbers
        if self.year_first:
            year, month, day = first, second, third
        else:
            year, month, day = (third, second, first) if day_first else (third, first, second)
        try:
            return datetime(year if year > 99 else 2000 + year, month, day, *self.time)
        except ValueError:
            return "no such date"


def _opening(line: str) -> re.Match[str] | None:
    return IOS.match(line) or ANDROID.match(line)


def _entries(text: str, name: str, problems: Problems) -> list[_Entry]:
    found: list[tuple[int, re.Match[str], list[str]]] = []
    lost = None
    for number, line in enumerate(text.split("\n"), start=1):
        if opening := _opening(line):
            found.append((number, opening, [opening["rest"]]))
        elif found:
            found[-1][2].append(line)
        elif line.strip():
            lost = lost or number
    if lost:
        message = "what stands before the first message does not begin with a date, as WhatsApp's messages do"
        problems.add(name, lost, "message", message, "export the chat again, or delete these lines")
    return [_entry(number, opening, "\n".join(lines)) for number, opening, lines in found]


def _entry(line: int, opening: re.Match[str], rest: str) -> _Entry:
    written = re.split(r"[./-]", opening["date"])
    hour = int(opening["hour"])
    if opening["half"]:
        hour = hour % 12 + (12 if opening["half"] in "Pp" else 0)
    first, second, third = map(int, written)
    time = (hour, int(opening["minute"]), int(opening["second"] or 0))
    return _Entry(line, (first, second, third), time, rest, year_first=len(written[0]) > 2)


def _day_first(entries: list[_Entry], name: str, problems: Problems) -> bool:
    dates = [entry.numbers for entry in entries if not entry.year_first]
    if any(first > 12 for first, _, _ in dates):
        return True
    if any(second > 12 for _, second, _ in dates):
        return False
    if dates:
        message = "no date in it says whether the day or the month comes first; the day was taken"
        mend = "where that is wrong, let the phone write the day first and export the chat again"
        problems.add(name, None, "day_order", message, mend)
    return True


def _author_and_text(entry: _Entry, context: ImportContext) -> tuple[str, str] | None:
    """Return author and text; None for system messages and attachments."""
    opening = AUTHOR.match(entry.rest)
    if not opening:
        return None
    author = context.name_of(opening["name"].strip(AROUND_NAMES))
    text = entry.rest[opening.end() :]
    if text.startswith(MARK):
        return None
    text = FILE_SENT.sub("", EDITED.sub("", text.strip())).strip()
    return (author, text) if author and text and text.rstrip(".") not in PLACEHOLDERS else None


IMPORTER = Importer(suffixes=frozenset({".txt"}), read=read, recognises=recognises)
