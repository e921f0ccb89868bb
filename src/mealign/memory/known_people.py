"""Who is who: full names, genders and relatives, gathered from every document and looked up in each.

What one document says about names is its :class:`NameMentions`, which depend on that document alone. Together they make
the :class:`KnownPeople` with which facts are then extracted. A document's facts depend only on the part of it that is
relevant to the document (:meth:`KnownPeople.relevant_to`), so a new note changes no other note's facts unless it says
something new about somebody named there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mealign.memory.kinship import Gender
from mealign.memory.pronouns import MIN_VOTES, gender_votes, kin_of
from mealign.names import short_name
from mealign.records import Document, Record

Token = Any
WORD = re.compile(r"\w+")


class NameMentions(Record):
    """What one document says about names.

    ``names`` are full names of people, ``votes`` counts how often each pronoun was linked to a first name, and
    ``relatives`` pairs kinship words with the relatives whom the author names: (``sister``, ``Ilse``).
    """

    names: tuple[str, ...] = ()
    votes: tuple[tuple[str, Gender, int], ...] = ()
    relatives: tuple[tuple[str, str], ...] = ()


def name_mentions_in(sentences: Sequence[Any], *, speaker: str, known: Mapping[str, str]) -> NameMentions:
    """Collect what parsed sentences say about names.

    Args:
        sentences: all sentences of one document.
        speaker: first name of its author, to whom ``he`` and ``she`` do not refer.
        known: names of people, full and short.
    """
    names, relatives = set(), set()
    votes: Counter[tuple[str, Gender]] = Counter()
    for sentence in sentences:
        names |= {entity.text for entity in sentence.ents if _is_full_name(entity)}
        votes += gender_votes(sentence, speaker=speaker, known=known)
        relatives |= {
            (role, token.text)
            for token in sentence
            if (role := kin_of(token)) and role != token.lower_ and _mine(token)
        }
    return NameMentions(
        names=tuple(sorted(names)),
        votes=tuple((name, gender, count) for (name, gender), count in sorted(votes.items())),
        relatives=tuple(sorted(relatives)),
    )


def _is_full_name(entity: Any) -> bool:
    capitalised = all(token.pos_ == "PROPN" and token.text[:1].isupper() for token in entity)
    return entity.label_ == "PERSON" and 2 <= len(entity) <= 3 and capitalised


def _mine(name: Token) -> bool:
    """Whether a name is that of the author's own relative: ``my sister Ilse``, not ``Bart's sister Ilse``."""
    words = [*name.children, *name.head.children] if name.dep_ == "appos" else list(name.children)
    return any(word.dep_ == "poss" and word.lower_ == "my" for word in words)


@dataclass(frozen=True)
class KnownPeople:
    """What is known about names.

    ``full_names`` maps every name of a person, full or short, to the full name, where it is unambiguous; ``spoken`` are
    those of authors and participants. ``genders`` maps first names to their pronoun, ``relatives`` maps an author's
    kinship word to a first name, where the author has one such relative; ``shared`` are the short names that more than
    one speaker has.
    """

    full_names: Mapping[str, str] = field(default_factory=dict)
    spoken: Mapping[str, str] = field(default_factory=dict)
    genders: Mapping[str, Gender] = field(default_factory=dict)
    relatives: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    @classmethod
    def of(cls, speakers: Iterable[str], mentions: Iterable[tuple[str, NameMentions]] = ()) -> KnownPeople:
        """Combine the speakers' full names with what documents mention, each with its author.

        A first name that two people share stands for neither. A name's gender needs two votes and none against, or one
        kinship word.
        """
        speakers = set(speakers)
        mentioned: set[str] = set()
        votes: dict[str, Counter[Gender]] = {}
        relatives: dict[str, dict[str, set[str]]] = {}
        for author, found in mentions:
            mentioned |= set(found.names)
            for name, gender, count in found.votes:
                votes.setdefault(name, Counter())[gender] += count
            for role, name in found.relatives:
                relatives.setdefault(author, {}).setdefault(role, set()).add(name)
        # A first name belongs to the speaker who has it rather than to somebody who is only mentioned.
        first_names = Counter(short_name(name) for name in speakers)
        return cls(
            full_names=_unambiguous(speakers | {name for name in mentioned if short_name(name) not in first_names}),
            spoken=_unambiguous(speakers),
            genders={
                name: next(iter(counts))
                for name, counts in sorted(votes.items())
                if len(counts) == 1 and counts.total() >= MIN_VOTES
            },
            relatives={
                author: {role: next(iter(names)) for role, names in sorted(roles.items()) if len(names) == 1}
                for author, roles in sorted(relatives.items())
            },
            shared=frozenset(name for name, count in first_names.items() if count > 1),
        )

    def canonical(self, name: str) -> str:
        """Return the full name behind a name, or the name itself."""
        return self.full_names.get(name, name)

    def spoken_name(self, name: str) -> str:
        """Return the name by which somebody is called: the short one, unless it may mean another speaker, too."""
        short = short_name(name)
        return short if self.spoken.get(short, name) == name and short not in self.shared else name

    @cached_property
    def certain(self) -> Mapping[str, str]:
        """Names that certainly are people's: those of speakers, and those with a pronoun."""
        return {**{name: name for name in self.genders}, **self.spoken}

    def relevant_to(self, document: Document) -> KnownPeople:
        """Return the part that can affect a document: all that its facts depend on besides its own text."""
        words = set(WORD.findall(" ".join((document.text, document.author, *document.participants))))
        lowered = {word.lower() for word in words}
        own = self.relatives.get(document.author, {})
        return KnownPeople(
            full_names={name: self.full_names[name] for name in self._names_of(words)},
            spoken={name: self.spoken[name] for name in self._names_of(words) if name in self.spoken},
            genders={word: self.genders[word] for word in sorted(words) if word in self.genders},
            relatives={document.author: {role: name for role, name in own.items() if role in lowered}},
            shared=frozenset(map(short_name, (document.author, *document.participants))) & self.shared,
        )

    @cached_property
    def _by_first_word(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.full_names:
            if first := WORD.search(name):
                found.setdefault(first[0], []).append(name)
        return found

    def _names_of(self, words: Iterable[str]) -> list[str]:
        return [name for word in sorted(words) for name in self._by_first_word.get(word, ())]


def _unambiguous(full_names: Iterable[str]) -> dict[str, str]:
    """Map full and first names to full names, where they stand for one person only."""
    owners: dict[str, set[str]] = {}
    for name in full_names:
        owners.setdefault(name, set()).add(name)
        owners.setdefault(short_name(name), set()).add(name)
    return {short: next(iter(full)) for short, full in sorted(owners.items()) if len(full) == 1}
