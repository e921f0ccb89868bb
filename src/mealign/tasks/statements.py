"""From a fact's statement to the one sentence from which questions are made.

Statements keep the asides of spoken language: people who are addressed, a second sentence after a dash, an opening
``Actually``. A question should have none of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from mealign.records import Fact
from mealign.tasks.lexicon import PEOPLE_NOUNS
from mealign.words import word_set

MIN_CONFIDENCE = 0.6
_BREAKS = re.compile(r"\s+[-–—]+\s+|\s*--+\s*|;\s+|:\s+|\s+\((?=\w)|\.\.+\s*")
_OPENING = re.compile(
    r"^(?:actually|so|well|yeah|yes|no|oh|wow|hey|also|plus|honestly|anyway|still|luckily|glad|and|but|then|now|ok|okay|"
    r"right|thanks|by the way|of course|in fact|point (?:one|two|three)|ps|lastly|finally|today|obviously|apparently)"
    r"\b,?\s+",
    re.IGNORECASE,
)
_PHOTO = re.compile(r"\b(?:is|was) sharing a photo\b|\bphoto of\b", re.IGNORECASE)
_DAYS = word_set("mon tue tues wed thu thur thurs fri sat sun")
_TOGETHER = re.compile(r"\band others\b.*\b(?:together|each other|both)\b", re.IGNORECASE)
_QUOTED = re.compile(r"([\"“”'])\s+([^\"“”]+?)\s+([\"“”'])(?=\W|$)")
_GROUP_VERBS = {"were": "was", "are": "is", "have": "has", "do": "does"}
_FULL_NAME = r"[A-Z][\w’'-]+ [A-Z][\w’'-]+"
_NAME = r"[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)?"


def tidy(fact: Fact, *, person: str) -> str | None:
    """Return the part of the statement that states the fact, or ``None`` when it is too uncertain or a caption.

    The user's full name becomes the short one. ``Nadia and others`` (from ``we``) becomes ``Nadia``: what a group does,
    she does.
    """
    user = person.split()[0]
    if (
        "wanna" in fact.statement
        or fact.confidence < MIN_CONFIDENCE
        or _PHOTO.search(fact.statement)
        or _TOGETHER.search(fact.statement)
    ):
        return None
    text = _QUOTED.sub(r"\1\2\3", fact.statement.replace(person, user)).rstrip(".")
    text = _segment(text, fact, user)
    if text.count('"') % 2 or text.count("“") != text.count("”"):
        return None
    while (shorter := _OPENING.sub("", text)) != text:
        text = shorter
    text = _without_address(text, fact)
    text = re.sub(
        r"\b([A-Z]\w+) and others( were| are| have| do)?\b",
        lambda match: match[1] + (f" {_GROUP_VERBS[match[2].strip()]}" if match[2] else ""),
        text,
    )
    text = re.sub(r"\s+", " ", text).strip(" ,;")
    return f"{text[0].upper()}{text[1:]}." if len(text.split()) > 2 else None


def people_in(docs: Iterable[Any], facts: Sequence[Fact], *, person: str, speakers: Collection[str]) -> set[str]:
    """Return the first names of people (and pets): those that the parser mostly tags as people, the user, and speakers.

    The parser tags many towns as people; names that often follow ``in`` or ``from`` are therefore left out.
    """
    seen: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    located: Counter[str] = Counter()
    for doc in docs:
        for token in doc:
            if token.pos_ == "PROPN" and not any(child.dep_ == "det" for child in token.children):
                seen[token.text] += 1
                taken[token.text] += token.ent_type_ == "PERSON"
                located[token.text] += token.dep_ == "pobj" and token.head.lower_ in ("in", "near", "from", "through")
    named = {fact.subject.split()[0] for fact in facts if re.fullmatch(_FULL_NAME, fact.subject)}
    found = {
        name
        for name, count in seen.items()
        if (2 * taken[name] >= count or (name in named and 5 * taken[name] >= count)) and 8 * located[name] < count
    }
    found |= {fact.subject.split()[0] for fact in facts if _is_kinship(fact)}
    found |= {name.split()[0] for name in speakers if re.match(_NAME, name)}
    return {name for name in found if name.lower() not in PEOPLE_NOUNS | _DAYS and name[0].isupper()} | {
        person.split()[0]
    }


def _is_kinship(fact: Fact) -> bool:
    """Whether somebody is a relative, hence a person: ``Ana is Nadia's sister``."""
    owned = re.search(r"[’']s ([\w-]+)$", fact.object)
    named = fact.relation == "be" and re.fullmatch(_NAME, fact.subject)
    return bool(named and owned and owned[1] in PEOPLE_NOUNS)


def _segment(text: str, fact: Fact, user: str) -> str:
    """Return the piece between dashes, colons and semicolons that has the fact's subject and object."""
    pieces = [piece.strip(" ,()") for piece in _BREAKS.split(text)]
    if len(pieces) == 1:
        return text
    subject = (user if fact.subject.split()[:1] == [user] else fact.subject).lower()
    value = fact.object.lower()
    fits = [
        piece for piece in pieces if subject in piece.lower() and value[:12] in piece.lower() and len(piece.split()) > 2
    ]
    return fits[0] if fits else text


def _without_address(text: str, fact: Fact) -> str:
    """Drop ``Melanie, `` at the start and ``, Melanie`` at the end, where the person is addressed."""
    first = re.match(rf"({_NAME}), (?=[A-Za-z])", text)
    if (first and first[1] != fact.subject.split()[0] and " and " not in text[: first.end() + 12]) or (
        first and re.match(rf"{_NAME}\b", text[first.end() :])
    ):
        text = text[first.end() :]
    return re.sub(rf",? {_NAME}$", lambda match: "" if match[0].startswith(",") else match[0], text)
