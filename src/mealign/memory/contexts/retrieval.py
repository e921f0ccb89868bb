"""The facts that a search finds, and a note where they are about another person than the question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from mealign.memory.contexts import Asked
from mealign.memory.search import FactIndex
from mealign.memory.settings import ContextConfig
from mealign.memory.subject_mismatch import Recalled, recall


def show(asked: Sequence[Asked], index: FactIndex, *, person: str, settings: ContextConfig) -> list[Recalled]:
    """Show the ``top_k`` facts that fit a question best (:meth:`mealign.memory.search.FactIndex.search`)."""
    # A search has one date and one set of excluded facts.
    together: dict[tuple[date | None, frozenset[str]], list[int]] = {}
    for position, question in enumerate(asked):
        together.setdefault((question.as_of, question.exclude), []).append(position)
    shown: dict[int, Recalled] = {}
    for (as_of, exclude), positions in together.items():
        texts = [asked[position].text for position in positions]
        found = recall(texts, index, person=person, k=settings.top_k, as_of=as_of, exclude=exclude)
        shown |= zip(positions, found, strict=True)
    return [shown[position] for position in range(len(asked))]
