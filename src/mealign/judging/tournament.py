"""Tournaments of every task's candidates, played together, one call per round; and the resulting rankings."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from mealign.answers import normalise
from mealign.judging.judge import Judge
from mealign.judging.outcome import Outcome, merge
from mealign.judging.protocol import PlannedPair, chosen_tasks, judge_pairs, plan_pairs, role_of
from mealign.judging.ranking import bradley_terry, rank
from mealign.judging.rounds import Meeting, knockout_round, meetings_of, rounds_of, swiss_round, winner_of
from mealign.judging.settings import JudgeConfig, TournamentPlan
from mealign.records import Candidate, Standing, Task, Verdict


@dataclass(frozen=True)
class TournamentResult:
    """A judge's verdicts about the candidates of all tasks, and the resulting standings.

    ``counts`` are those of :class:`Plan`, over all possible pairs; ``rounds`` is how many times the judge was asked.
    """

    verdicts: list[Verdict]
    standings: list[Standing]
    counts: dict[str, int]
    rounds: int


def judge_candidates(
    tasks: Sequence[Task], candidates: Sequence[Candidate], judge: Judge, *, settings: JudgeConfig, seed: int
) -> TournamentResult:
    """Let the candidates of every task meet by ``settings.tournament``, and rank them.

    ``all_pairs`` is one round of :func:`plan_pairs`. In the other plans a round depends on earlier verdicts; all tasks
    play their rounds together. The limits hold for every plan: a tournament ends when it reaches
    ``max_pairs_per_task``.

    Raises:
        MealignError: a candidate belongs to no task, the judge cannot be asked, or its budget is spent.
    """
    if settings.tournament is TournamentPlan.all_pairs:
        plan = plan_pairs(
            tasks,
            candidates,
            max_pairs_per_task=settings.max_pairs_per_task,
            max_tasks=settings.max_tasks,
            seed=seed,
        )
        verdicts = judge_pairs(tasks, candidates, judge, pairs=plan.pairs, description=f"judge {judge.name}")
        return TournamentResult(verdicts, rank(merge(verdicts)), plan.counts, rounds=1)
    tournaments, counts = _tournaments(tasks, candidates, max_tasks=settings.max_tasks, seed=seed)
    verdicts, rounds = [], 0
    while planned := [pair for each in tournaments for pair in each.next_round(settings)]:
        rounds += 1
        said = judge_pairs(tasks, candidates, judge, pairs=planned, description=f"judge {judge.name}, round {rounds}")
        verdicts += said
        outcomes = {(each.task_id, each.first, each.second): each for each in merge(said)}
        for each in tournaments:
            each.record(outcomes)
    counts["planned"] = sum(len(each.outcomes) for each in tournaments)
    counts["not_played"] = sum(each.possible - len(each.outcomes) for each in tournaments)
    shown = {reason: count for reason, count in sorted(counts.items()) if count}
    return TournamentResult(verdicts, rank(merge(verdicts)), shown, rounds)


def expected_pairs(
    tasks: Sequence[Task], candidates: Sequence[Candidate], *, settings: JudgeConfig, seed: int
) -> list[PlannedPair]:
    """Return as many pairs as :func:`judge_candidates` would ask about at most, to estimate its cost.

    Raises:
        MealignError: a candidate belongs to no task.
    """
    if settings.tournament is TournamentPlan.all_pairs:
        limits = {"max_pairs_per_task": settings.max_pairs_per_task, "max_tasks": settings.max_tasks}
        return list(plan_pairs(tasks, candidates, **limits, seed=seed).pairs)
    tournaments, _ = _tournaments(tasks, candidates, max_tasks=settings.max_tasks, seed=seed)
    return [pair for each in tournaments for pair in each.longest(settings)]


@dataclass
class _TaskTournament:
    """The state of one task's tournament. ``possible`` is the number of pairs that may meet."""

    task_id: str
    players: Sequence[str]
    constructed: frozenset[str]
    possible: int
    outcomes: dict[Meeting, Outcome] = field(default_factory=dict)
    survivors: Sequence[str] = ()
    pending: list[Meeting] = field(default_factory=list)
    rounds: int = 0

    def may_meet(self, first: str, second: str) -> bool:
        """Whether two may meet: two corruptions, both wrong by construction, may not."""
        return not (first in self.constructed and second in self.constructed)

    def next_round(self, settings: JudgeConfig) -> list[PlannedPair]:
        """Return who meets next; nobody when the tournament is over."""
        if settings.tournament is TournamentPlan.knockout:
            meetings = knockout_round(self.survivors, strength=self._strength(), may_meet=self.may_meet)
        elif self.rounds < rounds_of(settings.tournament, len(self.players)):
            meetings = swiss_round(
                self.players, played=self.outcomes, strength=self._strength(), may_meet=self.may_meet
            )
        else:
            meetings = []
        self.pending = meetings[: settings.max_pairs_per_task - len(self.outcomes)]
        self.rounds += 1
        return [PlannedPair(self.task_id, *meeting) for meeting in self.pending]

    def record(self, outcomes: Mapping[tuple[str, str, str], Outcome]) -> None:
        """Record the outcomes of the pending meetings."""
        before = self._strength()
        for meeting in self.pending:
            said = outcomes[(self.task_id, *meeting)]
            self.outcomes[meeting] = said
            winner = winner_of(meeting, p_first=said.p_first, strength=before)
            self.survivors = [name for name in self.survivors if name == winner or name not in meeting]
        self.pending = []

    def longest(self, settings: JudgeConfig) -> Iterator[PlannedPair]:
        """Yield as many pairs as the tournament can have at most."""
        limit = min(meetings_of(settings.tournament, len(self.players)), settings.max_pairs_per_task)
        meetings = [sorted(pair) for pair in combinations(self.players, 2) if self.may_meet(*pair)]
        for first, second in meetings[:limit]:
            yield PlannedPair(self.task_id, first, second)

    def _strength(self) -> dict[str, float]:
        games = [(*meeting, said.p_first) for meeting, said in self.outcomes.items() if said.p_first is not None]
        return {name: strength.value for name, strength in bradley_terry(games).items()}


def _tournaments(
    tasks: Sequence[Task], candidates: Sequence[Candidate], *, max_tasks: int, seed: int
) -> tuple[list[_TaskTournament], Counter[str]]:
    """Return the tournament of every judged task before its first round, and how many pairs are left out, by reason.

    Of several candidates with the same tokens only the first by id plays.
    """
    by_task, chosen = chosen_tasks(tasks, candidates, max_tasks=max_tasks, seed=seed)
    counts: Counter[str] = Counter()
    tournaments = []
    for task in tasks:
        group = by_task.get(task.id, [])
        if task.id not in chosen:
            counts["task_over_limit"] += math.comb(len(group), 2)
            continue
        texts: dict[tuple[str, ...], Candidate] = {}
        for candidate in group:
            texts.setdefault(tuple(normalise(candidate.text)), candidate)
        players = list(texts.values())
        constructed = frozenset(candidate.id for candidate in players if role_of(candidate) == "constructed")
        together = math.comb(len(constructed), 2)
        possible = math.comb(len(players), 2) - together
        counts["duplicate"] += math.comb(len(group), 2) - math.comb(len(players), 2)
        counts["both_constructed"] += together
        # Shuffled, so that neither ids nor origins decide who meets first.
        names = [candidate.id for candidate in players]
        random.Random(f"{seed}:{task.id}").shuffle(names)
        tournaments.append(_TaskTournament(task.id, names, constructed, possible, survivors=names))
    return tournaments, counts
