"""First person into third, relative time into dates: a clause that can stand alone, token by token."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mealign.memory.times import Time, resolve

Token = Any
"""A ``spacy.tokens.Token``; spaCy stays out of the import time of this module."""

FIRST = {"i", "me", "myself"}
FIRST_POSSESSIVE = {"my", "mine"}
GROUP = {"we": "{} and others", "us": "{} and others", "ourselves": "themselves", "our": "their", "ours": "theirs"}
SECOND = {"you", "yourself"}
SECOND_POSSESSIVE = {"your", "yours"}
SINGULAR_THIRD = {"he", "she", "him", "her", "his", "hers", "himself", "herself"}
CONTRACTIONS = {
    "'m": "is", "'ve": "has", "'ll": "will", "n't": "not", "ca": "can", "wo": "will", "sha": "shall", "gon": "going",
    "na": "to", "wan": "want",
}  # fmt: skip
IRREGULAR = {"be": "is", "have": "has", "do": "does", "go": "goes"}


@dataclass(frozen=True)
class Speech:
    """Who speaks, to whom, when, and whom a pronoun of the third person means (None: nobody certain)."""

    speaker: str
    listener: str | None
    written: date
    third: str | None = None


def third_person(lemma: str) -> str:
    """Return the third person singular of a verb in the present tense.

    >>> [third_person(verb) for verb in ("be", "watch", "try", "play")]
    ['is', 'watches', 'tries', 'plays']
    """
    if lemma in IRREGULAR:
        return IRREGULAR[lemma]
    if lemma.endswith(("s", "x", "z", "ch", "sh", "o")):
        return f"{lemma}es"
    if lemma.endswith("y") and lemma[-2:-1] not in "aeiou":
        return f"{lemma[:-1]}ies"
    return f"{lemma}s"


def find_times(tokens: Sequence[Token], *, written: date, future: bool) -> dict[int, tuple[int, Time]]:
    """Find time expressions: index of the first token -> (index after the last one, resolved time).

    The longest expression that starts at a token wins; an expression is at most six tokens long.
    """
    found: dict[int, tuple[int, Time]] = {}
    position = 0
    while position < len(tokens):
        for length in range(min(6, len(tokens) - position), 0, -1):
            words = tokens[position : position + length]
            text = "".join(word.text_with_ws for word in words)
            time = resolve(text, written, future=future) if words[0].text[:1].isalnum() else None
            if time and not (length == 1 and _not_a_time(words[0])):
                found[position] = (position + length, time)
                position += length - 1
                break
        position += 1
    return found


def _not_a_time(token: Token) -> bool:
    """Tell a lone number, or a month's name as a verb or a person, from a time."""
    if token.text.isdigit():
        return token.ent_type_ != "DATE" or len(token.text) != 4
    return token.text.lower() in ("may", "march", "mar", "sun", "sat", "dec", "jan") and token.pos_ != "PROPN"


class Rewriter:
    """Renders tokens of one sentence in the third person with absolute dates."""

    def __init__(self, tokens: Sequence[Token], speech: Speech, times: Mapping[int, tuple[int, Time]]) -> None:
        self._speech = speech
        self._replaced: dict[int, str] = {}
        for start, (end, time) in times.items():
            before = tokens[start - 1] if start else None
            first = tokens[start].text.lower()
            has_preposition = first in ("on", "in", "at", "by", "since", "until", "from", "around", "about")
            kept = first if has_preposition and first not in ("on", "in", "at") else ""
            preposition = kept or ("" if before is not None and before.pos_ == "ADP" else time.preposition)
            self._replaced[tokens[start].i] = f"{preposition} {time.phrase}".strip()
            for token in tokens[start + 1 : end]:
                self._replaced[token.i] = ""

    def render(self, tokens: Iterable[Token]) -> str:
        """Write tokens as running text."""
        pieces: list[str] = []
        for token in tokens:
            word = self._word(token)
            if not word:
                continue
            glued = pieces and (word[0] in ",.;:!?)%]" or word.startswith(("'", "’")) or pieces[-1] in ("(", "[", "-"))
            joined = pieces and token.i > 0 and not token.nbor(-1).whitespace_ and token.i - 1 not in self._replaced
            hyphen = joined and ("-" in (word[0], pieces[-1][-1]) or "/" in (word[0], pieces[-1][-1]))
            pieces.append(word if not pieces or glued or hyphen else f" {word}")
        return re.sub(r"\s+", " ", "".join(pieces)).strip()

    def _word(self, token: Token) -> str:
        if token.i in self._replaced:
            return self._replaced[token.i]
        lower = token.lower_
        speech = self._speech
        if lower in FIRST:
            return speech.speaker
        if lower in FIRST_POSSESSIVE:
            return f"{speech.speaker}'s"
        if lower in GROUP and token.pos_ == "PRON":
            return GROUP[lower].format(speech.speaker)
        if speech.listener and lower in SECOND:
            return speech.listener
        if speech.listener and lower in SECOND_POSSESSIVE:
            return f"{speech.listener}'s"
        if speech.third and lower in SINGULAR_THIRD and token.pos_ == "PRON":
            if lower in ("he", "she", "him") or (lower == "her" and token.dep_ != "poss"):
                return speech.third
            if lower in ("his", "her") and token.dep_ == "poss":
                return f"{speech.third}'s"
        return self._verb(token) or self._contraction(token)

    def _verb(self, token: Token) -> str:
        """Agree with a subject that becomes a name."""
        if token.tag_ not in ("VBP", "VBD") or not (subject := subject_of(token)):
            return ""
        lower = subject.lower_
        singular = lower == "i" or (self._speech.listener is not None and lower == "you")
        if not singular:
            return ""
        if token.tag_ == "VBD":
            return "was" if token.lower_ == "were" else ""
        return third_person(token.lemma_.lower()) if token.lemma_ else ""

    def _contraction(self, token: Token) -> str:
        lower = token.lower_.replace("’", "'")
        if lower in ("'d", "'s", "'re") and token.pos_ in ("AUX", "VERB"):
            if lower == "'d":
                return "would" if token.tag_ == "MD" else "had"
            if lower == "'re":
                return "are"
            perfect = token.lemma_ == "have" or (token.dep_ == "aux" and token.head.tag_ == "VBN")
            return "has" if perfect else "is"
        if lower in ("ca", "wo", "sha", "gon", "na", "wan") and not _followed_by_rest(token, lower):
            return str(token.text)
        return CONTRACTIONS.get(lower, str(token.text))


def _followed_by_rest(token: Token, lower: str) -> bool:
    if lower == "na":
        return token.i > 0 and token.nbor(-1).lower_ in ("gon", "wan")
    follows = token.nbor(1).lower_ if token.i + 1 < len(token.doc) else ""
    return follows in ("n't", "n’t", "na")


def subject_of(verb: Token) -> Token | None:
    """Return the head of a verb's subject, through auxiliaries and coordination; None when it has none."""
    for node in _verb_chain(verb):
        for child in node.children:
            if child.dep_ in ("nsubj", "nsubjpass", "csubj"):
                return child
    return None


def _verb_chain(verb: Token) -> Iterable[Token]:
    node = verb
    if node.dep_ in ("aux", "auxpass"):
        node = node.head
    yield node
    while node.dep_ == "conj" and node.head.pos_ in ("VERB", "AUX"):
        node = node.head
        yield node
