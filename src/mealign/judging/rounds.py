"""Pairing rules: the rounds of one task's tournament.

- ``swiss``: in every round players of similar strength meet, and no two meet twice; after ceil(log2(n)) rounds the
order
  is known about as well as so few comparisons allow (about n log2(n) / 2 of the n (n - 1) / 2).
- ``knockout``: winners meet winners until one is left: n - 1 comparisons find the best and little else.

A round is a maximum matching of those who may meet, so that as few as possible sit out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from mealign.judging.settings import TournamentPlan

Meeting = tuple[str, str]
"""Two candidates, the lower id first."""


LARGE = 1e6
"""More than any difference of strengths."""


def rounds_of(plan: TournamentPlan, players: int) -> int:
    """Return the maximum number of rounds of a tournament with this number of players."""
    if players < 2:
        return 0
    return 1 if plan is TournamentPlan.all_pairs else math.ceil(math.log2(players))


def meetings_of(plan: TournamentPlan, players: int) -> int:
    """Return the maximum number of comparisons of a tournament with this number of players."""
    if plan is TournamentPlan.all_pairs:
        return math.comb(players, 2)
    return max(0, players - 1) if plan is TournamentPlan.knockout else rounds_of(plan, players) * (players // 2)


def swiss_round(
    players: Sequence[str],
    *,
    played: Collection[Meeting],
    strength: Mapping[str, float],
    may_meet: Callable[[str, str], bool],
) -> list[Meeting]:
    """Pair players of similar strength who have not met.

    Args:
        players: in an order that is independent of their quality; it decides between equals.
        played: who has met.
        strength: of those who have played; the others count as 0, the average.
        may_meet: whether two may meet at all.

    Returns:
        The largest possible number of meetings; among such rounds, the one in which those who have played least take
        part, then the one with the smallest sum of differences in strength.
    """
    games = Counter(name for meeting in played for name in meeting)
    most = max(games.values(), default=0)
    met = set(played)

    def worth(first: str, second: str) -> float:
        missing = 2 * most - games[first] - games[second]
        return missing * LARGE - abs(strength.get(first, 0.0) - strength.get(second, 0.0))

    return _matching(players, lambda a, b: may_meet(a, b) and _meeting(a, b) not in met, worth)


def knockout_round(
    survivors: Sequence[str], *, strength: Mapping[str, float], may_meet: Callable[[str, str], bool]
) -> list[Meeting]:
    """Pair the survivors, the strongest with the weakest where possible, so that the best meet last."""
    return _matching(
        survivors, may_meet, lambda first, second: abs(strength.get(first, 0.0) - strength.get(second, 0.0))
    )


def winner_of(meeting: Meeting, *, p_first: float | None, strength: Mapping[str, float]) -> str:
    """Return who advances: the better one; without a verdict the one who was stronger so far, else the first.

    Args:
        meeting: who met.
        p_first: P(the first of the two is better), None where the judge could not decide.
        strength: by the meetings before this one.
    """
    first, second = meeting
    if p_first is not None and p_first != 0.5:
        return first if p_first > 0.5 else second
    return second if strength.get(second, 0.0) > strength.get(first, 0.0) else first


def _matching(
    players: Sequence[str], allowed: Callable[[str, str], bool], worth: Callable[[str, str], float]
) -> list[Meeting]:
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(players)
    for position, first in enumerate(players):
        for second in players[position + 1 :]:
            if allowed(first, second):
                graph.add_edge(first, second, weight=worth(first, second))
    matched = nx.max_weight_matching(graph, maxcardinality=True)
    return sorted(_meeting(first, second) for first, second in matched)


def _meeting(first: str, second: str) -> Meeting:
    return (first, second) if first <= second else (second, first)
