"""Comparing short answers: their tokens, how far two of them agree, and whether one declines to answer."""

from __future__ import annotations

import re
import string
from collections import Counter
from functools import cache

LOCOMO_ABSTENTIONS = ("not mentioned", "no information available")
"""The two phrases by which LoCoMo recognises an abstention, anywhere in the lower-cased answer."""

_ABSTENTIONS = re.compile(
    r"\bno information\b|\bno (?:mention|record|evidence) of\b"
    r"|\bnot (?:mentioned|stated|specified|recorded|known|given|said|clear|sure|enough information)\b"
    r"|\b(?:do|does|did)(?: not|n't) (?:say|mention|state|specify|record|tell)\b"
    r"|\b(?:i|we) (?:do not|don't|did not|didn't) (?:know|remember|recall)\b"
    r"|\b(?:i|we) (?:cannot|can not|can't|could not|couldn't) (?:say|tell|answer|find|know)\b"
    r"|^(?:it is |that is |it's )?unknown\W*$"
)
"""Other ways to decline to answer; matched in the lower-cased answer with straight apostrophes."""

_DROPPED_WORDS = re.compile(r"\b(?:a|an|the|and)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def abstained(text: str) -> bool:
    """Whether an answer declines to answer. An empty answer does not: it says nothing at all."""
    lowered = text.lower().replace("’", "'").strip()
    return any(phrase in lowered for phrase in LOCOMO_ABSTENTIONS) or bool(_ABSTENTIONS.search(lowered))


def token_f1(prediction: str, reference: str) -> float:
    """F1 over the multisets of normalised tokens, in [0, 1]; 0 when one of them has no token."""
    predicted, expected = normalise(prediction), normalise(reference)
    same = (Counter(predicted) & Counter(expected)).total()
    if same == 0:
        return 0.0
    return 2 * same / (len(predicted) + len(expected))


def normalise(text: str) -> list[str]:
    """Lower-case, drop punctuation and the words a, an, the, and; then Porter-stem. Numbers stay.

    >>> normalise("The 2 cats, and a dog's bowls.")
    ['2', 'cat', 'dog', 'bowl']
    """
    bare = text.lower().translate(_NO_PUNCTUATION)
    return [_stem(word) for word in _DROPPED_WORDS.sub(" ", bare).split()]


@cache
def _stem(word: str) -> str:
    # NLTK loads scikit-learn and pandas, which takes a second that most commands need not wait.
    from nltk.stem import PorterStemmer

    return str(PorterStemmer().stem(word))
