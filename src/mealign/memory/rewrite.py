"""Rewriting a clause so that it can stand alone: first person into third, relative times into dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from mealign.memory.inflection import inflect
from mealign.memory.times import MONTHS, WEEKDAYS, Time, may_name_a_time, resolve
from mealign.words import word_set

Token = Any
"""A ``spacy.tokens.Token``; spaCy stays out of the import time of this module."""

FIRST = {"i", "me", "myself"}
FIRST_POSSESSIVE = {"my", "mine"}
GROUP = {"we": "{} and others", "us": "{} and others", "ourselves": "themselves", "our": "their", "ours": "theirs"}
SECOND = {"you", "yourself"}
SECOND_POSSESSIVE = {"your", "yours"}
CONTRACTIONS = {
    "'m": "is", "'ll": "will", "n't": "not", "ca": "can", "wo": "will", "sha": "shall", "gon": "going",
    "na": "to", "ta": "to", "wan": "want",
}  # fmt: skip
PERIOD_PARTS = {"end", "beginning", "start", "middle", "rest"}
PAST_AUXILIARIES = {"did", "had", "was", "were"}
PREPOSITIONS = ("on", "in", "at", "by", "since", "until", "from", "around", "about")


@dataclass(frozen=True)
class SpeakerContext:
    """Who speaks, to whom and when, and who is meant by words, by their position in the text.

    ``third`` maps third-person pronouns to who is meant, ``named`` mentions of relatives without a name to the name;
    ``quoted`` are the words between quotation marks, which are another's and stay as they are.
    """

    speaker: str
    listener: str | None
    written: date
    third: Mapping[int, str] = field(default_factory=dict)
    named: Mapping[int, str] = field(default_factory=dict)
    quoted: Collection[int] = frozenset()


def find_times(tokens: Sequence[Token], *, written: date, people: Collection[str] = ()) -> dict[int, tuple[int, Time]]:
    """Find time expressions: index of the first token -> (index after the last one, resolved time).

    The longest expression that starts at a token wins; an expression is at most six tokens long. A month's name that
    may be somebody's, above all one of ``people``, is a time only where a time stands: ``in May``, ``last June``.
    """
    found: dict[int, tuple[int, Time]] = {}
    telling = [may_name_a_time(token.text) for token in tokens]
    position = 0
    while position < len(tokens):
        for length in range(min(6, len(tokens) - position), 0, -1):
            if not any(telling[position : position + length]):
                break
            words = tokens[position : position + length]
            if not _is_name(words, people) and (time := _time_of(words, written)):
                found[position] = (position + length, time)
                position += length - 1
                break
        position += 1
    return _without_habits(tokens, found)


BEFORE_MONTHS = word_set("in since until till by last next this during early late mid throughout around of")
DOUBTFUL = word_set("from to for with and or at before after than about between")


def _is_name(words: Sequence[Token], people: Collection[str]) -> bool:
    """Whether a month's name without day or year is somebody's name: ``May gave me a book``, ``lunch with Jan``."""
    months = [word for word in words if word.text.rstrip(".").lower() in MONTHS]
    if not months or any(character.isdigit() for word in words for character in word.text):
        return False
    first = words[0]
    before = first if first.i < months[0].i else first.nbor(-1) if first.i > first.sent.start else None
    if before is not None and before.lower_ in BEFORE_MONTHS:
        return False
    if months[0].text in people or before is None or before.lower_ not in DOUBTFUL:
        return True
    return bool(months[0].ent_type_ != "DATE")


def _time_of(words: Sequence[Token], written: date) -> Time | None:
    if not (words[0].text[:1].isalnum() and words[-1].text[:1].isalnum()) or _recurs(words):
        return None
    if len(words) == 1 and _not_a_time(words[0]):
        return None
    tense = _tense(words)
    text = "".join(word.text_with_ws for word in words)
    time = resolve(text, written, future=tense == "future")
    if time and tense == "past" and time.start > written and time.precision in ("day", "month"):
        # In August, "it happened in September" means last year's.
        time = resolve(f"{text} {written.year - 1}", written) or time
    return time


def _tense(words: Sequence[Token]) -> str:
    """Return the tense of the verb to which the time belongs; none if it belongs to a noun (``the notes of May``)."""
    if words[0].lower_ == "since":
        return "past"
    inside = {word.i for word in words}
    node = words[-1]
    while node.head.i != node.i and (node.i in inside or _leads_on(node)):
        node = node.head
    if node.i in inside or node.pos_ not in ("VERB", "AUX"):
        return "none"
    while node.tag_ == "VBG" and node.dep_ in ("xcomp", "pcomp") and node.head.pos_ == "VERB":
        # "I went hiking on Saturday": when one went.
        node = node.head
    auxiliaries = {child.lower_ for child in node.children if child.dep_ in ("aux", "auxpass")}
    # "I start on 12 August": a form that is its own lemma shows no past, whatever the tagger says.
    if (node.tag_ == "VBD" and node.lower_ != node.lemma_.lower()) or auxiliaries & PAST_AUXILIARIES:
        return "past"
    perfect = node.tag_ == "VBN" and any(child.lemma_ == "have" for child in node.children if child.dep_ == "aux")
    return "future" if node.tag_ in ("VB", "VBP", "VBZ", "VBG", "VBN") and not perfect else "none"


def _leads_on(node: Token) -> bool:
    """Whether a word merely connects a time with its verb: ``on``, ``due on``, ``at the start of``."""
    return node.pos_ in ("ADP", "ADJ") or (node.pos_ == "NOUN" and node.lower_ in PERIOD_PARTS)


def belongs_to(word: Token, verb: Token) -> bool:
    """Whether a time says when ``verb`` happened, and not when something inside its complements did."""
    for ancestor in word.ancestors:
        if ancestor.pos_ in ("VERB", "AUX"):
            joined = ancestor
            while joined.dep_ == "conj" and joined.i != verb.i:
                joined = joined.head
            return bool(joined.i == verb.i)
    return False


def _recurs(words: Sequence[Token]) -> bool:
    """Whether a time is a habit (``every Monday``, ``Sunday nights``, ``the Tuesday class``) and not a day."""
    before = words[0].nbor(-1) if words[0].i > 0 else None
    last = words[-1]
    after = last.nbor(1) if last.i + 1 < len(last.doc) else None
    if before is not None and before.lower_ in ("every", "each", "most", "many", "any", "-", "’"):
        return True
    if last.dep_ == "compound" and after is not None and after.tag_ in ("NN", "NNS"):
        return True
    if last.text.rstrip(".").lower() not in WEEKDAYS:
        return False
    if before is not None and len(words) == 1 and (before.lower_ in ("a", "an", "the", "one") or before.pos_ == "ADJ"):
        return True
    if after is not None and after.lower_ == "of":
        return True
    return after is not None and after.tag_ == "NNS"


def _without_habits(tokens: Sequence[Token], found: dict[int, tuple[int, Time]]) -> dict[int, tuple[int, Time]]:
    """Leave out weekdays in pairs (``from Tuesday to Wednesday``): they mean days of every week."""
    bare = [start for start, (end, _) in found.items() if tokens[end - 1].text.lower() in WEEKDAYS and end - start <= 2]
    if len(bare) < 2:
        return found
    joined = {
        start
        for first, second in pairwise(bare)
        if all(token.lower_ in ("to", "and", "or", "till", "until", "on") for token in tokens[found[first][0] : second])
        for start in (first, second)
    }
    return {start: time for start, time in found.items() if start not in joined}


def _not_a_time(token: Token) -> bool:
    """Whether a single word is not a time: most numbers, and months' names used as a verb or a person's name."""
    if token.text.isdigit():
        return token.ent_type_ != "DATE" or len(token.text) != 4
    if token.lower_ in ("sun", "sat", "mon", "wed"):
        return True
    return token.lower_ in ("may", "march", "mar", "dec", "jan", "fri", "thu", "tue") and token.pos_ != "PROPN"


class Rewriter:
    """Renders tokens of one sentence in the third person with absolute dates."""

    def __init__(self, tokens: Sequence[Token], context: SpeakerContext, times: Mapping[int, tuple[int, Time]]) -> None:
        self._context = context
        self._replaced: dict[int, str] = {}
        for start, (end, time) in times.items():
            self._replaced[tokens[start].i] = f"{_preposition(tokens[start:end], time)} {time.phrase}".strip()
            for token in tokens[start + 1 : end]:
                self._replaced[token.i] = ""

    def render(self, tokens: Iterable[Token]) -> str:
        """Write tokens as running text."""
        pieces: list[str] = []
        previous: Token | None = None
        for token in tokens:
            word = self._word(token)
            if not word:
                continue
            space = "" if previous is None or _glued(previous, token, word) else " "
            pieces.append(f"{space}{word}")
            previous = token
        return re.sub(r"\s+", " ", "".join(pieces)).strip()

    def _word(self, token: Token) -> str:
        if token.i in self._replaced:
            return self._replaced[token.i]
        lower = token.lower_
        context = self._context
        if token.i in context.quoted:
            return str(token.text)
        if lower in FIRST:
            return context.speaker
        if lower in FIRST_POSSESSIVE:
            return f"{context.speaker}'s"
        if lower == "our" and not any(child.lower_ == "we" for child in _subjects(token)):
            return f"{context.speaker}'s"
        if lower in GROUP and token.pos_ == "PRON":
            return GROUP[lower].format(context.speaker)
        if context.listener and lower in SECOND:
            return context.listener
        if context.listener and lower in SECOND_POSSESSIVE:
            return f"{context.listener}'s"
        if token.i in context.third:
            return f"{context.third[token.i]}'s" if token.dep_ == "poss" or lower == "hers" else context.third[token.i]
        if token.i in context.named:
            return f"{token.text} {context.named[token.i]}"
        return self._verb(token) or self._contraction(token)

    def _verb(self, token: Token) -> str:
        """Return the form that agrees with a subject that becomes a name; "" where nothing changes."""
        if token.tag_ not in ("VBP", "VBD"):
            return ""
        if not self._became_singular(token):
            return ""
        if token.tag_ == "VBD":
            return "was" if token.lower_ == "were" else ""
        return inflect(token.lemma_.lower(), "VBZ") if token.lemma_ else ""

    def _became_singular(self, verb: Token) -> bool:
        """Whether the verb's subject was ``I`` or ``you`` and becomes a name."""
        subject = subject_of(verb)
        if subject is None or any(child.dep_ == "conj" for child in subject.children):
            return False
        return subject.lower_ == "i" or (self._context.listener is not None and subject.lower_ == "you")

    def _contraction(self, token: Token) -> str:
        lower = token.lower_.replace("’", "'")
        if lower in ("'d", "'s", "'re") and token.pos_ in ("AUX", "VERB"):
            if lower == "'d":
                return "would" if token.tag_ == "MD" else "had"
            if lower == "'re":
                return "are"
            return "has" if token.lemma_ == "have" or _perfect(token) else "is"
        if lower == "'ve":
            return "has" if self._became_singular(token) else "have"
        if lower in ("ca", "wo", "sha", "gon", "na", "ta", "wan") and not _followed_by_rest(token, lower):
            return str(token.text)
        return CONTRACTIONS.get(lower, str(token.text))


def _glued(previous: Token, token: Token, word: str) -> bool:
    """Whether no space belongs between two words; punctuation stays attached as in the source."""
    if word[0] in ",.;:!?)]%":
        return True
    if token.i - 1 != previous.i or previous.whitespace_:
        return False
    return previous.is_punct or token.is_punct or word[0] in "'’-/" or previous.text in ("-", "/", "$", "€", "£", "#")


def _preposition(words: Sequence[Token], time: Time) -> str:
    """Return the preposition that the time needs in its place, if any: as a subject or after ``to`` it has none."""
    first = words[0]
    if first.lower_ in PREPOSITIONS:
        return time.preposition if first.lower_ in ("on", "in", "at") else str(first.lower_)
    if first.i > 0 and (first.nbor(-1).pos_ == "ADP" or first.nbor(-1).lower_ in ("to", "than", "of")):
        return ""
    last = words[-1]
    if last.i + 1 < len(last.doc) and last.nbor(1).tag_ == "POS":
        return ""
    return "" if last.dep_ in ("nsubj", "nsubjpass", "attr", "dobj", "pobj", "poss") else time.preposition


def _perfect(token: Token) -> bool:
    """Whether ``'s`` is ``has``: before ``been``, or before a participle that has an object of its own."""
    participle = token.head
    if participle.tag_ != "VBN" or participle.i <= token.i:
        return any(word.lower_ in ("been", "got") for word in token.doc[token.i + 1 : token.i + 2])
    has_object = any(child.dep_ in ("dobj", "ccomp") for child in participle.children)
    return (
        token.dep_ == "aux"
        or has_object
        or any(word.lower_ == "been" for word in token.doc[token.i : participle.i + 1])
    )


def _followed_by_rest(token: Token, lower: str) -> bool:
    if lower in ("na", "ta"):
        return token.i > 0 and token.nbor(-1).lower_ in ("gon", "wan", "got")
    follows = token.nbor(1).lower_ if token.i + 1 < len(token.doc) else ""
    return follows in ("n't", "n’t", "na")


def subject_of(verb: Token) -> Token | None:
    """Return the head of a verb's subject, through auxiliaries and coordination; None when it has none."""
    for node in _verb_chain(verb):
        for child in node.children:
            if child.dep_ in ("nsubj", "nsubjpass", "csubj"):
                return child
    return None


def _subjects(token: Token) -> Iterable[Token]:
    """Yield the subjects of the verbs within whose clause a word is."""
    return (
        child for ancestor in token.ancestors for child in ancestor.children if child.dep_ in ("nsubj", "nsubjpass")
    )


def _verb_chain(verb: Token) -> Iterable[Token]:
    node = verb
    if node.dep_ in ("aux", "auxpass"):
        node = node.head
    yield node
    while node.dep_ == "conj" and node.head.pos_ in ("VERB", "AUX"):
        node = node.head
        yield node
