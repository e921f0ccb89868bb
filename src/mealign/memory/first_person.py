"""Third person into first: statements about somebody, as they would say them themselves.

The inverse of :mod:`mealign.memory.rewrite`, with the same parse: each mention of the person becomes the form of ``I``
or ``we`` that its place in the sentence requires, and the verbs that it governs agree. Quotations are somebody's words
and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mealign.memory.inflection import inflect, verb_lemma
from mealign.memory.rewrite import subject_of

Token = Any

FORMS = {
    "I": {"object": "me", "reflexive": "myself", "possessive": "my", "alone": "mine"},
    "we": {"object": "us", "reflexive": "ourselves", "possessive": "our", "alone": "ours"},
}
FINITE = ("VBZ", "VBD", "VBP", "MD")
SUBJECTS = ("nsubj", "nsubjpass", "csubj")
BACK_TO_SELF = ("to", "for", "at", "with", "of", "by", "about")
REFLEXIVES = ("herself", "himself", "themself", "themselves")
THEIRS = {"their": "our", "theirs": "ours"}
QUOTES = {'"': '"', "“": "”", "«": "»"}


@dataclass(frozen=True)
class Mention:
    """Tokens ``start`` to ``end`` (exclusive) that mean the person (``I``), or the person and others (``we``)."""

    start: int
    end: int
    head: Token
    pronoun: str


def first_person(statements: Sequence[str], *, person: str, parser: Path) -> list[str]:
    """Rewrite statements about somebody as they would say them.

    ``Nadia and Ilse sold Nadia's piano.`` becomes ``Ilse and I sold my piano.`` A pronoun that may mean the person
    (``she``) stays, for it may mean somebody else; extraction uses names.

    Args:
        statements: sentences that name the person by first or full name.
        person: full name of the person.
        parser: folder of an English spaCy pipeline with tagger and parser.
    """
    import spacy

    pipeline = spacy.load(parser, exclude=["ner"])
    return [_Rewriting(document, person).text() for document in pipeline.pipe(statements)]


class _Rewriting:
    """One statement on its way from the third person into the first."""

    def __init__(self, document: Any, person: str) -> None:
        self._tokens: list[Token] = list(document)
        self._words = [token.text for token in document]
        self._spaces = [token.whitespace_ for token in document]
        self._order = list(range(len(document)))
        self._mentions = list(self._find_mentions([person.split(), person.split()[:1]]))
        for mention in self._mentions:
            self._replace(mention)
        for token in self._tokens:
            self._follow(token)

    def text(self) -> str:
        """Return the rewritten sentence."""
        text = "".join(self._words[index] + self._spaces[index] for index in self._order)
        return f"{text[:1].upper()}{text[1:]}"

    def _find_mentions(self, names: Sequence[Sequence[str]]) -> Iterator[Mention]:
        quoted = _quoted(self._words)
        position = 0
        while position < len(self._words):
            name = next((name for name in names if self._words[position : position + len(name)] == name), None)
            end = position + len(name or " ")
            if name and position not in quoted and not self._is_in_longer_name(position, end):
                inside = range(position, end)
                head = next((self._tokens[i] for i in inside if self._tokens[i].head.i not in inside), None)
                group = self._words[end : end + 2] == ["and", "others"]
                yield Mention(position, end + 2 * group, head or self._tokens[end - 1], "we" if group else "I")
                end += 2 * group
            position = end

    def _is_in_longer_name(self, start: int, end: int) -> bool:
        """Whether the name is the beginning of a longer one: ``Nadia Kramer``, ``the Nadia Verhoeven Prize``."""
        if end == len(self._tokens) or self._tokens[end].tag_ not in ("NNP", "NNPS"):
            return False
        following = self._tokens[end]
        names = [(following, range(start, end)), *((self._tokens[i], range(end, end + 1)) for i in range(start, end))]
        return any(token.dep_ == "compound" and token.head.i in heads for token, heads in names)

    def _replace(self, mention: Mention) -> None:
        forms = FORMS[mention.pronoun]
        if mention.end < len(self._tokens) and self._tokens[mention.end].tag_ == "POS":
            self._write(mention.start, mention.end + 1, forms["possessive" if mention.head.dep_ == "poss" else "alone"])
        elif self._is_subject(mention):
            self._write(mention.start, mention.end, mention.pronoun)
            self._yield_to_partner(mention)
        else:
            self._write(mention.start, mention.end, forms["reflexive" if self._is_reflexive(mention) else "object"])

    def _write(self, start: int, end: int, text: str) -> None:
        self._words[start:end] = [text] + [""] * (end - start - 1)
        self._spaces[start:end] = [self._spaces[end - 1]] + [""] * (end - start - 1)

    def _is_subject(self, mention: Mention) -> bool:
        node = mention.head
        while node.dep_ == "conj":
            node = node.head
        if node.dep_ in SUBJECTS:
            return _is_finite(node.head)
        # A name before a finite verb without another subject is its subject, whatever the parse says.
        verb = self._verb_after(mention)
        return verb is not None and subject_of(verb) is None

    def _verb_after(self, mention: Mention) -> Token | None:
        following = (token for token in self._tokens[mention.end :] if token.pos_ != "ADV")
        verb = next(following, None)
        return verb if verb is not None and verb.tag_ in FINITE else None

    def _yield_to_partner(self, mention: Mention) -> None:
        """Turn ``I and Ilse`` into ``Ilse and I``."""
        conjuncts = [child for child in mention.head.children if child.dep_ == "conj"]
        if len(conjuncts) != 1 or mention.end >= len(self._tokens) or self._words[mention.end] != "and":
            return
        start, end = conjuncts[0].left_edge.i, conjuncts[0].right_edge.i + 1
        if start != mention.end + 1 or any(child.dep_ == "conj" for child in conjuncts[0].children):
            return
        self._order[mention.start : end] = [*range(start, end), mention.end, *range(mention.start, mention.end)]
        last = end - 1
        self._spaces[mention.start], self._spaces[last] = self._spaces[last], self._spaces[mention.start]

    def _is_reflexive(self, mention: Mention) -> bool:
        """Whether the person is also the subject of the verb: ``Nadia wrote a letter to Nadia``."""
        node = mention.head
        if node.dep_ == "pobj" and node.head.lower_ in BACK_TO_SELF:
            node = node.head
        elif node.dep_ not in ("dobj", "dative"):
            return False
        verb = node.head
        while verb.pos_ in ("NOUN", "PROPN", "ADP") and verb.head.i != verb.i:
            verb = verb.head
        doer = self._mention_of(_doer(verb))
        return doer is not None and doer.start < mention.start and doer.pronoun == mention.pronoun

    def _follow(self, token: Token) -> None:
        """Make a word agree with the person to whom it belongs: a verb, ``herself``, a group's ``their``."""
        if token.lower_ in REFLEXIVES:
            doer = self._mention_of(_doer(token.head if token.head.pos_ != "ADP" else token.head.head))
            if doer is not None:
                self._words[token.i] = FORMS[doer.pronoun]["reflexive"]
        elif token.lower_ in THEIRS and any(
            mention.pronoun == "we" and mention.start < token.i and self._is_subject(mention)
            for mention in self._mentions
        ):
            self._words[token.i] = THEIRS[token.lower_]
        elif token.tag_ == "VBZ":
            mention = self._mention_of(subject_of(token)) or next(
                (
                    mention
                    for mention in self._mentions
                    if self._verb_after(mention) is token and self._is_subject(mention)
                ),
                None,
            )
            if mention is not None and mention.pronoun == "I" and not _is_coordinated(mention.head):
                self._agree(token)

    def _mention_of(self, token: Token | None) -> Mention | None:
        inside = (mention for mention in self._mentions if token is not None and mention.head.i == token.i)
        return next(inside, None)

    def _agree(self, verb: Token) -> None:
        word = verb.lower_
        if word in ("'s", "’s"):
            self._words[verb.i] = word[0] + ("ve" if verb.lemma_ == "have" else "m")
        else:
            self._words[verb.i] = inflect(verb_lemma(word, verb.tag_), "VBP")
        following = verb.i + 1
        if self._words[verb.i] == "am" and following < len(self._words) and self._words[following] in ("n't", "n’t"):
            self._spaces[verb.i], self._words[following] = " ", "not"


def _quoted(words: Sequence[str]) -> set[int]:
    """Return the positions inside quotation marks; a quotation that is never closed extends to the end."""
    inside: set[int] = set()
    closing = ""
    for position, word in enumerate(words):
        if closing:
            inside.add(position)
            closing = "" if word == closing else closing
        else:
            closing = QUOTES.get(word, "")
    return inside


def _is_finite(verb: Token) -> bool:
    """Whether a verb has a subject in the nominative: ``he laughs``, but ``makes him laugh``."""
    return verb.tag_ in FINITE or any(
        child.dep_ in ("aux", "auxpass") and child.tag_ in FINITE for child in verb.children
    )


def _is_coordinated(subject: Token) -> bool:
    return subject.dep_ == "conj" or any(child.dep_ == "conj" for child in subject.children)


def _doer(verb: Token) -> Token | None:
    """Return the subject of a verb, also through ``wants to``; None when somebody else was told to do it."""
    while verb.dep_ == "xcomp" and not any(child.dep_ in SUBJECTS for child in verb.children):
        verb = verb.head
        if any(child.dep_ in ("dobj", "dative") for child in verb.children):
            return None
    return subject_of(verb)
