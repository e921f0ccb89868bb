"""Who is who: full names, genders and relatives, gathered from every document and looked up in each.

What one document says of names is a :class:`Gleaning`, which depends on that document alone. All gleanings together are
the :class:`Acquaintance` with which documents are then read; a document's reading depends only on the part of it that
the document's own words touch (:meth:`Acquaintance.about`), so that a new note changes no other note's facts unless it
says something new about somebody named there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mealign.memory.pronouns import MIN_VOTES, Gender, gender_votes, kin_of
from mealign.records import Document, Record

Token = Any
WORD = re.compile(r"\w+")


class Gleaning(Record):
    """What one document says of names.

    ``names`` are full names of people, ``votes`` how often each pronoun was tied to a first name, and ``relatives``
    whom a kinship word means where the author names them: (``sister``, ``Ilse``).
    """

    names: tuple[str, ...] = ()
    votes: tuple[tuple[str, Gender, int], ...] = ()
    relatives: tuple[tuple[str, str], ...] = ()


def glean(sentences: Sequence[Any], *, speaker: str, known: Mapping[str, str]) -> Gleaning:
    """Gather what parsed sentences say of names.

    Args:
        sentences: all sentences of one document.
        speaker: first name of its author, whom ``he`` and ``she`` do not mean.
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
    return Gleaning(
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
class Acquaintance:
    """What is known of names.

    ``full_names`` maps every name of a person, full or short, to the full name, where it means one person only;
    ``spoken`` are those among them that authors and participants bear. ``genders`` maps first names to their pronoun,
    ``relatives`` an author's kinship word to a first name, where the author has one such relative.
    """

    full_names: Mapping[str, str] = field(default_factory=dict)
    spoken: Mapping[str, str] = field(default_factory=dict)
    genders: Mapping[str, Gender] = field(default_factory=dict)
    relatives: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, speakers: Iterable[str], gleanings: Iterable[tuple[str, Gleaning]] = ()) -> Acquaintance:
        """Bring together the speakers' full names and the gleanings, each with its document's author.

        A first name that two people share means neither; a name needs two votes without a contrary one for its
        gender, or a kinship word alone.
        """
        speakers = set(speakers)
        mentioned: set[str] = set()
        votes: dict[str, Counter[Gender]] = {}
        relatives: dict[str, dict[str, set[str]]] = {}
        for author, gleaning in gleanings:
            mentioned |= set(gleaning.names)
            for name, gender, count in gleaning.votes:
                votes.setdefault(name, Counter())[gender] += count
            for role, name in gleaning.relatives:
                relatives.setdefault(author, {}).setdefault(role, set()).add(name)
        # Who is only mentioned leaves the first name to who speaks here.
        first_names = {name.split()[0] for name in speakers}
        return cls(
            full_names=_unambiguous(speakers | {name for name in mentioned if name.split()[0] not in first_names}),
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
        )

    def canonical(self, name: str) -> str:
        """Return the full name behind a name, or the name itself."""
        return self.full_names.get(name, name)

    @cached_property
    def known(self) -> Mapping[str, str]:
        """Names that mean people for certain: those who speak, and those with a pronoun."""
        return {**{name: name for name in self.genders}, **self.spoken}

    def about(self, document: Document) -> Acquaintance:
        """Return the part that a document's words can touch: all that its facts depend on besides itself."""
        words = set(WORD.findall(" ".join((document.text, document.author, *document.participants))))
        lowered = {word.lower() for word in words}
        own = self.relatives.get(document.author, {})
        return Acquaintance(
            full_names={name: self.full_names[name] for name in self._names_of(words)},
            spoken={name: self.spoken[name] for name in self._names_of(words) if name in self.spoken},
            genders={word: self.genders[word] for word in sorted(words) if word in self.genders},
            relatives={document.author: {role: name for role, name in own.items() if role in lowered}},
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
    """Map full and first names to full names, where they mean one person only."""
    owners: dict[str, set[str]] = {}
    for name in full_names:
        owners.setdefault(name, set()).add(name)
        owners.setdefault(name.split()[0], set()).add(name)
    return {short: next(iter(full)) for short, full in sorted(owners.items()) if len(full) == 1}
