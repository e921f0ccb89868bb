"""How certain a mean is: percentile bootstrap over questions (Efron 1979)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DRAWS_PER_BATCH = 4_000_000
"""Resampled values held in memory at once (32 MB)."""


@dataclass(frozen=True)
class Interval:
    """A mean over ``n`` values with the ends of its interval; always ``low <= mean <= high``."""

    mean: float
    low: float
    high: float
    n: int


def bootstrap_mean(values: Sequence[float], *, resamples: int, confidence: float, seed: int) -> Interval:
    """Return the mean of ``values`` with its percentile bootstrap interval.

    Args:
        values: one finite number per question.
        resamples: how many samples of ``len(values)`` are drawn with replacement, at least 2.
        confidence: probability mass inside the interval, in (0, 1).
        seed: the same seed gives the same interval.

    Raises:
        ValueError: there are no values, and so no mean; leave the entry out instead.
    """
    if not values:
        raise ValueError("the mean of no values is not defined; leave the entry out")
    import numpy as np
    from scipy.stats import bootstrap

    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if sample.min() == sample.max():  # one value, which SciPy refuses, or equal ones, whose resamples only round
        return Interval(mean=mean, low=mean, high=mean, n=len(values))
    ends = bootstrap(
        (sample,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, DRAWS_PER_BATCH // len(values)),
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    # Few resamples may all lie on one side of the mean.
    return Interval(mean=mean, low=min(float(ends.low), mean), high=max(float(ends.high), mean), n=len(values))


def paired_difference(
    a: Sequence[float], b: Sequence[float], *, resamples: int, confidence: float, seed: int
) -> Interval:
    """Return the mean of ``a - b`` over the same questions, with its interval.

    Pairing removes what makes a question easy or hard for both, so the interval is narrower than for two means.

    Raises:
        ValueError: the two differ in length, or are empty.
    """
    if len(a) != len(b):
        raise ValueError(f"paired values must be of the same questions: {len(a)} against {len(b)}")
    differences = [first - second for first, second in zip(a, b, strict=True)]
    return bootstrap_mean(differences, resamples=resamples, confidence=confidence, seed=seed)
