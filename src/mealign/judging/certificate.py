"""How far a judge can be trusted: its verdicts on pairs whose answer is known by construction.

The known pairs are the reference against an answer that one edit of the facts made wrong. Beside the judge stand two
fools: one that picks the longer answer, one that throws a coin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mealign.judging.outcome import Outcome
from mealign.records import CORRUPTIONS, Candidate

BINS = 10
Z = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""


def certify(outcomes: Sequence[Outcome], candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Measure a judge on the known pairs among its outcomes.

    Returns:
        On the known pairs: ``n``, ``accuracy`` with its Wilson interval (a tie is half right, an error is wrong),
        ``per_kind`` of corruption, ``ece`` (expected calibration error of the winner's probability, ten bins, arXiv
        1706.04599; errors aside), ``longer`` and ``coin`` (the fools' accuracy). On all pairs: ``pairs``, ``errors``,
        ``consistency`` (share of the answered ones that name the same winner in both orders) and ``longer_wins``
        (share of the decided ones that the longer answer wins; equal lengths count half). Shares of nothing are null.
    """
    by_id = {candidate.id: candidate for candidate in candidates}
    known = [pair for outcome in outcomes if (pair := _known(outcome, by_id))]
    right = [_right(outcome, truth) for outcome, truth, _ in known]
    kinds: dict[str, list[float]] = {}
    for (_, _, kind), value in zip(known, right, strict=True):
        kinds.setdefault(kind, []).append(value)
    decided = [outcome for outcome in outcomes if outcome.winner]
    answered = [outcome for outcome in outcomes if outcome.error is None]
    low, high = wilson(sum(right), len(right))
    return {
        "n": len(known),
        "accuracy": _mean(right),
        "accuracy_low": low,
        "accuracy_high": high,
        "consistency": _mean([float(not outcome.flipped) for outcome in answered]),
        "ece": _calibration_error([(outcome, truth) for outcome, truth, _ in known]),
        "per_kind": {kind: {"accuracy": _mean(values), "n": len(values)} for kind, values in sorted(kinds.items())},
        "longer": _mean([_longer_is_right(outcome, truth, by_id) for outcome, truth, _ in known]),
        "coin": 0.5,
        "longer_wins": _mean([_longer_is_right(outcome, outcome.winner, by_id) for outcome in decided]),
        "errors": sum(outcome.error is not None for outcome in outcomes),
        "pairs": len(outcomes),
    }


def wilson(successes: float, n: int) -> tuple[float | None, float | None]:
    """95 % score interval of a share (Wilson 1927); (None, None) of nothing."""
    if n == 0:
        return None, None
    share = successes / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def _known(outcome: Outcome, by_id: dict[str, Candidate]) -> tuple[Outcome, str, str] | None:
    """Return (outcome, id of the right answer, corruption) for a pair of reference and corruption."""
    first, second = by_id[outcome.first], by_id[outcome.second]
    if first.origin == "reference" and second.origin in CORRUPTIONS:
        return outcome, first.id, second.origin
    if second.origin == "reference" and first.origin in CORRUPTIONS:
        return outcome, second.id, first.origin
    return None


def _right(outcome: Outcome, truth: str) -> float:
    if outcome.error is not None:
        return 0.0
    return 0.5 if outcome.winner is None else float(outcome.winner == truth)


def _longer_is_right(outcome: Outcome, truth: str | None, by_id: dict[str, Candidate]) -> float:
    first, second = len(by_id[outcome.first].text), len(by_id[outcome.second].text)
    if first == second:
        return 0.5
    return float((outcome.first if first > second else outcome.second) == truth)


def _calibration_error(known: Sequence[tuple[Outcome, str]]) -> float | None:
    bins: dict[int, list[tuple[float, float]]] = {}
    for outcome, truth in known:
        if outcome.p_first is None:
            continue
        confidence = max(outcome.p_first, 1 - outcome.p_first)
        bins.setdefault(min(BINS - 1, int(confidence * BINS)), []).append((confidence, _right(outcome, truth)))
    total = sum(len(group) for group in bins.values())
    if not total:
        return None
    return sum(abs(sum(c for c, _ in group) - sum(r for _, r in group)) for group in bins.values()) / total


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
