"""Prompts: which facts each task shows; those that its answer rests on are always among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mealign.memory.context import answer_prompt
from mealign.memory.contexts import Asked, shown_by
from mealign.memory.search import FactIndex
from mealign.memory.settings import ContextConfig
from mealign.memory.subject_mismatch import Recalled
from mealign.records import Fact, Family, Split, Task, TaskKind, content_id


@dataclass(frozen=True)
class PlannedTask:
    """A task before its prompt.

    ``query`` is what the context is asked about; empty for a prompt without memory. ``of_another``: the question asks
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
    context: ContextConfig,
    held_out: frozenset[str],
) -> list[Task]:
    """Ask the context about every item that has a query and build its task, in the order given.

    A training prompt never shows a held-out fact. Facts on which an item rests are added where the context shows
    others, so an unanswerable question is shown the fact from which it was derived.
    """
    asked = {
        position: Asked(item.query, exclude=held_out if item.split == "train" else frozenset())
        for position, item in enumerate(items)
        if item.query
    }
    shown = shown_by(context.name, list(asked.values()), index, person=person, settings=context)
    recalled = dict(zip(asked, shown, strict=True))
    nothing = Recalled([], None)
    return [
        _task(item, recalled.get(position, nothing), facts, person=person, top_k=context.top_k)
        for position, item in enumerate(items)
    ]


def _task(item: PlannedTask, recalled: Recalled, facts: Mapping[str, Fact], *, person: str, top_k: int) -> Task:
    shown, instead = recalled
    found = {fact.id for fact in shown}
    missing = [facts[fact_id] for fact_id in item.fact_ids if fact_id not in found]
    if shown and missing:
        shown = _with_missing(item, shown, missing, top_k)
    prompt = answer_prompt(item.question, person=person, kind=item.kind, facts=shown, instead=instead)
    identity = (item.kind, item.question, item.reference, [message.content for message in prompt], item.split)
    return Task(
        id=content_id("task", *identity),
        kind=item.kind,
        family=item.family,
        question=item.question,
        prompt=prompt,
        reference=item.reference,
        fact_ids=item.fact_ids,
        context_fact_ids=tuple(fact.id for fact in shown),
        split=item.split,
    )


def _with_missing(item: PlannedTask, shown: Sequence[Fact], missing: Sequence[Fact], top_k: int) -> list[Fact]:
    """Replace the worst matches that the item does not need by the missing facts."""
    needed = [fact for fact in shown if fact.id in item.fact_ids]
    others = [fact for fact in shown if fact.id not in item.fact_ids]
    room = max(top_k - len(needed) - len(missing), 0)
    return [*needed, *missing, *others[:room]]
