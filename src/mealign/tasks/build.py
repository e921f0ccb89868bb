"""The tasks stage: questions over a person's facts become prompts with references, split by fact."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mealign.memory.search import FactIndex
from mealign.memory.settings import ContextConfig
from mealign.records import FAMILIES, TASK_KINDS, Fact, Family, Split, Task, TaskKind
from mealign.tasks.advice import AdviceDraft, advice_drafts
from mealign.tasks.clause_parser import load_parser, parse_clauses
from mealign.tasks.grammar import Clause
from mealign.tasks.pool import make_pool
from mealign.tasks.prompts import PlannedTask, build_prompts
from mealign.tasks.questions import Draft
from mealign.tasks.settings import TaskConfig
from mealign.tasks.split import Splitting, split_facts

EVAL_PART = 0.5
"""Held-out tasks get this part of ``eval_share`` of ``max_tasks``: measuring needs fewer tasks than training."""

_LATER = frozenset({"event", "order", "other_day", "unsaid_reason", "likes", "still"})
"""Kinds of questions with a single pattern, which would otherwise crowd out the rest of their family."""


@dataclass(frozen=True)
class TaskSet:
    """The tasks in canonical order (by id), and counts by kind, family, split and prompt, and of what was skipped."""

    tasks: tuple[Task, ...]
    counts: dict[str, dict[str, int]]


def build_tasks(
    facts: Sequence[Fact],
    index: FactIndex,
    *,
    person: str,
    settings: TaskConfig,
    context: ContextConfig,
    seed: int,
    parser: Path | None,
    speakers: Collection[str] = (),
) -> TaskSet:
    """Make the tasks of a person.

    Args:
        facts: everything known, in any order.
        index: the same facts, searchable.
        person: full name of the user.
        settings: how many tasks, and how they are divided.
        context: how a prompt shows memory.
        seed: decides the split and every choice.
        parser: folder of an English spaCy pipeline; ``None`` for the installed one.
        speakers: names of the people who took part in the conversations.

    Returns:
        At most ``settings.max_tasks`` tasks; fewer when the facts do not yield as many.
    """
    facts = sorted(facts, key=lambda fact: fact.id)
    stated = [fact for fact in facts if not fact.quote]
    read = parse_clauses(stated, person=person, nlp=load_parser(parser), speakers=speakers)
    pool = make_pool(stated, read, person=person, seed=seed)
    advice = advice_drafts([clause for clause in read if isinstance(clause, Clause)], seed=seed)
    drafts: list[Draft | AdviceDraft] = sorted([*pool.drafts, *advice], key=lambda draft: _rank(draft, seed))
    splitting, kept = split_facts(stated, drafts, share=settings.eval_share, seed=seed)
    items = _choose(kept, splitting, person=person, settings=settings, seed=seed)
    by_id = {fact.id: fact for fact in facts}
    built = build_prompts(items, by_id, index, person=person, context=context, held_out=splitting.held_out)
    tasks = tuple(sorted({task.id: task for task in built}.values(), key=lambda task: task.id))
    skipped = {**pool.skipped, "question:ties_too_many_facts": splitting.dropped}
    return TaskSet(tasks, _counts(tasks, {reason: count for reason, count in skipped.items() if count}))


def _rank(draft: Draft | AdviceDraft, seed: int) -> str:
    text = draft.third if isinstance(draft, Draft) else f"{draft.need} {draft.reference}"
    return hashlib.sha256(f"{seed}:{text}".encode()).hexdigest()


def _choose(
    drafts: Sequence[Draft | AdviceDraft], splitting: Splitting, *, person: str, settings: TaskConfig, seed: int
) -> list[PlannedTask]:
    """Choose the tasks of both sides; ``drafts`` come in random order."""
    evaluated = round(settings.max_tasks * settings.eval_share * EVAL_PART)
    items: list[PlannedTask] = []
    sizes: dict[Split, int] = {"train": settings.max_tasks - evaluated, "eval": evaluated}
    for side, size in sizes.items():
        mine = [draft for draft in drafts if splitting.sides[draft.fact_ids[0]] == side]
        context = round(size * settings.context_task_share)
        advice = [_advice_item(draft, side) for draft in mine if isinstance(draft, AdviceDraft)][:context]
        questions = [draft for draft in mine if isinstance(draft, Draft)]
        memory = _choose_questions(questions, side, size=size - len(advice), settings=settings, seed=seed)
        shows = _show_memory(memory, settings.memory_share)
        items += [
            replace(item, query=item.question) if shown else item for item, shown in zip(memory, shows, strict=True)
        ]
        items += [replace(item, query=item.question.split("\n")[0]) for item in advice]
    return items


def _choose_questions(
    drafts: Sequence[Draft], side: Split, *, size: int, settings: TaskConfig, seed: int
) -> list[PlannedTask]:
    queues = {family: _queue([d for d in drafts if d.family == family], side, seed) for family in FAMILIES}
    # The prompt says when the memory is about somebody else, which is how a model learns what is unanswerable.
    queues["unanswerable"].sort(key=lambda item: not item.of_another)
    share = settings.unanswerable_share if settings.memory_share else 0
    unanswerable = min(round(size * share), len(queues["unanswerable"]))
    answerable: dict[Family, int] = {name: len(queue) for name, queue in queues.items() if name != "unanswerable"}
    quotas: dict[Family, int] = {**fill(answerable, size - unanswerable), "unanswerable": unanswerable}
    return [item for family in FAMILIES for item in queues[family][: quotas[family]]]


def fill(available: Mapping[Family, int], total: int) -> dict[Family, int]:
    """Divide a total equally; what exceeds a family's supply goes to the others.

    >>> fill({"recall": 10, "temporal": 2}, 8)
    {'recall': 6, 'temporal': 2}
    """
    quotas = dict.fromkeys(available, 0)
    for _ in range(min(total, sum(available.values()))):
        open_families = [family for family in quotas if quotas[family] < available[family]]
        quotas[min(open_families, key=lambda family: quotas[family])] += 1
    return quotas


def _queue(drafts: Sequence[Draft], side: Split, seed: int) -> list[PlannedTask]:
    """Order a family's tasks: every fact once before any twice, concrete ones first, second voices last."""
    turns: Counter[str] = Counter()
    ranked = []
    for draft in sorted(drafts, key=lambda draft: (draft.asks in _LATER, not is_concrete(draft))):
        turn = turns[draft.fact_ids[-1]]
        turns[draft.fact_ids[-1]] += 1
        if draft.asks in _LATER:
            turn += 1
        for voice, item in enumerate(_voices(draft, side, seed)):
            ranked.append(((voice, turn, not is_concrete(draft)), item))
    return [item for _, item in sorted(ranked, key=lambda entry: entry[0])]


def is_concrete(draft: Draft) -> bool:
    """Whether question or answer has a name or number besides the subject, by which facts can be told apart."""
    subject = {word.third.split("'")[0] for word in draft.clause.subject}
    words = [*draft.third.split()[1:], *draft.answer.split()]
    named = [word for word in words if re.match(r"[A-Z0-9]", word.strip("\"'(")) and word.strip("?.,'s") not in subject]
    return bool(named)


def _voices(draft: Draft, side: Split, seed: int) -> list[PlannedTask]:
    third = _item(draft, side, "memory_qa_third_party", draft.third, draft.answer)
    if not draft.first:
        return [third]
    first = _item(draft, side, "memory_qa_self", draft.first, draft.second)
    # Most facts about others can only be asked about in the third person, so the rest favours the first.
    return [first, third] if int(_rank(draft, seed)[-1], 16) < 11 else [third, first]


def _item(draft: Draft, side: Split, kind: TaskKind, question: str, answer: str) -> PlannedTask:
    return PlannedTask(
        kind=kind,
        family=draft.family,
        question=question,
        reference=answer,
        fact_ids=draft.fact_ids,
        split=side,
        of_another=draft.asks == "other_person",
    )


def _advice_item(draft: AdviceDraft, side: Split) -> PlannedTask:
    question = f"{draft.need}\nThe expert says: {draft.advice}" if draft.advice else draft.need
    return PlannedTask(
        kind=draft.kind,
        family=draft.family,
        question=question,
        reference=draft.reference,
        fact_ids=draft.fact_ids,
        split=side,
    )


def _show_memory(items: Sequence[PlannedTask], share: float) -> list[bool]:
    """Decide family by family which prompts show memory, so that every family has its share; unanswerable ones all do.

    Only a memory shows that something is not known. Without one, a small model learns to decline by the form of the
    question, and then also declines what it could answer from the memory (docs/measurements.md).
    """
    seen: Counter[Family] = Counter()
    shows = []
    for item in items:
        position = seen[item.family]
        seen[item.family] += 1
        shows.append(item.family == "unanswerable" or int((position + 1) * share) > int(position * share))
    return shows


def _counts(tasks: Sequence[Task], skipped: dict[str, int]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for task in tasks:
        counts["kind"][task.kind] += 1
        counts["family"][task.family] += 1
        counts["split"][task.split] += 1
        counts["prompt"]["with_memory" if task.context_fact_ids else "without_memory"] += 1
    order: dict[str, tuple[str, ...]] = {"kind": TASK_KINDS, "family": FAMILIES}
    made = {
        name: {key: counter[key] for key in order.get(name, tuple(sorted(counter)))} for name, counter in counts.items()
    }
    return {**made, "skipped": skipped}
