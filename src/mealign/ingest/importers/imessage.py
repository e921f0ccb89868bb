"""iMessage and SMS of Apple's Messages, as imessage-exporter writes them: text, a file a conversation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.text import read_text
from mealign.records import Document

STAMP = re.compile(r" {0,8}([A-Z][a-z]{2} \d{2}, \d{4}) {1,2}(\d{1,2}:\d{2}:\d{2} [AP]M)(.{0,1000})")
READ = re.compile(r"(?: \([^()\n]{1,200}\))?\s*")
FORM = "%b %d, %Y %I:%M:%S %p"
ME = "Me"
ATTACHMENT = re.compile(r"(?:~?/|attachments/|[A-Z]:\\).{1,500}|Attachment missing!?.{0,300}")
PROGRAM = re.compile(
    r"This message responded to an earlier message\.|Sent with (?:Confetti|Balloons|Fireworks|Lasers|Love|Heart|Echo|"
    r"Spotlight|Slam|Loud|Gentle|Invisible Ink|Celebration|Shooting Star).{0,40}|Edited .{1,60} later: .{0,2000}|"
    r".{1,100} unsent (?:a|this) message.{0,100}"
)
BELOW = re.compile(r"(?:Tapbacks?|Stickers?|Reactions?):")
"""Below this line stand others' reactions."""
LONGEST_NAME = 200


def recognises(file: SourceFile) -> bool:
    """Recognise a first line that is a message's time, and a second one that can be a sender."""
    first, _, rest = file.head.lstrip("\n").partition("\n")
    stamp = STAMP.fullmatch(first.rstrip("\r"))
    return bool(stamp and READ.fullmatch(stamp[3]) and 0 < len(rest.partition("\n")[0].strip()) <= LONGEST_NAME)


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the messages; what the program says of them (reactions, receipts, calls) and attachments are counted.

    A reply stands a second time, indented, below what it answers, and is read once.
    """
    text = read_text(file.path, file.name, context.problems)
    if text is None:
        return []
    messages, seen = Messages(file, context), Counter[str]()
    said = list(_messages(text, file, context))
    names = {written: context.person if written == ME else context.name_of(written) for _, written, _, _ in said}
    people = messages.people(dict.fromkeys((context.person, *names.values())))
    known: set[tuple[datetime, str, str]] = set()
    for line, written, moment, body in said:
        if (moment, written, body) in known:
            context.problems.leave_out(file.name, "repeated", body)
            continue
        known.add((moment, written, body))
        item = moment.isoformat()
        seen[item] += 1
        messages.add(
            f"{item}/{seen[item]}", author=names[written], participants=people, date=moment, text=body, line=line
        )
    return messages.documents


def _messages(text: str, file: SourceFile, context: ImportContext) -> Iterator[tuple[int, str, datetime, str]]:
    """Yield the line, sender, time and text of each message."""
    found: tuple[int, datetime] | None = None
    lines: list[str] = []
    for number, line in enumerate((*text.split("\n"), None), start=1):
        stamp = STAMP.fullmatch(line) if line is not None else None
        moment = _moment(stamp) if stamp else None
        if line is not None and not stamp:
            lines.append(line)
            continue
        if found and len(lines) > 1 and lines[0].strip() and (body := _own(lines[1:], file, context)):
            yield found[0], lines[0].strip(), found[1], body
        elif not found:
            # Nothing came before, or something whose time cannot be read.
            context.problems.leave_out(file.name, "program_line", "\n".join(lines))
        lines, found = [], None
        if stamp and not moment:
            message = "the message has a date that does not exist"
            context.problems.add(file.name, number, "bad_date", message, "correct its date")
        elif stamp and moment:
            found = (number, moment)
            if not READ.fullmatch(stamp[3]):
                # Somebody renamed or left the conversation.
                context.problems.leave_out(file.name, "program_line", stamp[3])


def _moment(stamp: re.Match[str]) -> datetime | None:
    try:
        return datetime.strptime(f"{stamp[1]} {stamp[2]}", FORM)
    except ValueError:
        return None


def _own(lines: list[str], file: SourceFile, context: ImportContext) -> str:
    kept, reactions = [], False
    for line in (line.strip() for line in lines):
        reactions = bool(BELOW.fullmatch(line)) or (reactions and bool(line))
        if reactions:
            context.problems.leave_out(file.name, "reaction", line)
        elif PROGRAM.fullmatch(line):
            context.problems.leave_out(file.name, "program_line", line)
        elif ATTACHMENT.fullmatch(line):
            context.problems.leave_out(file.name, "attachment_mark", line)
        else:
            kept.append(line)
    return "\n".join(kept).strip()


IMPORTER = Importer(suffixes=frozenset({".txt"}), read=read, recognises=recognises)
