"""IPO's loss (arXiv 2310.12036): the preference of the reference is to be exceeded by so much and no more."""

from __future__ import annotations

from torch import Tensor

from mealign.training.losses import PairScores


def loss(pairs: PairScores, *, beta: float) -> Tensor:
    """Return (h_chosen - h_rejected - 1 / (2 beta))^2, eq. 17, with h = log(policy / reference) a token.

    The paper has h of whole answers; the mean over their tokens is what its authors computed, as TRL found out from
    them, and holds long answers to the same distance as short ones.

    Args:
        pairs: ``b`` pairs.
        beta: the paper's tau, the strength of the pull to the reference: 1 / nats.

    Returns:
        Of shape [b], in nats squared.
    """
    chosen = pairs.chosen_logratios / pairs.chosen_tokens
    rejected = pairs.rejected_logratios / pairs.rejected_tokens
    return (chosen - rejected - 1 / (2 * beta)) ** 2
