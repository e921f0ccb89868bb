"""The text around a fact, which a search compares besides the statement itself.

A statement alone often says too little: "Caroline said it was fun" answers "How was the pottery class?" only together
with the message before it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mealign.memory.reading import paragraphs
from mealign.records import Document, Fact

REACH = 400
"""Characters of a passage before and after its fact: a paragraph, not a page."""
SAME_CONVERSATION = timedelta(hours=12)
"""Messages further apart do not count as answers to one another."""


@dataclass(frozen=True)
class Passage:
    """The text around one fact, with what came before it, and the day on which it was written.

    ``own`` is the text without what came before it. ``speaker`` is who said it in a conversation, empty for a note.
    """

    text: str
    written: date
    own: str = ""
    speaker: str = ""


@dataclass(frozen=True)
class _Block:
    start: int
    content: str
    before: str


def passages_of(facts: Sequence[Fact], documents: Sequence[Document]) -> list[Passage]:
    """Return every fact's passage: its paragraph, preceded by the paragraph or message before that.

    Args:
        facts: facts with evidence in the documents.
        documents: notes, messages or turns, in any order.

    Raises:
        KeyError: a fact's document is not among the documents.
    """
    by_id = {document.id: document for document in documents}
    found = _blocks_of(documents)
    passages = []
    for fact in facts:
        document = by_id[fact.evidence.document_id]
        # A text that is only markup (a heading without words) has no paragraphs.
        own = found[document.id] or [_Block(0, document.text, "")]
        block = own[max(0, bisect_right(own, fact.evidence.start, key=lambda other: other.start) - 1)]
        text = _around(block.content, fact.evidence.start - block.start, fact.evidence.end - block.start)
        passages.append(
            Passage(
                text="\n".join(part for part in (block.before[-REACH:], _said(document, text)) if part),
                written=document.created_at.date(),
                own=text,
                speaker=document.author if document.participants else "",
            )
        )
    return passages


def _blocks_of(documents: Sequence[Document]) -> dict[str, list[_Block]]:
    """Split all documents into blocks, each with the text before it, by document id."""
    latest: dict[tuple[str, ...], tuple[datetime, str]] = {}
    found: dict[str, list[_Block]] = {}
    for document in sorted(documents, key=lambda document: (document.created_at, document.source)):
        before = ""
        conversation = (document.source.split("#")[0], *document.participants)
        if document.participants and conversation in latest:
            moment, text = latest[conversation]
            before = text if document.created_at - moment <= SAME_CONVERSATION else ""
        own = []
        for _, start, end in paragraphs(document.text, message=document.kind != "note"):
            # Every character keeps its place.
            content = re.sub(r"[\n*_`]", " ", document.text[start:end])
            own.append(_Block(start, content, before))
            before = _said(document, content)
        found[document.id] = own
        latest[conversation] = (document.created_at, _said(document, document.text))
    return found


def _said(document: Document, text: str) -> str:
    """Prefix a message with its author; a note is always its author's."""
    return f"{document.author}: {text}" if document.participants else text


def _around(text: str, start: int, end: int) -> str:
    """Cut a long text down to what surrounds a span, at word boundaries."""
    first, last = max(0, start - REACH), min(len(text), end + REACH)
    if first:
        first = text.find(" ", first, start) + 1 or first
    if last < len(text):
        space = text.rfind(" ", end, last)
        last = space if space > 0 else last
    return text[first:last]
