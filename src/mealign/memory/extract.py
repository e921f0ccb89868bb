"""Statements found by a dependency parse: who, what, when, and the span of text that says so.

A sentence is split into clauses; a clause with a finite verb and a subject that can be named becomes one fact. First
person becomes the author, second person the one other participant of a conversation, a pronoun of the third person the
one person just mentioned, and a relative time the date it means on the day it was written. Questions, commands and
clauses about nothing nameable make no fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mealign.memory.clauses import blocks, clauses, implied_subject
from mealign.memory.facts import in_time, listener, make_fact, rank_of, short_name, sorted_facts
from mealign.memory.pronouns import Gender, antecedent, learn_genders, names_in
from mealign.memory.rewrite import FIRST, GROUP, SECOND, Rewriter, Speech, belongs_to, find_times, subject_of
from mealign.memory.supersede import supersede
from mealign.progress import track
from mealign.records import Document, Fact

Token = Any

PIPELINE_BATCH = 64
MAX_WORDS = 45
MIN_WORDS = 3
NAMED = {"PERSON", "GPE", "LOC", "ORG", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP"}
VAGUE = {"it", "this", "that", "they", "there", "which", "who", "these", "those", "he", "she", "what", "everything"}
COMPLEMENTS = ("dobj", "attr", "acomp", "oprd", "dative")
CLAUSAL = ("xcomp", "ccomp")
ENDED = re.compile(r"[.!?][\"”]?$")


@dataclass(frozen=True)
class People:
    """Everybody's full name by the short form that means them and nobody else."""

    full_names: Mapping[str, str]

    @classmethod
    def of(cls, names: Iterable[str]) -> People:
        """Collect full names; a first name that two people share means neither."""
        owners: dict[str, set[str]] = {}
        for name in names:
            owners.setdefault(name, set()).add(name)
            owners.setdefault(name.split()[0], set()).add(name)
        return cls({short: next(iter(full)) for short, full in owners.items() if len(full) == 1})

    def canonical(self, name: str) -> str:
        """Return the full name behind a name, or the name itself."""
        return self.full_names.get(name, name)


def extract_facts(documents: Sequence[Document], *, person: str, parser: Path) -> list[Fact]:
    """Extract facts from all documents, oldest first, with later changes marked.

    Args:
        documents: notes, messages or turns, in any order.
        person: full name of the user.
        parser: folder of an English spaCy pipeline with tagger, parser and named entities.
    """
    pipeline = _pipeline(parser)
    people = People.of(
        {person, *(name for document in documents for name in (document.author, *document.participants))}
    )
    ordered = in_time(documents)
    pieces = [(document, offset, content) for document in ordered for offset, content in blocks(document.text)]
    parsed = pipeline.pipe(((content, (document, offset)) for document, offset, content in pieces),
                           as_tuples=True, batch_size=PIPELINE_BATCH)  # fmt: skip
    texts = [
        (block, document, offset) for block, (document, offset) in track(parsed, "read documents", total=len(pieces))
    ]
    genders = learn_genders(
        [list(block.sents) for block, _, _ in texts],
        people.full_names,
        [short_name(document.author) for _, document, _ in texts],
    )
    known = {**people.full_names, **{name: name for name in genders if name not in people.full_names}}
    facts: dict[str, Fact] = {}
    recent: dict[str, list[list[str]]] = {}
    for block, document, offset in track(texts, "extract facts"):
        mentioned = recent.setdefault(document.id, [])
        for sentence in block.sents:
            speech = Speech(
                speaker=short_name(document.author),
                listener=listener(document),
                written=document.created_at.date(),
                third=_resolved(sentence, mentioned, short_name(document.author), known, genders),
            )
            for fact in _facts_of(sentence, document, offset, speech, people):
                facts.setdefault(fact.id, fact)
            if names := [name for name in names_in(sentence, known) if name != speech.speaker]:
                mentioned.append(names)
    order = rank_of(documents)
    return supersede(sorted_facts(facts.values(), order), order=order)


@cache
def _pipeline(parser: Path) -> Any:
    import spacy

    return spacy.load(parser)


def _resolved(
    sentence: Any,
    mentioned: Sequence[Sequence[str]],
    speaker: str,
    known: Mapping[str, str],
    genders: Mapping[str, Gender],
) -> dict[int, str]:
    """Resolve the sentence's third-person pronouns: position of each -> first name of the person it means."""
    found = {}
    for token in sentence:
        if token.pos_ == "PRON":
            before = [word for word in sentence if word.i < token.i]
            here = [name for name in names_in(before, known) if name != speaker]
            if name := antecedent(token, mentioned, here, genders):
                found[token.i] = name
    return found


def _facts_of(sentence: Any, document: Document, offset: int, speech: Speech, people: People) -> Iterator[Fact]:
    if sentence.text.strip().endswith("?"):
        return
    previous: list[Token] = []
    for verb, tokens in clauses(sentence):
        if not tokens:
            continue
        subject = subject_of(verb)
        if subject is not None and subject.lower_ in VAGUE and subject.i not in speech.third and previous:
            # "... and it was wonderful": only the clause before says what.
            tokens = [token for token in sentence if previous[0].i <= token.i <= tokens[-1].i]
        fact = _fact(verb, tokens, subject, document, offset, speech, people)
        if fact:
            yield fact
            previous = tokens
        if subject is not None and (apposition := _apposition(subject)):
            yield _kinship(subject, apposition, document, offset, speech, people)


def _says_something(verb: Token, tokens: Sequence[Token], subject: Token | None) -> bool:
    """Tell "I was on a boat" from "I was somebody else": a fact names more than its subject."""
    about = {token.i for token in subject.subtree} if subject is not None else set()
    for token in tokens:
        if token.i not in about and (token.pos_ in ("NOUN", "PROPN", "NUM") or token.dep_ in ("acomp", "xcomp")):
            return True
    return verb.pos_ == "VERB" and any(child.dep_ == "prt" for child in verb.children)


def _fact(
    verb: Token,
    tokens: list[Token],
    subject: Token | None,
    document: Document,
    offset: int,
    speech: Speech,
    people: People,
) -> Fact | None:
    imperative = subject is None and verb.tag_ == "VB"
    dropped = document.kind == "note" and _lost_its_i(verb, subject)
    if imperative or (subject is None and not dropped) or (verb.tag_ == "VB" and not _has_auxiliary(verb, subject)):
        return None
    times = find_times(tokens, written=speech.written)
    rewriter = Rewriter(tokens, speech, times)
    who = speech.speaker if subject is None else _subject_text(subject, tokens, rewriter)
    text = rewriter.render(tokens)
    shared = implied_subject(verb)
    if subject is None or (shared is not None and shared not in tokens):
        text = f"{who} {text[0].lower()}{text[1:]}"
    words = text.split()
    if not MIN_WORDS <= len(words) <= MAX_WORDS:
        return None
    vague = subject is not None and subject.lower_ in VAGUE and subject.i not in speech.third
    if (vague and len(words) < 6) or not _says_something(verb, tokens, subject):
        return None
    relation, value = _predicate(verb, tokens, rewriter)
    time = next((time for end, time in times.values() if belongs_to(tokens[end - 1], verb)), None)
    canonical = people.canonical(who)
    start, end = tokens[0].idx, tokens[-1].idx + len(tokens[-1].text)
    return make_fact(
        document, start + offset, end + offset,
        subject=canonical,
        relation=relation,
        value=value,
        statement=f"{text[0].upper()}{text[1:]}{'' if ENDED.search(text) else '.'}",
        time=time,
        entities=(canonical, *_entities(tokens, speech, people)),
        confidence=_confidence(vague=vague, complete=bool(value), inferred=subject is None or _is_pronoun(subject)),
    )  # fmt: skip


def _confidence(*, vague: bool, complete: bool, inferred: bool) -> float:
    """0.9 for subject, verb and complement as they stand; less for each thing that was inferred or is missing."""
    return round(0.9 - 0.3 * vague - 0.2 * (not complete) - 0.1 * inferred, 2)


def _lost_its_i(verb: Token, subject: Token | None) -> bool:
    """Whether the verb opens its sentence the way diaries do (``Bought a bike``), after adverbs at most."""
    if subject is not None or verb.tag_ not in ("VBD", "VBN", "VBG"):
        return False
    opening = [token for token in verb.sent if token.i < verb.i and not token.is_punct]
    return all(token.pos_ in ("ADV", "AUX", "PART", "CCONJ", "SCONJ") for token in opening)


def _is_pronoun(subject: Token) -> bool:
    return subject.pos_ == "PRON" and subject.lower_ not in FIRST


def _has_auxiliary(verb: Token, subject: Token | None) -> bool:
    return subject is not None and any(child.dep_ in ("aux", "auxpass") for child in verb.children)


def _subject_text(subject: Token, tokens: Sequence[Token], rewriter: Rewriter) -> str:
    """Name the subject: the name in apposition, the pronoun's meaning, or the noun phrase."""
    if apposition := _apposition(subject):
        return str(" ".join(token.text for token in apposition.subtree if token.dep_ in ("compound", "appos")))
    inside = {token.i for token in subject.subtree if token.dep_ not in ("relcl", "acl")}
    phrase = [token for token in subject.subtree if token.i in inside and _before_relative(token, subject)]
    return rewriter.render(phrase)


def _before_relative(token: Token, subject: Token) -> bool:
    node = token
    while node.i != subject.i:
        if node.dep_ in ("relcl", "acl", "appos"):
            return False
        node = node.head
    return True


def _apposition(subject: Token) -> Token | None:
    """Return the name in ``my sister Ilse``; None where there is none."""
    possessed = any(child.dep_ == "poss" for child in subject.children)
    for child in subject.children:
        if possessed and child.dep_ == "appos" and child.pos_ == "PROPN":
            return child
    return None


def _kinship(subject: Token, name: Token, document: Document, offset: int, speech: Speech, people: People) -> Fact:
    """State who a name in apposition is: ``my sister Ilse`` says that Ilse is the speaker's sister."""
    who = people.canonical(" ".join(token.text for token in name.subtree if token.dep_ in ("compound", "appos")))
    role = [token for token in subject.subtree if token.i < name.left_edge.i and not token.is_punct]
    value = Rewriter(role, speech, {}).render(role)
    phrase = list(subject.subtree)
    start, end = phrase[0].idx, phrase[-1].idx + len(phrase[-1].text)
    return make_fact(
        document, start + offset, end + offset,
        subject=who,
        relation="be",
        value=value,
        statement=f"{short_name(who)} is {value}.",
        time=None,
        entities=(who, people.canonical(speech.speaker)),
        confidence=0.8,
    )  # fmt: skip


def _predicate(verb: Token, tokens: Sequence[Token], rewriter: Rewriter) -> tuple[str, str]:
    """Return the relation (lemma with negation, particle and preposition) and the complement's text."""
    inside = {token.i for token in tokens}
    children = [child for child in verb.children if child.i in inside]
    relation = verb.lemma_.lower()
    if any(child.dep_ == "neg" for child in children):
        relation = f"not {relation}"
    if particle := next((child for child in children if child.dep_ == "prt"), None):
        relation = f"{relation} {particle.lower_}"
    for kind in COMPLEMENTS:
        if found := next((child for child in children if child.dep_ == kind), None):
            return relation, _phrase(found, inside, rewriter)
    for preposition in children:
        if preposition.dep_ in ("prep", "agent"):
            target = next((child for child in preposition.children if child.dep_ in ("pobj", "pcomp")), None)
            if target is not None and target.ent_type_ not in ("DATE", "TIME"):
                return f"{relation} {preposition.lower_}", _phrase(target, inside, rewriter)
    for kind in CLAUSAL:
        if found := next((child for child in children if child.dep_ == kind), None):
            return relation, _phrase(found, inside, rewriter)
    return relation, ""


def _phrase(head: Token, inside: set[int], rewriter: Rewriter) -> str:
    """Render a complement's subtree without the time expressions at its end and without later coordinated clauses."""
    tokens = [token for token in head.subtree if token.i in inside]
    while len(tokens) > 1 and (tokens[-1].is_punct or tokens[-1].ent_type_ == "DATE" or tokens[-1].pos_ == "ADP"):
        tokens.pop()
    return rewriter.render(tokens)


def _entities(tokens: Sequence[Token], speech: Speech, people: People) -> list[str]:
    inside = {token.i for token in tokens}
    names = []
    for token in tokens:
        if token.lower_ in (*FIRST, "my", "mine", *GROUP):
            names.append(people.canonical(speech.speaker))
        elif token.lower_ in (*SECOND, "your") and speech.listener:
            names.append(people.canonical(speech.listener))
    if tokens:
        for entity in tokens[0].sent.ents:
            if entity.label_ in NAMED and entity.start in inside:
                names.append(people.canonical(entity.text.strip().removesuffix("'s").removesuffix("’s")))
    return names
