"""Pairs of answers whose better one is known: by construction, or because the user said so.

What is constructed depends on the memory and its tasks alone, never on what a policy sampled, so that every judge of a
person is held to the same pairs.
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
"""The reference of a question that no task of ours asks: the label's own answer would hand the judge its verdict."""


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

    Constructed is the reference against an answer that one edit of the facts made wrong. The tasks are drawn; one task
    gives at most one pair a kind, and a question that is asked with and without memory gives the same pair once.

    Returns:
        The pairs by kind, then by task; the user's come last.
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

    A question that a task asks is that task's, with its facts and reference (the one that shows most memory, where
    there are several). Any other becomes a task without facts, whose reference says nothing.
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
    """Divide known pairs into two halves that share no question, every kind as evenly as that allows.

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
