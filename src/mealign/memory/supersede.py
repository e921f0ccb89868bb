"""Which facts a later fact ends: a home, a job, a taste, a habit, a number, an attribute, or what was left or sold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mealign.memory.inflection import inflect, singular
from mealign.records import Fact

RESIDENCE = {"live in", "live at", "move to", "move into", "move in"}
WORK = {"work at", "work for", "work as", "start at"}
TASTE = {"like", "love", "hate", "prefer", "enjoy", "adore", "dislike", "not like", "not enjoy", "not love"}
DISLIKE = {"hate", "dislike", "not like", "not enjoy", "not love"}
COUNTED = {"have", "keep", "own", "earn", "pay", "weigh", "cost"}
"""Relations whose object may be a number of things: six hives, then one."""
HELD = {
    "have", "own", "keep", "drive", "ride", "use", "attend", "work at", "work for", "work on", "work in", "sing in",
    "play in", "play for", "study at",
}  # fmt: skip
ENDING = {"leave", "quit", "resign from", "sell", "give up", "give away", "stop", "lose", "drop", "no longer have"}
NUMBER = re.compile(
    r"(?:(?:only|just|about|now) )*(\d[\d.,]*|no|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) (.+)",
    re.IGNORECASE,
)
OWNED = re.compile(r"^\S+(?: \S+)?['’]s? [\w -]+$")
VALUE = re.compile(r"^(?:(?:a|an|the) )?(?:[A-Z0-9]|(?:a|an|the) )")
ARTICLES = {"a", "an", "the"}

Slot = tuple[str, ...]


def slots(fact: Fact) -> list[tuple[Slot, str]]:
    """Return the slots of a fact, which hold one value at a time, each with the value that this fact gives it.

    Slots are a home, an employment, a feeling towards a thing, whether somebody does a thing, how many of it somebody
    has, and what belongs to somebody: ``Nadia's rent is 965 euros``.
    """
    who, relation, value = fact.subject, fact.relation, fact.object
    if not value:
        return []
    if relation in RESIDENCE:
        return [((who, "residence"), _bare(value))]
    if relation in WORK:
        return [((who, "work"), _bare(value))]
    if relation in TASTE:
        return [((who, "taste", _head(value)), "dislike" if relation in DISLIKE else "like")]
    return list(_others(fact))


def _others(fact: Fact) -> Iterator[tuple[Slot, str]]:
    positive = fact.relation.removeprefix("not ")
    if not _is_present(fact, positive):
        return
    if positive in COUNTED and (counted := NUMBER.fullmatch(fact.object)):
        yield (fact.subject, positive, _head(counted[2])), counted[1].lower()
    elif fact.relation == "be":
        if OWNED.match(fact.subject) and VALUE.match(fact.object):
            yield (fact.subject.casefold(), "be"), _bare(fact.object)
    elif positive != "be":
        yield (fact.subject, "does", positive, _bare(fact.object)), "no" if fact.relation != positive else "yes"


def supersede(facts: Sequence[Fact], *, order: Mapping[str, int]) -> list[Fact]:
    """Close every fact that a later one replaces or ends; both are kept, in the order given.

    A fact replaces one of another document whose slot it fills with another value; ``sell``, ``leave`` and the like end
    the facts that said that somebody has their object.

    Args:
        facts: facts of any number of people.
        order: chronological position of every document, by id; the later document wins.
    """
    latest: dict[Slot, tuple[Fact, str]] = {}
    held: dict[tuple[str, str], list[Fact]] = {}
    closed: dict[str, Fact] = {}

    def close(earlier: Fact, later: Fact) -> None:
        day = later.valid_from
        another = earlier.evidence.document_id != later.evidence.document_id
        if another and earlier.id not in closed and day and earlier.valid_from and day >= earlier.valid_from:
            closed[earlier.id] = earlier.model_copy(update={"valid_to": day, "superseded_by": later.id})

    stated = (fact for fact in facts if not fact.quote)
    for fact in sorted(stated, key=lambda fact: (order[fact.evidence.document_id], fact.evidence.start, fact.id)):
        for slot, value in slots(fact):
            earlier = latest.get(slot)
            if earlier and earlier[1] != value:
                close(earlier[0], fact)
            latest[slot] = (fact, value)
        if fact.object and fact.relation in ENDING:
            for earlier_fact in held.pop((fact.subject, _head(fact.object)), []):
                close(earlier_fact, fact)
        elif fact.object and fact.relation in HELD and _is_present(fact, fact.relation):
            held.setdefault((fact.subject, _head(fact.object)), []).append(fact)
    return [closed.get(fact.id, fact) for fact in facts]


def _is_present(fact: Fact, relation: str) -> bool:
    """Whether a statement is about a present state, which can end, and not about something that happened."""
    verb = relation.split()[0]
    words = set(re.findall(r"[\w’']+", fact.statement.lower()))
    return bool({inflect(verb, "VBZ"), "does"} & words) and not {"did", "will"} & words


def _bare(text: str) -> str:
    return " ".join(word for word in text.casefold().split() if word not in ARTICLES)


def _head(text: str) -> str:
    """Return the last word, lower-cased and singular: ``the blue bikes`` and ``a blue bike`` are both ``bike``."""
    return singular(text.casefold().split()[-1])
