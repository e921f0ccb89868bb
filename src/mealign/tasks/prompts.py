"""Prompts: which facts each task shows; those that its answer rests on are always among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mealign.memory.context import answer_prompt
from mealign.memory.search import FactIndex
from mealign.memory.subject_mismatch import Recalled, recall
from mealign.records import Fact, Family, Split, Task, TaskKind, content_id


@dataclass(frozen=True)
class PlannedTask:
    """A task before its prompt.

    ``query`` is what the memory is searched for; empty for a prompt without memory. ``of_another``: the question asks
    about one person what the memory says about another.
    """

    kind: TaskKind
    family: Family
    question: str
    reference: str
    fact_ids: tuple[str, ...]
    split: Split
    query: str = ""
    of_another: bool = False


def build_prompts(
    items: Sequence[PlannedTask],
    facts: Mapping[str, Fact],
    index: FactIndex,
    *,
    person: str,
    top_k: int,
    held_out: frozenset[str],
) -> list[Task]:
    """Search the memory for every item that has a query and build its task, in the order given.

    A training prompt never shows a held-out fact. Facts on which an item rests are added where the search misses them,
    so an unanswerable question is shown the fact from which it was derived.
    """
    recalled: dict[int, Recalled] = {}
    for split, exclude in (("train", held_out), ("eval", frozenset[str]())):
        chosen = [position for position, item in enumerate(items) if item.query and item.split == split]
        queries = [items[position].query for position in chosen]
        found = recall(queries, index, person=person, k=top_k, exclude=exclude)
        recalled |= dict(zip(chosen, found, strict=True))
    nothing = Recalled([], None)
    return [
        _task(item, recalled.get(position, nothing), facts, person=person, top_k=top_k)
        for position, item in enumerate(items)
    ]


def _task(item: PlannedTask, recalled: Recalled, facts: Mapping[str, Fact], *, person: str, top_k: int) -> Task:
    shown, instead = recalled
    found = {fact.id for fact in shown}
    missing = [facts[fact_id] for fact_id in item.fact_ids if fact_id not in found]
    if item.query and missing:
        shown = _with_missing(item, shown, missing, top_k)
    prompt = answer_prompt(item.question, person=person, kind=item.kind, facts=shown, instead=instead)
    context = tuple(fact.id for fact in shown)
    identity = (item.kind, item.question, item.reference, [message.content for message in prompt], item.split)
    return Task(
        id=content_id("task", *identity),
        kind=item.kind,
        family=item.family,
        question=item.question,
        prompt=prompt,
        reference=item.reference,
        fact_ids=item.fact_ids,
        context_fact_ids=context,
        split=item.split,
    )


def _with_missing(item: PlannedTask, shown: Sequence[Fact], missing: Sequence[Fact], top_k: int) -> list[Fact]:
    """Replace the worst matches that the item does not need by the missing facts."""
    needed = [fact for fact in shown if fact.id in item.fact_ids]
    others = [fact for fact in shown if fact.id not in item.fact_ids]
    room = max(top_k - len(needed) - len(missing), 0)
    return [*needed, *missing, *others[:room]]
