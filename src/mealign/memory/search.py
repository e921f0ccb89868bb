"""Finding the facts that a question is about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mealign.records import Fact

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

SUPERSEDED_PENALTY = 0.02
"""Cosine that a superseded fact loses: enough to come after its successor when the two say the same thing otherwise,
too little to hide it from a question about the past."""


def searchable_text(fact: Fact) -> str:
    """Return the text that stands for a fact in the embedding space."""
    return fact.statement


class FactIndex:
    """Nearest facts by cosine similarity.

    Args:
        facts: n facts.
        vectors: their embeddings, float32 of shape [n, d], rows of length 1.
        encode: embeds queries into the same space.

    Raises:
        ValueError: facts and vectors differ in number.
    """

    def __init__(self, facts: Sequence[Fact], vectors: NDArray[np.float32], encode: Encode) -> None:
        if len(facts) != len(vectors):
            raise ValueError(f"{len(facts)} facts but {len(vectors)} vectors; embed the facts again")
        order = sorted(range(len(facts)), key=lambda index: facts[index].id)
        self._facts = [facts[index] for index in order]
        self._vectors = vectors[order]
        self._encode = encode
        self._penalty = np.array([SUPERSEDED_PENALTY * (fact.superseded_by is not None) for fact in self._facts])

    def search(
        self, queries: Sequence[str], *, k: int, as_of: date | None = None, exclude: Collection[str] = ()
    ) -> list[list[Fact]]:
        """Return up to ``k`` facts a query, nearest first; equal facts in the order of their ids.

        Args:
            queries: texts.
            k: number of facts.
            as_of: when given, facts that begin after that day are left out.
            exclude: ids of facts that are left out.
        """
        if not queries or not self._facts:
            return [[] for _ in queries]
        left_out = set(exclude)
        allowed = np.array(
            [
                fact.id not in left_out and not (as_of and fact.valid_from and fact.valid_from > as_of)
                for fact in self._facts
            ]
        )
        scores = self._encode(list(queries)) @ self._vectors.T - self._penalty
        # Rounding makes equal texts equal whatever the batch they were embedded in.
        scores = np.where(allowed, np.round(scores, 5), -np.inf)
        found = []
        for row in scores:
            best = np.argsort(-row, kind="stable")[:k]
            found.append([self._facts[index] for index in best if np.isfinite(row[index])])
        return found
