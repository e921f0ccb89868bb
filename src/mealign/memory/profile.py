"""The bio: the statements that say most about a person, each with the facts behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mealign.records import Fact, Record

IDENTITY = ("be", "live in", "move to", "work as", "work at", "work for", "study", "be from", "grow up in", "have")
TASTE = ("love", "like", "hate", "prefer", "enjoy", "not like")
MAX_WORDS = 18


class BioSentence(Record):
    """One sentence of the bio and the facts that say it."""

    text: str
    fact_ids: tuple[str, ...]


class Profile(Record):
    """Who the person is: the bio, and the people they mention most with the number of mentions."""

    person: str
    bio: tuple[BioSentence, ...]
    people: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        """The bio as one paragraph."""
        return " ".join(sentence.text for sentence in self.bio)


def build_profile(facts: Sequence[Fact], *, person: str, sentences: int) -> Profile:
    """Choose the bio's sentences: current, certain, short statements about the person, identity before taste.

    No relation gives more than a third of the sentences, so that the bio is not a list of belongings.
    """
    current = [fact for fact in facts if fact.subject == person and not fact.superseded_by and fact.object]
    brief = [fact for fact in current if len(fact.statement.split()) <= MAX_WORDS]
    latest_first = sorted(brief, key=lambda fact: (-fact.confidence, _days_back(fact), fact.id))
    ranked = sorted(latest_first, key=lambda fact: _rank(fact.relation))
    chosen: list[Fact] = []
    used: Counter[str] = Counter()
    for fact in ranked:
        if len(chosen) == sentences:
            break
        if used[fact.relation] < max(1, sentences // 3):
            used[fact.relation] += 1
            chosen.append(fact)
    mentions = Counter(name for fact in facts for name in fact.entities if name != person)
    people = sorted(mentions.items(), key=lambda item: (-item[1], item[0]))[:20]
    return Profile(
        person=person,
        bio=tuple(BioSentence(text=fact.statement, fact_ids=(fact.id,)) for fact in chosen),
        people=tuple(people),
    )


def _rank(relation: str) -> int:
    if relation in IDENTITY:
        return IDENTITY.index(relation)
    return len(IDENTITY) + (0 if relation in TASTE else 1)


def _days_back(fact: Fact) -> int:
    return -fact.valid_from.toordinal() if fact.valid_from else 0
