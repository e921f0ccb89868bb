"""Statistics of a judge's verdicts about the candidates, besides its certificate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mealign.judging.length import Contest, control_length
from mealign.judging.outcome import Outcome, merge
from mealign.judging.protocol import role_of
from mealign.judging.tournament import TournamentResult
from mealign.records import Candidate, Standing


def describe(result: TournamentResult, candidates: Sequence[Candidate], *, plan: str) -> dict[str, Any]:
    """Return counts and shares in [0, 1]; null where there is nothing to count.

    - ``pairs``, ``errors`` by kind, ``consistency``: share of the answered pairs with the same winner in both orders.
    - ``longer_wins``: share of the decided pairs that the longer answer wins. ``policy_win_rate`` against the
      reference, and ``policy_win_rate_length_controlled`` (:func:`~mealign.judging.length.control_length`).
    - ``tournament``: ``plan``, ``rounds`` and ``calls`` (one per order), and how good the ranking is:
      ``mean_standard_error`` of the strengths, and ``known_order``: the share of all ``known_order_n`` pairs of a
      reference and a corruption of one task in which the reference ranks higher.
    """
    by_id = {candidate.id: candidate for candidate in candidates}
    outcomes = merge(result.verdicts)
    answered = [outcome for outcome in outcomes if outcome.error is None]
    against = control_length([contest for each in answered if (contest := _policy_against_reference(each, by_id))])
    order = _known_order(result.standings, by_id)
    return {
        "pairs": len(outcomes),
        "errors": dict(sorted(Counter(str(each.error) for each in outcomes if each.error is not None).items())),
        "consistency": _mean([float(not outcome.flipped) for outcome in answered]),
        "longer_wins": control_length(
            [_contest(each, by_id, each.first, each.second) for each in answered]
        ).longer_wins,
        "policy_win_rate": against.win_rate,
        "policy_win_rate_length_controlled": against.controlled,
        "tournament": {
            "plan": plan,
            "rounds": result.rounds,
            "calls": len(result.verdicts),
            "ranked": len(result.standings),
            "mean_standard_error": _mean([standing.standard_error for standing in result.standings]),
            "known_order": _mean(order),
            "known_order_n": len(order),
        },
    }


def _policy_against_reference(outcome: Outcome, by_id: Mapping[str, Candidate]) -> Contest | None:
    first, second = (role_of(by_id[name]) for name in (outcome.first, outcome.second))
    if (first, second) == ("policy", "reference"):
        return _contest(outcome, by_id, outcome.first, outcome.second)
    if (first, second) == ("reference", "policy"):
        return _contest(outcome, by_id, outcome.second, outcome.first)
    return None


def _contest(outcome: Outcome, by_id: Mapping[str, Candidate], ours: str, theirs: str) -> Contest:
    p_first = 0.5 if outcome.p_first is None else outcome.p_first
    p_ours = p_first if ours == outcome.first else 1.0 - p_first
    return Contest(p_ours, len(by_id[ours].text), len(by_id[theirs].text))


def _known_order(standings: Sequence[Standing], by_id: Mapping[str, Candidate]) -> list[float]:
    by_task: dict[str, dict[str, list[float]]] = {}
    for standing in standings:
        roles = by_task.setdefault(standing.task_id, {})
        roles.setdefault(role_of(by_id[standing.candidate_id]), []).append(standing.strength)
    return [
        0.5 if right == wrong else float(right > wrong)
        for roles in by_task.values()
        for right in roles.get("reference", [])
        for wrong in roles.get("constructed", [])
    ]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
