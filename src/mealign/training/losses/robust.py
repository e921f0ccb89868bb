"""Robust DPO (arXiv 2403.00409): DPO's loss, unbiased although some pairs are the wrong way round."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import logsigmoid

from mealign.training.losses import PairScores


def loss(pairs: PairScores, *, beta: float, label_smoothing: float) -> Tensor:
    """Return ((1 - e) L(chosen, rejected) - e L(rejected, chosen)) / (1 - 2 e), with DPO's loss L.

    If a share e of the pairs is flipped at random, the expected value is L of the correct pairs.

    Args:
        pairs: ``b`` pairs.
        beta: units of reward per nat.
        label_smoothing: the share e, at least 0 and less than 1/2.

    Returns:
        Of shape [b], in nats; it may be negative.
    """
    ahead = beta * (pairs.chosen_logratios - pairs.rejected_logratios)
    as_given, flipped = -logsigmoid(ahead), -logsigmoid(-ahead)
    return ((1 - label_smoothing) * as_given - label_smoothing * flipped) / (1 - 2 * label_smoothing)
