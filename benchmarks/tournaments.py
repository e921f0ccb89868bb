"""What a tournament's calls buy: simulated judges of known candidates.

    python benchmarks/tournaments.py

Every task has candidates whose true strengths are drawn from a normal distribution of standard deviation ``--spread``
(log-odds). The judge says P(first) = logistic(difference of strengths + noise), the noise normal with standard
deviation ``--noise`` and new in every order, so that close pairs flip. Each plan is played on the same tasks by the
same code as ``stage=judge``. Prints one JSON object: for every number of candidates and every plan the ``calls`` a task
(two a pair), their ``share`` of all pairs' calls, Kendall's ``tau`` of the ranking with the truth, ``top_1`` (share of
tasks whose best candidate is ranked first), and ``tau_all_pairs`` and ``top_1_all_pairs``, the same against the ranking
of all pairs. Means over ``--tasks`` tasks.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from scipy.stats import kendalltau

from mealign.compose import compose_settings
from mealign.judging.judge import Comparison, Opinion
from mealign.judging.settings import TournamentPlan
from mealign.judging.tournament import judge_candidates
from mealign.language.decisions import Estimate, Undecided
from mealign.records import Candidate, Message, Task

SIZES = (4, 8, 16)


class NoisyJudge:
    """Knows every answer's strength, which is its text, and sees it through noise."""

    name = "noisy"
    digest = "judge_noisy"

    def __init__(self, *, noise: float, seed: int) -> None:
        self._noise = noise
        self._generator = random.Random(seed)

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        """Say how probable it is that the first answer is the stronger one."""
        del description
        return [Opinion(1 / (1 + math.exp(-self._difference(each)))) for each in comparisons]

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        """Count the calls."""
        return Estimate(len(comparisons), 0, 0, 0, None, None)

    def _difference(self, comparison: Comparison) -> float:
        return float(comparison.first) - float(comparison.second) + self._generator.gauss(0, self._noise)


def tasks_of(count: int, size: int, *, spread: float, seed: int) -> tuple[list[Task], list[Candidate]]:
    """Draw tasks with so many candidates each; a candidate's text is its strength."""
    generator = random.Random(seed)
    tasks, pool = [], []
    for number in range(count):
        task = Task(
            id=f"task_{number:04}", kind="memory_qa_self", family="recall", question=f"Question {number}?",
            prompt=(Message(role="user", content=f"Question {number}?"),), reference="none", fact_ids=(), split="train",
        )  # fmt: skip
        tasks.append(task)
        for name in range(size):
            strength = f"{generator.gauss(0, spread):.6f}"
            pool.append(Candidate(id=f"{task.id}_{name:02}", task_id=task.id, text=strength, origin="policy"))
    return tasks, pool


def play(tasks: Sequence[Task], pool: Sequence[Candidate], plan: TournamentPlan, *, noise: float, seed: int) -> tuple[
    int, dict[str, dict[str, float]]
]:  # fmt: skip
    """Return the calls that a plan spent and the strengths that it found, by task and candidate."""
    settings = replace(compose_settings().judge, tournament=plan, max_pairs_per_task=10**6, max_tasks=10**6)
    judged = judge_candidates(tasks, pool, NoisyJudge(noise=noise, seed=seed), settings=settings, seed=seed)
    found: dict[str, dict[str, float]] = {}
    for standing in judged.standings:
        found.setdefault(standing.task_id, {})[standing.candidate_id] = standing.strength
    return len(judged.verdicts), found


def agreement(found: dict[str, dict[str, float]], truth: dict[str, dict[str, float]]) -> tuple[float, float]:
    """Return the mean Kendall tau-b over tasks, and the share of tasks with the same best candidate."""
    taus, tops = [], []
    for task_id, expected in truth.items():
        names = list(expected)
        taus.append(kendalltau([found[task_id][name] for name in names], [expected[name] for name in names]).statistic)
        tops.append(max(names, key=found[task_id].__getitem__) == max(names, key=expected.__getitem__))
    return mean(taus), mean(tops)


def main() -> None:
    """Play every plan on every size and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--spread", type=float, default=1.0)
    parser.add_argument("--noise", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=17)
    asked = parser.parse_args()
    results = []
    for size in SIZES:
        tasks, pool = tasks_of(asked.tasks, size, spread=asked.spread, seed=asked.seed)
        truth: dict[str, dict[str, float]] = {}
        for candidate in pool:
            truth.setdefault(candidate.task_id, {})[candidate.id] = float(candidate.text)
        played = {plan: play(tasks, pool, plan, noise=asked.noise, seed=asked.seed) for plan in TournamentPlan}
        all_calls, all_pairs = played[TournamentPlan.all_pairs]
        for plan, (calls, found) in played.items():
            tau, top = agreement(found, truth)
            tau_all, top_all = agreement(found, all_pairs)
            results.append(
                {
                    "candidates": size,
                    "plan": plan.value,
                    "calls": calls / asked.tasks,
                    "share": calls / all_calls,
                    "tau": tau,
                    "top_1": top,
                    "tau_all_pairs": tau_all,
                    "top_1_all_pairs": top_all,
                }
            )
    rounded = [
        {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()} for row in results
    ]
    print(json.dumps({"tasks": asked.tasks, "spread": asked.spread, "noise": asked.noise, "plans": rounded}, indent=1))


if __name__ == "__main__":
    main()
