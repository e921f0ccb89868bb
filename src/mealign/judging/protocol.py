"""Which pairs are judged, and judging them: every pair in both orders."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest

from mealign.answers import normalise
from mealign.errors import MealignError
from mealign.judging.judge import Comparison, Judge, Opinion
from mealign.language.decisions import Undecided
from mealign.records import Candidate, Order, Task, Verdict, content_id


@dataclass(frozen=True)
class PlannedPair:
    """Two candidates of one task, in canonical order (by id)."""

    task_id: str
    first: str
    second: str


@dataclass(frozen=True)
class Plan:
    """The pairs to be judged, and how many were left out, by reason."""

    pairs: tuple[PlannedPair, ...]
    counts: dict[str, int]


def plan_pairs(
    tasks: Sequence[Task], candidates: Sequence[Candidate], *, max_pairs_per_task: int, max_tasks: int, seed: int
) -> Plan:
    """Choose the pairs of every task; the choice does not depend on the order of tasks and candidates.

    Two texts with the same tokens are not paired, and two corruptions, both wrong by construction, are never compared.
    Of the rest, four kinds take turns until the task has its share: reference against corruption first, the clearest
    lesson; the other three (policy against corruption, reference against policy, policy against policy) in an order
    drawn for each task, so that all of them are covered even if the share is small.

    Returns:
        The pairs in the order of ``tasks``, and counts over all possible pairs: ``planned``, ``duplicate``,
        ``both_constructed``, ``over_limit`` (of the task), ``task_over_limit`` (of a task beyond ``max_tasks``).

    Raises:
        MealignError: a candidate belongs to no task.
    """
    by_task, chosen = chosen_tasks(tasks, candidates, max_tasks=max_tasks, seed=seed)
    counts: Counter[str] = Counter()
    pairs: list[PlannedPair] = []
    for task in tasks:
        group = by_task.get(task.id, [])
        if task.id in chosen:
            pairs += _plan_task(task.id, group, limit=max_pairs_per_task, seed=seed, counts=counts)
        else:
            counts["task_over_limit"] += math.comb(len(group), 2)
    counts["planned"] = len(pairs)
    return Plan(tuple(pairs), {reason: count for reason, count in sorted(counts.items()) if count})


def _plan_task(
    task_id: str, group: Sequence[Candidate], *, limit: int, seed: int, counts: Counter[str]
) -> list[PlannedPair]:
    generator = random.Random(f"{seed}:{task_id}")
    kinds: dict[frozenset[str], list[PlannedPair]] = {kind: [] for kind in PAIR_KINDS}
    for first, second in combinations(group, 2):
        kind = frozenset({role_of(first), role_of(second)})
        if normalise(first.text) == normalise(second.text):
            counts["duplicate"] += 1
        elif kind not in kinds:
            counts["both_constructed"] += 1
        else:
            kinds[kind].append(PlannedPair(task_id, first.id, second.id))
    clearest, *others = PAIR_KINDS
    turns = [kinds[kind] for kind in (clearest, *generator.sample(others, len(others)))]
    for pairs in turns:
        generator.shuffle(pairs)
    in_turn = [pair for drawn in zip_longest(*turns) for pair in drawn if pair]
    counts["over_limit"] += max(0, len(in_turn) - limit)
    return in_turn[:limit]


PAIR_KINDS = (
    frozenset({"reference", "constructed"}),
    frozenset({"policy", "constructed"}),
    frozenset({"reference", "policy"}),
    frozenset({"policy"}),
)
"""Which roles are compared; for the first kind the winner is known by construction."""


def role_of(candidate: Candidate) -> str:
    """Return the role of an answer: ``policy``, ``reference``, or ``constructed`` for any corruption."""
    return candidate.origin if candidate.origin in ("policy", "reference") else "constructed"


def chosen_tasks(
    tasks: Sequence[Task], candidates: Sequence[Candidate], *, max_tasks: int, seed: int
) -> tuple[dict[str, list[Candidate]], set[str]]:
    """Return the candidates by task, ordered by id, and the ids of the tasks that are judged.

    Raises:
        MealignError: a candidate belongs to no task.
    """
    by_task: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.id):
        by_task.setdefault(candidate.task_id, []).append(candidate)
    if unknown := sorted(by_task.keys() - {task.id for task in tasks}):
        raise MealignError(
            f"candidates.jsonl: {unknown[0]} is no task of tasks.jsonl; run stage=candidates again after stage=tasks"
        )
    judged = sorted(by_task)
    if len(judged) > max_tasks:
        judged = random.Random(seed).sample(judged, max_tasks)
    return by_task, set(judged)


def judge_pairs(
    tasks: Sequence[Task],
    candidates: Sequence[Candidate],
    judge: Judge,
    *,
    pairs: Sequence[PlannedPair],
    description: str,
) -> list[Verdict]:
    """Ask the judge about every pair in both orders; a failure to decide becomes a verdict with ``error``."""
    opinions = judge.compare(comparisons_between(tasks, candidates, pairs), description=description)
    return [_verdict(judge, *asked, opinion) for asked, opinion in zip(_orders(pairs), opinions, strict=True)]


def comparisons_between(
    tasks: Sequence[Task], candidates: Sequence[Candidate], pairs: Sequence[PlannedPair]
) -> list[Comparison]:
    """Return the comparisons of :func:`judge_pairs`: two per pair, in canonical order and reversed."""
    task_of = {task.id: task for task in tasks}
    text_of = {candidate.id: candidate.text for candidate in candidates}
    return [
        Comparison(task_of[task_id], text_of[first], text_of[second]) for task_id, _, first, second in _orders(pairs)
    ]


def _orders(pairs: Sequence[PlannedPair]) -> list[tuple[str, Order, str, str]]:
    return [
        asked
        for pair in pairs
        for asked in (
            (pair.task_id, "forward", pair.first, pair.second),
            (pair.task_id, "reverse", pair.second, pair.first),
        )
    ]


def _verdict(
    judge: Judge, task_id: str, order: Order, first: str, second: str, opinion: Opinion | Undecided
) -> Verdict:
    outcome = (
        {"p_first": None, "error": opinion.kind, "raw": opinion.raw}
        if isinstance(opinion, Undecided)
        else {"p_first": opinion.p_first, "dimensions": opinion.dimensions, "rationale": opinion.rationale}
    )
    return Verdict(
        id=content_id("verdict", judge.digest, task_id, order, first, second),
        task_id=task_id,
        judge=judge.name,
        judge_digest=judge.digest,
        first=first,
        second=second,
        order=order,
        prompt_tokens=opinion.usage.prompt_tokens,
        completion_tokens=opinion.usage.completion_tokens,
        cost_usd=opinion.usage.cost_usd,
        **outcome,
    )
