"""The person's profile: topics, people, and a bio whose every sentence rests on facts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mealign.memory.entities import PRONOUNS, find_people
from mealign.memory.first_person import first_person
from mealign.memory.topics import Topic
from mealign.records import Fact, Record

IDENTITY = ("be", "live in", "move to", "work as", "work at", "work for", "study", "be from", "grow up in")
TASTE = ("love", "like", "hate", "prefer", "enjoy", "not like")
MAX_WORDS = 18
MAX_PEOPLE = 20
NOUN_PHRASE = re.compile(r"(?:an?|the|one of|\w+[’']s)\b|\d+$", re.IGNORECASE)
PAST = re.compile(r"\b(?:was|were|had)\b")
FAVOURITE = re.compile(r"[’']s favou?rite\b")
KINSHIP = re.compile(r"[’']s \w+$")
WORD = re.compile(r"[^\W\d_]+")


class BioSentence(Record):
    """One sentence of the bio, in the third and in the first person, and the facts that it rests on."""

    text: str
    first_person: str
    fact_ids: tuple[str, ...]


class Profile(Record):
    """A person's bio, the topics of their facts, and the people mentioned, each with the number of facts."""

    person: str
    bio: tuple[BioSentence, ...]
    topics: tuple[Topic, ...]
    people: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        """The bio in the third person as one paragraph."""
        return " ".join(sentence.text for sentence in self.bio)


def build_profile(
    facts: Sequence[Fact], *, person: str, bio: Sequence[BioSentence], topics: Sequence[Topic]
) -> Profile:
    """Assemble the profile of a person. Whoever wrote the bio, its sentences name their facts."""
    mentions = find_people(facts)
    del mentions[person]
    people = sorted(mentions.items(), key=lambda item: (-item[1], item[0]))[:MAX_PEOPLE]
    return Profile(person=person, bio=tuple(bio), topics=tuple(topics), people=tuple(people))


def extractive_bio(
    facts: Sequence[Fact], topics: Sequence[Topic], *, person: str, sentences: int, parser: Path
) -> list[BioSentence]:
    """Choose statements for the bio: current, certain, short, and clear without context.

    Up to a quarter each say who the person is, who is close to them and what they like; the rest are the most typical
    statements about the person of each topic, the largest topic first.

    Args:
        facts: facts of any number of people.
        topics: groups of these facts, each with its most typical fact first.
        person: full name of the person.
        sentences: the most sentences that the bio may have.
        parser: folder of an English spaCy pipeline with tagger and parser.
    """
    chosen = choose_facts(facts, topics, person=person, count=sentences)
    statements = [fact.statement for fact in chosen]
    spoken = first_person(statements, person=person, parser=parser)
    return [
        BioSentence(text=fact.statement, first_person=said, fact_ids=(fact.id,))
        for fact, said in zip(chosen, spoken, strict=True)
    ]


def choose_facts(facts: Sequence[Fact], topics: Sequence[Topic], *, person: str, count: int) -> list[Fact]:
    """Return up to ``count`` facts for the bio: who the person is, who is close, what they like, what they do."""
    current = [fact for fact in facts if not (fact.superseded_by or fact.valid_to or fact.quote)]
    clear = [fact for fact in current if is_clear(fact) and _is_about(fact, person)]
    latest_first = sorted(clear, key=lambda fact: (-fact.confidence, _days_back(fact), fact.id))
    share = max(1, count // 4)
    own = [fact for fact in latest_first if fact.subject == person]
    identity = sorted((fact for fact in own if _is_identity(fact)), key=lambda fact: IDENTITY.index(fact.relation))
    close = [fact for fact in latest_first if fact.subject != person and _says_who_is_close(fact)]
    taste = [fact for fact in own if fact.relation in TASTE]
    taste += [fact for fact in latest_first if fact.relation == "be" and FAVOURITE.search(fact.object)]
    typical = list(_typical(topics, {fact.id: fact for fact in own}))
    first = [*_spread(identity, share), *close[:share], *_spread(taste, share)]
    return list({fact.id: fact for fact in (*first, *typical, *identity, *taste, *close)}.values())[:count]


def is_clear(fact: Fact) -> bool:
    """Whether a statement is short and clear alone: it begins with its subject and has no quotations or pronouns."""
    words, subject = fact.statement.split(), fact.subject.split()
    opens = bool(subject) and words[0].casefold() == subject[0].casefold()
    brief = bool(fact.object) and len(words) <= MAX_WORDS
    return opens and brief and not re.search(r"[:;\"“”]", fact.statement) and not _points(fact.statement)


def _points(statement: str) -> bool:
    return any(word.casefold() in PRONOUNS for word in WORD.findall(statement))


def _is_about(fact: Fact, person: str) -> bool:
    return fact.subject == person or person.split()[0] in WORD.findall(fact.object)


def _is_identity(fact: Fact) -> bool:
    """Whether a fact says who somebody is: ``is a curator``, but not ``is awake`` or ``was a fool``."""
    if fact.relation == "be":
        return bool(NOUN_PHRASE.match(fact.object)) and not PAST.search(fact.statement)
    return fact.relation in IDENTITY


def _says_who_is_close(fact: Fact) -> bool:
    return fact.relation == "be" and bool(KINSHIP.search(fact.object)) and not FAVOURITE.search(fact.object)


def _spread(facts: Sequence[Fact], count: int) -> Iterator[Fact]:
    """Take the first facts, at most two thirds of them of one relation, so that the bio is not all about one verb."""
    used: Counter[str] = Counter()
    for fact in facts:
        if used.total() < count and used[fact.relation] < max(1, 2 * count // 3):
            used[fact.relation] += 1
            yield fact


def _typical(topics: Sequence[Topic], usable: Mapping[str, Fact]) -> Iterator[Fact]:
    """Yield the first usable fact of every topic."""
    for topic in topics:
        if fact := next((usable[identity] for identity in topic.fact_ids if identity in usable), None):
            yield fact


def _days_back(fact: Fact) -> int:
    return -fact.valid_from.toordinal() if fact.valid_from else 0
