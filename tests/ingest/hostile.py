"""Texts that keep a careless reader busy: one mark over and over, inside the beginning of every format."""

import json
from collections.abc import Callable, Mapping

MARKS = (
    " ", "\t", "a", "\n", "\r", "1", "-", "_", ".", ",", "(", ")", "[", "]", "{", "<", ">", '"', "'", "`", "~", "#", "@",  # noqa: E501
    "*", "&", "|", "%", "=", "^", "\\", "/", ":", ";", "é", "😀", "\u200e", "\u00a0", "中", "[x](", "![[", "[[", "[[a|",
    "<!--", "%%", "> ", "> [!a] ", "> [!a]\n", "==a ", "==", "#a ", "#1", " ^a", "```\n", "```", "~~~\n", "`a", "\n \n",
    "\n- ", "- a\n", "1. ", "---\n", "-- ", "From ", "From: a\n", "> q\n\n", "a:\n> q\n\n", "On 1 a wrote:\n> q\n",
    "----- a ", "<a", "<a>", "<a: ", "</a>", "<div>", "&amp;", '"messages": [', '"messages":', "[{", '{"a":', "1,",
    '"a",', "[1]", "\\u0041", "\\ud83d", "a@b.c, ", "=?utf-8?q?", "a: ", "a: b\n", "? ", "- - ", "&a ", "!!str ", "1:1:",  # noqa: E501
    '"\\', "05/01/2024, 18:03 - A: x\n", "05/01/2024, 18:03 - ", "IMG-20240105-WA0001.jpg (", "--b\n", "=\n", "=3D",
    "1/", "1:", "[1", "•", "<a b> ",
)  # fmt: skip
DATED = "---\ndate: 2024-01-01\n---\n"
CHAT = "05/01/2024, 18:03 - A: x\n13/01/2024, 18:03 - "
EVENT = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20240305T100000\n"
MAIL = "From x\nFrom: a@b.c\nDate: Mon, 18 Mar 2024 09:00:00 +0100\n"


def quoted(text: str) -> str:
    return json.dumps(text)


FILES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "note": ("a.md", lambda text: f"{DATED}a{text}z"),
    "front matter": ("a.md", lambda text: f"---\ndate: 2024-01-01\nx: {text}\n---\ntext"),
    "date": ("a.md", lambda text: f"---\ndate: {text}\n---\ntext"),
    "json front matter": ("a.md", lambda text: f'{{\n"date": {text}\n}}\ntext'),
    "unclosed front matter": ("a.md", lambda text: f"---\ndate: 2024-01-01\n{text}"),
    "toml front matter": ("a.md", lambda text: f"+++\ndate = {text}\n+++\ntext"),
    "diary": ("a.txt", lambda text: f"5 April 2024\n{text}z\n\n6 April 2024\n{text}"),
    "day": ("2024.md", lambda text: f"## 5 April {text}\n## {text} 2024\n{text}: 2024-05-05 {text}\nI ran."),
    "stamps": ("a.txt", lambda text: f"[2020-08-29 11:11{text}] x\n[2020-08-29{text}\n2020-08-29 11:11 {text}"),
    "text": ("2024-01-01.txt", lambda text: f"{text}z"),
    "undated text": ("a.txt", lambda text: text),
    "whatsapp message": ("_chat.txt", lambda text: f"{CHAT}A: a{text}z"),
    "whatsapp": ("_chat.txt", lambda text: CHAT + text),
    "whatsapp of an iPhone": ("_chat.txt", lambda text: f"[05/01/2024, 18:03:00] A: \u200e{text}\n[13/01/2024, {text}"),
    "whatsapp stamp": ("_chat.txt", lambda text: f"{CHAT}A: a\n13/01/2024 {text} 18:03 - A: b\n13{text}"),
    "whatsapp poll": ("_chat.txt", lambda text: f"{CHAT}A: POLL:\na\nO: {text}\nO: b (1 vote) <{text}>"),
    "mail": ("a.mbox", lambda text: f"{MAIL}\na{text}z"),
    "addresses": ("a.mbox", lambda text: f"{MAIL}To: {text}\n\na"),
    "mail type": ("a.mbox", lambda text: f"{MAIL}Content-Type: text/plain; {text}\n\na"),
    "mail ids": ("a.mbox", lambda text: f"{MAIL}Message-ID: {text}\n\na"),
    "html mail": ("a.mbox", lambda text: f"{MAIL}Content-Type: text/html\n\n<p>a{text}z</p>"),
    "parts of a mail": ("a.mbox", lambda text: f"{MAIL}Content-Type: multipart/mixed; boundary=b\n\n--b\n{text}"),
    "encoded mail": ("a.mbox", lambda text: f"{MAIL}Content-Transfer-Encoding: quoted-printable\n\na{text}z"),
    "mailbox": ("a.mbox", lambda text: f"From {text}"),
    "telegram": ("result.json", lambda text: f'{{"type": "personal_chat", "id": 1, "messages": [{text}'),
    "telegram message": (
        "result.json",
        lambda text: '{"type": "personal_chat", "id": 1, "messages": [{"id": 1, "type": "message", '
        f'"date": "2024-06-01T08:00:00", "from": "A", "text": {quoted(text)}}}]}}',
    ),
    "chatgpt": ("conversations.json", lambda text: f'[{{"mapping": {{}}}}, {text}'),
    "claude": ("conversations.json", lambda text: f'[{{"chat_messages": []}}, {text}'),
    "chat": ("c.json", lambda text: f'{{"format": "mealign-chat", "messages": [{text}'),
    "participants": ("c.json", lambda text: f'{{"format": "mealign-chat", "participants": [{text}], "messages": [1, 2]}}'),  # noqa: E501
    "message date": (
        "c.json",
        lambda text: '{"format": "mealign-chat", "messages": [{"id": "1", "author": "A", "text": "x", '
        f'"created_at": {quoted(text)}}}]}}',
    ),
    "pdf": ("2024-01-01.pdf", lambda text: f"%PDF-1.4\n{text}"),
    "sms": ("sms.xml", lambda text: f'<smses><sms address="1" date="1709632000000" type="2" body="{text}"/></smses>'),
    "sms elements": ("sms.xml", lambda text: f"<smses>{text}"),
    "calendar": ("a.ics", lambda text: f"{EVENT}SUMMARY:{text}\nDESCRIPTION:{text}\nEND:VEVENT\nEND:VCALENDAR"),
    "calendar lines": ("a.ics", lambda text: f"{EVENT}{text}"),
    "contact": ("2024-01-01.vcf", lambda text: f"BEGIN:VCARD\nFN:a{text}\nADR:{text}\nEND:VCARD"),
    "contacts": ("2024-01-01.vcf", lambda text: f"BEGIN:VCARD\n{text}"),
    "signal": ("chat.md", lambda text: f"[2024-01-01, 10:00] Me: a{text}z"),
    "signal lines": ("data.json", lambda text: f'{{"date": "2024-01-01 10:00:00", "sender": {text}'),
    "imessage": ("a.txt", lambda text: f"Mar 05, 2024  5:29:42 PM\nMe\na{text}z"),
    "messenger": ("m.json", lambda text: f'{{"sender_name": 1, "participants": [{text}], "messages": [{text}'),
    "messenger message": (
        "m.json",
        lambda text: '{"participants": ["A"], "messages": [{"sender_name": "A", "timestamp_ms": 1709632000000, '
        f'"content": {quoted("a" + text)}}}]}}',
    ),
    "google chat": (
        "messages.json",
        lambda text: '{"messages": [{"creator": {"name": "A"}, "message_id": "1", "text": "x", '
        f'"created_date": {quoted(text)}}}]}}',
    ),
    "clippings": ("c.txt", lambda text: f"Book\n- Your Note | Added on {text}\n\na\n==========\n{text}\n- Note|\n\nb\n==========\n"),  # noqa: E501
    "html": ("2024-01-01.html", lambda text: f"<p>a{text}z</p>"),
    "html head": ("2024-01-01.html", lambda text: f"<html><head><meta {text}<p>a</p>"),
    "epub": ("2024-01-01.epub", lambda text: f"PK\x03\x04{text}"),
    "docx": ("2024-01-01.docx", lambda text: f"PK\x03\x04{text}"),
}  # fmt: skip
"""A name, and the content with a text inside, by what it is."""
BESIDE: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "corrections": ("corrections.yaml", lambda text: text),
    "correction": ("corrections.yaml", lambda text: f"drop:\n  - {text}"),
    "quotation": ("corrections.yaml", lambda text: f"drop:\n  - {{source: 2024-01-01 good.md, text: {quoted(text)}}}"),
    "labels": ("labels.yaml", lambda text: text),
    "label": ("labels.yaml", lambda text: f"- question: a\n  better: {quoted(text)}\n  worse: b"),
    "questions": ("questions.jsonl", lambda text: text),
    "question": ("questions.jsonl", lambda text: f'{{"id": {text}'),
}
"""Files at the top of the folder that are no sources."""


def written(content: Callable[[str], str], mark: str, length: int) -> bytes:
    """Return a file's content with a mark repeated to so many characters inside."""
    return content((mark * (length // len(mark) + 1))[:length]).encode("utf-8", "surrogatepass")
