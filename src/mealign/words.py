"""Lists of words, written as text."""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    """Return the set of the words that a text lists, separated by spaces."""
    return frozenset(words.split())
