"""Facts found by a dependency parse: who, what, when, and the span of text that says so.

A sentence is split into clauses; a clause with a finite verb and a subject that can be named becomes one fact. The
first person is replaced by the author, the second by the only other participant of a conversation, a third-person
pronoun by the one person just mentioned, ``my sister`` by the one sister whose name is known, and a relative time by
its date, counted from the day of writing. Questions, commands, what might be or is planned, other people's words
(:mod:`mealign.memory.reading`) and clauses without a nameable subject make no fact.

Each document is processed twice: for what it says about names, then for its facts. Both results are kept in a memo
under the document's id and everything else that they depend on, so that only a new note has to be parsed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mealign.jsonl import digest_path
from mealign.memory.clauses import clauses, implied_subject
from mealign.memory.facts import document_order, listener, make_fact, oldest_first, sorted_facts, to_when
from mealign.memory.kinship import GENDERED, PEOPLE, Gender
from mealign.memory.known_people import KnownPeople, NameMentions, name_mentions_in
from mealign.memory.languages import ENGLISH, counts, language_of, languages_of
from mealign.memory.moods import Mood, mood_of
from mealign.memory.pronouns import FORMS, UNKNOWN, antecedent, name_tokens, remembered, unnamed
from mealign.memory.reading import NO_WORD, Block, Role, blocks, windows
from mealign.memory.rewrite import FIRST, GROUP, SECOND, Rewriter, SpeakerContext, belongs_to, find_times, subject_of
from mealign.memory.supersede import supersede
from mealign.progress import bar
from mealign.records import Document, Fact, Record, When, content_id
from mealign.words import word_set

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
LONGEST_QUOTE = 300
"""Characters of a paragraph that is not parsed, in one quotation."""
QUOTABLE = {Role.other_language, Role.planned, Role.table}
"""What is the author's own, and cannot be read as statements."""
QUOTED = 0.5
"""The confidence of a quotation: it was said, but nothing is known of what it means."""
MAX_TOKENS = 5 * MAX_WORDS
"""Tokens of which no statement of :data:`MAX_WORDS` words can be made."""
NAMED = {"PERSON", "GPE", "LOC", "ORG", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP"}
VAGUE = {"it", "this", "that", "they", "there", "which", "who", "these", "those", "he", "she", "what", "everything"}
"""Pronouns that name nobody and nothing."""
INDEFINITE = word_set(
    "one ones other others everybody everyone somebody someone anybody anyone nobody nothing something anything people "
    "some all both another each most many none whoever here him her them you yours whatever whom else thing things "
    "guys us"
)
"""What else, as the subject of a clause, names nobody and nothing."""
POINTING = {"this", "that", "these", "those"}
UNRESOLVED = {"he", "she", "him", "her", "his", "hers", "they", "them", "their", "theirs", "it", "its", "this", "that"}
COMPLEMENTS = ("dobj", "attr", "acomp", "oprd", "dative")
CLAUSAL = ("xcomp", "ccomp")
WRITTEN_I = re.compile(r"i(?:['’].*|m|ve|ll|d)?$", re.IGNORECASE)
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
    quoted = "quoted"
    pasted = "pasted"
    planned = "planned"
    table = "table"
    heading = "heading"
    code = "code"
    other_language = "other_language"
    conditional = "conditional"
    uncertain = "uncertain"
    in_general = "in_general"


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

    ``refused`` counts clauses and paragraphs by reason (:class:`ClauseRefusal`), and under ``assistant`` the documents
    that a program wrote; ``languages`` counts the documents that are not in English by their language.
    """

    facts: list[Fact]
    refused: dict[str, int]
    languages: dict[str, int]
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
    speakers = KnownPeople.of({person, *(name for each in ordered for name in (each.author, *each.participants))})
    languages = languages_of(ordered)
    parsing = _DocumentParser(parser, memo, languages)
    mentions = parsing.name_mentions(ordered, speakers)
    people = KnownPeople.of(speakers.spoken.values(), mentions)
    found: dict[str, Fact] = {}
    refused: Counter[str] = Counter({"assistant": len(documents) - len(ordered)})
    for document_facts in parsing.facts(ordered, people):
        found |= {fact.id: fact for fact in document_facts.facts}
        refused.update({reason.value: count for reason, count in document_facts.refused.items()})
    order = document_order(documents)
    facts = supersede(sorted_facts(found.values(), order), order=order)
    return Extraction(facts, dict(sorted((+refused).items())), counts(languages), parsing.documents_read)


class _DocumentParser:
    """Parses the documents whose results are not in the memo, a chunk at a time, each document once."""

    def __init__(self, parser: Path, memo: MutableMapping[str, Remembered], languages: Mapping[str, str]) -> None:
        self._parser = parser
        self._languages = languages
        self._memo = memo
        self._code = digest_path(Path(__file__).parent)
        self._parses: dict[str, list[NDArray[np.uint64]]] = {}
        self.documents_read = 0

    def name_mentions(self, documents: Sequence[Document], speakers: KnownPeople) -> list[tuple[str, NameMentions]]:
        """Return every document's author and what the document says about names."""

        def work(document: Document, blocks: Sequence[_ParsedBlock], about: KnownPeople) -> NameMentions:
            sentences = [sentence for block in blocks if block.parsed for sentence in block.parsed.sents]
            return name_mentions_in(sentences, speaker=about.spoken_name(document.author), known=about.spoken)

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
                    content_id(
                        name, self._code, self._parser.name, document.id, self._languages[document.id], asdict(people)
                    )
                    for document, people in zip(chunk, about, strict=True)
                ]
                known = {key: found for key in keys if isinstance(found := self._memo.get(key), kind)}
                missing = [position for position, key in enumerate(keys) if key not in known]
                parsed = self._parse([(chunk[position], about[position]) for position in missing])
                made = {
                    keys[position]: work(chunk[position], blocks, about[position])
                    for position, blocks in zip(missing, parsed, strict=True)
                }
                self._memo.update(made)
                shown.advance(len(chunk))
                yield from ((known | made)[key] for key in keys)

    def _parse(self, documents: Sequence[tuple[Document, KnownPeople]]) -> Iterator[list[_ParsedBlock]]:
        """Yield the parses of each document, reusing those made earlier in this run."""
        nlp = _pipeline(self._parser)
        divided = {document.id: self._blocks(document, people) for document, people in documents}
        new = [identifier for identifier in divided if identifier not in self._parses]
        self._parses |= {identifier: [] for identifier in new}
        own = (
            (block.text, identifier) for identifier in new for block in divided[identifier] if block.role is Role.own
        )
        tokenized = ((nlp.make_doc(text), identifier) for text, identifier in own)
        for batch in groups(tokenized, PIPELINE_BATCH, BATCH_TOKENS, lambda piece: len(piece[0])):
            for parsed, identifier in nlp.pipe(batch, as_tuples=True, batch_size=PIPELINE_BATCH):
                self._parses[identifier].append(parsed.to_array(ANNOTATIONS))
        self.documents_read += len(new)
        for identifier, found in divided.items():
            parses = iter(self._parses[identifier])
            yield [
                _ParsedBlock(block, _unpacked(next(parses), nlp.vocab) if block.role is Role.own else None)
                for block in found
            ]

    def _blocks(self, document: Document, people: KnownPeople) -> list[Block]:
        """Divide a document into paragraphs; one that is not in English is nobody's that can be parsed."""
        found = blocks(
            document.text,
            message=document.kind != "note",
            prompt=document.kind == "prompt",
            author=(document.author, people.spoken_name(document.author)),
            people=people.spoken,
        )
        usual = self._languages[document.id]
        return [
            replace(block, role=Role.other_language)
            if block.role is Role.own and language_of(block.text, usual) != ENGLISH
            else block
            for block in found
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
    """A paragraph, and its parse where it is in the author's own words."""

    block: Block
    parsed: Any


def _facts_in(
    document: Document, blocks: Sequence[_ParsedBlock], people: KnownPeople
) -> Iterator[Fact | ClauseRefusal]:
    """Yield the facts of one document and, for each clause or paragraph that makes none, the reason."""
    yield from (ClauseRefusal.no_word for _ in NO_WORD.finditer(document.text))
    speaker, other = people.spoken_name(document.author), None if document.kind == "prompt" else listener(document)
    spoken_to = people.spoken_name(other) if other else None
    mentioned: list[Sequence[str]] = []
    for each in blocks:
        if each.parsed is None:
            yield ClauseRefusal(each.block.role.value)
            if each.block.role in QUOTABLE:
                yield from _quotes_of(each.block, document, speaker)
            continue
        for sentence in each.parsed.sents:
            names = _names(sentence, speaker, spoken_to, people)
            genders = {**people.genders, **_genders_of(names.values())}
            context = SpeakerContext(
                speaker=speaker,
                listener=spoken_to,
                written=document.created_at.date(),
                third=_resolved(sentence, mentioned, names, genders),
                named=_relatives(sentence, document.author, people),
                quoted=frozenset(token.i for token in sentence if each.block.is_speech(token.idx)),
            )
            found = list(_facts_of(sentence, document, each.block, context, people))
            yield from found
            if not any(isinstance(fact, Fact) for fact in found) and ClauseRefusal.question not in found:
                yield from _quote(sentence, document, each.block, context, people)
            if names:
                mentioned = remembered(mentioned, list(dict.fromkeys(names.values())), genders)


@cache
def _pipeline(parser: Path) -> Any:
    import spacy

    return spacy.load(parser)


def _names(sentence: Any, speaker: str, listener: str | None, people: KnownPeople) -> dict[int, str]:
    """Return of whom a sentence speaks, by position: names, and descriptions of people who are not named."""
    talking = (speaker, listener)
    found = {token.i: str(token.text) for token in name_tokens(sentence, people.certain) if token.text not in talking}
    return dict(sorted({**unnamed(sentence, speaker=speaker, but=found), **found}.items()))


def _genders_of(names: Iterable[str]) -> dict[str, Gender]:
    return {name: gender for name in names if " " in name and (gender := GENDERED.get(name.split()[-1]))}


def _resolved(
    sentence: Any, mentioned: Sequence[Sequence[str]], names: Mapping[int, str], genders: Mapping[str, Gender]
) -> dict[int, str]:
    """Resolve the sentence's third-person pronouns: position of each -> the person meant, where that one can be named.

    A pronoun that may mean somebody without a name stays.
    """
    found = {}
    for token in sentence:
        if token.pos_ == "PRON" and token.lower_ in FORMS:
            here = list(dict.fromkeys(name for position, name in names.items() if position < token.i))
            name = antecedent(token, mentioned, here, genders)
            if name and not name.startswith(UNKNOWN):
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
    sentence: Any, document: Document, block: Block, context: SpeakerContext, people: KnownPeople
) -> Iterator[Fact | ClauseRefusal]:
    parts = clauses(sentence)
    if not parts:
        yield ClauseRefusal.no_verb
    for verb, tokens in parts:
        if not tokens:
            continue
        subject = subject_of(verb)
        yield _fact(verb, tokens, subject, document, block, context, people)
        if subject is not None and subject.i not in context.quoted and (apposition := _apposition(subject)):
            yield _kinship(subject, apposition, document, block, context, people)


def _quote(
    sentence: Any, document: Document, block: Block, context: SpeakerContext, people: KnownPeople
) -> Iterator[Fact]:
    """Yield a sentence as it was said, where no clause of it is a fact and it names something."""
    tokens = [token for token in sentence if not token.is_space]
    words = [token for token in tokens if not token.is_punct]
    if len(words) < MIN_WORDS or not any(token.pos_ in ("NOUN", "PROPN", "NUM") for token in words):
        return
    times = find_times(tokens, written=context.written, people=people.certain)
    dated = next(iter(times.items()), None)
    start, end = block.traced.span(tokens[0].idx, tokens[-1].idx + len(tokens[-1].text))
    said = document.text[start:end]
    if dated:
        begin, (after, time) = dated
        at = block.traced.span(tokens[begin].idx, tokens[after - 1].idx + len(tokens[after - 1].text))[1] - start
        said = f"{said[:at]} [{time.phrase}]{said[at:]}"
    yield _said(
        document, start, end, said, speaker=context.speaker,
        when=to_when(_text(tokens[begin:after]), time) if dated else None,
        entities=_entities(tokens, context, people),
    )  # fmt: skip


def _quotes_of(block: Block, document: Document, speaker: str) -> Iterator[Fact]:
    """Yield a paragraph that is not parsed, in pieces, as it was said."""
    for low, high in windows(block.text, LONGEST_QUOTE):
        if re.search(r"\w", block.text[low:high]):
            start, end = block.traced.span(low, high)
            yield _said(document, start, end, document.text[start:end], speaker=speaker, when=None, entities=())


def _said(
    document: Document, start: int, end: int, text: str, *, speaker: str, when: When | None, entities: Sequence[str]
) -> Fact:
    said = " ".join(text.split())
    return make_fact(
        document, start, end,
        subject=document.author,
        relation="say",
        value="",
        statement=f'{speaker} said, "{said}"',
        when=when,
        entities=(document.author, *entities),
        confidence=QUOTED,
        quote=True,
    )  # fmt: skip


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
    block: Block,
    context: SpeakerContext,
    people: KnownPeople,
) -> Fact | ClauseRefusal:
    if verb.i in context.quoted:
        return ClauseRefusal.quoted
    if verb.tag_ == "VB" and not _has_auxiliary(verb, subject):
        return ClauseRefusal.command
    mood = mood_of(verb, subject, context.quoted)
    if mood is not Mood.asserted:
        return ClauseRefusal(mood.value)
    if subject is None:
        return ClauseRefusal.no_subject
    if len(tokens) > MAX_TOKENS:
        return ClauseRefusal.length
    if not _is_clear(tokens, subject, context):
        return ClauseRefusal.vague
    times = find_times(tokens, written=context.written, people=people.certain)
    rewriter = Rewriter(tokens, context, times)
    who = _subject_text(subject, context, rewriter)
    text = rewriter.render(tokens)
    shared = implied_subject(verb)
    if shared is not None and shared not in tokens:
        text = f"{who} {text[0].lower()}{text[1:]}"
    words = text.split()
    if not MIN_WORDS <= len(words) <= MAX_WORDS:
        return ClauseRefusal.length
    if not _says_something(verb, tokens, subject):
        return ClauseRefusal.says_nothing
    relation, value = _predicate(verb, tokens, rewriter)
    dated = next(((start, end) for start, (end, _) in times.items() if belongs_to(tokens[end - 1], verb)), None)
    canonical = people.canonical(who)
    start, end = block.traced.span(tokens[0].idx, tokens[-1].idx + len(tokens[-1].text))
    inferred = _is_pronoun(subject) or _was_added(subject, document, block)
    return make_fact(
        document, start, end,
        subject=canonical,
        relation=relation,
        value=value,
        statement=f"{text[0].upper()}{text[1:]}{'' if ENDED.search(text) else '.'}",
        when=to_when(_text(tokens[slice(*dated)]), times[dated[0]][1]) if dated else None,
        entities=(canonical, *_entities(tokens, context, people)),
        confidence=_confidence(complete=bool(value), inferred=inferred),
    )  # fmt: skip


def _is_clear(tokens: Sequence[Token], subject: Token, context: SpeakerContext) -> bool:
    """Whether a clause can be understood without the text around it: its subject, and whatever it points at."""
    nobody = (VAGUE | INDEFINITE | UNRESOLVED) - ({"you"} if context.listener else set())
    named = {*context.third, *context.named}
    if subject.lower_ in nobody and subject.i not in named:
        return False
    if any(child.lower_ in POINTING for child in subject.children if child.dep_ == "det"):
        return False
    inside = {token.i for token in subject.subtree}
    for token in tokens:
        points = token.lower_ in UNRESOLVED and token.i not in named and token.i not in context.quoted
        if points and token.pos_ in ("PRON", "DET") and token.dep_ not in ("expl", "mark", "det", "relcl"):
            before = [word for word in tokens if word.i < token.i and word.pos_ in ("NOUN", "PROPN")]
            if token.i in inside or not any(_may_mean(token, word) for word in before):
                return False
    return True


def _may_mean(pronoun: Token, noun: Token) -> bool:
    """Whether a pronoun may stand for a noun before it in its clause: ``bought two bikes and sold them``."""
    if pronoun.lower_ in ("it", "its", "this", "that"):
        return bool(noun.pos_ == "NOUN" and noun.tag_ == "NN")
    if pronoun.lower_ in ("they", "them", "their", "theirs"):
        return bool(noun.tag_ in ("NNS", "NNPS") or any(child.dep_ == "conj" for child in noun.children))
    return noun.lower_ in GENDERED or noun.lemma_.lower() in PEOPLE


def _was_added(subject: Token, document: Document, block: Block) -> bool:
    """Whether the subject is an ``I`` that the text leaves out."""
    start, end = block.traced.span(subject.idx, subject.idx + 1)
    return bool(subject.lower_ == "i" and not WRITTEN_I.match(document.text[start:end]))


def _text(tokens: Sequence[Token]) -> str:
    return "".join(token.text_with_ws for token in tokens)


def _confidence(*, complete: bool, inferred: bool) -> float:
    """Return 0.9 for explicit subject, verb and complement, and less for each that is inferred or missing."""
    return round(0.9 - 0.2 * (not complete) - 0.1 * inferred, 2)


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
    subject: Token, name: Token, document: Document, block: Block, context: SpeakerContext, people: KnownPeople
) -> Fact:
    """Make the fact that an apposition states: ``my sister Ilse`` says that Ilse is the speaker's sister."""
    who = people.canonical(" ".join(token.text for token in name.subtree if token.dep_ in ("compound", "appos")))
    role = [token for token in subject.subtree if token.i < name.left_edge.i and not token.is_punct]
    value = Rewriter(role, context, {}).render(role)
    phrase = list(subject.subtree)
    start, end = block.traced.span(phrase[0].idx, phrase[-1].idx + len(phrase[-1].text))
    return make_fact(
        document, start, end,
        subject=who,
        relation="be",
        value=value,
        statement=f"{people.spoken_name(who)} is {value}.",
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
        if token.i in context.quoted:
            continue
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
