"""IPO's loss (arXiv 2310.12036): the reference's preference should be exceeded by a fixed amount and no more."""

from __future__ import annotations

from torch import Tensor

from mealign.training.losses import PairScores


def loss(pairs: PairScores, *, beta: float) -> Tensor:
    """Return (h_chosen - h_rejected - 1 / (2 beta))^2, eq. 17, with h = log(policy / reference) per token.

    In the paper h is of whole answers; its authors computed the mean over their tokens, as they told TRL's developers,
    which demands the same distance of long and short answers.

    Args:
        pairs: ``b`` pairs.
        beta: the paper's tau, the strength of the pull to the reference: 1 / nats.

    Returns:
        Of shape [b], in nats squared.
    """
    chosen = pairs.chosen_logratios / pairs.chosen_tokens
    rejected = pairs.rejected_logratios / pairs.rejected_tokens
    return (chosen - rejected - 1 / (2 * beta)) ** 2
