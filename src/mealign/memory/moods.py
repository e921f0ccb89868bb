"""What a clause does: whether it asserts, asks, supposes, or speaks of people in general."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from mealign.words import word_set

Token = Any
INVERTING = word_set(
    "am are is was were do does did have has had can could will would shall should may might must ca wo"
)
SUBJECTS = ("nsubj", "nsubjpass", "expl", "csubj")
SUPPOSING = frozenset({"if", "unless", "lest", "whether", "provided", "supposing", "assuming"})
DOUBTING = frozenset({"maybe", "perhaps", "probably", "possibly", "hopefully", "supposedly", "apparently"})
MIGHT = frozenset({"might", "may"})
WOULD_BE_TRUE = frozenset({"like", "love", "prefer", "rather", "hate"})
"""Verbs with which ``would`` says what somebody wants now."""
OF_YOU = word_set("be have live work love like hate own study teach speak")
"""Verbs (lemmas) that, in the present, say of ``you`` what is so, and not what people do."""
ALWAYS = frozenset({"never", "always", "ever", "usually", "often", "sometimes", "eventually"})


class Mood(StrEnum):
    """What a clause does. Only what is asserted is a fact."""

    asserted = "asserted"
    question = "question"
    conditional = "conditional"
    uncertain = "uncertain"
    in_general = "in_general"


def mood_of(verb: Token, subject: Token | None, quoted: Collection[int]) -> Mood:
    """Return what a clause does.

    Args:
        verb: its main verb.
        subject: the head of its subject, None if it has none.
        quoted: positions of the words between quotation marks, which are mentioned, not used.
    """
    if is_question(verb, subject):
        return Mood.question
    marks = {child.lower_ for clause in verb.children if clause.dep_ == "advcl" for child in clause.children}
    if marks & SUPPOSING or any(child.dep_ == "mark" and child.lower_ in SUPPOSING for child in verb.children):
        return Mood.conditional
    helpers = {child.lower_ for child in verb.children if child.dep_ in ("aux", "auxpass")}
    adverbs = {child.lower_ for child in verb.children if child.dep_ in ("advmod", "neg") and child.i not in quoted}
    before = {child.lower_ for child in verb.lefts}
    supposed = helpers & {"would", "'d"} and verb.lemma_ not in WOULD_BE_TRUE and not before & {"rather", "used"}
    if helpers & MIGHT or adverbs & DOUBTING or (supposed and not _had(verb)):
        return Mood.uncertain
    if subject is not None and (
        _of_all(verb, subject) or (subject.lower_ == "you" and _anybody(verb, helpers, adverbs))
    ):
        return Mood.in_general
    return Mood.asserted


def is_question(verb: Token, subject: Token | None) -> bool:
    """Whether a clause asks, with or without a question mark: ``did you see it``, ``where is the key``."""
    sentence = verb.sent
    words = [token for token in sentence if not (token.is_punct or token.is_space or token.dep_ in ("cc", "intj"))]
    if sentence.text.rstrip(" \"'”)").endswith("?"):
        return True
    if not words:
        return False
    first = words[0]
    asks = first.tag_ in ("WP", "WP$", "WRB", "WDT") and first.dep_ not in ("mark", "csubj")
    if asks and not (first.head.dep_ in ("csubj", "advcl", "nsubj", "ccomp") or first.lower_ in ("when", "while")):
        return True
    inverted = first.lower_ in INVERTING and first.i < verb.i + (first.i == verb.i)
    return bool(inverted and subject is not None and subject.dep_ in SUBJECTS and subject.i > first.i)


def _of_all(verb: Token, subject: Token) -> bool:
    """Whether a clause says what is so in general: ``Kindness is key``, ``Small acts can make a difference``."""
    helpers = {child.lower_ for child in verb.children if child.dep_ in ("aux", "auxpass")}
    present = verb.tag_ in ("VBZ", "VBP") or bool(helpers & {"can", "could", "should", "must"})
    if not present or subject.pos_ not in ("NOUN", "VERB"):
        return False
    definite = any(child.dep_ in ("det", "poss", "nummod") for child in subject.children)
    return not definite and not any(
        token.pos_ == "PROPN" or token.lower_ in ("i", "me", "my", "mine", "we", "us", "our") for token in verb.subtree
    )


def _had(verb: Token) -> bool:
    """Whether ``'d`` is ``had``: before a participle."""
    return bool(verb.tag_ == "VBN" and any(child.lower_ == "'d" for child in verb.children))


def _anybody(verb: Token, helpers: set[str], adverbs: set[str]) -> bool:
    """Whether ``you`` means people in general, or advises: what one can, never does, or does in the present tense."""
    if adverbs & ALWAYS or helpers & {"can", "could", "must", "should", "will", "'ll", "ca", "wo", "shall", "need"}:
        return True
    if any(child.dep_ == "advcl" and any(mark.lower_ in ("when", "once") for mark in child.children)
           for child in verb.children):  # fmt: skip
        return True
    if verb.tag_ not in ("VBP", "VBZ", "VB") or helpers & {"did", "have", "'ve", "are", "'re"}:
        return False
    if verb.lemma_ not in OF_YOU or any(child.dep_ == "xcomp" for child in verb.children):
        return True
    opinion = next((child for child in verb.children if child.dep_ == "acomp"), None)
    return opinion is not None and not any(child.dep_ in ("prep", "xcomp", "prt") for child in opinion.children)
