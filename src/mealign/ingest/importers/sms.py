"""Text messages as the Android app SMS Backup & Restore writes them: XML, read as a stream."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from mealign.ingest.dates import from_unix
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.text import open_regular
from mealign.records import Document

OPENING = re.compile(r"<smses\b")
RECEIVED, DRAFT = "1", "3"
FROM = "137"
"""How an address says that it sent the message; others received it."""
NOT_AN_ADDRESS = frozenset({"", "null", "insert-address-token"})
UNKNOWN = frozenset({"", "null", "(unknown)"})
PROGRAM = re.compile(r"\d{3,6}|.*[^\W\d_]{2}.*")
"""The number of a service, or a name instead of a number: only programs send from such."""
BLOCK = 1 << 20
LONGEST_REFERENCE = 24
"""Bytes of two references to a character, of which a block may end inside."""
REFERENCE = re.compile(rb"&#(5[5-7]\d{3});&#(5[5-7]\d{3});|&#(\d{1,7}|x[0-9a-fA-F]{1,6});")
HIGH = re.compile(rb"&#5[5-7]\d{3};")
HALF = 8
"""Bytes of the first reference of a pair."""
LINE_BREAKS = (9, 10, 13)


def recognises(file: SourceFile) -> bool:
    """Recognise the outermost element."""
    return bool(OPENING.search(file.head))


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read what was sent and received. Drafts are counted, and so are pictures and other attachments."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    messages, seen = Messages(file, context), Counter[str]()
    depth = 0
    try:
        with open_regular(file.path) as stream:
            root = None
            for event, node in iterparse(_Mended(stream), events=("start", "end")):
                root = node if root is None else root
                depth += 1 if event == "start" else -1
                if event == "end" and depth == 1:
                    _add(node, messages, seen)
                    root.clear()
    except DefusedXmlException:
        message = "it declares entities, as no phone does"
        context.problems.add(file.name, None, "broken", message, "export the messages again")
    except ParseError as error:
        message = "the export breaks off here or is not valid XML; the messages before it were kept"
        context.problems.add(file.name, error.position[0], "cut_off", message, "export the messages again")
    return messages.documents


class _Mended:
    """The file with surrogate pairs, which the app writes as two references, as one character, as XML wants it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; at the end none."""
        while data := self._stream.read(BLOCK):
            block = self._rest + data
            cut = block.find(b"&", max(len(block) - LONGEST_REFERENCE, 0))
            cut = len(block) if cut < 0 else cut
            if HIGH.fullmatch(block[max(cut - HALF, 0) : cut]):
                cut -= HALF
            self._rest = block[cut:]
            if cut:
                return REFERENCE.sub(_character, block[:cut])
        block, self._rest = self._rest, b""
        return REFERENCE.sub(_character, block)


def _character(found: re.Match[bytes]) -> bytes:
    if found[1]:
        pair = chr(int(found[1])) + chr(int(found[2]))
        return pair.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
    number = int(found[3][1:], 16) if found[3].startswith(b"x") else int(found[3])
    allowed = number in LINE_BREAKS or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0xFFFF < number < 0x110000
    return found[0] if allowed else "\ufffd".encode()


def _add(node: Any, messages: Messages, seen: Counter[str]) -> None:
    file, context = messages.file, messages.context
    text, box = _text(node, messages), str(node.get("type") if node.tag == "sms" else node.get("msg_box"))
    stamp = str(node.get("date"))
    seen[stamp] += 1
    item = stamp if seen[stamp] == 1 else f"{stamp}/{seen[stamp]}"
    if not text:
        return
    if box == DRAFT:
        context.problems.leave_out(file.name, "draft", text)
        return
    people = _people(node, context)
    senders = [str(one.get("address")) for one in node.iter("addr") if one.get("type") == FROM]
    sent = box != RECEIVED
    sender = next(iter(senders), str(node.get("address")))
    author = context.person if sent else people.get(sender) or context.name_of(sender)
    from_program = not sent and author == sender and bool(PROGRAM.fullmatch(sender[:100]))
    messages.add(
        item,
        author=author,
        participants=messages.people(dict.fromkeys((context.person, *people.values(), author))),
        date=from_unix(float(stamp) / 1000) if stamp.isdigit() else None,
        text=text,
        kind="assistant" if from_program else "message",
        label=f"message {sum(seen.values())}",
    )


def _text(node: Any, messages: Messages) -> str:
    """Return the text of a message: its body, or its subject and its parts that are text."""
    if node.tag == "sms":
        parts = [node.get("body")]
    else:
        parts = [node.get("sub")]
        for part in node.iter("part"):
            kind = str(part.get("ct"))
            if kind == "text/plain":
                parts.append(part.get("text"))
            elif kind != "application/smil":
                messages.context.problems.ignored["attachment"] += 1
    return "\n".join(part for part in parts if part and part != "null").strip()


def _people(node: Any, context: ImportContext) -> dict[str, str]:
    """Return the others of a message by their numbers."""
    numbers = str(node.get("address") or "").split("~")
    called = (
        str(node.get("contact_name") or "").split(", ") if len(numbers) > 1 else [str(node.get("contact_name") or "")]
    )
    called = called if len(called) == len(numbers) else [""] * len(numbers)
    names = {number: ("" if name.casefold() in UNKNOWN else name) for number, name in zip(numbers, called, strict=True)}
    return {number: context.name_of(name, number) for number, name in names.items() if number not in NOT_AN_ADDRESS}


IMPORTER = Importer(suffixes=frozenset({".xml"}), read=read, recognises=recognises, limit="max_mailbox_bytes")
