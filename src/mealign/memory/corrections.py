"""The user's corrections, applied after extraction: they take precedence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mealign.memory.supersede import supersede
from mealign.records import ChangeFact, Corrections, DropFact, Fact, SamePerson


def correct(facts: Sequence[Fact], corrections: Corrections, *, order: Mapping[str, int]) -> list[Fact]:
    """Return the facts as the user wants them, and recompute which facts later ones end.

    Args:
        facts: extracted facts of any number of people.
        corrections: where there are none, the facts are returned unchanged.
        order: chronological position of every document, by id.
    """
    if not corrections.entries:
        return list(facts)
    reopened = [
        fact.model_copy(update={"valid_to": None, "superseded_by": None}) if fact.superseded_by else fact
        for fact in apply_corrections(facts, corrections)
    ]
    return supersede(reopened, order=order)


def apply_corrections(facts: Sequence[Fact], corrections: Corrections) -> list[Fact]:
    """Drop, change and rename facts; their order stays, and so does the id of a changed fact (its lineage).

    Dropping by statement matches both what a fact stated before it was changed and what it states afterwards.
    """
    return [
        fact
        for extracted, fact in ((fact, _rewritten(fact, corrections)) for fact in facts)
        if not any(_drops(entry, extracted) or _drops(entry, fact) for entry in corrections.drop)
    ]


def unmatched(facts: Sequence[Fact], corrections: Corrections) -> list[int]:
    """Return the lines of the entries that match no fact, neither as extracted nor as changed."""
    known = [*facts, *(_rewritten(fact, corrections) for fact in facts)]
    return sorted(entry.line for entry in corrections.entries if not any(_concerns(entry, fact) for fact in known))


def _concerns(entry: DropFact | ChangeFact | SamePerson, fact: Fact) -> bool:
    if isinstance(entry, DropFact):
        return _drops(entry, fact)
    if isinstance(entry, ChangeFact):
        return entry.fact == fact.id
    return not entry.all_names.isdisjoint({fact.subject, *fact.entities})


def _drops(entry: DropFact, fact: Fact) -> bool:
    if entry.fact is not None:
        return entry.fact == fact.id
    if entry.statement is not None:
        return _bare(entry.statement) == _bare(fact.statement)
    # Quoting a sentence drops the facts of its clauses too, and quoting a clause the fact of its sentence.
    return any(
        span.document_id == fact.evidence.document_id
        and span.start < fact.evidence.end
        and fact.evidence.start < span.end
        for span in entry.evidence
    )


def _bare(statement: str) -> str:
    return " ".join(statement.casefold().split())


def _rewritten(fact: Fact, corrections: Corrections) -> Fact:
    for change in corrections.change:
        if change.fact == fact.id:
            fact = _changed(fact, change)
    goes_by = {name: entry.person for entry in corrections.same for name in entry.names}
    return fact.model_copy(
        update={
            "subject": goes_by.get(fact.subject, fact.subject),
            "entities": tuple(dict.fromkeys(goes_by.get(name, name) for name in fact.entities)),
        }
    )


def _changed(fact: Fact, change: ChangeFact) -> Fact:
    """Give a fact its new values; where its subject or object is an entity, the entity changes with it."""
    new: dict[str, Any] = {**change.changes, "confidence": 1.0}
    if change.valid_from:
        # The user contradicts the time that the document states.
        new["when"] = None
    subject = new.get("subject", fact.subject)
    renamed = {fact.object: new.get("object", fact.object), fact.subject: subject}
    entities = dict.fromkeys([subject, *(renamed.get(name, name) for name in fact.entities)])
    return fact.model_copy(update={**new, "entities": tuple(name for name in entities if name)})
