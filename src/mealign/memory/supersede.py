"""What a later fact ends: a place of residence, a job, a taste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mealign.records import Fact

RESIDENCE = {"live in", "live at", "move to", "move into", "move in"}
WORK = {"work at", "work for", "work as", "join", "start at"}
TASTE = {"like", "love", "hate", "prefer", "enjoy", "adore", "dislike", "not like", "not enjoy", "not love"}
DISLIKE = {"hate", "dislike", "not like", "not enjoy", "not love"}


def slot(fact: Fact) -> tuple[str, ...] | None:
    """Return what can hold only one value at a time, or None: a home, an employment, a feeling towards one thing."""
    if fact.relation in RESIDENCE:
        return (fact.subject, "residence")
    if fact.relation in WORK:
        return (fact.subject, "work")
    if fact.relation in TASTE and fact.object:
        return (fact.subject, "taste", _head(fact.object))
    return None


def value(fact: Fact) -> str:
    """Return what the slot holds according to this fact; of a taste, whether it is liked."""
    if fact.relation in TASTE:
        return "dislike" if fact.relation in DISLIKE else "like"
    return " ".join(word for word in fact.object.casefold().split() if word not in ("a", "an", "the"))


def supersede(facts: Sequence[Fact], *, order: Mapping[str, int]) -> list[Fact]:
    """Close every fact whose slot a later fact gives another value; both are kept, in the order given.

    Args:
        facts: facts of any number of people.
        order: position of every document in time; the later document wins.
    """
    latest: dict[tuple[str, ...], Fact] = {}
    closed: dict[str, Fact] = {}
    for fact in sorted(facts, key=lambda fact: (order[fact.evidence.document_id], fact.evidence.start, fact.id)):
        key = slot(fact)
        if key is None:
            continue
        earlier = latest.get(key)
        if earlier and value(earlier) != value(fact) and earlier.evidence.document_id != fact.evidence.document_id:
            end = fact.valid_from
            if end and earlier.valid_from and end >= earlier.valid_from:
                closed[earlier.id] = earlier.model_copy(update={"valid_to": end, "superseded_by": fact.id})
        latest[key] = fact
    return [closed.get(fact.id, fact) for fact in facts]


def _head(text: str) -> str:
    """Return the last word, lower-cased and singular: ``the blue bikes`` and ``a blue bike`` are both ``bike``."""
    word = text.casefold().split()[-1]
    return word.removesuffix("s") if len(word) > 3 else word
