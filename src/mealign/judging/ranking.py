"""The candidates of a task in order of strength, from the pairs that were judged (Bradley and Terry 1952)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mealign.judging.outcome import Outcome
from mealign.records import Standing

PRIOR = 0.25
"""Precision of the normal prior of a strength (standard deviation 2): finite even for one that always wins."""

STEPS = 100
TOLERANCE = 1e-10


@dataclass(frozen=True)
class Strength:
    """Log-odds against an average opponent, and its standard error."""

    value: float
    error: float


def bradley_terry(games: Iterable[tuple[str, str, float]], *, prior: float = PRIOR) -> dict[str, Strength]:
    """Estimate strengths with P(i beats j) = 1 / (1 + exp(strength of j - strength of i)).

    The posterior mode under a normal prior of mean 0, by Newton's method; errors from the inverse of the information
    (minus the second derivatives) there. The mode exists and is unique because the prior makes the log-posterior
    strictly concave, so Ford's condition (Hunter 2004, assumption 1), which the likelihood alone needs, need not hold.
    Strengths sum to 0.

    Args:
        games: (i, j, p): i won p of a game against j, in [0, 1]; a verdict's P(first) counts as that fraction.
        prior: precision of the prior, positive.

    Returns:
        A strength for everyone who played, strongest first; equal ones in the order of their names.
    """
    import numpy as np

    played = sorted(games)
    if not played:
        return {}
    names = sorted({name for first, second, _ in played for name in (first, second)})
    place = {name: index for index, name in enumerate(names)}
    first = np.array([place[name] for name, _, _ in played], dtype=int)
    second = np.array([place[name] for _, name, _ in played], dtype=int)
    won = np.array([share for _, _, share in played])
    theta = np.zeros(len(names))
    information = prior * np.eye(len(names))
    for _ in range(STEPS):
        expected = 1.0 / (1.0 + np.exp(theta[second] - theta[first]))
        gradient = -prior * theta
        np.add.at(gradient, first, won - expected)
        np.add.at(gradient, second, expected - won)
        weight = expected * (1.0 - expected)
        information = prior * np.eye(len(names))
        for one, other, sign in ((first, first, 1), (second, second, 1), (first, second, -1), (second, first, -1)):
            np.add.at(information, (one, other), sign * weight)
        step = np.linalg.solve(information, gradient)
        # A full Newton step may overshoot where most games are certain; a step of at most half a unit does not.
        theta = theta + step * min(1.0, 0.5 / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() < TOLERANCE:
            break
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    # Rounded, so that the order of summation cannot make equal strengths differ.
    found = {name: Strength(round(float(theta[i]), 9), round(float(errors[i]), 9)) for name, i in place.items()}
    return dict(sorted(found.items(), key=lambda item: (-item[1].value, item[0])))


def rank(outcomes: Sequence[Outcome]) -> list[Standing]:
    """Rank the candidates of every task that were compared; pairs that the judge could not decide are left out.

    A flipped pair counts with the mean of its two orders, which is close to a draw: it makes no preference pair, but
    still carries information.
    """
    by_task: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.p_first is not None:
            by_task.setdefault(outcome.task_id, []).append(outcome)
    standings = []
    for task_id, decided in sorted(by_task.items()):
        strengths = bradley_terry(
            (each.first, each.second, each.p_first) for each in decided if each.p_first is not None
        )
        pairs = Counter(name for each in decided for name in (each.first, each.second))
        standings += [
            Standing(
                task_id=task_id,
                candidate_id=name,
                rank=position,
                strength=strength.value,
                standard_error=strength.error,
                pairs=pairs[name],
            )
            for position, (name, strength) in enumerate(strengths.items(), start=1)
        ]
    return standings
