"""Which facts are held out: whole groups of facts that tasks connect, drawn by a seeded hash.

A task over two facts, a fact and the one that replaced it, and two facts that say nearly the same must fall on the same
side; otherwise what is evaluated would have been trained on in other words.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mealign.records import Fact, Split

NEAR_IDENTICAL = 92.0
"""Token-sort similarity in percent, without dates, from which two statements count as the same."""

LARGEST_GROUP = 8
"""A task may not join facts into a group larger than this: one draw would decide about too many tasks."""


class HasFacts(Protocol):
    """Anything that rests on facts."""

    @property
    def fact_ids(self) -> tuple[str, ...]:
        """Ids of the facts."""
        ...


D = TypeVar("D", bound=HasFacts)


@dataclass(frozen=True)
class Splitting:
    """The side of every fact, and how many drafts were dropped because they joined too many facts."""

    sides: Mapping[str, Split]
    dropped: int

    @property
    def held_out(self) -> frozenset[str]:
        """Ids of the facts that no training prompt may show."""
        return frozenset(fact_id for fact_id, side in self.sides.items() if side == "eval")


def split_facts(facts: Sequence[Fact], drafts: Sequence[D], *, share: float, seed: int) -> tuple[Splitting, list[D]]:
    """Assign every fact to a side; return the sides and the drafts whose facts lie on one side.

    ``share`` of the groups (so of the facts, on average) are held out. Facts are first joined by content, always; a
    draft joins its facts only while the group stays small, otherwise it is dropped.
    """
    from networkx.utils import UnionFind

    groups = UnionFind(fact.id for fact in facts)
    for tied in [*_superseded(facts), *near_identical(facts)]:
        groups.union(*tied)
    kept, dropped = [], 0
    for draft in drafts:
        roots = {groups[fact_id] for fact_id in draft.fact_ids}
        if len(roots) > 1 and sum(groups.weights[root] for root in roots) > LARGEST_GROUP:
            dropped += 1
            continue
        groups.union(*roots)
        kept.append(draft)
    # A group is named by its smallest id, whatever joined it first.
    names = {fact_id: min(group) for group in groups.to_sets() for fact_id in group}
    sides = {fact.id: side_of(names[fact.id], share=share, seed=seed) for fact in facts}
    return Splitting(sides, dropped), kept


def side_of(group: str, *, share: float, seed: int) -> Split:
    """Draw the side of a group, which depends on its name and the seed alone."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return "eval" if int.from_bytes(digest[:8], "big") < share * 2**64 else "train"


def near_identical(facts: Sequence[Fact]) -> list[tuple[str, str]]:
    """Return pairs of facts whose statements differ in little more than their dates."""
    import numpy as np
    from rapidfuzz import fuzz, process

    by_subject: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_subject[fact.subject].append(fact)
    pairs = []
    for subject in sorted(by_subject):
        group = by_subject[subject]
        texts = [re.sub(r"\d+", "", fact.statement.lower()) for fact in group]
        scores = process.cdist(texts, texts, scorer=fuzz.token_sort_ratio, score_cutoff=NEAR_IDENTICAL)
        pairs += [(group[i].id, group[j].id) for i, j in zip(*np.nonzero(np.triu(scores, k=1)), strict=True)]
    return pairs


def _superseded(facts: Sequence[Fact]) -> list[tuple[str, str]]:
    known = {fact.id for fact in facts}
    return [(fact.id, fact.superseded_by) for fact in facts if fact.superseded_by in known and fact.superseded_by]
