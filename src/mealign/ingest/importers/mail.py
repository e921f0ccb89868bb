"""Mail in mbox files (RFC 4155), as Thunderbird, Apple Mail and Google's Takeout write them."""

from __future__ import annotations

import email
import re
from collections import Counter
from collections.abc import Iterator, Set
from contextlib import suppress
from email.headerregistry import AddressHeader
from email.message import EmailMessage, MIMEPart
from email.policy import EmailPolicy
from typing import Any, BinaryIO, cast

from mealign.ingest.files import SourceFile
from mealign.ingest.html_text import visible_text
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.mail_text import own_text
from mealign.ingest.text import add_unreadable, open_regular
from mealign.records import Document

LARGEST = 100_000_000
"""Bytes of a mail; no server takes one of that size."""
LONGEST_HEADER = 10_000
"""Characters of a header that is parsed: some 300 addresses."""
LARGEST_HEADERS = 1_000_000
"""Bytes of a mail's headers in which names are looked for."""
PEOPLE = frozenset({"from", "to", "cc"})
PARSED = frozenset({"content-type", "content-disposition", "content-transfer-encoding", "message-id", "date"})
ESCAPED_FROM = re.compile(r"^>(>*From )", re.MULTILINE)
QUOTES = {
    **dict.fromkeys(("gmail_attr", "moz-cite-prefix", "moz-forward-container", "yahoo_quoted", "protonmail_quote",
                     "tutanota_quote", "zmail_extra", "OutlookMessageHeader"), "quoted_mail"),
    **dict.fromkeys(("gmail_signature", "moz-signature", "protonmail_signature_block"), "signature"),
}  # fmt: skip
"""Classes by which mail programs mark quotations, their introductions and signatures, and what they mark."""
MAYBE_QUOTE = "gmail_quote"
"""Around a forwarded mail; or around an answered one, with the answers between its parts."""


def recognises(file: SourceFile) -> bool:
    """Recognise ``*.mbox``, and files without extension that begin like one, as Thunderbird and Apple Mail name them.

    A *folder* called ``*.mbox`` is Apple Mail's, and the mails are in a file inside.
    """
    return not file.path.is_dir() if file.suffix else file.head.startswith("From ")


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read each mail as one document: what its sender wrote, from the plain text, else from the HTML.

    Attachments are counted, not read.
    """
    messages, number = Messages(file, context), 0
    try:
        with open_regular(file.path) as stream:
            shared = _shared_names(_mails(stream))
            stream.seek(0)
            for number, mail in enumerate(_mails(stream), start=1):
                _add(mail, number, messages, shared)
    except OSError as error:
        add_unreadable(file.name, error, context.problems)
        return messages.documents
    if not number:
        message = "there is no mail in it: no line begins with From"
        context.problems.add(file.name, None, "no_mail", message, "export the mails as mbox again, or delete the file")
    return messages.documents


def _mails(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the mails of a mailbox, without the line that begins each; of one that is too large, only the beginning.

    Lines are read in parts, for one may be as long as the file.
    """
    mail: bytearray | None = None
    begins, introduces = True, False
    while part := stream.readline(LARGEST):
        if begins:
            introduces = part.startswith(b"From ")
        if begins and introduces:
            if mail is not None:
                yield _without_last_empty_line(mail)
            mail = bytearray()
        elif mail is not None and not introduces and len(mail) <= LARGEST:
            mail += part
        begins = part.endswith(b"\n")
    if mail is not None:
        yield _without_last_empty_line(mail)


def _without_last_empty_line(mail: bytearray) -> bytes:
    return bytes(mail[:-1] if mail.endswith(b"\n\n") or mail == b"\n" else mail)


class _Headers(EmailPolicy):
    """Headers as the standard library reads them, in a time that grows with the square of their length."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """Return a header's parsed value; of a list of addresses that is too long, only the first.

        Raises:
            ValueError: another header is too long.
        """
        if len(value) > LONGEST_HEADER and name.lower() in PEOPLE:
            value = value[:LONGEST_HEADER].rpartition(",")[0]
        elif len(value) > LONGEST_HEADER and name.lower() in PARSED:
            raise ValueError("one of the headers is too long")
        return super().header_fetch_parse(name, value)


def _add(data: bytes, number: int, messages: Messages, shared: Set[str]) -> None:
    context, label = messages.context, f"mail {number}"
    if len(data) > LARGEST:
        message = f"{label} has more than {LARGEST} bytes"
        context.problems.add(messages.file.name, None, "too_large", message, "take it out of the mailbox")
        return
    try:
        mail = cast(EmailMessage, email.message_from_bytes(data, policy=HEADERS))
        senders, to, copied = (_people(mail, header, context, shared) for header in ("From", "To", "Cc"))
        people = [*senders, *to, *copied]
        date = _date(mail)
        left_out = Counter[str]()
        text = own_text(_body(mail, left_out), left_out)
        item = str(mail.get("Message-ID") or number).strip().strip("<>")
        attachments = sum(part.get_content_disposition() == "attachment" for part in mail.walk())
    except Exception:  # noqa: BLE001 - a broken header can make the parser raise anything
        mend = "delete it, or export the mails again"
        context.problems.add(messages.file.name, None, "message", f"{label} is damaged", mend)
        return
    context.problems.ignored["attachment"] += attachments
    for reason, characters in left_out.items():
        context.problems.left_out[messages.file.name, reason] += characters
    context.problems.leave_out(messages.file.name, "subject", str(mail.get("Subject") or ""))
    if any(len(value) > LONGEST_HEADER and name.lower() in PEOPLE for name, value in mail.raw_items()):
        message = f"{label} names its people in more than {LONGEST_HEADER} characters; only the first are kept"
        context.problems.add(messages.file.name, None, "crowd", message, "none needed: the mail is kept")
    messages.add(
        item,
        author=senders[0] if senders else "",
        participants=tuple(dict.fromkeys(people)),
        date=date,
        text=text,
        label=label,
    )


def _people(mail: EmailMessage, header: str, context: ImportContext, shared: Set[str]) -> list[str]:
    """Return the people of an address header: each by the name shown, unless others share it, else by the address."""
    found = [
        context.name_of(*sorted((name, address), key=lambda each: each.casefold() in shared))
        for name, address in _addresses(mail, header)
    ]
    return [name for name in found if name]


def _addresses(mail: EmailMessage, header: str) -> Iterator[tuple[str, str]]:
    for value in mail.get_all(header, []):
        if isinstance(value, AddressHeader):
            yield from ((address.display_name.strip(), address.addr_spec) for address in value.addresses)


def _shared_names(mails: Iterator[bytes]) -> frozenset[str]:
    """Return the first names, case-folded, that a mailbox shows for several addresses: two Annas are two people.

    A full name with several addresses is one person who has several.
    """
    addresses: dict[str, set[str]] = {}
    for data in mails:
        headers = data[: data.find(b"\n\n") + 1 or None][:LARGEST_HEADERS]
        with suppress(Exception):
            mail = cast(EmailMessage, email.message_from_bytes(headers, policy=HEADERS))
            for header in ("From", "To", "Cc"):
                for name, address in _addresses(mail, header):
                    if name and not re.search(r"\s", name):
                        addresses.setdefault(name.casefold(), set()).add(address.casefold())
    return frozenset(name for name, those in addresses.items() if len(those) > 1)


def _date(mail: EmailMessage) -> object:
    value = mail["Date"]
    return getattr(value, "datetime", None) or value


def _body(mail: EmailMessage, left_out: Counter[str]) -> str:
    """Return the mail's own text: its parts in their order, the plain form of each, else the HTML."""
    texts: list[str] = []
    _read_part(mail, texts, left_out)
    return "\n\n".join(texts)


def _read_part(part: MIMEPart, texts: list[str], left_out: Counter[str]) -> None:
    kind = part.get_content_type()
    if kind == "multipart/alternative":
        forms = [form for each in ("plain", "html") if (form := part.get_body(preferencelist=(each,))) is not None]
        found = next((text for form in forms if (text := _text(form, left_out)).strip()), "")
    elif part.is_multipart() and part.get_content_maintype() == "multipart":
        for inner in part.iter_parts():
            _read_part(inner, texts, left_out)
        return
    elif kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
        found = _text(part, left_out)
    else:
        for inner in part.walk():
            if inner.get_content_maintype() == "text":
                left_out["attachment"] += len(_content(inner))
        return
    if found.strip():
        texts.append(found)


def _text(part: MIMEPart, left_out: Counter[str]) -> str:
    text = _content(part)
    if part.get_content_subtype() == "html":
        return visible_text(text, _left_out_for, left_out)
    return ESCAPED_FROM.sub(r"\1", text.replace("\r\n", "\n"))


def _content(part: MIMEPart) -> str:
    """Decode a part; where its charset is unknown or wrong, as UTF-8 or else as Windows-1252."""
    try:
        return str(part.get_content(errors="strict"))
    except (LookupError, UnicodeError):
        data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _left_out_for(node: Any) -> str:
    """Return why an element is not the sender's text; "" where it may be."""
    if node.tag == "blockquote":
        return "quoted_mail"
    classes = node.get("class", "").split()
    if MAYBE_QUOTE in classes and next(node.iter("blockquote"), None) is None:
        return "quoted_mail"
    return next((QUOTES[name] for name in classes if name in QUOTES), "")


HEADERS = _Headers()
IMPORTER = Importer(
    suffixes=frozenset({".mbox", ""}),
    read=read,
    recognises=recognises,
    limit="max_mailbox_bytes",
    contained=True,
)
