"""Pairs of answers whose better one is known: by construction, or because the user labelled them.

Constructed pairs depend on the memory and its tasks alone, never on a policy's samples, so that all judges of a person
are certified on the same pairs.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mealign.answers import normalise
from mealign.records import CORRUPTIONS, Fact, Label, Message, Task, content_id
from mealign.synthesis.build import can_be_corrupted
from mealign.synthesis.corruptions import one_of_each_kind

USER = "user"
"""The kind of a pair that the user labelled."""

NO_REFERENCE = "(not given)"
"""The reference of a question that no task asks: the label's own answer would give the verdict away."""


@dataclass(frozen=True)
class CertificationPair:
    """Two answers to a task. ``kind`` names what makes ``wrong`` wrong (a corruption), or ``user`` for a label."""

    task: Task
    right: str
    wrong: str
    kind: str


def certification_pairs(
    tasks: Sequence[Task], facts: Sequence[Fact], labels: Sequence[Label], *, per_kind: int, seed: int
) -> list[CertificationPair]:
    """Collect up to ``per_kind`` constructed pairs of every corruption, and every pair that the user labelled.

    A constructed pair is the reference and an answer that one edit of the facts made wrong. Tasks are drawn at random;
    each gives at most one pair per kind, and a question that is asked with and without memory gives the same pair only
    once.

    Returns:
        The pairs by kind, then by task; the user's labels come last.
    """
    by_id = {fact.id: fact for fact in facts}
    found: dict[str, list[CertificationPair]] = {kind: [] for kind in CORRUPTIONS}
    seen: set[tuple[str, str, str]] = set()
    eligible = sorted((task for task in tasks if can_be_corrupted(task)), key=lambda task: task.id)
    for task in random.Random(f"known:{seed}").sample(eligible, len(eligible)):
        wanted = [kind for kind in CORRUPTIONS if len(found[kind]) < per_kind]
        if not wanted:
            break
        for candidate in one_of_each_kind(task, facts=by_id, kinds=wanted, seed=seed):
            key = (task.question, task.reference, candidate.text)
            pairs = found[candidate.origin]
            if key not in seen:
                seen.add(key)
                pairs.append(CertificationPair(task, task.reference, candidate.text, candidate.origin))
    constructed = [pair for kind in CORRUPTIONS for pair in sorted(found[kind], key=lambda pair: pair.task.id)]
    return [*constructed, *labelled_pairs(labels, tasks)]


def labelled_pairs(labels: Sequence[Label], tasks: Sequence[Task]) -> list[CertificationPair]:
    """Turn the user's labels into pairs, in their order.

    A question that a task asks gets that task, with its facts and reference (of several tasks, the one that shows most
    memory). Any other question becomes a task without facts, whose reference is :data:`NO_REFERENCE`.
    """
    asked: dict[tuple[str, ...], Task] = {}
    for task in sorted(tasks, key=lambda task: (-len(task.context_fact_ids), task.id)):
        asked.setdefault(tuple(normalise(task.question)), task)
    return [
        CertificationPair(
            asked.get(tuple(normalise(label.question))) or _task_of(label.question), label.better, label.worse, USER
        )
        for label in labels
    ]


def split_certification_pairs(
    pairs: Sequence[CertificationPair], *, seed: int
) -> tuple[list[CertificationPair], list[CertificationPair]]:
    """Divide the pairs into two halves that share no question, every kind as evenly as possible.

    A panel's weights are measured on the first half and its certificate on the second.
    """
    by_question: dict[str, list[CertificationPair]] = {}
    for pair in pairs:
        by_question.setdefault(pair.task.question, []).append(pair)
    questions = sorted(by_question)
    random.Random(f"split:{seed}").shuffle(questions)
    sizes: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    side: dict[str, int] = {}
    for question in questions:
        kinds = Counter(pair.kind for pair in by_question[question])
        lead = sum(sizes[0][kind] - sizes[1][kind] for kind in kinds)
        side[question] = int(lead > 0)
        sizes[side[question]].update(kinds)
    first, second = ([pair for pair in pairs if side[pair.task.question] == half] for half in (0, 1))
    return first, second


def _task_of(question: str) -> Task:
    return Task(
        id=content_id("task", USER, question),
        kind="memory_qa_self",
        family="recall",
        question=question,
        prompt=(Message(role="user", content=question),),
        reference=NO_REFERENCE,
        fact_ids=(),
        split="eval",
    )
