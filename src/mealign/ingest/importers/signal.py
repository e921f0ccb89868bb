"""Signal, as signal-export (Markdown and JSON lines) and signal-cli (JSON lines) write it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from mealign.ingest.dates import from_unix
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.json_arrays import DECODER
from mealign.ingest.text import read_text
from mealign.records import Document

STAMP = re.compile(r"\[(\d{4}-\d{2}-\d{2}),? (\d{2}:\d{2}(?::\d{2})?)\] ([^:\n]{1,200}): ?")
ENVELOPE = re.compile(r'\s*\{.{0,2000}?"envelope"\s*:\s*\{')
LINE = re.compile(r'\s*\{\s*"date"\s*:\s*"[^"]{1,40}",\s*"sender"\s*:')
QUOTE = re.compile(r"\s{0,3}>")
REACTIONS = re.compile(r"\(- .{1,2000} -\)\s*")
ATTACHMENT = re.compile(r"!?\[[^\[\]\n]{0,300}\]\([^()\n]{1,500}\)")
ME = "Me"


@dataclass(frozen=True)
class _Said:
    """One message before names are resolved: its author's names, the best first, and to whom it was sent, if known."""

    line: int
    author: tuple[str, ...]
    date: object
    text: str
    to: str = ""


def recognises(file: SourceFile) -> bool:
    """Recognise the first line: a message with its time in brackets, or an object as one of the two writes it."""
    if file.suffix == ".md":
        return bool(STAMP.match(file.head.lstrip()))
    return bool(ENVELOPE.match(file.head) or LINE.match(file.head))


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read the messages of a chat; quotations in them, reactions and attachments are counted.

    ``Me`` is the person. A chat of signal-export is named by its folder, which is whom the person writes to.
    """
    text = read_text(file.path, file.name, context.problems)
    if text is None:
        return []
    messages, seen = Messages(file, context), Counter[str]()
    said = list(_from_markdown(text, file, context) if file.suffix == ".md" else _from_lines(text, file, context))
    exported = file.suffix == ".md" or not ENVELOPE.match(file.head)
    chat = PurePosixPath(file.name).parent.name if exported else ""
    authors = dict.fromkeys(_name(*one.author, context=context) for one in said)
    people = messages.people(dict.fromkeys((*authors, *([chat] if exported and len(authors) < 2 else []))))
    for one in said:
        author, to = _name(*one.author, context=context), _name(one.to, context=context)
        key = str(one.date)
        seen[key] += 1
        messages.add(
            f"{key}/{seen[key]}",
            author=author,
            participants=people if exported else messages.people(dict.fromkeys((context.person, author, to))),
            date=one.date,
            text=one.text,
            line=one.line,
        )
    return messages.documents


def _name(*written: str, context: ImportContext) -> str:
    return context.person if ME in written else context.name_of(*written)


def _from_markdown(text: str, file: SourceFile, context: ImportContext) -> Iterator[_Said]:
    stamp: re.Match[str] | None = None
    begun, lines = 0, list[str]()
    for number, line in enumerate((*text.split("\n"), None), start=1):
        found = STAMP.match(line) if line is not None else None
        if line is not None and not found:
            lines.append(line)
            continue
        if stamp:
            yield _Said(begun, (stamp[3],), f"{stamp[1]}T{stamp[2]}", _own("\n".join(lines), file, context))
        else:
            context.problems.leave_out(file.name, "program_line", "\n".join(lines))
        stamp, begun, lines = found, number, [line[found.end() :]] if line and found else []


def _own(text: str, file: SourceFile, context: ImportContext) -> str:
    """Return what the author of a message wrote in it."""
    kept = []
    for line in text.split("\n"):
        if QUOTE.match(line):
            context.problems.leave_out(file.name, "quoted_message", line)
        elif REACTIONS.fullmatch(line):
            context.problems.leave_out(file.name, "reaction", line)
        else:
            for mark in ATTACHMENT.findall(line):
                context.problems.leave_out(file.name, "attachment_mark", mark)
            kept.append(ATTACHMENT.sub("", line).rstrip())
    return "\n".join(kept).strip()


def _from_lines(text: str, file: SourceFile, context: ImportContext) -> Iterator[_Said]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = DECODER.decode(line)
            said = _from_envelope(value["envelope"], number) if "envelope" in value else _from_export(value, number)
        except (ValueError, RecursionError, AttributeError, LookupError, TypeError):
            message = "this line is no message as Signal's exports have them"
            context.problems.add(file.name, number, "message", message, "export the chat again")
            continue
        context.problems.leave_out(file.name, "quoted_message", str(value.get("quote") or ""))
        if said and said.text:
            yield said


def _from_export(value: dict[str, Any], line: int) -> _Said:
    return _Said(
        line, (str(value["sender"]),), str(value["date"]).replace(" ", "T"), str(value.get("body") or "").strip()
    )


def _from_envelope(envelope: dict[str, Any], line: int) -> _Said | None:
    """Return a message that was received, or that another device of the person sent; None for receipts and the like."""
    sent = (envelope.get("syncMessage") or {}).get("sentMessage")
    message = sent or envelope.get("dataMessage")
    if not message:
        return None
    moment = message.get("timestamp") or envelope["timestamp"]
    date, text = from_unix(int(moment) / 1000), str(message.get("message") or "").strip()
    if sent:
        return _Said(line, (ME,), date, text, str(sent.get("destinationNumber") or sent.get("destination") or ""))
    names = tuple(str(envelope.get(key) or "") for key in ("sourceName", "sourceNumber", "source"))
    return _Said(line, names, date, text)


IMPORTER = Importer(suffixes=frozenset({".md", ".json", ".jsonl"}), read=read, recognises=recognises)
