"""Facts found by a dependency parse: who, what, when, and the span of text that says so.

A sentence is split into clauses; a clause with a finite verb and a subject that can be named becomes one fact. The
first person is replaced by the author, the second by the only other participant of a conversation, a third-person
pronoun by the one person just mentioned, ``my sister`` by the one sister whose name is known, and a relative time by
its date, counted from the day of writing. Questions, commands and clauses without a nameable subject make no fact.

Each document is processed twice: for what it says about names, then for its facts. Both results are kept in a memo
under the document's id and everything else that they depend on, so that only a new note has to be parsed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mealign.jsonl import digest_path
from mealign.memory.clauses import NO_WORD, blocks, clauses, implied_subject
from mealign.memory.facts import document_order, listener, make_fact, oldest_first, short_name, sorted_facts, to_when
from mealign.memory.known_people import KnownPeople, NameMentions, name_mentions_in
from mealign.memory.pronouns import FORMS, antecedent, name_tokens, names_in, remembered
from mealign.memory.rewrite import FIRST, GROUP, SECOND, Rewriter, SpeakerContext, belongs_to, find_times, subject_of
from mealign.memory.supersede import supersede
from mealign.progress import bar
from mealign.records import Document, Fact, Record, content_id

Token = Any
T = TypeVar("T")

CHUNK, CHUNK_CHARACTERS = 256, 2_000_000
"""Documents, and characters of them, whose parses are in memory at the same time."""
PIPELINE_BATCH, BATCH_TOKENS = 64, 50_000
"""Paragraphs, and tokens of them, that are parsed together."""
ANNOTATIONS = ("ORTH", "SPACY", "HEAD", "DEP", "TAG", "POS", "LEMMA", "ENT_IOB", "ENT_TYPE")
"""The annotations of a parse that extraction uses."""
MAX_WORDS = 45
MIN_WORDS = 3
MAX_TOKENS = 5 * MAX_WORDS
"""Tokens of which no statement of :data:`MAX_WORDS` words can be made."""
NAMED = {"PERSON", "GPE", "LOC", "ORG", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP"}
VAGUE = {"it", "this", "that", "they", "there", "which", "who", "these", "those", "he", "she", "what", "everything"}
COMPLEMENTS = ("dobj", "attr", "acomp", "oprd", "dative")
CLAUSAL = ("xcomp", "ccomp")
ENDED = re.compile(r"[.!?][\"”]?$")


class ClauseRefusal(StrEnum):
    """Why a clause, or a whole sentence, makes no fact."""

    question = "question"
    no_verb = "no_verb"
    command = "command"
    no_subject = "no_subject"
    length = "length"
    vague = "vague"
    no_word = "no_word"
    says_nothing = "says_nothing"


class DocumentFacts(Record):
    """The facts of one document, and how many of its clauses make none, by reason; kept in the memo."""

    facts: tuple[Fact, ...]
    refused: dict[ClauseRefusal, int]


Remembered = NameMentions | DocumentFacts
"""What a memo keeps of a document."""
M = TypeVar("M", NameMentions, DocumentFacts)


@dataclass(frozen=True)
class Extraction:
    """Facts in the order of their documents, what was refused, and how many documents had to be parsed.

    ``refused`` counts clauses by reason (:class:`ClauseRefusal`), and under ``assistant`` the documents that a program
    wrote.
    """

    facts: list[Fact]
    refused: dict[str, int]
    documents_read: int


def extract_facts(
    documents: Sequence[Document], *, person: str, parser: Path, memo: MutableMapping[str, Remembered] | None = None
) -> Extraction:
    """Extract facts from all documents, oldest first, with later changes marked.

    Args:
        documents: notes, messages or turns, in any order.
        person: full name of the user.
        parser: folder of an English spaCy pipeline with tagger, parser and named entities.
        memo: earlier results by the hash of what they depend on; new ones are added. It never changes the result.
    """
    memo = {} if memo is None else memo
    ordered = [document for document in oldest_first(documents) if document.kind != "assistant"]
    parsing = _DocumentParser(parser, memo)
    speakers = KnownPeople.of({person, *(name for each in ordered for name in (each.author, *each.participants))})
    mentions = parsing.name_mentions(ordered, speakers)
    people = KnownPeople.of(speakers.spoken.values(), mentions)
    found: dict[str, Fact] = {}
    refused: Counter[str] = Counter({"assistant": len(documents) - len(ordered)})
    for document_facts in parsing.facts(ordered, people):
        found |= {fact.id: fact for fact in document_facts.facts}
        refused.update({reason.value: count for reason, count in document_facts.refused.items()})
    order = document_order(documents)
    facts = supersede(sorted_facts(found.values(), order), order=order)
    return Extraction(facts, dict(sorted((+refused).items())), parsing.documents_read)


class _DocumentParser:
    """Parses the documents whose results are not in the memo, a chunk at a time, each document once."""

    def __init__(self, parser: Path, memo: MutableMapping[str, Remembered]) -> None:
        self._parser = parser
        self._memo = memo
        self._code = digest_path(Path(__file__).parent)
        self._parses: dict[str, list[tuple[int, NDArray[np.uint64]]]] = {}
        self.documents_read = 0

    def name_mentions(self, documents: Sequence[Document], speakers: KnownPeople) -> list[tuple[str, NameMentions]]:
        """Return every document's author and what the document says about names."""

        def work(document: Document, blocks: Sequence[_ParsedBlock], about: KnownPeople) -> NameMentions:
            sentences = [sentence for block in blocks for sentence in block.parsed.sents]
            return name_mentions_in(sentences, speaker=short_name(document.author), known=about.spoken)

        results = self._each("names", NameMentions, documents, speakers, work)
        return [(document.author, result) for document, result in zip(documents, results, strict=True)]

    def facts(self, documents: Sequence[Document], people: KnownPeople) -> Iterator[DocumentFacts]:
        """Yield the facts of every document."""

        def work(document: Document, blocks: Sequence[_ParsedBlock], about: KnownPeople) -> DocumentFacts:
            found = list(_facts_in(document, blocks, about))
            refused = Counter(each for each in found if isinstance(each, ClauseRefusal))
            facts = tuple(each for each in found if isinstance(each, Fact))
            return DocumentFacts(facts=facts, refused=dict(sorted(refused.items())))

        return self._each("facts", DocumentFacts, documents, people, work)

    def _each(
        self,
        name: str,
        kind: type[M],
        documents: Sequence[Document],
        people: KnownPeople,
        work: Callable[[Document, Sequence[_ParsedBlock], KnownPeople], M],
    ) -> Iterator[M]:
        """Yield the result of ``work`` for every document, from the memo where it has it."""
        with bar(f"read {name}", total=len(documents)) as shown:
            for chunk in groups(documents, CHUNK, CHUNK_CHARACTERS, lambda document: len(document.text)):
                about = [people.relevant_to(document) for document in chunk]
                keys = [
                    content_id(name, self._code, self._parser.name, document.id, asdict(people))
                    for document, people in zip(chunk, about, strict=True)
                ]
                known = {key: found for key in keys if isinstance(found := self._memo.get(key), kind)}
                missing = [position for position, key in enumerate(keys) if key not in known]
                parsed = self._parse([chunk[position] for position in missing])
                made = {
                    keys[position]: work(chunk[position], blocks, about[position])
                    for position, blocks in zip(missing, parsed, strict=True)
                }
                self._memo.update(made)
                shown.advance(len(chunk))
                yield from ((known | made)[key] for key in keys)

    def _parse(self, documents: Sequence[Document]) -> list[list[_ParsedBlock]]:
        """Return the parses of documents, reusing those made earlier in this run."""
        nlp = _pipeline(self._parser)
        new = [document for document in documents if document.id not in self._parses]
        pieces = [(content, (document.id, offset)) for document in new for offset, content in blocks(document.text)]
        self._parses |= {document.id: [] for document in new}
        tokenized = ((nlp.make_doc(content), place) for content, place in pieces)
        for batch in groups(tokenized, PIPELINE_BATCH, BATCH_TOKENS, lambda piece: len(piece[0])):
            for parsed, (identifier, offset) in nlp.pipe(batch, as_tuples=True, batch_size=PIPELINE_BATCH):
                self._parses[identifier].append((offset, parsed.to_array(ANNOTATIONS)))
        self.documents_read += len(new)
        return [
            [_ParsedBlock(offset, _unpacked(tokens, nlp.vocab)) for offset, tokens in self._parses[document.id]]
            for document in documents
        ]


def groups(items: Iterable[T], most: int, size: int, size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Split items, in their order, into groups of at most ``most`` whose sizes add up to at most ``size``.

    A larger item is a group of its own.
    """
    group: list[T] = []
    filled = 0
    for item in items:
        if group and (len(group) == most or filled + size_of(item) > size):
            yield group
            group, filled = [], 0
        group.append(item)
        filled += size_of(item)
    if group:
        yield group


def _unpacked(tokens: NDArray[np.uint64], vocab: Any) -> Any:
    """Rebuild a parse from its annotations, shape [tokens, annotations], which take a fraction of its memory."""
    from spacy.tokens import Doc

    words = [vocab.strings[int(word)] for word in tokens[:, 0]]
    parsed = Doc(vocab, words=words, spaces=tokens[:, 1].astype(bool).tolist())
    return parsed.from_array(ANNOTATIONS[2:], tokens[:, 2:])


@dataclass(frozen=True)
class _ParsedBlock:
    """A parsed paragraph and its place in the document."""

    offset: int
    parsed: Any


def _facts_in(
    document: Document, blocks: Sequence[_ParsedBlock], people: KnownPeople
) -> Iterator[Fact | ClauseRefusal]:
    """Yield the facts of one document and, for each clause that makes none, the reason."""
    yield from (ClauseRefusal.no_word for _ in NO_WORD.finditer(document.text))
    speaker = short_name(document.author)
    mentioned: list[Sequence[str]] = []
    for block in blocks:
        for sentence in block.parsed.sents:
            context = SpeakerContext(
                speaker=speaker,
                listener=listener(document),
                written=document.created_at.date(),
                third=_resolved(sentence, mentioned, speaker, people),
                named=_relatives(sentence, document.author, people),
            )
            yield from _facts_of(sentence, document, block.offset, context, people)
            if names := [name for name in names_in(sentence, people.certain) if name != speaker]:
                mentioned = remembered(mentioned, names, people.genders)


@cache
def _pipeline(parser: Path) -> Any:
    import spacy

    return spacy.load(parser)


def _resolved(sentence: Any, mentioned: Sequence[Sequence[str]], speaker: str, people: KnownPeople) -> dict[int, str]:
    """Resolve the sentence's third-person pronouns: position of each -> first name of the person meant."""
    found = {}
    named = [token for token in name_tokens(sentence, people.certain) if token.text != speaker]
    for token in sentence:
        if token.pos_ == "PRON" and token.lower_ in FORMS:
            here = list(dict.fromkeys(name.text for name in named if name.i < token.i))
            if name := antecedent(token, mentioned, here, people.genders):
                found[token.i] = name
    return found


def _relatives(sentence: Any, author: str, people: KnownPeople) -> dict[int, str]:
    """Name the author's relatives: position of ``sister`` in a bare ``my sister`` -> the name of the one sister."""
    found = {}
    names = people.relatives.get(author, {})
    for token in sentence:
        name = names.get(token.lower_) if token.pos_ == "NOUN" else None
        if name and any(child.dep_ == "poss" and child.lower_ == "my" for child in token.children):
            beside = [*token.children, *([token.head] if token.dep_ == "compound" else [])]
            if not any(word.pos_ == "PROPN" for word in beside):
                found[token.i] = name
    return found


def _facts_of(
    sentence: Any, document: Document, offset: int, context: SpeakerContext, people: KnownPeople
) -> Iterator[Fact | ClauseRefusal]:
    if sentence.text.strip().endswith("?"):
        yield ClauseRefusal.question
        return
    parts = clauses(sentence)
    if not parts:
        yield ClauseRefusal.no_verb
    previous: list[Token] = []
    for verb, tokens in parts:
        if not tokens:
            continue
        subject = subject_of(verb)
        if subject is not None and subject.lower_ in VAGUE and subject.i not in context.third and previous:
            # "... and it was wonderful": only the clause before says what "it" is.
            tokens = list(sentence.doc[previous[0].i : tokens[-1].i + 1])
        fact = _fact(verb, tokens, subject, document, offset, context, people)
        yield fact
        if isinstance(fact, Fact):
            previous = tokens
        if subject is not None and (apposition := _apposition(subject)):
            yield _kinship(subject, apposition, document, offset, context, people)


def _says_something(verb: Token, tokens: Sequence[Token], subject: Token | None) -> bool:
    """Whether a clause names more than its subject: "I was on a boat", but not "I was somebody else"."""
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
    context: SpeakerContext,
    people: KnownPeople,
) -> Fact | ClauseRefusal:
    if verb.tag_ == "VB" and not _has_auxiliary(verb, subject):
        return ClauseRefusal.command
    if subject is None and not (document.kind == "note" and _lost_its_i(verb, subject)):
        return ClauseRefusal.no_subject
    if len(tokens) > MAX_TOKENS:
        return ClauseRefusal.length
    times = find_times(tokens, written=context.written)
    rewriter = Rewriter(tokens, context, times)
    who = context.speaker if subject is None else _subject_text(subject, context, rewriter)
    text = rewriter.render(tokens)
    shared = implied_subject(verb)
    if subject is None or (shared is not None and shared not in tokens):
        text = f"{who} {text[0].lower()}{text[1:]}"
    words = text.split()
    if not MIN_WORDS <= len(words) <= MAX_WORDS:
        return ClauseRefusal.length
    vague = subject is not None and subject.lower_ in VAGUE and subject.i not in context.third
    if vague and len(words) < 6:
        return ClauseRefusal.vague
    if not _says_something(verb, tokens, subject):
        return ClauseRefusal.says_nothing
    relation, value = _predicate(verb, tokens, rewriter)
    dated = next(((start, end) for start, (end, _) in times.items() if belongs_to(tokens[end - 1], verb)), None)
    canonical = people.canonical(who)
    start, end = tokens[0].idx, tokens[-1].idx + len(tokens[-1].text)
    return make_fact(
        document, start + offset, end + offset,
        subject=canonical,
        relation=relation,
        value=value,
        statement=f"{text[0].upper()}{text[1:]}{'' if ENDED.search(text) else '.'}",
        when=to_when(_text(tokens[slice(*dated)]), times[dated[0]][1]) if dated else None,
        entities=(canonical, *_entities(tokens, context, people)),
        confidence=_confidence(vague=vague, complete=bool(value), inferred=subject is None or _is_pronoun(subject)),
    )  # fmt: skip


def _text(tokens: Sequence[Token]) -> str:
    return "".join(token.text_with_ws for token in tokens)


def _confidence(*, vague: bool, complete: bool, inferred: bool) -> float:
    """Return 0.9 for explicit subject, verb and complement, and less for each that is inferred, vague or missing."""
    return round(0.9 - 0.3 * vague - 0.2 * (not complete) - 0.1 * inferred, 2)


def _lost_its_i(verb: Token, subject: Token | None) -> bool:
    """Whether a verb without subject opens its sentence as in diaries (``Bought a bike``), at most after adverbs."""
    if subject is not None or verb.tag_ not in ("VBD", "VBN", "VBG"):
        return False
    opening = [token for token in verb.sent if token.i < verb.i and not token.is_punct]
    return all(token.pos_ in ("ADV", "AUX", "PART", "CCONJ", "SCONJ") for token in opening)


def _is_pronoun(subject: Token) -> bool:
    return subject.pos_ == "PRON" and subject.lower_ not in FIRST


def _has_auxiliary(verb: Token, subject: Token | None) -> bool:
    return subject is not None and any(child.dep_ in ("aux", "auxpass") for child in verb.children)


def _subject_text(subject: Token, context: SpeakerContext, rewriter: Rewriter) -> str:
    """Name the subject: by the name in apposition or of the relative, who the pronoun means, or the noun phrase."""
    if subject.i in context.named:
        return context.named[subject.i]
    if apposition := _apposition(subject):
        return str(" ".join(token.text for token in apposition.subtree if token.dep_ in ("compound", "appos")))
    inside = {token.i for token in subject.subtree if token.dep_ not in ("relcl", "acl")}
    phrase = [token for token in subject.subtree if token.i in inside and _before_relative(token, subject)]
    # The clause left out of "Sanne, who has the desk beside mine," leaves its commas.
    return rewriter.render(phrase).strip(" ,;:–—")


def _before_relative(token: Token, subject: Token) -> bool:
    node = token
    while node.i != subject.i:
        if node.dep_ in ("relcl", "acl", "appos"):
            return False
        node = node.head
    return True


def _apposition(subject: Token) -> Token | None:
    """Return the name in ``my sister Ilse``; None if there is none."""
    possessed = any(child.dep_ == "poss" for child in subject.children)
    for child in subject.children:
        if possessed and child.dep_ == "appos" and child.pos_ == "PROPN":
            return child
    return None


def _kinship(
    subject: Token, name: Token, document: Document, offset: int, context: SpeakerContext, people: KnownPeople
) -> Fact:
    """Make the fact that an apposition states: ``my sister Ilse`` says that Ilse is the speaker's sister."""
    who = people.canonical(" ".join(token.text for token in name.subtree if token.dep_ in ("compound", "appos")))
    role = [token for token in subject.subtree if token.i < name.left_edge.i and not token.is_punct]
    value = Rewriter(role, context, {}).render(role)
    phrase = list(subject.subtree)
    start, end = phrase[0].idx, phrase[-1].idx + len(phrase[-1].text)
    return make_fact(
        document, start + offset, end + offset,
        subject=who,
        relation="be",
        value=value,
        statement=f"{short_name(who)} is {value}.",
        when=None,
        entities=(who, people.canonical(context.speaker)),
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


def _entities(tokens: Sequence[Token], context: SpeakerContext, people: KnownPeople) -> list[str]:
    inside = {token.i for token in tokens}
    names = []
    for token in tokens:
        if token.i in context.named:
            names.append(people.canonical(context.named[token.i]))
        if token.lower_ in (*FIRST, "my", "mine", *GROUP):
            names.append(people.canonical(context.speaker))
        elif token.lower_ in (*SECOND, "your") and context.listener:
            names.append(people.canonical(context.listener))
    if tokens:
        for entity in tokens[0].sent.ents:
            if entity.label_ in NAMED and entity.start in inside:
                names.append(people.canonical(entity.text.strip().removesuffix("'s").removesuffix("’s")))
    return names
