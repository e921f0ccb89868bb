"""Finding the facts that are relevant to a question.

A fact has two texts, its statement and the passage around it, and each is compared with the question twice: by meaning
(cosine of embeddings) and by words (BM25, Robertson & Zaragoza 2009, section 3.1). The four scores are standardised to
mean 0 and deviation 1 over all facts of a question and added, so none of them needs a weight (the z-score normalisation
of Lee, SIGIR 1997, CombSUM of Fox & Shaw, TREC-2). Facts gain further where the question names their person or time,
and where they share an entity with the best facts.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mealign.memory.passages import Passage
from mealign.memory.times import Time, times_in
from mealign.records import Fact, content_id

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Scores = NDArray[np.float32]

# All of these are in standard deviations of one of the four scores.
SUPERSEDED_PENALTY = 0.3
"""What a superseded fact loses: enough to rank below its successor when the two are otherwise alike, too little to hide
it from a question about the past."""
IN_PERIOD = 2.0
"""What a fact gains when it was told, or began, within a time that the question names."""
SUBJECT_NAMED = 1.0
"""What a fact gains when it is about somebody, or something, that the question names."""
MAIN_SUBJECT = 0.3
"""Being about the subject of more than this share of the facts earns nothing."""
SHARED_ENTITY = 0.25
"""Share of a leading fact's lead that is passed on to the facts that name the same entities."""

SEEDS = 50
"""Facts of a question whose lead over the next best is passed on."""
COMMON = 0.1
"""An entity that more than this share of the facts name connects none of them."""
QUERIES_AT_ONCE = 256
LONGEST_NAME = 3
WORD = r"(?u)\b\w+\b"


def embed(facts: Sequence[Fact], passages: Sequence[Passage], encode: Encode) -> NDArray[np.float32]:
    """Embed the two texts of every fact: float32 of shape [n, 2, d], the statement before the passage."""
    texts = [text for fact, passage in zip(facts, passages, strict=True) for text in (fact.statement, passage.text)]
    vectors = encode(texts)
    return vectors.reshape(len(facts), 2, vectors.shape[1])


class FactIndex:
    """Ranks facts by their relevance to a question.

    Args:
        facts: n facts.
        passages: the passage of each.
        vectors: their embeddings (:func:`embed`), float32 of shape [n, 2, d], rows of length 1.
        encode: embeds queries into the same space.

    Raises:
        ValueError: facts, passages and vectors differ in number.
    """

    def __init__(
        self, facts: Sequence[Fact], passages: Sequence[Passage], vectors: NDArray[np.float32], encode: Encode
    ) -> None:
        if not len(facts) == len(passages) == len(vectors):
            raise ValueError(
                f"{len(facts)} facts but {len(passages)} passages and {len(vectors)} vectors; embed the facts again"
            )
        order = sorted(range(len(facts)), key=lambda index: facts[index].id)
        self._facts = [facts[index] for index in order]
        self._passages = [passages[index] for index in order]
        self._latest = max((passage.written for passage in passages), default=date.min)
        told = [passages[index].written for index in order]
        # A fact without a time of its own begins on the day on which it was told.
        began = [fact.valid_from or day for fact, day in zip(self._facts, told, strict=True)]
        self._days = np.array([[day.toordinal() for day in days] for days in (told, began)])
        self._vectors = np.ascontiguousarray(vectors[order].transpose(1, 2, 0))
        self._words = [
            _Words([fact.statement for fact in self._facts]),
            _Words([passages[index].text for index in order]),
        ]
        self._encode = encode
        self._entities = _Entities(self._facts)
        superseded = [fact.superseded_by is not None for fact in self._facts]
        self._penalty = SUPERSEDED_PENALTY * np.array(superseded, dtype=np.float32)

    @property
    def facts(self) -> list[Fact]:
        """The n facts, sorted by id: the order of every score."""
        return self._facts

    @property
    def passages(self) -> list[Passage]:
        """The passage of each of :attr:`facts`."""
        return self._passages

    @property
    def digest(self) -> str:
        """Hash of everything that scores depend on: facts, passages, and embeddings, which stand for the model."""
        known = [fact.model_dump(mode="json") for fact in self._facts]
        texts = [(passage.text, passage.written, passage.own, passage.speaker) for passage in self._passages]
        return content_id("index", known, texts, hashlib.sha256(self._vectors.tobytes()).hexdigest())

    def relevance(self, queries: Sequence[str], *, as_of: date | None = None) -> Scores:
        """Score every fact for every query, as :meth:`search` ranks them: float32 of shape [queries, n]."""
        return self._scores(list(queries), as_of or self._latest)

    def open_facts(self, *, as_of: date | None = None, exclude: Collection[str] = ()) -> NDArray[np.bool_]:
        """Return which facts may be found: not excluded, and begun by ``as_of`` if given. Shape [n]."""
        left_out = set(exclude)
        return np.array(
            [
                fact.id not in left_out and not (as_of and fact.valid_from and fact.valid_from > as_of)
                for fact in self._facts
            ],
            dtype=bool,
        )

    def similarity(self, texts: Sequence[str]) -> tuple[Scores, Scores]:
        """Return the cosine of every text with every statement and every passage: float32, each of shape [texts, n]."""
        vectors = self._encode(texts)
        return vectors @ self._vectors[0], vectors @ self._vectors[1]

    def search(
        self, queries: Sequence[str], *, k: int, as_of: date | None = None, exclude: Collection[str] = ()
    ) -> list[list[Fact]]:
        """Return up to ``k`` facts a query, best first; equal facts in the order of their ids.

        Args:
            queries: texts.
            k: number of facts.
            as_of: when given, facts that begin after that day are left out, and "last week" in a query refers to it.
            exclude: ids of facts that are left out.
        """
        if not queries or not self._facts:
            return [[] for _ in queries]
        open_facts = self.open_facts(as_of=as_of, exclude=exclude)
        found = []
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            batch = list(queries[start : start + QUERIES_AT_ONCE])
            scores = self._scores(batch, as_of or self._latest)
            scores[:, ~open_facts] = -np.inf
            found += [[self._facts[index] for index in _best(row, k)] for row in scores]
        return found

    def _scores(self, queries: Sequence[str], today: date) -> Scores:
        """Score every fact for every query: shape [queries, n]."""
        asked = self._encode(queries)
        words = content_words(queries)
        total = np.tile(-self._penalty, (len(queries), 1))
        for vectors, index in zip(self._vectors, self._words, strict=True):
            for scores in (asked @ vectors, index.scores(words)):
                total += _normalised(scores)
        for row, query in zip(total, queries, strict=True):
            if times := times_in(query, today):
                row += IN_PERIOD * self._within(times)
            if named := self._entities.subjects_named(query):
                row[named] += SUBJECT_NAMED
        return self._entities.pass_on(total)

    def _within(self, times: Iterable[Time]) -> NDArray[np.bool_]:
        """Return which facts were told or began in one of the times: shape [n]."""
        inside = np.zeros(len(self._facts), dtype=bool)
        for time in times:
            first, last = time.start.toordinal(), time.end.toordinal()
            inside |= ((self._days >= first) & (self._days <= last)).any(axis=0)
        return inside


class _Words:
    """BM25 over one text per fact."""

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        tokens = content_words(texts)
        self._size = len(texts)
        self._index = None
        if any(tokens):
            self._index = bm25s.BM25()
            self._index.index(tokens, show_progress=False)

    def scores(self, queries: Sequence[list[str]]) -> Scores:
        """Score every text for every query, given as its tokens: shape [queries, n]."""
        scores = np.zeros((len(queries), self._size), dtype=np.float32)
        for row, tokens in zip(scores, queries, strict=True):
            if self._index and tokens:
                row[:] = self._index.get_scores(tokens)
        return scores


class _Entities:
    """What facts name: their subjects by name, and the entities that connect them."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        from scipy.sparse import csr_array

        subjects: dict[str, list[int]] = {}
        for row, fact in enumerate(facts):
            name = fact.subject.lower()
            for spelling in {name, *name.split()[:1]}:
                subjects.setdefault(spelling, []).append(row)
        self._subjects = {name: rows for name, rows in subjects.items() if len(rows) <= MAIN_SUBJECT * len(facts)}
        named = [set(fact.entities) for fact in facts]
        counts = Counter(name for names in named for name in names)
        joining = sorted(name for name, count in counts.items() if 1 < count <= max(2, COMMON * len(facts)))
        column = {name: index for index, name in enumerate(joining)}
        pairs = [(row, column[name]) for row, names in enumerate(named) for name in names if name in column]
        rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        rarity = np.log(len(facts) / np.array([counts[name] for name in joining], dtype=np.float32))
        shape = (len(facts), len(joining))
        self._names = csr_array((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
        self._weighed = csr_array((rarity[columns], (rows, columns)), shape=shape)
        # A fact's connections to all others add up to 1.
        self._own = self._weighed.sum(axis=1)
        joined = self._weighed @ self._names.sum(axis=0) - self._own
        self._share = np.divide(1, joined, out=np.zeros_like(joined), where=joined > 0)

    def subjects_named(self, query: str) -> list[int]:
        """Return the rows of the facts whose subject a query names, in full or by the first name."""
        words = re.findall(r"\w+", query.lower())
        spellings = {
            " ".join(words[start : start + length])
            for length in range(1, LONGEST_NAME + 1)
            for start in range(len(words) - length + 1)
        }
        return sorted({row for spelling in spellings for row in self._subjects.get(spelling, ())})

    def pass_on(self, scores: Scores) -> Scores:
        """Raise the facts that name the same entities as a query's best facts: shape [queries, n] in and out."""
        if scores.shape[1] <= SEEDS or not self._names.nnz:
            return scores
        bar = np.partition(scores, -SEEDS, axis=1)[:, -SEEDS, None]
        lead = np.maximum(scores - bar, 0)
        passed = (self._weighed @ (self._names.T @ lead.T)).T - lead * self._own
        result: Scores = scores + SHARED_ENTITY * passed * self._share
        return result


def content_words(texts: Sequence[str]) -> list[list[str]]:
    """Split texts into stemmed words without stop words."""
    import bm25s

    found: Any = bm25s.tokenize(
        list(texts), token_pattern=WORD, stopwords="en", stemmer=_stemmer(), return_ids=False, show_progress=False
    )
    return list(found)


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english").stemWords


def _normalised(scores: Scores) -> Scores:
    """Standardise every row to mean 0 and deviation 1; a constant row becomes 0."""
    centred: Scores = scores - scores.mean(axis=1, keepdims=True)
    deviation = np.sqrt(np.einsum("ij,ij->i", centred, centred) / centred.shape[1])[:, None]
    centred *= np.where(deviation > 1e-6, 1 / np.maximum(deviation, 1e-6), 0)
    return centred


def _best(row: Scores, k: int) -> list[int]:
    """Return the indices of the ``k`` highest finite scores, highest first, equal ones in index order."""
    # Rounding gives equal texts equal scores, whatever batch they were embedded in.
    rounded = np.round(row, 3)
    if k < len(rounded):
        candidates = np.flatnonzero(rounded >= np.partition(rounded, -k)[-k])
    else:
        candidates = np.arange(len(rounded))
    ordered = candidates[np.argsort(-rounded[candidates], kind="stable")][:k]
    return [int(index) for index in ordered if np.isfinite(rounded[index])]
