"""What is shown of a person's memory, before it is rendered as a page or in a terminal."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from mealign.errors import MealignError
from mealign.memory.entities import find_people
from mealign.memory.graph import FactGraph
from mealign.memory.profile import Profile, is_clear
from mealign.records import Document, Fact

HAPPENED_A_MONTH = 3
EXAMPLES_A_TOPIC = 2


@dataclass(frozen=True)
class Change:
    """A fact that ended and the fact that replaced it."""

    old: Fact
    new: Fact


@dataclass(frozen=True)
class Month:
    """One month: how many facts begin in it, some of these events, and all changes."""

    key: str
    title: str
    count: int
    happened: tuple[Fact, ...]
    changed: tuple[Change, ...]

    @property
    def year(self) -> int:
        """Year of the month."""
        return int(self.key[:4])

    @property
    def tells(self) -> bool:
        """Whether there is anything to show for the month besides the number of its facts."""
        return bool(self.happened or self.changed)


@dataclass(frozen=True)
class Memory:
    """One person's memory.

    Raises:
        MealignError: facts, documents and profile do not belong together; the message says what to run.
    """

    facts: Sequence[Fact]
    documents: Mapping[str, Document]
    profile: Profile

    def __post_init__(self) -> None:
        for fact in self.facts:
            document = self.documents.get(fact.evidence.document_id)
            if document is None or fact.evidence.end > len(document.text):
                raise MealignError(
                    f"{fact.id}: its evidence is not in documents.jsonl, so facts and documents are of different runs; "
                    "run stage=[ingest,memory] again"
                )
        named = (sentence.fact_ids for sentence in self.profile.bio)
        topics = (topic.fact_ids for topic in self.profile.topics)
        if missing := {identity for ids in (*named, *topics) for identity in ids} - self.by_id.keys():
            raise MealignError(
                f"{min(missing)}: profile.json names it, but facts.jsonl does not have it; "
                "run stage=[ingest,memory] again"
            )

    @property
    def person(self) -> str:
        """Full name of the person."""
        return self.profile.person

    @cached_property
    def by_id(self) -> dict[str, Fact]:
        """The facts by id."""
        return {fact.id: fact for fact in self.facts}

    @cached_property
    def graph(self) -> FactGraph:
        """The facts as a graph."""
        return FactGraph(self.facts)

    @cached_property
    def people(self) -> frozenset[str]:
        """Names of people, including the person's own."""
        return frozenset({self.person, *find_people(self.facts)})

    @cached_property
    def span(self) -> tuple[date, date] | None:
        """First and last day on which any fact begins; None if no fact has a day."""
        dated = [fact.valid_from for fact in self.facts if fact.valid_from]
        return (min(dated), max(dated)) if dated else None

    def months(self) -> list[Month]:
        """Return the months in which anything happened or changed, in order."""
        begun: dict[str, list[Fact]] = {}
        ended: dict[str, list[Change]] = {}
        for fact in self.graph.timeline():
            begun.setdefault(_month(fact.valid_from), []).append(fact)
            new = self.graph.successor(fact.id)
            if new is not None and fact.valid_to is not None:
                ended.setdefault(_month(fact.valid_to), []).append(Change(old=fact, new=new))
        return [
            Month(
                key=key,
                title=f"{calendar.month_name[int(key[5:])]} {int(key[:4])}",
                count=len(begun.get(key, [])),
                happened=tuple(self._happened(begun.get(key, []))),
                changed=tuple(ended.get(key, [])),
            )
            for key in sorted(begun.keys() | ended.keys())
        ]

    def _happened(self, facts: Sequence[Fact]) -> list[Fact]:
        """Choose the most informative facts: clear statements about the person that name others, on different days."""
        about = [fact for fact in facts if self.person in self.graph.names_in(fact.id) and is_clear(fact)]
        best = sorted(about, key=lambda fact: (-min(2, len(self.graph.names_in(fact.id))), -fact.confidence, fact.id))
        chosen: dict[date | None, Fact] = {}
        for fact in best:
            if len(chosen) < HAPPENED_A_MONTH:
                chosen.setdefault(fact.valid_from, fact)
        return sorted(chosen.values(), key=lambda fact: str(fact.valid_from))


def _month(day: date | None) -> str:
    return f"{day:%Y-%m}" if day else ""
