"""DPO's own loss (arXiv 2305.18290), with ODPO's offset (arXiv 2402.10571)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import logsigmoid

from mealign.training.losses import PairScores


def loss(pairs: PairScores, *, beta: float, offset: float) -> Tensor:
    """Return -log sigmoid(r_chosen - r_rejected - gap), with r = beta * log(policy / reference).

    DPO, eq. 7, has no gap. With ODPO's, eq. 8, gap = offset * log(margin): it is at most 0, so a less clear pair
    requires a smaller difference.

    Args:
        pairs: ``b`` pairs.
        beta: units of reward per nat.
        offset: ODPO's alpha, in units of reward; 0 is DPO.

    Returns:
        Of shape [b], in nats.
    """
    gaps = offset * pairs.margins.log()
    return -logsigmoid(beta * (pairs.chosen_logratios - pairs.rejected_logratios) - gaps)
