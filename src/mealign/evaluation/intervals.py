"""How certain a mean is: percentile bootstrap over questions (Efron 1979)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS_PER_BLOCK = 4_000_000
"""Resampled values that are held in memory at once (32 MB)."""


@dataclass(frozen=True)
class Interval:
    """A mean over ``n`` values with the ends of its interval; always ``low <= mean <= high``."""

    mean: float
    low: float
    high: float
    n: int


def bootstrap_mean(values: Sequence[float], *, resamples: int, confidence: float, seed: int) -> Interval:
    """Mean of ``values`` with its percentile bootstrap interval.

    Args:
        values: one finite number a question.
        resamples: how many samples of ``len(values)`` are drawn with replacement, at least 1.
        confidence: probability mass inside the interval, in (0, 1).
        seed: same seed, same interval.

    Raises:
        ValueError: there are no values, so there is no mean; leave the entry out instead.
    """
    if not values:
        raise ValueError("the mean of no values is not defined; leave the entry out")
    sample = np.asarray(values, dtype=np.float64)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(_resampled_means(sample, resamples=resamples, seed=seed), [tail, 1.0 - tail])
    mean = float(sample.mean())
    # Rounding may put the mean of equal values one unit in the last place outside the quantiles of its resamples.
    return Interval(mean=mean, low=min(float(low), mean), high=max(float(high), mean), n=len(values))


def paired_difference(
    a: Sequence[float], b: Sequence[float], *, resamples: int, confidence: float, seed: int
) -> Interval:
    """Mean of ``a - b`` over the same questions, with its interval.

    Pairing removes what makes a question easy or hard for both, so the interval is narrower than that of two means.

    Raises:
        ValueError: the two differ in length, or are empty.
    """
    if len(a) != len(b):
        raise ValueError(f"paired values must be of the same questions: {len(a)} against {len(b)}")
    differences = [first - second for first, second in zip(a, b, strict=True)]
    return bootstrap_mean(differences, resamples=resamples, confidence=confidence, seed=seed)


def _resampled_means(sample: NDArray[np.float64], *, resamples: int, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    rows = max(1, DRAWS_PER_BLOCK // sample.size)
    blocks = [
        sample[rng.integers(sample.size, size=(min(rows, resamples - start), sample.size))].mean(axis=1)
        for start in range(0, resamples, rows)
    ]
    return np.concatenate(blocks)
