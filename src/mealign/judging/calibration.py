"""Whether a judge is right as often as it says: reliability diagram, expected calibration error, Brier score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Verdicts of similar confidence, in [low, high): their mean confidence, the share that is right, their number."""

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


def reliability(p_right: Sequence[float]) -> list[Bin]:
    """Bin the verdicts by the winner's probability, in ten equal bins of [0, 1]; empty ones are left out.

    Args:
        p_right: of every verdict, the probability it gives the answer that is right. Its confidence is
            max(p, 1 - p), so the five lower bins are always empty; a tie (0.5) is half right.
    """
    bins: dict[int, list[tuple[float, float]]] = {}
    for p in p_right:
        confidence = max(p, 1.0 - p)
        right = 0.5 if p == 0.5 else float(p > 0.5)
        bins.setdefault(min(BINS - 1, int(confidence * BINS)), []).append((confidence, right))
    return [
        Bin(
            low=index / BINS,
            high=(index + 1) / BINS,
            confidence=sum(confidence for confidence, _ in group) / len(group),
            accuracy=sum(right for _, right in group) / len(group),
            count=len(group),
        )
        for index, group in sorted(bins.items())
    ]


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error: mean |confidence - accuracy| over bins, weighted by count.

    Guo et al. 2017 (arXiv 1706.04599), eq. 3. In [0, 1]; None without verdicts.
    """
    total = sum(each.count for each in bins)
    if not total:
        return None
    return sum(each.count * abs(each.confidence - each.accuracy) for each in bins) / total


def brier_score(p_right: Sequence[float]) -> float | None:
    """Return the mean squared distance of the right answer's probability from 1 (Brier 1950); None without verdicts."""
    if not p_right:
        return None
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss([1] * len(p_right), p_right, pos_label=1))
