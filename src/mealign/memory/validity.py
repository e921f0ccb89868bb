"""Which facts held on a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from mealign.records import Fact


def holds(fact: Fact, day: date) -> bool:
    """Whether a fact holds on a day: from its first day, or always if that is unknown, until the day before its end."""
    begun = fact.valid_from is None or fact.valid_from <= day
    return begun and (fact.valid_to is None or day < fact.valid_to)


def as_of(facts: Iterable[Fact], day: date) -> list[Fact]:
    """Return the facts that hold on a day, in the order given."""
    return [fact for fact in facts if holds(fact, day)]
