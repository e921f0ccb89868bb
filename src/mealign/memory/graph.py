"""The facts as a graph, from each name to the facts that mention it and on to other names.

The graph is bipartite: names on one side, facts on the other, and an edge where a fact mentions a name. A statement
names one, two or five things; an edge for each pair of them would cut it to pieces, whereas a node keeps it whole, with
its time and evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mealign.memory.context import in_time_order
from mealign.memory.entities import named_entities
from mealign.records import Fact

MAX_HOPS = 2


@dataclass(frozen=True)
class Chain:
    """Facts that lead from one name to another: ``names`` has one more element than ``facts``, the ends among them."""

    names: tuple[str, ...]
    facts: tuple[Fact, ...]


class FactGraph:
    """Names and facts, and how they are connected. Every answer is in chronological order, equal days by id.

    Args:
        facts: facts of any number of people; of two with the same id the first is kept.
    """

    def __init__(self, facts: Sequence[Fact]) -> None:
        import networkx as nx

        self._facts: dict[str, Fact] = {}
        for fact in facts:
            self._facts.setdefault(fact.id, fact)
        self._names = named_entities(list(self._facts.values()))
        self._graph = nx.Graph()
        for identity, names in self._names.items():
            self._graph.add_node(("fact", identity))
            self._graph.add_edges_from((("fact", identity), ("name", name)) for name in names)
        self._replaced: dict[str, list[Fact]] = {}
        for fact in self._facts.values():
            if fact.superseded_by is not None:
                self._replaced.setdefault(fact.superseded_by, []).append(fact)

    def names(self) -> Counter[str]:
        """Return every name with the number of facts that mention it."""
        return Counter({node[1]: degree for node, degree in self._graph.degree if node[0] == "name"})

    def names_in(self, fact_id: str) -> tuple[str, ...]:
        """Return the names that a fact mentions, its subject first.

        Raises:
            KeyError: there is no such fact.
        """
        return self._names[fact_id]

    def about(self, entity: str) -> list[Fact]:
        """Return the facts that name an entity; none for a name that is unknown."""
        return in_time_order([self._facts[identity] for identity in self.neighbourhood(entity)])

    def neighbourhood(self, entity: str) -> frozenset[str]:
        """Return the ids of the facts that name an entity; none for a name that is unknown."""
        return frozenset(self._neighbours("name", entity))

    def co_participants(self, entity: str) -> Counter[str]:
        """Return the other names in an entity's facts, each with the number of facts that it shares."""
        shared = Counter(name for identity in self.neighbourhood(entity) for name in self._names[identity])
        del shared[entity]
        return shared

    def paths(self, start: str, end: str, *, max_hops: int = MAX_HOPS) -> Iterator[Chain]:
        """Yield the chains of one fact, then those of two, that join two names, the earliest first.

        Of two facts, the first does not name ``end`` and the second does not name ``start``: such a fact is a chain of
        its own. A name with many facts gives many chains, so they are generated lazily.

        Raises:
            ValueError: ``max_hops`` is neither 1 nor 2.
        """
        if max_hops not in (1, MAX_HOPS):
            raise ValueError(f"max_hops={max_hops}: chains have one or two facts")
        if start == end:
            return
        for fact in self.about(start):
            if end in self._names[fact.id]:
                yield Chain(names=(start, end), facts=(fact,))
        if max_hops == MAX_HOPS:
            yield from self._two_hops(start, end)

    def _two_hops(self, start: str, end: str) -> Iterator[Chain]:
        last = [fact for fact in self.about(end) if start not in self._names[fact.id]]
        for first in self.about(start):
            if end in self._names[first.id]:
                continue
            for second in last:
                between = [name for name in self._names[first.id] if name != start and name in self._names[second.id]]
                if between:
                    yield Chain(names=(start, between[0], end), facts=(first, second))

    def timeline(self, entity: str | None = None) -> list[Fact]:
        """Return the facts with a first day, of everything or of those that name one entity."""
        chosen = self.about(entity) if entity is not None else in_time_order(list(self._facts.values()))
        return [fact for fact in chosen if fact.valid_from is not None]

    def successor(self, fact_id: str) -> Fact | None:
        """Return the fact that replaced a fact; None where it still holds or its successor is not among the facts.

        Raises:
            KeyError: there is no such fact.
        """
        replacement = self._facts[fact_id].superseded_by
        return self._facts.get(replacement) if replacement not in (None, fact_id) else None

    def replaced(self, fact_id: str) -> list[Fact]:
        """Return the facts that a fact replaced."""
        return in_time_order([fact for fact in self._replaced.get(fact_id, []) if fact.id != fact_id])

    def history(self, fact_id: str) -> list[Fact]:
        """Return all versions of a fact: its predecessors, itself and its successors; a cycle is followed once.

        Raises:
            KeyError: there is no such fact.
        """
        found = {fact_id: self._facts[fact_id]}
        waiting = [fact_id]
        while waiting:
            identity = waiting.pop()
            after = self.successor(identity)
            for fact in (*self.replaced(identity), *([after] if after else [])):
                if fact.id not in found:
                    found[fact.id] = fact
                    waiting.append(fact.id)
        return in_time_order(list(found.values()))

    def _neighbours(self, side: str, key: str) -> list[str]:
        node = (side, key)
        return [neighbour[1] for neighbour in self._graph[node]] if node in self._graph else []
