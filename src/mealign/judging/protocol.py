"""Which pairs are judged, and the asking: every pair in both orders."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest

from mealign.answers import normalise
from mealign.errors import MealignError
from mealign.judging.judge import Judge
from mealign.progress import track
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
    """Choose the pairs of every task; the order of tasks and candidates does not matter to which are chosen.

    Two texts with the same tokens are no pair, and two corruptions, both wrong by construction, are never compared.
    Of the rest, four kinds take turns until the task has its share: the reference against a corruption first, because
    these are the known pairs by which the judge is certified; the other three (policy against corruption, reference
    against policy, policy against policy) in an order drawn for each task, so that a small share covers all of them.

    Returns:
        The pairs in the order of ``tasks``, and counts over all pairs there are: ``planned``, ``duplicate``,
        ``both_constructed``, ``over_limit`` (of the task), ``task_over_limit`` (of a task beyond ``max_tasks``).

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
    counts: Counter[str] = Counter()
    pairs: list[PlannedPair] = []
    chosen = set(judged)
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
        kind = frozenset({_role(first), _role(second)})
        if normalise(first.text) == normalise(second.text):
            counts["duplicate"] += 1
        elif kind not in kinds:
            counts["both_constructed"] += 1
        else:
            kinds[kind].append(PlannedPair(task_id, first.id, second.id))
    certifying, *others = PAIR_KINDS
    turns = [kinds[kind] for kind in (certifying, *generator.sample(others, len(others)))]
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
"""Who may be compared with whom; the first is the kind whose winner is known."""


def _role(candidate: Candidate) -> str:
    return candidate.origin if candidate.origin in ("policy", "reference") else "constructed"


def judge_pairs(
    tasks: Sequence[Task],
    candidates: Sequence[Candidate],
    judge: Judge,
    *,
    pairs: Sequence[PlannedPair],
    description: str,
) -> list[Verdict]:
    """Ask the judge about every pair in both orders; a failure is a verdict with ``error``."""
    task_of = {task.id: task for task in tasks}
    text_of = {candidate.id: candidate.text for candidate in candidates}
    verdicts = []
    for pair in track(pairs, description):
        orders: tuple[tuple[Order, str, str], ...] = (
            ("forward", pair.first, pair.second),
            ("reverse", pair.second, pair.first),
        )
        for order, first, second in orders:
            shown = (text_of[first], text_of[second])
            verdicts.append(_ask(judge, task_of[pair.task_id], order, (first, second), shown))
    return verdicts


def _ask(judge: Judge, task: Task, order: Order, ids: tuple[str, str], shown: tuple[str, str]) -> Verdict:
    opinion, error = None, None
    try:
        opinion = judge.compare(task, *shown)
    except (MealignError, RuntimeError, ValueError) as failure:
        # Its message could quote the user, so only the kind is kept.
        error = type(failure).__name__
    return Verdict(
        id=content_id("verdict", judge.digest, task.id, order, *ids),
        task_id=task.id,
        judge=judge.name,
        judge_digest=judge.digest,
        first=ids[0],
        second=ids[1],
        order=order,
        p_first=opinion.p_first if opinion else None,
        dimensions=opinion.dimensions if opinion else {},
        rationale=opinion.rationale if opinion else "",
        prompt_tokens=opinion.prompt_tokens if opinion else 0,
        cost_usd=opinion.cost_usd if opinion else 0.0,
        error=error,
    )
