"""The hinge loss of SLiC-HF (arXiv 2305.10425), over DPO's rewards."""

from __future__ import annotations

from torch import Tensor

from mealign.training.losses import PairScores


def loss(pairs: PairScores, *, beta: float) -> Tensor:
    """Return max(0, 1 - (r_chosen - r_rejected)), with r = beta * log(policy / reference).

    The paper compares log-probabilities of the policy only, with a margin delta: here they are relative to the
    reference, and 1 / beta is delta.

    Args:
        pairs: ``b`` pairs.
        beta: units of reward per nat.

    Returns:
        Of shape [b], in units of reward.
    """
    return (1 - beta * (pairs.chosen_logratios - pairs.rejected_logratios)).relu()
