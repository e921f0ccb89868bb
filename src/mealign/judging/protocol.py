"""Which pairs are judged, and the asking: every pair in both orders."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

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
    """Choose the pairs of every task.

    Two texts with the same tokens are no pair. Of the others, those that mix origins come first (reference or policy
    against corruption, reference against policy, then policy against policy): they are where something can be learned.
    Two corruptions, both wrong by construction, are never compared.
    """
    generator = random.Random(seed)
    by_task: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.id):
        by_task.setdefault(candidate.task_id, []).append(candidate)
    known = [task for task in tasks if task.id in by_task]
    if len(known) > max_tasks:
        chosen = {task.id for task in generator.sample(sorted(known, key=lambda task: task.id), max_tasks)}
        known = [task for task in known if task.id in chosen]
    counts: Counter[str] = Counter()
    pairs: list[PlannedPair] = []
    for task in known:
        ranked = []
        for first, second in combinations(by_task[task.id], 2):
            if normalise(first.text) == normalise(second.text):
                counts["duplicate"] += 1
                continue
            rank = _rank(first, second)
            if rank is None:
                counts["both_constructed"] += 1
                continue
            ranked.append((rank, generator.random(), PlannedPair(task.id, first.id, second.id)))
        chosen_pairs = [pair for _, _, pair in sorted(ranked, key=lambda item: item[:2])]
        counts["over_limit"] += max(0, len(chosen_pairs) - max_pairs_per_task)
        pairs += chosen_pairs[:max_pairs_per_task]
    counts["planned"] = len(pairs)
    return Plan(tuple(pairs), dict(sorted(counts.items())))


def _rank(first: Candidate, second: Candidate) -> int | None:
    kinds = {_role(first), _role(second)}
    ranks = {
        frozenset({"policy", "constructed"}): 0,
        frozenset({"reference", "policy"}): 0,
        frozenset({"reference", "constructed"}): 1,
        frozenset({"policy"}): 2,
    }
    return ranks.get(frozenset(kinds))


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
        for order, first, second in (("forward", pair.first, pair.second), ("reverse", pair.second, pair.first)):
            verdicts.append(_ask(judge, task_of[pair.task_id], order, first, second, text_of))  # type: ignore[arg-type]
    return verdicts


def _ask(judge: Judge, task: Task, order: Order, first: str, second: str, text_of: dict[str, str]) -> Verdict:
    opinion, error = None, None
    try:
        opinion = judge.compare(task, text_of[first], text_of[second])
    except (MealignError, RuntimeError, ValueError, KeyError) as failure:
        # A backend may fail in any of these ways; its message could quote the user, so only the kind is kept.
        error = type(failure).__name__
    return Verdict(
        id=content_id("verdict", judge.digest, task.id, order, first, second),
        task_id=task.id,
        judge=judge.name,
        judge_digest=judge.digest,
        first=first,
        second=second,
        order=order,
        p_first=opinion.p_first if opinion else None,
        dimensions=opinion.dimensions if opinion else {},
        rationale=opinion.rationale if opinion else "",
        prompt_tokens=opinion.prompt_tokens if opinion else 0,
        cost_usd=opinion.cost_usd if opinion else 0.0,
        error=error,
    )
