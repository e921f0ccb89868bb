"""Log-probabilities of answers, without computing logits at other positions and without storing any logits.

Without Triton, TRL's fused head (``trl.trainer.utils.add_fused_lm_head``) scores every position, prompts included, and
computes the logits a second time for the gradient. In questions over a memory, most tokens belong to the prompt, and
the vocabulary takes a quarter of a small model's work. Here only positions with a label are scored.

The head's weights W are frozen, so the gradient of a token's log-probability with respect to its hidden state h needs
no logits: d log p(y) / dh = W[y] - sum_v p(v) W[v], and that sum is one more product while p is available. The entropy
follows from it as well: log Z - h . sum_v p(v) W[v].
"""

from __future__ import annotations

import functools
import types
from typing import Any

import torch
from torch import Tensor
from trl.kernels.chunked_logprob import _use_triton
from trl.trainer.utils import FusedCausalLMOutput

ROWS = 1024
"""Positions that are scored at once: no more logits than these, 200 MB for a vocabulary of 50,000, are ever held."""
IGNORED = -100
"""The label of a position that is not scored."""
SCALED = ("final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling")
"""Settings of models that change the logits after the head."""


def add_answer_head(model: Any) -> None:
    """Make a causal model with TRL's fused head score only labelled positions where TRL would score all.

    The model keeps TRL's head on an accelerator with Triton, which also scores only labelled positions, and where the
    head is trained, has a bias or is not the last operation on the logits.

    Args:
        model: a model without PEFT's wrapper, after ``add_fused_lm_head``.
    """
    theirs = model.forward
    config = model.config.get_text_config()
    plain = not any(getattr(config, name, None) for name in (*SCALED, "output_router_logits"))

    # `generate` inspects the signature.
    @functools.wraps(type(model).forward)
    def forward(
        self: Any,
        *args: Any,
        fused_lm_head: bool = False,
        log_probs_only: bool = False,
        labels: Tensor | None = None,
        shift_labels: Any = None,
        num_items_in_batch: Any = None,
        **kwargs: Any,
    ) -> Any:
        head = self.get_output_embeddings()
        if not (fused_lm_head and plain and _is_frozen(head) and not _use_triton(head.weight.device)):
            given = {"labels": labels, "shift_labels": shift_labels, "num_items_in_batch": num_items_in_batch}
            kwargs |= {name: value for name, value in given.items() if value is not None}
            return theirs(*args, **({"fused_lm_head": True} if fused_lm_head else {}), **kwargs)
        hidden = self.base_model(*args, **(kwargs | {"use_cache": False})).last_hidden_state
        if labels is not None and shift_labels is None:
            hidden, shift_labels = hidden[:, :-1], labels[:, 1:]
        mask = shift_labels != IGNORED
        scored = AnswerLogProbs.apply(hidden[mask], head.weight, shift_labels[mask], log_probs_only)  # type: ignore[no-untyped-call]

        def laid_out(values: Tensor | None) -> Tensor | None:
            return None if values is None else values.new_zeros(mask.shape).masked_scatter(mask, values)

        log_probs, entropy, mean_logits, is_top1 = map(laid_out, scored)
        count = mask.sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
        return FusedCausalLMOutput(
            loss=-scored[0].sum() / count,
            log_probs=log_probs,
            entropy=entropy,
            mean_logits=mean_logits,
            is_top1=is_top1,
            label_mask=mask,
        )

    model.forward = types.MethodType(forward, model)


class AnswerLogProbs(torch.autograd.Function):
    """Log-probabilities of tokens, with entropies and mean logits, under a head that is not trained."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, log_probs_only: bool
    ) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """Score the targets.

        Args:
            ctx: autograd's context.
            hidden: hidden states, of shape [n, h].
            weight: the head's weights, of shape [v, h].
            targets: tokens, integers of shape [n].
            log_probs_only: return None for the other values.

        Returns:
            Four tensors of shape [n], in fp32: log-probabilities in nats; entropies in nats; means of the logits over
            the vocabulary; whether no token is likelier (booleans). The last three have no gradient.
        """
        ctx.set_materialize_grads(False)
        parts = [
            _score(states, weight, tokens, expect=ctx.needs_input_grad[0] or not log_probs_only)
            for states, tokens in zip(torch.split(hidden, ROWS), torch.split(targets, ROWS), strict=True)
        ]
        log_probs, mean_logits, is_top1, entropy, directions = (
            torch.cat(column) for column in zip(*parts, strict=True)
        )
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(directions)
        if log_probs_only:
            return log_probs, None, None, None
        ctx.mark_non_differentiable(entropy, mean_logits, is_top1)
        return log_probs, entropy, mean_logits, is_top1

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None, None, None]:
        """Return the gradient of the hidden states."""
        (directions,) = ctx.saved_tensors
        gradient = gradients[0]
        if gradient is None:
            return None, None, None, None
        return (gradient[:, None] * directions).to(directions.dtype), None, None, None


def _score(
    hidden: Tensor, weight: Tensor, targets: Tensor, *, expect: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    logits = (hidden.to(weight.dtype) @ weight.T).float()
    said = logits.gather(-1, targets[:, None])[:, 0]
    highest = logits.amax(-1)
    mean = logits.mean(-1)
    exponentials = logits.sub_(highest[:, None]).exp_()
    total = exponentials.sum(-1)
    log_total = highest + total.log()
    known = said - log_total, mean, said == highest
    if not expect:
        return *known, hidden.new_empty(0), hidden.new_empty(0)
    expected = (exponentials.to(weight.dtype) @ weight).float() / total[:, None]
    entropy = log_total - (hidden.float() * expected).sum(-1)
    return *known, entropy, (weight[targets].float() - expected).to(hidden.dtype)


def _is_frozen(head: Any) -> bool:
    return type(head) is torch.nn.Linear and head.bias is None and not head.weight.requires_grad
