"""The influence of length on winning: how often the longer answer wins, and who would win at equal length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

RIDGE = 0.01
"""Weight of the squared coefficients relative to the log-likelihood: keeps them finite in a separable case."""


@dataclass(frozen=True)
class Contest:
    """A verdict about a pair: P(ours wins) in [0, 1], and both answers' lengths in characters."""

    p_ours: float
    ours: int
    theirs: int


@dataclass(frozen=True)
class LengthControl:
    """``longer_wins``: share of the decided contests that the longer answer wins; equal lengths count half.

    ``win_rate`` is the mean of P(ours wins), ``controlled`` the same if both answers were equally long, ``coefficient``
    what one unit of tanh(length difference / its standard deviation) adds to the log-odds of winning. All are None
    without contests.
    """

    longer_wins: float | None
    win_rate: float | None
    controlled: float | None
    coefficient: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the four as JSON values."""
        return asdict(self)


def control_length(contests: Sequence[Contest]) -> LengthControl:
    """Fit logit P(ours wins) = identity + coefficient * tanh(difference / deviation) and read it at difference 0.

    This is AlpacaEval's length-controlled win rate (arXiv 2404.04475, section 3.2) without its term for how hard an
    instruction is, which would need other models' verdicts. ``identity`` is the strength of ours apart from length.
    Probabilities count as fractional wins.
    """
    if not contests:
        return LengthControl(None, None, None, None)
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    p_ours = np.array([contest.p_ours for contest in contests])
    difference = np.array([float(contest.ours - contest.theirs) for contest in contests])
    scaled = np.tanh(difference / (difference.std() or 1.0))
    features = np.column_stack([np.ones_like(scaled), scaled])
    outcome = np.repeat([1, 0], len(contests))
    fitted = LogisticRegression(C=1.0 / (2.0 * RIDGE), fit_intercept=False, tol=1e-8, max_iter=1000).fit(
        np.vstack([features, features]), outcome, sample_weight=np.concatenate([p_ours, 1.0 - p_ours])
    )
    identity, coefficient = (float(value) for value in fitted.coef_[0])
    decided = p_ours != 0.5
    longer = np.where(difference == 0, 0.5, (difference > 0) == (p_ours > 0.5))[decided]
    return LengthControl(
        longer_wins=float(longer.mean()) if decided.any() else None,
        win_rate=float(p_ours.mean()),
        controlled=float(1.0 / (1.0 + np.exp(-identity))),
        coefficient=coefficient,
    )
