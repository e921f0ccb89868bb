"""One statement as a clause whose constituents can be asked for.

A dependency parse gives the subject, the verb with its auxiliaries and the constituents after it. A question is the
clause without one of them, with a wh-phrase, an auxiliary (``do`` where there is none) and the verb's lemma. Every word
is kept in three voices, so that one clause asks about ``Nadia``, about ``me``, and answers with ``your``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mealign.records import Fact
from mealign.tasks.dates import TimePhrase
from mealign.words import word_set

Voice = Literal["third", "first", "second"]
Role = Literal[
    "verb", "object", "recipient", "attribute", "state", "prepositional", "duration", "frequency", "clock", "reason",
    "activity",
]  # fmt: skip
Answers = Literal["person", "place", "thing"]

FIRST_PERSON = {"is": "am", "has": "have", "does": "do", "isn't": "am not"}
SECOND_PERSON = {"is": "are", "has": "have", "does": "do", "was": "were"}
BE = frozenset({"am", "is", "are", "was", "were"})
RECIPIENTS = {
    "to": word_set("give send hand show tell lend offer teach pay write read sell pass"),
    "for": word_set("buy make get find cook bake order knit build draw paint"),
}


@dataclass(frozen=True)
class Word:
    """A word in three voices: in questions about the person, in questions by the person, in answers to the person."""

    third: str
    first: str
    second: str
    space: bool

    @classmethod
    def same(cls, text: str, *, space: bool = True) -> Word:
        """Build a word that is the same in every voice."""
        return cls(text, text, text, space)


Phrase = tuple[Word, ...]


@dataclass(frozen=True)
class Constituent:
    """One constituent after the verb.

    ``lead`` is the preposition, or ``to`` before an infinitive; ``head`` the lemma of the main noun; ``count`` the
    number of ``three cats`` with ``noun`` the words behind it; ``kind`` the words behind an adjective that names a
    kind (``abstract art``: ``art``); ``lemma`` that of a chained verb.
    """

    role: Role
    words: Phrase
    lead: str = ""
    head: str = ""
    answers: Answers = "thing"
    count: str = ""
    noun: str = ""
    kind: str = ""
    name: str = ""
    pronoun: bool = False
    lemma: str = ""


@dataclass(frozen=True)
class Clause:
    """The main clause of a fact's statement, without its time phrase, which is ``when``.

    ``recent`` marks statements about ``now``, as opposed to earlier.
    """

    fact: Fact
    subject: Phrase
    subject_head: str
    subject_is_user: bool
    subject_is_person: bool
    subject_name: str
    plural: bool
    auxiliaries: tuple[str, ...]
    negated: bool
    verb: str
    lemma: str
    past: bool
    parts: tuple[Constituent, ...]
    when: TimePhrase | None
    recent: bool

    @property
    def copular(self) -> bool:
        """Whether ``be`` is the main verb."""
        return self.verb in BE and not self.auxiliaries

    @property
    def mentions_user(self) -> bool:
        """Whether some word changes in the first person."""
        words = [*self.subject, *(word for part in self.parts for word in part.words)]
        return any(word.first != word.third for word in words)


@dataclass(frozen=True)
class Unparsed:
    """Why a statement gives no clause."""

    reason: str


def say(phrase: Iterable[Word], voice: Voice) -> str:
    """Write a phrase out in one voice."""
    text = "".join(getattr(word, voice) + (" " if word.space else "") for word in phrase)
    return re.sub(r"\s+", " ", text).strip(" ,;:-–—")


def ask(
    clause: Clause,
    wh: str,
    *,
    voice: Voice,
    without: Sequence[int] = (),
    strand: str = "",
    tail: str = "",
    subject: str | None = None,
    at_most: int = 3,
) -> str:
    """Build ``wh`` + auxiliary + subject + verb + the parts that are left + ``tail`` + ``?``.

    ``wh`` may be empty (a yes/no question). ``strand`` takes the place of the part that is asked for: ``What is she
    fond of?``. Only the first ``at_most`` parts that are not verbs are kept: people do not repeat the whole sentence.
    """
    who = subject or say_subject(clause, voice)
    first, rest = _auxiliary(clause, voice)
    stranded = Constituent("verb", (Word.same(strand),)) if strand else None
    kept = _kept(clause, without, at_most, stranded)
    words = [wh, first, who, "not" if clause.negated else "", rest, *(_part_text(part, voice) for part in kept)]
    return _sentence([*words, tail], "?")


def ask_subject(clause: Clause, *, voice: Voice, wh: str = "Who", time: str = "") -> str:
    """Build the question for the subject: ``Who gave Nadia the fern?``."""
    verb = [*clause.auxiliaries, "not"] if clause.negated and clause.auxiliaries else list(clause.auxiliaries)
    words = [wh, *verb, clause.verb, *(_part_text(part, voice) for part in _kept(clause, (), 3)), time]
    return _sentence(words, "?")


def state(clause: Clause, *, voice: Voice, time: str = "", at_most: int = 4) -> str:
    """Build the clause as a statement again, without full stop: ``I work at a bakery in Ghent``."""
    return _sentence([say_subject(clause, voice), predicate(clause, voice=voice, at_most=at_most), time], "")


def say_subject(clause: Clause, voice: Voice) -> str:
    """Write the subject out; the speaker comes last: ``Tom and I``."""
    joined = [word.third for word in clause.subject]
    if voice == "first" and joined[1:2] == ["and"] and clause.subject[0].first == "I":
        return f"{say(clause.subject[2:], voice)} and I"
    return say(clause.subject, voice)


def predicate(clause: Clause, *, voice: Voice, at_most: int = 4) -> str:
    """Build the clause without its subject: ``moved to Ghent``."""
    changes = clause.subject_is_user and voice != "third"
    table = FIRST_PERSON if voice == "first" else SECOND_PERSON
    chain = [*clause.auxiliaries, clause.verb]
    if changes:
        chain[0] = table.get(chain[0], clause.lemma if len(chain) == 1 and not clause.past else chain[0])
    if clause.negated:
        chain.insert(1, "not")
    return " ".join([*chain, *(_part_text(part, voice) for part in _kept(clause, (), at_most))]).strip()


def _sentence(words: Sequence[str], end: str) -> str:
    text = re.sub(r"\s+", " ", " ".join(word for word in words if word)).strip(" ,;")
    return text[0].upper() + text[1:] + end


def _kept(
    clause: Clause, without: Sequence[int], at_most: int, stranded: Constituent | None = None
) -> list[Constituent]:
    kept: list[Constituent] = []
    others = 0
    for index, part in enumerate(clause.parts):
        if index in without:
            kept += [stranded] if stranded else []
            continue
        if part.role == "reason" or (stranded and part.role in ("duration", "frequency")):
            continue
        if stranded and part.lead == stranded.words[0].third:
            continue
        if part.role != "verb":
            others += 1
            if others > at_most:
                continue
        kept.append(part)
    return kept


def _part_text(part: Constituent, voice: Voice) -> str:
    return f"{part.lead} {say(part.words, voice)}".strip()


def _auxiliary(clause: Clause, voice: Voice) -> tuple[str, str]:
    """Return what precedes the subject in a question, and the verb forms that follow it."""
    changes = clause.subject_is_user and voice == "first"
    if clause.copular:
        return (FIRST_PERSON.get(clause.verb, clause.verb) if changes else clause.verb), ""
    if clause.auxiliaries:
        first, *others = clause.auxiliaries
        return (FIRST_PERSON.get(first, first) if changes else first), " ".join([*others, clause.verb])
    if clause.past:
        return "did", clause.lemma
    return ("do" if clause.plural or changes else "does"), clause.lemma


def recipient_preposition(lemma: str) -> str | None:
    """Return the preposition at the end of a question for the recipient: ``to`` for ``give``, ``for`` for ``buy``."""
    return next((preposition for preposition, verbs in RECIPIENTS.items() if lemma in verbs), None)
