"""The context of a judge: what it is shown besides the question and the two answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mealign.judging.quoting import plain, quote
from mealign.judging.settings import JudgeView
from mealign.records import Fact, Task, content_id

if TYPE_CHECKING:
    from mealign.memory.graph import FactGraph
    from mealign.memory.search import FactIndex

NOTHING_FOUND = "[]"


@dataclass(frozen=True)
class Shown:
    """What a judge is shown for one task.

    Attributes:
        values: quoted texts for ``person``, ``question``, ``bio``, ``reference`` and ``evidence``.
        facts: ids of the facts in the evidence, and of those from which the task was made.
    """

    values: dict[str, str]
    facts: tuple[str, ...]


class JudgeContext:
    """Provides the values of a template's placeholders; all text that somebody wrote is quoted.

    Args:
        view: what is shown.
        facts: the person's whole memory.
        index: finds facts; called for the views ``retrieval`` and ``graph`` alone.
        bio: the person's bio.
        person: full name.
        top_k: number of facts found per question, and, in the view ``graph``, of their neighbours.
    """

    def __init__(
        self,
        view: JudgeView,
        *,
        facts: Sequence[Fact],
        index: Callable[[], FactIndex],
        bio: str,
        person: str,
        top_k: int,
    ) -> None:
        self._view = view
        self._facts = facts
        self._index = index
        self._top_k = top_k
        self._person, self._bio = plain(person), quote(bio)
        searched = view in (JudgeView.retrieval, JudgeView.graph)
        # A fact's id does not cover its statement and its successor, which are both shown.
        memory = sorted((fact.model_dump(mode="json") for fact in facts), key=lambda fact: fact["id"])
        self.digest = content_id("shown", view.value, person, bio, [top_k, memory] if searched else None)

    def shown(self, tasks: Sequence[Task]) -> list[Shown]:
        """Return what is shown for every task."""
        return [
            Shown(
                values={
                    "person": self._person,
                    "question": quote(task.question),
                    "bio": self._bio,
                    "reference": quote(task.reference),
                    "evidence": "\n".join(evidence.values()) or NOTHING_FOUND,
                },
                facts=tuple(dict.fromkeys((*task.fact_ids, *evidence))),
            )
            for task, evidence in zip(tasks, self._evidence(tasks), strict=True)
        ]

    def _evidence(self, tasks: Sequence[Task]) -> list[dict[str, str]]:
        """Return for every task a line per fact, by the fact's id."""
        if self._view not in (JudgeView.retrieval, JudgeView.graph):
            return [{} for _ in tasks]
        questions = list(dict.fromkeys(task.question for task in tasks))
        found = self._index().search(questions, k=self._top_k)
        if self._view is JudgeView.retrieval:
            lines = [{fact.id: quote(fact.statement) for fact in facts} for facts in found]
        else:
            from mealign.memory.graph import FactGraph

            graph = FactGraph(self._facts)
            lines = [_with_neighbours(facts, graph, limit=self._top_k) for facts in found]
        lines_of = dict(zip(questions, lines, strict=True))
        return [lines_of[task.question] for task in tasks]


def _with_neighbours(found: Sequence[Fact], graph: FactGraph, *, limit: int) -> dict[str, str]:
    """Write the facts found, what replaced each and what it replaced, and up to ``limit`` facts one hop away.

    A neighbour shares a name with a fact that was found; rare names come first, because a name in every fact connects
    nothing.
    """
    chosen = {fact.id: fact for fact in found}
    for fact in found:
        chosen |= {other.id: other for other in graph.history(fact.id)}
    count = graph.names()
    names = sorted({name for fact in found for name in graph.names_in(fact.id)}, key=lambda name: (count[name], name))
    neighbours = {fact.id: fact for name in names for fact in graph.about(name) if fact.id not in chosen}
    return {fact.id: _line(fact, graph) for fact in (*chosen.values(), *list(neighbours.values())[:limit])}


def _line(fact: Fact, graph: FactGraph) -> str:
    replacement = graph.successor(fact.id)
    fields = {
        "fact": " | ".join(plain(part) for part in (fact.subject, fact.relation, fact.object)),
        "statement": plain(fact.statement),
        "from": fact.valid_from and fact.valid_from.isoformat(),
        "to": fact.valid_to and fact.valid_to.isoformat(),
        "replaced_by": replacement and plain(replacement.statement),
    }
    return json.dumps({name: value for name, value in fields.items() if value}, ensure_ascii=False)
