"""The clauses that a sentence is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mealign.memory.rewrite import subject_of
from mealign.words import word_set

Token = Any
LONG = 24
SPLICING = (",", ";", ":", "-", "–", "—")
REPORTING = word_set("say tell think guess believe hope know mean suppose write ask swear reckon hear feel see find")
"""Verbs before which what is said may stand: ``He is late, I think``."""


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
            joined = child.dep_ == "conj" and child.pos_ in ("VERB", "AUX") and (own or len(sentence) > LONG)
            if joined or (own and _is_spliced(child, verb)):
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


def _is_spliced(clause: Token, verb: Token) -> bool:
    """Whether a clause merely stands before another one, with a comma: ``I'm tired, I'll pick you up``."""
    told = verb.lemma_ in REPORTING or any(
        child.dep_ == "mark" or child.tag_ in ("WRB", "WP") for child in clause.children
    )
    comma = clause.right_edge.i + 1 < len(clause.doc) and clause.right_edge.nbor(1).text in SPLICING
    return clause.dep_ in ("ccomp", "parataxis") and clause.i < verb.i and not told and comma


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
    while words and (words[0].is_punct or words[0].is_space or words[0].dep_ in ("cc", "intj") or _opens(words)):
        words.pop(0)
    return words


def _opens(words: list[Token]) -> bool:
    """Whether a clause begins with ``so``, or with the name of whom it addresses: ``Maria, I sold the boat``."""
    if words[0].lower_ == "so" and len(words) > 1 and words[1].dep_ in ("nsubj", "nsubjpass"):
        return True
    return (
        len(words) > 2
        and words[0].pos_ == "PROPN"
        and words[1].text in (",", "!")
        and words[0].dep_ not in ("nsubj", "nsubjpass")
        and not any(child.dep_ in ("conj", "appos") for child in words[0].children)
    )


def _closes(last: str, before: Mapping[str, int]) -> bool:
    """Whether a word closes a quotation or bracket that was opened among the words before it, which are counted."""
    if last == '"':
        return before[last] % 2 == 1
    opening = {")": "(", "]": "[", "”": "“"}.get(last)
    return opening is not None and before[opening] > before[last]
