"""What all extractors share: the order of documents and facts, who is spoken to, and how a fact is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mealign.memory.times import Time
from mealign.records import Document, Evidence, Fact, When, content_id


def oldest_first(documents: Iterable[Document]) -> list[Document]:
    """Return documents oldest first; those of the same moment by their source."""
    return sorted(documents, key=lambda document: (document.created_at, document.source))


def document_order(documents: Iterable[Document]) -> dict[str, int]:
    """Return the chronological position of every document, by its id."""
    return {document.id: position for position, document in enumerate(oldest_first(documents))}


def sorted_facts(facts: Iterable[Fact], order: Mapping[str, int]) -> list[Fact]:
    """Return facts in the order of their documents (``order``, by id) and of their position in the text."""
    return sorted(facts, key=lambda fact: (order[fact.evidence.document_id], fact.evidence.start, fact.id))


def listener(document: Document) -> str | None:
    """Return the full name of whom a message addresses: the other participant, where exactly two take part."""
    others = [name for name in document.participants if name != document.author]
    return others[0] if len(others) == 1 else None


def to_when(expression: str, time: Time) -> When:
    """Return a resolved time together with the words that expressed it."""
    return When(expression=expression.strip(), start=time.start, end=time.end)


def make_fact(
    document: Document, start: int, end: int, *, subject: str, relation: str, value: str, statement: str,
    when: When | None, entities: Sequence[str], confidence: float, quote: bool = False,
) -> Fact:  # fmt: skip
    """Build a fact whose id is the hash of its content, dated by its own time, else by its document."""
    written = document.created_at.date()
    return Fact(
        id=content_id("fact", document.id, start, end, subject, relation, value),
        subject=subject,
        relation=relation,
        object=value,
        statement=statement,
        when=when,
        # A plan holds from the day on which it is told.
        valid_from=min(when.start, written) if when else written,
        evidence=Evidence(document_id=document.id, start=start, end=end),
        entities=tuple(dict.fromkeys(entities)),
        confidence=confidence,
        quote=quote,
    )
