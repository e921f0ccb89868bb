"""The person's memory as one page: a file that needs no network and can be sent to a friend.

Texts of the user reach the page in two ways, both escaped: as text in the template, and as JSON that the page's script
inserts with ``textContent``. A content security policy allows only this package's script and style, by their digests,
so a script inside a note is never run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mealign.memory.times import format_day
from mealign.records import Document
from mealign.reporting.memory_content import EXAMPLES_A_TOPIC, Memory
from mealign.reporting.memory_graph import HEIGHT, WIDTH, draw


def render_memory_page(memory: Memory) -> str:
    """Return the page as HTML. The same memory always gives the same bytes."""
    drawing = draw(memory.graph, [fact.id for fact in memory.facts], person=memory.person)
    position = {fact.id: index for index, fact in enumerate(memory.facts)}
    style, script = _asset("memory.css"), _asset("memory.js")
    months = memory.months()
    environment = Environment(
        loader=PackageLoader("mealign.reporting"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=True, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template("memory.html.j2").render(
        memory=memory,
        months=months,
        fullest=max((month.count for month in months), default=1) or 1,
        people=[(name, count) for name, count in memory.profile.people if name in memory.people],
        examples=EXAMPLES_A_TOPIC,
        drawing=drawing,
        width=WIDTH,
        height=HEIGHT,
        labels={place.name: _label(place.name, memory.people) for place in drawing.places},
        position=position,
        day=format_day,
        data=_data(memory, position),
        # Both are files of this package, without any of the user's text.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_digest=_digest(style),
        script_digest=_digest(script),
    )


def _asset(name: str) -> str:
    return (files("mealign.reporting") / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _label(name: str, people: Collection[str]) -> str:
    """Return a person's first name, or the full name if another person shares it; for things, the name."""
    first = name.split()[0]
    same = sum(other.split()[0] == first for other in people)
    return first if name in people and same == 1 else name


def _data(memory: Memory, position: dict[str, int]) -> dict[str, Any]:
    """Return what the page's script needs: every fact, its source documents, and names and topics by number."""
    shown = {fact.evidence.document_id: memory.documents[fact.evidence.document_id] for fact in memory.facts}
    documents = {identity: number for number, identity in enumerate(shown)}
    names = {name: number for number, name in enumerate(sorted(memory.graph.names()))}
    topics = {id: number for number, topic in enumerate(memory.profile.topics) for id in topic.fact_ids}
    facts = []
    for fact in memory.facts:
        text, evidence = shown[fact.evidence.document_id].text, fact.evidence
        after = memory.graph.successor(fact.id)
        facts.append(
            {
                "id": fact.id,
                "statement": fact.statement,
                "from": fact.valid_from.isoformat() if fact.valid_from else "",
                "until": fact.valid_to.isoformat() if fact.valid_to else "",
                "next": position[after.id] if after else -1,
                "names": [names[name] for name in memory.graph.names_in(fact.id)],
                "topic": topics.get(fact.id, -1),
                "confidence": fact.confidence,
                "document": documents[evidence.document_id],
                "start": _units(text[: evidence.start]),
                "end": _units(text[: evidence.end]),
            }
        )
    return {
        "facts": facts,
        "names": list(names),
        "topics": [topic.name for topic in memory.profile.topics],
        "documents": [_document(document) for document in shown.values()],
    }


def _document(document: Document) -> dict[str, str]:
    return {
        "source": document.source,
        "author": document.author,
        "date": document.created_at.date().isoformat(),
        "text": document.text,
    }


def _units(text: str) -> int:
    """Return a text's length as JavaScript counts it: in UTF-16 code units, two for an emoji."""
    return len(text.encode("utf-16-le")) // 2
