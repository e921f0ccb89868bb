"""HTML: notes as note-taking programs export them, and a Kindle's notebook. Pages saved from the web are another's."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from mealign.ingest.files import SourceFile
from mealign.ingest.html_text import nothing_left_out, text_of
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.text import read_bytes
from mealign.records import Document

SAVED = re.compile(
    r"<!-- saved from url=|<link\b[^<>]{0,300}\brel=[\"']?canonical|<meta\b[^<>]{0,300}\bproperty=[\"']?og:"
    r"(?:url|site_name)|<base\b[^<>]{0,100}\bhref=[\"']?https?:",
    re.IGNORECASE,
)
"""What a page has that came from the web."""
EXPORT = re.compile(
    r"<title>\s{0,20}(?:ChatGPT Data Export|Exported Data|My Activity)|class=[\"']page_wrap|"
    r"var jsonData\s{0,5}=|class=[\"']_a706",
    re.IGNORECASE,
)
"""What chats have that a program exported as HTML."""
NOTEBOOK = re.compile(r"class=[\"']noteText")
NOTE = re.compile(r"\s{0,20}(?:Note|Notiz|Nota|Notitie|メモ|笔记|筆記)\b", re.IGNORECASE)
DATES = ("created", "date", "dcterms.created", "dc.date", "creation-date", "article:published_time", "updated")
"""Names of a ``meta`` element with a note's date, the preferred first."""
MEND = "begin the file name with the date (YYYY-MM-DD)"


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read a page as a note of the person; block quotes, highlights and pages of the web are counted.

    Its date is that of the file's name, else that which the page gives itself.
    """
    from lxml import etree

    problems = context.problems
    data = read_bytes(file.path, file.name, problems)
    if data is None:
        return []
    # Without a declaration it is UTF-8, not the Latin-1 that the parser takes it for.
    encoding = None if re.search(rb"charset|<\?xml", data[:4096], re.IGNORECASE) else "utf-8"
    root = etree.fromstring(data, etree.HTMLParser(encoding=encoding, remove_comments=True, remove_pis=True))
    if root is None:
        return context.note(file, "", date=None, mend=MEND)
    if EXPORT.search(file.head):
        problems.leave_out(file.name, "export", text_of(root, nothing_left_out, Counter()))
        message = "chats as a web page say in no fixed place who wrote what"
        problems.add(file.name, None, "export", message, "export them as JSON instead")
        return []
    if SAVED.search(file.head):
        problems.leave_out(file.name, "web_page", text_of(root, nothing_left_out, Counter()))
        message = "it was saved from the web, and is read as another's words"
        problems.add(file.name, None, "web_page", message, "none needed: it is counted")
        return []
    left_out = Counter[str]()
    text = _notebook(root, left_out) if NOTEBOOK.search(file.head) else text_of(root, _left_out_for, left_out)
    for reason, characters in left_out.items():
        problems.left_out[file.name, reason] += characters
    return context.note(file, text, date=file.date or _date(root), mend=MEND)


def _left_out_for(node: Any) -> str:
    return "quotation" if node.tag in ("blockquote", "q") else ""


def _notebook(root: Any, left_out: Counter[str]) -> str:
    """Return the notes in a Kindle's notebook under the book's title; highlights are counted."""
    texts: list[str] = []
    own = False
    for node in root.iter("div", "h1", "h2", "h3", "span"):
        kind, text = node.get("class", ""), " ".join("".join(node.itertext()).split())
        if kind == "bookTitle":
            texts.append(f"# {text}")
        elif kind == "noteHeading":
            own = bool(NOTE.match(text))
        elif kind == "noteText" and own:
            texts.append(text)
        elif kind == "noteText":
            left_out["highlight"] += len(text)
    return "\n\n".join(texts)


def _date(root: Any) -> str | None:
    found: dict[str, str] = {}
    for node in root.iter("meta"):
        name = str(node.get("name") or node.get("property") or node.get("itemprop") or "").lower()
        found.setdefault(name, str(node.get("content") or "").strip())
    return next((found[name] for name in DATES if found.get(name)), None)


IMPORTER = Importer(suffixes=frozenset({".html", ".htm"}), read=read, contained=True)
