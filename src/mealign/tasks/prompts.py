"""Prompts: which facts each task is shown, and what follows when the one that answers is not among them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mealign.memory.context import answer_prompt
from mealign.memory.search import FactIndex
from mealign.records import ABSTENTION, MEMORY_KINDS, Fact, Family, Split, Task, TaskKind, content_id

INJECTED_SHARE = 0.85
"""Of the prompts whose retrieval misses a needed fact, those in which it is put; the others teach to say so."""


@dataclass(frozen=True)
class Item:
    """A task before its prompt. ``query`` is what the memory is searched for; empty for a prompt without memory."""

    kind: TaskKind
    family: Family
    question: str
    reference: str
    fact_ids: tuple[str, ...]
    split: Split
    query: str = ""


def build_prompts(
    items: Sequence[Item],
    facts: Mapping[str, Fact],
    index: FactIndex,
    *,
    person: str,
    top_k: int,
    held_out: frozenset[str],
    seed: int,
) -> list[Task]:
    """Search the memory for every item that has a query and build its task, in the order given.

    A training prompt never shows a held-out fact. Twisted questions always see the fact they were twisted from, so an
    unanswerable task whose facts are not all shown is one whose answer was left out on purpose.
    """
    shown: dict[int, list[Fact]] = {}
    for split, exclude in (("train", held_out), ("eval", frozenset[str]())):
        chosen = [position for position, item in enumerate(items) if item.query and item.split == split]
        found = index.search([items[position].query for position in chosen], k=top_k, exclude=sorted(exclude))
        shown |= dict(zip(chosen, found, strict=True))
    return [
        _task(item, shown.get(position, []), facts, person=person, top_k=top_k, seed=seed)
        for position, item in enumerate(items)
    ]


def _task(item: Item, found: Sequence[Fact], facts: Mapping[str, Fact], *, person: str, top_k: int, seed: int) -> Task:
    shown = list(found)
    missing = [facts[fact_id] for fact_id in item.fact_ids if fact_id not in {fact.id for fact in found}]
    if item.query and missing:
        if _leaves_out(item, shown, seed):
            item = replace(item, family="unanswerable", reference=ABSTENTION)
        else:
            shown = _with_missing(item, shown, missing, top_k)
    prompt = answer_prompt(item.question, person=person, kind=item.kind, facts=shown)
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


def _leaves_out(item: Item, shown: Sequence[Fact], seed: int) -> bool:
    """Whether this prompt stays without the fact that answers it, which no shown fact may then say otherwise."""
    if item.split == "eval" or item.family == "unanswerable" or item.kind not in MEMORY_KINDS:
        return False
    said = " ".join(fact.statement for fact in shown).lower()
    if item.reference in ("Yes", "No") or item.reference.lower() in said:
        return False
    return random.Random(f"{seed}:{item.question}:{item.reference}").random() >= INJECTED_SHARE


def _with_missing(item: Item, shown: Sequence[Fact], missing: Sequence[Fact], top_k: int) -> list[Fact]:
    """Put the missing facts in the place of the farthest ones that the item does not need."""
    needed = [fact for fact in shown if fact.id in item.fact_ids]
    others = [fact for fact in shown if fact.id not in item.fact_ids]
    room = max(top_k - len(needed) - len(missing), 0)
    return [*needed, *missing, *others[:room]]
