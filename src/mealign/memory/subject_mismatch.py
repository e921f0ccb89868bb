"""Which person a question is about, and which person the memory is about instead, if it is another one.

A search finds what fits a question best, whoever did it; small models then answer with another person's life. Facts
have subjects, so this is decided without a language model: the question, with the names taken out, is compared with all
facts, and the best matches among the facts that mention the person asked about compete with the best matches among the
facts that are about another person alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mealign.memory.entities import WORD, find_people
from mealign.memory.search import QUERIES_AT_ONCE, FactIndex, Scores
from mealign.records import Fact

BEST_SHARE = 0.05
"""At most this share of the facts that mention a person is taken to be about one question."""
_FIRST_PERSON = re.compile(r"\b(?:I|my|me|mine)\b")


class SubjectMismatch(NamedTuple):
    """The first names of the person whom a question asks about, and of the one whom the matching facts are about."""

    asked: str
    found: str


class Recalled(NamedTuple):
    """What the memory has for a question: the facts that are shown, and a mismatch of persons, if there is one."""

    facts: list[Fact]
    instead: SubjectMismatch | None


def recall(
    questions: Sequence[str],
    index: FactIndex,
    *,
    person: str,
    k: int,
    as_of: date | None = None,
    exclude: Collection[str] = (),
) -> list[Recalled]:
    """Search the memory for every question, up to ``k`` facts, and detect whether they are about another person.

    They are when the ``k`` best facts about others fit the question better, on average, than the ``k`` best that
    mention the person whom it names; for a person with few facts (:data:`BEST_SHARE`), fewer are compared. There is no
    mismatch (``None``) for a question that names nobody whom the memory knows.

    Args:
        questions: bare questions; ``I`` is the user.
        index: the memory.
        person: the user's full name.
        k: facts that are shown, and that are compared on either side.
        as_of: when given, facts that begin after that day are left out.
        exclude: ids of facts that are left out.
    """
    facts = index.search(questions, k=k, as_of=as_of, exclude=exclude)
    people = _people(index, person)
    asked = [people.named(question) for question in questions]
    rows = [row for row, names in enumerate(asked) if names and index.facts]
    instead: list[SubjectMismatch | None] = [None] * len(questions)
    open_facts = index.open_facts(as_of=as_of, exclude=exclude)
    for start in range(0, len(rows), QUERIES_AT_ONCE):
        batch = rows[start : start + QUERIES_AT_ONCE]
        scores = index.relevance([people.without_names(questions[row]) for row in batch], as_of=as_of)
        for row, fitting in zip(batch, scores, strict=True):
            instead[row] = people.instead(asked[row], fitting, open_facts, k)
    return [Recalled(*each) for each in zip(facts, instead, strict=True)]


class _People:
    """The people of a memory (user, speakers, and who acts in facts) by first name, and the facts that mention each."""

    def __init__(self, index: FactIndex, person: str) -> None:
        people = {person, *find_people(index.facts), *(passage.speaker for passage in index.passages)}
        self._user = person.split()[0]
        self._names = {name.split()[0] for name in people if name.strip()}
        self._dropped = self._names | set(person.split())
        self._subjects = [self._subject(fact) for fact in index.facts]
        self._about_people = np.array([bool(subject) for subject in self._subjects], dtype=bool)
        self._rows: dict[str, list[int]] = {}
        for row, fact in enumerate(index.facts):
            for name in self._names & {*_words(fact.subject), *_words(fact.statement)}:
                self._rows.setdefault(name, []).append(row)

    def _subject(self, fact: Fact) -> str:
        if fact.quote:
            # Who said it is not of whom it speaks.
            return ""
        first = _words(fact.subject)[:1]
        return first[0] if first and first[0] in self._names else ""

    def named(self, question: str) -> list[str]:
        """Return the people whom a question names, each once, in its order; the user for ``I``."""
        named = [word for word in _words(question) if word in self._names]
        if _FIRST_PERSON.search(question):
            named.append(self._user)
        return list(dict.fromkeys(named))

    def without_names(self, question: str) -> str:
        """Return a question without people's names and their possessive endings."""
        names = "|".join(map(re.escape, sorted(self._dropped, key=len, reverse=True)))
        return re.sub(rf"\b(?:{names})\b(?:['’]s\b)?", "", question)

    def instead(
        self, asked: Sequence[str], scores: Scores, open_facts: NDArray[np.bool_], k: int
    ) -> SubjectMismatch | None:
        """Compare the facts that mention one of ``asked`` with those about others; scores and mask of shape [n]."""
        mentioned = np.zeros(len(scores), dtype=bool)
        for name in asked:
            mentioned[self._rows.get(name, [])] = True
        mine = mentioned & open_facts
        others = self._about_people & ~mentioned & open_facts
        compared = max(1, min(k, int(BEST_SHARE * mine.sum())))
        if _best(scores[others], compared) <= _best(scores[mine], compared):
            return None
        return SubjectMismatch(asked[0], self._subjects[int(np.argmax(np.where(others, scores, -np.inf)))])


@lru_cache(maxsize=1)
def _people(index: FactIndex, person: str) -> _People:
    """Find the people of a memory; cached, because it is asked for again for every date that questions have."""
    return _People(index, person)


def _words(text: str) -> list[str]:
    """Split into words without possessive endings: ``Jean-Luc's bike`` is ``Jean-Luc`` and ``bike``."""
    return [re.sub(r"['’]s$", "", word) for word in WORD.findall(text)]


def _best(scores: Scores, k: int) -> float:
    """Return the mean of the ``k`` highest scores; of none, minus infinity."""
    if not len(scores):
        return -np.inf
    return float(np.sort(scores)[-k:].mean())
