"""Facts with time and evidence, as corrected by the user, their embeddings, topics, and the bio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mealign import terminal
from mealign.config import Settings
from mealign.errors import MealignError
from mealign.jsonl import read_record, read_records, write_json, write_records
from mealign.language.settings import LOCAL, Destination, goes_to, server_of
from mealign.memory.settings import Extractor
from mealign.pipeline.memos import kept
from mealign.pipeline.models import language_model, parser
from mealign.pipeline.recalling import embedder
from mealign.pipeline.stage import Stage, StageContext
from mealign.summaries import Funnel, Summary

if TYPE_CHECKING:
    from mealign.language.chat import TextModel
    from mealign.memory.profile import BioSentence
    from mealign.memory.topics import Topic
    from mealign.records import Document, Fact


@dataclass(frozen=True, kw_only=True)
class MemorySummary(Summary):
    """How many facts there are, and what was read and rejected; ``quotes`` are kept as they were said, for search.

    ``refused`` counts clauses of the statements extractor by reason, ``languages`` the documents that it does not
    read, by language; ``extraction`` and ``bio`` are the counts of a language model that reads and writes.
    """

    facts: int
    quotes: int
    superseded: int
    topics: int
    dimensions: int
    corrections: dict[str, int]
    refused: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    extraction: dict[str, Any] = field(default_factory=dict)
    bio: dict[str, Any] = field(default_factory=dict)


def run(context: StageContext) -> MemorySummary:
    """Extract, correct, embed, and summarise."""
    import numpy as np

    from mealign.memory.corrections import correct, unmatched
    from mealign.memory.facts import document_order
    from mealign.memory.passages import passages_of
    from mealign.memory.profile import build_profile
    from mealign.memory.search import embed
    from mealign.memory.topics import find_topics
    from mealign.records import Corrections, Document

    documents = read_records(context.inputs / "documents.jsonl", Document)
    corrections = read_record(context.inputs / "corrections.json", Corrections)
    model = cache(lambda: _extracting_model(context))
    extracted, counts = _extract(context, documents, model)
    if all(fact.quote for fact in extracted):
        mend = "add notes with full English sentences, or let a language model read them (memory=llm)"
        raise MealignError(f"no statement was found in {len(documents)} documents; {mend}")
    facts = correct(extracted, corrections, order=document_order(documents))
    if not facts:
        raise MealignError(f"corrections.yaml drops all {len(extracted)} facts; keep some of them")
    without_fact = unmatched(extracted, corrections)
    for line in without_fact:
        terminal.show(f"corrections.yaml:{line}: this entry concerns no fact; correct its id or text, or delete it")
    encode = partial(embedder(context).encode, description="embed facts")
    vectors = embed(facts, passages_of(facts, documents), encode)
    stated = np.array([not fact.quote for fact in facts], dtype=bool)
    topics = find_topics([fact for fact in facts if not fact.quote], vectors[stated, 0])
    bio, bio_counts = _bio(context, facts, topics, model)
    profile = build_profile(facts, person=context.settings.user.person, bio=bio, topics=topics)
    write_records(context.outputs / "memory/facts.jsonl", facts)
    write_json(context.outputs / "memory/profile.json", profile.model_dump(mode="json"))
    np.save(context.outputs / "memory/embeddings.npy", vectors)
    superseded = sum(fact.superseded_by is not None for fact in facts)
    return MemorySummary(
        funnel=Funnel(what="facts", count=int(stated.sum()), rest={"superseded": superseded}),
        facts=int(stated.sum()),
        quotes=int((~stated).sum()),
        superseded=superseded,
        topics=len(topics),
        dimensions=int(vectors.shape[2]),
        corrections={"entries": len(corrections.entries), "unmatched": len(without_fact)},
        bio=bio_counts,
        **counts,
    )


def _extract(
    context: StageContext, documents: Sequence[Document], model: Callable[[], TextModel]
) -> tuple[list[Fact], dict[str, Any]]:
    """Return the facts that the chosen extractor finds, and its counts."""
    settings = context.settings
    if settings.memory.extractor is Extractor.statements:
        from mealign.memory.extract import Remembered, extract_facts

        with kept(context, "read", Remembered) as memo:
            read = extract_facts(
                documents,
                person=settings.user.person,
                parser=parser(context),
                memo=memo,
            )
        # Not in the summary: how much was already known is not a property of the result.
        terminal.show(f"read {read.documents_read} of {len(documents)} documents; the others are known")
        if read.languages:
            found = ", ".join(f"{number} in {code}" for code, number in read.languages.items())
            terminal.show(f"memory=statements reads English; not in English: {found}; memory=llm reads those, too")
        return read.facts, {"refused": read.refused, "languages": read.languages}
    from mealign.memory.llm import extract_with_llm

    extraction = extract_with_llm(
        documents,
        person=settings.user.person,
        model=model(),
        settings=settings.memory.llm,
        cache=_replies(context),
    )
    terminal.show(f"asked {extraction.asked} times; {extraction.cached} replies were known")
    return extraction.facts, {"extraction": extraction.counts()}


def _bio(
    context: StageContext, facts: Sequence[Fact], topics: Sequence[Topic], model: Callable[[], TextModel]
) -> tuple[list[BioSentence], dict[str, Any]]:
    """Return the bio: written by the model that read the documents, else statements chosen from the facts."""
    from mealign.memory.bio_llm import abstractive_bio
    from mealign.memory.first_person import first_person
    from mealign.memory.profile import BioSentence, extractive_bio

    settings = context.settings
    person, sentences = settings.user.person, settings.memory.bio_sentences
    counts: dict[str, Any] = {}
    if settings.memory.extractor is Extractor.llm:
        written = abstractive_bio(
            facts,
            person=person,
            model=model(),
            settings=settings.memory.llm,
            cache=_replies(context),
            sentences=sentences,
        )
        counts = {"written": len(written.sentences), "refused": written.refused}
        if written.sentences:
            own = first_person([text for text, _ in written.sentences], person=person, parser=parser(context))
            bio = [
                BioSentence(text=text, first_person=first, fact_ids=ids)
                for (text, ids), first in zip(written.sentences, own, strict=True)
            ]
            return bio, counts
    return extractive_bio(facts, topics, person=person, sentences=sentences, parser=parser(context)), counts


def _extracting_model(context: StageContext) -> TextModel:
    from mealign.language.build import build_model

    asked = context.settings.memory.llm
    if asked.backend == LOCAL:
        return language_model(context)
    return build_model(
        asked,
        spent=_replies(context) / "spent",
        ledger=context.ledger,
        prices=context.settings.prices,
    )


def _replies(context: StageContext) -> Path:
    """Return the folder with earlier answers of the extracting model."""
    return context.store / "llm"


def reader(settings: Settings) -> tuple[str, ...]:
    """Return what decides about the model that reads the documents: the run's own, or the prices of one on a server."""
    memory = settings.memory
    if memory.extractor is not Extractor.llm:
        return ()
    return ("model",) if memory.llm.backend == LOCAL else ("prices",)


def sends(settings: Settings) -> Iterator[Destination]:
    """Yield the server that reads the notes."""
    llm = settings.memory.llm
    return goes_to(llm, server_of(llm), key="memory.llm", what="your notes")


STAGE = Stage(
    name="memory",
    run=run,
    reads=("documents.jsonl", "corrections.json"),
    writes=("memory/facts.jsonl", "memory/profile.json", "memory/embeddings.npy"),
    settings=("user.person", "memory"),
    settings_if=reader,
    sends=sends,
)
