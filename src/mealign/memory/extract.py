"""Facts found by a dependency parse of every document (:mod:`mealign.memory.statements`), each document parsed once.

A document is processed twice: for what it says about names, then for its facts. Both results are kept in a memo under
the document's id and everything else that they depend on, so that only a new note has to be parsed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mealign.jsonl import digest_path
from mealign.memory.facts import document_order, oldest_first, sorted_facts
from mealign.memory.known_people import KnownPeople, NameMentions, name_mentions_in
from mealign.memory.languages import ENGLISH, counts, language_of, languages_of
from mealign.memory.reading import Block, Role, blocks
from mealign.memory.statements import ClauseRefusal, ParsedBlock, facts_in
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
    names = {person, *(name for each in ordered for name in (each.author, *each.participants))}
    speakers = KnownPeople.of(names)
    languages = languages_of(ordered)
    parsing = _DocumentParser(parser, memo, languages)
    mentions = parsing.name_mentions(ordered, speakers)
    people = KnownPeople.of(names, mentions)
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
        self._parses: dict[str, list[tuple[Block, NDArray[np.uint64] | None]]] = {}
        self.documents_read = 0

    def name_mentions(self, documents: Sequence[Document], speakers: KnownPeople) -> list[tuple[str, NameMentions]]:
        """Return every document's author and what the document says about names."""

        def work(document: Document, blocks: Sequence[ParsedBlock], about: KnownPeople) -> NameMentions:
            sentences = [sentence for block in blocks if block.parsed for sentence in block.parsed.sents]
            return name_mentions_in(sentences, speaker=about.spoken_name(document.author), known=about.spoken)

        results = self._each("names", NameMentions, documents, speakers, work)
        return [(document.author, result) for document, result in zip(documents, results, strict=True)]

    def facts(self, documents: Sequence[Document], people: KnownPeople) -> Iterator[DocumentFacts]:
        """Yield the facts of every document."""

        def work(document: Document, blocks: Sequence[ParsedBlock], about: KnownPeople) -> DocumentFacts:
            found = list(facts_in(document, blocks, about))
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
        work: Callable[[Document, Sequence[ParsedBlock], KnownPeople], M],
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

    def _parse(self, documents: Sequence[tuple[Document, KnownPeople]]) -> Iterator[list[ParsedBlock]]:
        """Yield the paragraphs of each document with their parses, reusing those made earlier in this run."""
        nlp = _pipeline(self._parser)
        divided = {each.id: self._blocks(each, people) for each, people in documents if each.id not in self._parses}
        own = [block for found in divided.values() for block in found if block.role is Role.own]
        read: dict[int, NDArray[np.uint64]] = {}
        tokenized = ((nlp.make_doc(block.text), position) for position, block in enumerate(own))
        for batch in groups(tokenized, PIPELINE_BATCH, BATCH_TOKENS, lambda piece: len(piece[0])):
            for parsed, position in nlp.pipe(batch, as_tuples=True, batch_size=PIPELINE_BATCH):
                read[position] = parsed.to_array(ANNOTATIONS)
        arrays = (read[position] for position in range(len(own)))
        self._parses |= {
            identifier: [(block, next(arrays) if block.role is Role.own else None) for block in found]
            for identifier, found in divided.items()
        }
        self.documents_read += len(divided)
        for document, _ in documents:
            yield [
                ParsedBlock(block, None if tokens is None else _unpacked(tokens, nlp.vocab))
                for block, tokens in self._parses[document.id]
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


@cache
def _pipeline(parser: Path) -> Any:
    import spacy

    return spacy.load(parser)
