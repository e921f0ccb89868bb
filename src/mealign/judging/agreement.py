"""How far a judge agrees with the truth, or with the user, with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Z = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""

RESAMPLES = 2000


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa with its 95 % interval. None where it is not defined: no votes."""

    value: float | None
    low: float | None
    high: float | None


def wilson(successes: float, n: int) -> tuple[float | None, float | None]:
    """Return the 95 % score interval of a share (Wilson 1927); (None, None) for n = 0."""
    if n == 0:
        return None, None
    # By hand, for SciPy's binomtest counts whole successes only, and a tie is half of one.
    share = successes / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # The interval holds the share; so it must in floating point, where the share is 0 or 1.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def kappa(votes: Sequence[tuple[int, int]], *, seed: int = 0) -> Kappa:
    """Return Cohen's kappa between a judge's votes and the truth (Cohen 1960): (observed - expected) / (1 - expected).

    Every pair gives two items, one per order: the truth votes 1 (the answer shown first) in the first and -1 in the
    second; the judge votes 1, -1 or 0 (a tie, or undecided, which never agrees). So a judge that always prefers the
    answer shown first agrees on half of the items and has a kappa of 0, like a coin.

    Args:
        votes: of every pair, the judge's vote with the right answer shown first, and with it shown second.
        seed: of the resampling.

    Returns:
        The kappa in [-1, 1] with a percentile bootstrap interval over pairs: the two orders of a pair stay together.
    """
    if not votes:
        return Kappa(None, None, None)
    import numpy as np
    from scipy.stats import bootstrap

    # The truth says first in one half of the items and second in the other, so the chance agreement is half the share
    # of items in which the judge votes at all. scikit-learn's cohen_kappa_score is the same number, one sample a call:
    # 2 ms for each of the resamples.
    right = np.array([(forward == 1) + (reverse == -1) for forward, reverse in votes])
    voted = np.array([(forward != 0) + (reverse != 0) for forward, reverse in votes])

    def of(right: Any, voted: Any, axis: int = -1) -> Any:
        observed, expected = right.mean(axis=axis) / 2, voted.mean(axis=axis) / 4
        return (observed - expected) / (1.0 - expected)

    value = float(of(right, voted))
    if len(votes) == 1:  # SciPy resamples two and more
        return Kappa(value, value, value)
    found = bootstrap(
        (right, voted), of, paired=True, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(seed)
    ).confidence_interval
    return Kappa(value, float(found.low), float(found.high))
