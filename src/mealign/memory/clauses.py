"""Sentences of a document and the clauses they are made of, with their places in the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mealign.memory.rewrite import subject_of

Token = Any
BLOCK = re.compile(r"(?:[^\n]++|\n(?![^\S\n]*(?:\n|[-*+>#]|\d+[.)]\s)))++")
MARKER = re.compile(r"\s*(?:#+\s+|[-*+>]\s+(?:\[[ xX]\]\s+)?|\d+[.)]\s+)*")
LONG = 24
LONGEST_BLOCK = 10_000
"""Characters that are parsed at once: what the parser needs in memory grows with them. No paragraph is as long."""
NO_WORD = re.compile(r"\S{1000,}")
"""What nobody writes as a word, such as an encoded picture; a tokenizer's time grows with the square of its length."""


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield paragraphs, list items and headings as (offset in the text, content).

    A line break within a paragraph becomes a space and emphasis marks become spaces, so that every character keeps its
    place: ``text[offset + i]`` is where character ``i`` of the content came from. A paragraph above
    :data:`LONGEST_BLOCK` is cut at the end of a sentence, else of a word, and what is no word (:data:`NO_WORD`) becomes
    spaces.
    """
    for match in BLOCK.finditer(text):
        marker = MARKER.match(match[0])
        skipped = marker.end() if marker else 0
        if match[0].lstrip().startswith("#"):
            continue
        content = re.sub(r"[\n*_`]", " ", match[0][skipped:])
        content = NO_WORD.sub(lambda found: " " * len(found[0]), content)
        for start, end in windows(content, LONGEST_BLOCK):
            if content[start:end].strip():
                yield match.start() + skipped + start, content[start:end]


def windows(text: str, size: int) -> Iterator[tuple[int, int]]:
    """Cut a long text at the end of a line, else of a sentence, else of a word: [start, end) of each part."""
    start = 0
    while len(text) - start > size:
        ends = (text.rfind(mark, start + size // 2, start + size) for mark in ("\n", ". ", " "))
        end = next((end for end in ends if end > 0), start + size - 1) + 1
        yield start, end
        start = end
    yield start, len(text)


def clauses(sentence: Any) -> list[tuple[Token, list[Token]]]:
    """Split a sentence into (verb, tokens) at coordinated verbs with their own subjects; a long one at all of them.

    Tokens are in text order, without the conjunction that joined them. A sentence without a finite verb has none.
    """
    root = sentence.root
    if root.pos_ not in ("VERB", "AUX"):
        return []
    verbs = [root]
    for verb in verbs:
        for child in verb.children:
            own = any(grandchild.dep_ in ("nsubj", "nsubjpass") for grandchild in child.children)
            if child.dep_ == "conj" and child.pos_ in ("VERB", "AUX") and (own or len(sentence) > LONG):
                verbs.append(child)
    heads = {verb.i for verb in verbs}
    result = []
    for verb in verbs:
        tokens = sorted(_own_subtree(verb, heads), key=lambda token: token.i)
        tokens = [
            token for token in tokens if not (token.dep_ == "cc" and token.head.i == verb.i and _joins(token, heads))
        ]
        result.append((verb, _trim(tokens)))
    return result


def implied_subject(verb: Token) -> Token | None:
    """Return the subject that a coordinated verb shares with the verb before it; None if it has its own, or none."""
    own = any(child.dep_ in ("nsubj", "nsubjpass", "csubj") for child in verb.children)
    return None if own else subject_of(verb)


def _own_subtree(verb: Token, heads: set[int]) -> Iterator[Token]:
    # Not by recursion: in a long list every item hangs on the one before.
    waiting = [verb]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += (child for child in node.children if child.i not in heads)


def _joins(conjunction: Token, heads: set[int]) -> bool:
    """Whether the conjunction leads to a verb that became a clause of its own."""
    return any(child.i in heads for child in conjunction.head.children if child.i > conjunction.i)


def _trim(tokens: list[Token]) -> list[Token]:
    words = list(tokens)
    left = Counter(word.text for word in words)
    while words and (words[-1].is_punct or words[-1].is_space or words[-1].dep_ == "cc"):
        left[words[-1].text] -= 1
        if _closes(words[-1].text, left):
            break
        words.pop()
    while words and (words[0].is_punct or words[0].is_space or words[0].dep_ in ("cc", "intj")):
        words.pop(0)
    return words


def _closes(last: str, before: Mapping[str, int]) -> bool:
    """Whether a word closes a quotation or bracket that was opened among the words before it, which are counted."""
    if last == '"':
        return before[last] % 2 == 1
    opening = {")": "(", "]": "[", "”": "“"}.get(last)
    return opening is not None and before[opening] > before[last]
