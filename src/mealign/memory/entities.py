"""The people and things that facts name: names, as opposed to pronouns, phrases and ordinary words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mealign.records import Fact

PRONOUNS = {
    "i", "me", "my", "mine", "you", "your", "yours", "he", "him", "his", "she", "her", "hers", "it", "its", "we", "us",
    "our", "ours", "they", "them", "their", "theirs", "this", "that", "these", "those", "there", "here", "who", "which",
    "what", "one", "other", "others", "everything", "everybody", "everyone", "nobody", "nothing", "somebody", "someone",
    "something", "whom", "whose", "anybody", "anyone", "all", "both", "each", "some", "most", "none",
}  # fmt: skip
LOWER_IN_NAMES = {"of", "the", "de", "den", "der", "het", "ten", "ter", "van", "von", "da", "di", "du", "la", "le"}
DEEDS = {
    "answer", "apologise", "apologize", "ask", "believe", "call", "cook", "cry", "enjoy", "feel", "forget", "hate",
    "hope", "invite", "know", "laugh", "like", "love", "marry", "phone", "prefer", "promise", "propose", "read",
    "remember", "say", "study", "talk", "tell", "text", "thank", "think", "want", "wish", "work", "write",
}  # fmt: skip
"""Verbs (lemmas) whose subject is a person: of saying, thinking, feeling and working."""
GROUP = " and others"
PLACED = re.compile(r"\b(?:at|in) ([A-Z][^\W\d_]+)(?![’'])\b")
WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")


def named_entities(facts: Sequence[Fact]) -> dict[str, tuple[str, ...]]:
    """Return the names in each fact: fact id -> names, its subject first, each once.

    ``Nadia and others`` and ``Thijs and Nadia`` are split into the people in them, and a person's first name becomes
    the full name where nobody else shares it. Pronouns, phrases (``the dullness``) and words that are written in lower
    case elsewhere (``Books`` at the start of a sentence) are not names.
    """
    written = _capitals(facts)
    raw = {fact.id: [part for entity in fact.entities for part in _parts(entity)] for fact in facts}
    names = {name for parts in raw.values() for name in parts if _is_name(name, written)}
    full = _full_names(names, people=_doers(facts))
    return {
        identity: tuple(dict.fromkeys(full.get(part, part) for part in parts if part in names))
        for identity, parts in raw.items()
    }


def find_people(facts: Sequence[Fact]) -> Counter[str]:
    """Count the facts that name each person.

    A person does something that only people do (:data:`DEEDS`) or is somebody's relative or friend, never occurs as a
    place (``at Terravista``), and is named more than once.
    """
    doers = _doers(facts)
    first_names = {name.split()[0] for name in doers}
    counts = Counter(name for named in named_entities(facts).values() for name in named)
    people = (name for name in counts if name[0].isupper() and (name in doers or name.split()[0] in first_names))
    return Counter({name: counts[name] for name in people if counts[name] > 1})


def _doers(facts: Sequence[Fact]) -> set[str]:
    places = {name for fact in facts for name in PLACED.findall(fact.statement)}
    doers = set()
    for fact in facts:
        verb = fact.relation.removeprefix("not ").split(" ")[0]
        if verb in DEEDS or _is_kinship(fact):
            doers |= {part for part in _parts(fact.subject) if part not in places}
    return doers


def _is_kinship(fact: Fact) -> bool:
    return fact.relation == "be" and bool(re.search(r"[’']s \w+$", fact.object))


def _parts(entity: str) -> list[str]:
    parts = (part.strip() for part in entity.removesuffix(GROUP).split(" and "))
    return [f"the {part[4:]}" if part.startswith("The ") else part for part in parts if part]


def _is_name(text: str, written: Mapping[str, int]) -> bool:
    words = text.split()
    if not words or re.search(r"[’']s\b|[\d,:;()\"“”]", text) or words[0].casefold() in PRONOUNS:
        return False
    if not all(word in LOWER_IN_NAMES or word[0].isupper() for word in words[1:]):
        return False
    first = words[0]
    if len(words) > 1:
        return (first[0].isupper() or first in LOWER_IN_NAMES) and words[-1][0].isupper()
    return first[0].isupper() and written.get(first.casefold(), 0) >= 0


def _capitals(facts: Iterable[Fact]) -> Counter[str]:
    """Count how much more often each word is capitalised than not, inside statements."""
    balance: Counter[str] = Counter()
    for fact in facts:
        for match in list(WORD.finditer(fact.statement))[1:]:
            balance[match[0].casefold()] += 1 if match[0][0].isupper() else -1
    return balance


def _full_names(names: Iterable[str], *, people: set[str]) -> dict[str, str]:
    """Map a person's first name to the only longer name that begins with it; a shared first name is left out."""
    owners: dict[str, list[str]] = {}
    for name in sorted(names):
        first, _, rest = name.partition(" ")
        if rest and {first, name} & people:
            owners.setdefault(first, []).append(name)
    return {first: found[0] for first, found in owners.items() if len(found) == 1}
