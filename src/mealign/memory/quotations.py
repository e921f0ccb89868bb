"""Whether a document bears what a model says of it: the same words, in the same order, of the same people.

A model may put the third person for the first, inflect words, move a time or an adjunct, say ``Ilse is Nadia's
sister`` where the document has ``my sister Ilse``, and leave out what only adds. It may not add a word, exchange who
did what to whom, or leave out what turns a statement round: a negation, ``almost``, ``if``, ``want to``. So the
statement is aligned with the clause around its quotation:

- every word has its counterpart, in order; articles and auxiliaries need none, names and pronouns stand for the person
  whom they mean, and a number for the same number;
- a counterpart has the same prepositions, the same possessive ending and the same voice;
- what stands between two counterparts is no verb, name, number or word of doubt, and nothing stands before a verb;
- the clause has the negations and modal verbs of the statement, and no others.

That is strict: what is true and said in other words is refused. It is written for English, as all of the extraction is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

from mealign.memory.function_words import (
    ADVERBS,
    ARTICLES,
    ATTITUDES,
    AUXILIARIES,
    DECISIVE,
    EITHER,
    FIRST,
    GROUP,
    LINKS,
    MARKERS,
    MODALS,
    OPERATORS,
    POSSESSIVE,
    SECOND,
    THIRD,
)  # fmt: skip
from mealign.memory.inflection import lemmas
from mealign.memory.times import CALENDAR_WORDS, NUMBERS

TOKEN = re.compile(
    r"\d\w*(?:[.,:/]\d+)*|[^\W\d_]+(?=n['’]t\b)|n['’]t\b|(?<=\w)['’](?:s|m|re|ve|ll|d)\b|(?<=s)['’](?!\w)|[^\W_]+|\S",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"[.!?…]+[\"”’)]*(?=\s|$)|\n\s*(?=\n|[-*#>•]|\d+[.)]\s)")
SUBJECT = r"(?:I|you|he|she|it|we|they|there|this|that|my|your|his|her|its|our|their|the|an?|[A-Z]\w+)\b"
CLAUSE = re.compile(
    rf"[;:–—]|,\s(?:and|but|so|or|nor|yet)\s|\s(?:and|but|so|yet)\s+(?={SUBJECT})|,\s+(?={SUBJECT})"
    r"|,?\s(?:because|although|though|while|whereas|when|whenever|since|before|after|until|which)\s"
)
ALL_BUT = re.compile(r"(?i:every|any|no)\w*\s*$|\b(?i:all|none)\s*$")
MARKS = frozenset(",.;:!?\"'`´‘’“”()[]{}-–—…*_#>•")
"""Punctuation that says nothing by itself; any other sign counts as a word."""

MAX_CLAUSES = 6
"""How many clauses a quotation's subject may lie back."""
MAX_WORDS = 80
"""Words of a clause; a longer one is none, and takes long."""
MAX_SKIPPED = 12
"""Words between two counterparts."""
REPLY_LENGTH = 4
"""Words of a remark at the end of a sentence that belongs to what it follows: ``..., I think``."""


@dataclass(frozen=True)
class Word:
    """One word that has to be accounted for.

    Attributes:
        text: in lower case.
        start: where it begins in the text that was read; ``end`` is where it ends.
        person: whom it means, for a name that is known or a pronoun; ``third`` for a pronoun of the third person.
        is_name: whether it is written as a name.
        possessive: whether ``'s`` follows it, or it is a possessive pronoun; None: it may be.
        markers: prepositions and conjunctions before it.
        auxiliary: the auxiliary before it, as its lemma.
        determined: whether an article stands before it.
    """

    text: str
    start: int
    end: int
    person: str | None = None
    is_name: bool = False
    possessive: bool | None = False
    markers: frozenset[str] = frozenset()
    auxiliary: str = ""
    determined: bool = False

    @property
    def forms(self) -> frozenset[str]:
        """The word, and what it may be a form of; a name is no form of anything."""
        number = str(NUMBERS.get(self.text, ""))
        return frozenset((self.text, *((number,) if number else ()), *(() if self.is_name else lemmas(self.text))))

    @property
    def names(self) -> bool:
        """Whether it means somebody or something of that name."""
        return self.person is not None or self.is_name

    @property
    def may_be_verb(self) -> bool:
        """Whether the dictionary knows it as a verb, or does not know it."""
        found = lemmas(self.text, "VERB")
        return not self.names and (bool(found) or not lemmas(self.text))

    @property
    def is_past(self) -> bool:
        """Whether it is a verb in its past form, or its participle."""
        return any(lemma != self.text for lemma in lemmas(self.text, "VERB")) and not self.text.endswith(("ing", "s"))


@dataclass(frozen=True)
class Reading:
    """What a text says: its words in order, what qualifies them, by its place, and what only colours them."""

    words: tuple[Word, ...]
    operators: Mapping[int, str]
    adverbs: Counter[str]


@dataclass(frozen=True)
class Voices:
    """Whom words of a document mean.

    Attributes:
        names: the names of people, each with the one name by which that person goes here.
        first: the author's; None where another one speaks.
        second: that of whom the author speaks to.
        third: that of the only person whom ``he``, ``she`` or ``they`` can mean.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    first: str | None = None
    second: str | None = None
    third: str | None = None


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the sentence, or sentences, of which a quotation is a part, with its end mark."""
    ends = [match.end() for match in SENTENCE.finditer(text)]
    before, after = (each for each in ends if each <= start), (each for each in ends if each >= end)
    return max(before, default=0), min(after, default=len(text))


def clauses_around(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans that a quotation may be a clause of: the nearest, then further back, within its sentence."""
    first, last = sentence_around(text, start, end)
    breaks = [match for match in CLAUSE.finditer(text, first, last) if not ALL_BUT.search(text[first : match.start()])]
    close = next((match.start() for match in breaks if match.start() >= end), last)
    if len(text[close:last].split()) <= REPLY_LENGTH:
        close = last
    if not text[first:last].rstrip('"”’)').endswith("?"):
        nearest = [match.end() for match in reversed(breaks) if match.end() <= start][:MAX_CLAUSES]
        yield from ((begin, close) for begin in (*nearest, first))


def read(text: str, voices: Voices) -> Reading:
    """Read a text: its words with what stands before them."""
    words: list[Word] = []
    operators: dict[int, str] = {}
    adverbs: Counter[str] = Counter()
    known = {match.start(): match for match in _names(tuple(voices.names)).finditer(text)}
    before = Word("", 0, 0)
    end, opening = 0, True
    tokens = list(TOKEN.finditer(text))
    for index, token in enumerate(tokens):
        follows = tokens[index + 1][0] if index + 1 < len(tokens) else ""
        if token.start() < end:
            continue
        lower = token[0].casefold().replace("’", "'")
        name = known.get(token.start())
        if name is None and (lower == "'s" or (lower == "'" and follows)) and words:
            # "Ilse's a doctor", "Ilse's moved": what no noun follows is a verb.
            if lower == "'s" and not _begins_noun(follows):
                before = replace(before, auxiliary="be" if not Word(follows, 0, 0).is_past else "")
            else:
                words[-1] = replace(words[-1], possessive=True)
        elif name is None and lower == "cannot":
            operators |= {token.start(): "can", token.start() + 3: "not"}
        elif name is None and lower in OPERATORS and token[0] != "May":
            operators[token.start()] = OPERATORS[lower]
        elif name is None and lower == "'d":
            operators |= {} if Word(follows.casefold(), 0, 0).is_past else {token.start(): "would"}
        elif name is None and lower in AUXILIARIES:
            before = replace(before, auxiliary=AUXILIARIES[lower])
        elif name is None and lower in ARTICLES:
            before = replace(before, determined=True)
        elif name is None and (lower in ADVERBS or _is_adverb(lower)):
            adverbs[lower] += 1
        elif token[0] in MARKS:
            opening = opening or token[0] in '.!?"“'
        elif name is None and lower in MARKERS and (opening or not token[0][:1].isupper()):
            before = replace(before, start=token.start(), end=token.end(), markers=before.markers | {lower})
        else:
            found = name or token
            words.append(_word(found, before, voices, known=name is not None, opening=opening))
            before, end, opening = Word("", 0, 0), found.end(), False
    if before.markers:
        # A particle at the end: "moved out".
        words.append(replace(before, text=" ".join(sorted(before.markers)), markers=frozenset()))
    return Reading(tuple(words), operators, adverbs)


def last_named(text: str, names: Mapping[str, str], *, but: str) -> str | None:
    """Return whom a pronoun behind a text can mean: the one who is named in the last sentence that names anybody.

    Args:
        text: what stands before the pronoun.
        names: as in :class:`Voices`.
        but: who is not meant.

    Returns:
        None where nobody is named, or several are.
    """
    end = len(text)
    for begin in (*(match.end() for match in reversed(list(SENTENCE.finditer(text)))), 0):
        words = read(text[begin:end], Voices(names)).words
        named = {word.person or word.text for word in words if word.names} - {but, "third"}
        if named:
            return named.pop() if len(named) == 1 else None
        end = begin
    return None


def bears(clause: Reading, statement: Reading, voices: Voices) -> list[Word] | None:
    """Return the clause's words that are the counterparts of the statement's; None where the clause does not bear it.

    Args:
        clause: of the document.
        statement: what a model says of it.
        voices: whom the clause's pronouns mean.
    """
    if Counter(clause.operators.values()) != Counter(statement.operators.values()):
        return None
    return _counterparts(clause, statement, voices, names_between=False)


def holds(clause: Reading, parts: Reading, voices: Voices) -> bool:
    """Whether subject, relation and object, read as one, are in the clause, which may say more between and after them.

    Modal verbs need not be among them: the statement has those.
    """
    found = _counterparts(clause, parts, voices, names_between=True)
    if found is None:
        return False
    end = max(word.end for word in found)
    told = Counter(each for start, each in clause.operators.items() if start < end and each not in MODALS.values())
    return told == Counter(each for each in parts.operators.values() if each not in MODALS.values())


def _counterparts(clause: Reading, statement: Reading, voices: Voices, *, names_between: bool) -> list[Word] | None:
    if not statement.words or len(clause.words) > MAX_WORDS or statement.adverbs - clause.adverbs:
        return None
    align = partial(_align, clause.words, voices=voices, names_between=names_between)
    if found := align(statement.words):
        return found
    for at in range(1, len(statement.words)):
        turned = statement.words[at:] + statement.words[:at]
        if statement.words[at].markers or statement.words[0].markers:
            # "On Monday I moved", "I moved on Monday"
            if found := align(turned):
                return found
        elif statement.words[at].auxiliary == "be":
            # "My sister Ilse", "Ilse, my sister": "Ilse is Nadia's sister"
            for words, apart, phrase in ((turned, len(turned) - at, 0), (statement.words, at, at)):
                found = align(words, apposition=apart)
                if found and (found[phrase].determined or found[phrase].possessive is not False):
                    return found
    return None


def _align(
    told: Sequence[Word],
    said: Sequence[Word],
    *,
    voices: Voices,
    names_between: bool,
    apposition: int | None = None,
) -> list[Word] | None:
    """Find a counterpart in ``told`` for every word of ``said``.

    Args:
        told: the words of the clause.
        said: the words of the statement.
        voices: whom the clause's pronouns mean.
        names_between: whether names may be skipped behind the verb.
        apposition: where the second half of ``said`` begins, if its halves stand side by side.
    """

    @cache
    def rest(index: int, at: int) -> tuple[int, ...] | None:
        """Find the counterparts of ``said[index:]``, of which ``told[at]`` is the first."""
        possession = index + 1 < len(said) and said[index + 1].auxiliary == "have"
        if not _means(told[at], said[index], voices, possession=possession):
            return None
        if index + 1 == len(said):
            return None if not names_between and _decides(told[at + 1 :]) else (at,)
        for after in range(at + 1, min(at + 2 + MAX_SKIPPED, len(told))):
            between = told[at + 1 : after]
            if _decides(between):
                return None
            if index + 1 == apposition:
                fits = not between and not told[after].markers and not told[after].auxiliary
            else:
                skipped = names_between and index > 0
                fits = _follows(told[at], between, told[after], said[index + 1], names=skipped)
            if fits and (found := rest(index + 1, after)):
                return (at, *found)
        return None

    for at in range(len(told)):
        if _decides(told[:at]):
            return None
        if said[0].markers <= told[at].markers and (found := rest(0, at)):
            return [told[each] for each in found]
    return None


def _follows(ahead: Word, between: Sequence[Word], then: Word, now: Word, *, names: bool) -> bool:
    """Whether ``then`` follows ``ahead`` in the clause as ``now`` follows its neighbour in the statement."""
    group = [*between, then]
    markers = next((word.markers for word in reversed(group) if word.markers), frozenset())
    auxiliary = next((word.auxiliary for word in reversed(group) if word.auxiliary), "")
    if now.markers != markers and not (markers <= LINKS and not now.markers):
        return False
    if between and "and" in markers and ahead.names and then.may_be_verb:
        # "I went home and cooked dinner": nobody else did.
        return not any(word.names or word.markers - LINKS for word in between) and now.auxiliary == auxiliary
    if between:
        # Behind an article no word is a verb before its noun.
        phrase = next((place for place, word in enumerate(group) if word.determined or _is_own(word)), len(group))
        verb = then.may_be_verb and phrase == len(group)
        subject = ahead.names and not ahead.possessive and not names
        added = (_only_adds(word, verb=place >= phrase) or (names and word.names) for place, word in enumerate(between))
        if verb or subject or not all(added):
            return False
    return _same_voice(ahead, then, now, auxiliary, adjacent=not between)


def _same_voice(ahead: Word, then: Word, now: Word, auxiliary: str, *, adjacent: bool) -> bool:
    if now.auxiliary == auxiliary or "ing" in (now.text[-3:], then.text[-3:]):
        return True
    if now.is_past or then.is_past or (auxiliary == "have" and then.may_be_verb and not then.determined):
        # "has moved" is "moved", but "was hired" is not "hired".
        return "be" not in (now.auxiliary, auxiliary)
    if now.auxiliary == "have":
        # "my sister": "Nadia has a sister"
        return adjacent and ahead.person is not None and ahead.possessive is not False
    return {now.auxiliary, auxiliary} <= {"", "do"}


def _means(told: Word, said: Word, voices: Voices, *, possession: bool) -> bool:
    """Whether a word of the statement says what one of the clause says."""
    unlike = told.possessive is not None and said.possessive is not None and told.possessive != said.possessive
    if unlike and not (possession and told.possessive):
        return False
    if told.text == said.text:
        return True
    if told.person is not None:
        if said.person == "third":
            return told.text in FIRST | GROUP | SECOND | THIRD
        if told.person == "third":
            return voices.third is not None and voices.third in (said.person, said.text)
        return said.person is not None and (
            said.person == told.person or (told.text in GROUP and said.person == voices.first)
        )
    return said.person is None and not said.is_name and bool(told.forms & said.forms)


def _decides(words: Iterable[Word]) -> bool:
    """Whether one of the words must not be left out."""
    return any(word.forms & ATTITUDES for word in words if not word.names)


def _only_adds(word: Word, *, verb: bool) -> bool:
    """Whether a word between two others can be left out: ``a red bike`` is a bike; ``verb``: even if it may be one."""
    says = word.names or word.text in DECISIVE or not word.text.isalpha() or (word.may_be_verb and not verb)
    return _is_own(word) or not says


def _is_own(word: Word) -> bool:
    return word.person is not None and word.possessive is not False and word.text in POSSESSIVE | EITHER


def _begins_noun(word: str) -> bool:
    return word not in ARTICLES and (word[:1].isupper() or bool(lemmas(word, "NOUN")) or not lemmas(word))


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") and bool(lemmas(word, "ADV")) and not lemmas(word, "VERB")


def _word(found: re.Match[str], before: Word, voices: Voices, *, known: bool, opening: bool) -> Word:
    text = found[0].casefold()
    person: str | None = None
    if known:
        person = voices.names[found[0]]
    elif text in FIRST:
        person = voices.first
    elif text in GROUP:
        person = f"{voices.first} and others" if voices.first else None
    elif text in SECOND:
        person = voices.second
    elif text in THIRD:
        person = "third"
    capital = found[0][:1].isupper() and text not in CALENDAR_WORDS and person is None
    return replace(
        before,
        text=text,
        start=found.start(),
        end=found.end(),
        person=person,
        is_name=known or (capital and (not opening or not lemmas(text))),
        possessive=None if text in EITHER and not known else text in POSSESSIVE and not known,
    )


@cache
def _names(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(filter(str.strip, names), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)" if longest_first else r"(?!)")
