"""Attention over a packed row on a CPU: plain causal attention where possible, and a mask for the rest only.

With a mask PyTorch's kernel also computes what is hidden; with causal attention it skips half the blocks. In a packed
row the first prompt is causal and holds most of the tokens, so it is computed separately from the answers after it. The
values are those of a single attention with the mask.

In bf16 the kernel's gradient takes several times as long as the matrix products in it. There the gradient is computed
from the products directly, one block of queries at a time (as in FlashAttention, arXiv 2205.14135, algorithm 4), so
that nothing of the size of the whole attention matrix is held.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "causal_prefix"
"""The name under which transformers knows this attention."""
BLOCK = 128
"""Queries of a head whose scores are held at once."""
OTHERWISE = ("softcap", "position_bias", "s_aux", "cache")
"""Arguments that some models pass to attention besides a mask."""


def use_causal_prefix(model: Any) -> None:
    """Make a model on a CPU that uses PyTorch's attention use this one instead."""
    if model.device.type == "cpu" and model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(NAME)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    causal_prefix: int = 0,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Compute attention, with the interface of transformers' attention functions.

    Args:
        module: the layer.
        query: of shape [b, h, t, d].
        key: of shape [b, g, t, d]; each of the g heads serves h / g query heads.
        value: of the same shape.
        attention_mask: which query sees which key, booleans of shape [b, 1, t, t]; None in a causal layer: all keys up
            to the query's own.
        dropout: of the weights.
        scaling: factor of the scores; None: 1 / sqrt(d).
        causal_prefix: how many of the first tokens of every row see all tokens before them.
        kwargs: arguments of other attention functions.

    Returns:
        The mixed values, of shape [b, t, h, d].
    """
    causal = attention_mask is None and getattr(module, "is_causal", True) and kwargs.get("is_causal") is not False
    plain = (
        (causal or (attention_mask is not None and attention_mask.dtype is torch.bool))
        and query.shape[2] == key.shape[2]
        and query.device.type == "cpu"
        and not dropout
        and all(kwargs.get(name) is None for name in OTHERWISE)
        and not torch.compiler.is_compiling()
    )
    if not plain:
        return sdpa_attention_forward(  # type: ignore[no-any-return]
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    prefix = query.shape[2] if attention_mask is None else causal_prefix
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if query.dtype is torch.bfloat16 and torch.is_grad_enabled():
        mixed = HalfAttention.apply(query, key, value, attention_mask, prefix, scale)  # type: ignore[no-untyped-call]
    else:
        mixed = _split(query, key, value, attention_mask, prefix, scale)
    return mixed.transpose(1, 2), None


def mask_without_padding(*args: Any, attention_mask: Tensor | None = None, **kwargs: Any) -> Tensor | None:
    """Make transformers' mask for PyTorch's attention, without padding, which on the right needs no mask.

    A causal model's output for a token does not depend on later tokens, and its output for padding is never used.
    """
    if attention_mask is not None and not bool((attention_mask[:, 1:] > attention_mask[:, :-1]).any()):
        attention_mask = None
    mask: Tensor | None = sdpa_mask(*args, attention_mask=attention_mask, **kwargs)
    return mask


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, mask_without_padding)


def _split(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, prefix: int, scale: float) -> Tensor:
    groups = query.shape[1] // key.shape[1]
    key, value = repeat_kv(key, groups), repeat_kv(value, groups)
    length = query.shape[2]
    parts = []
    if prefix:
        first, first_keys, first_values = (part[:, :, :prefix] for part in (query, key, value))
        parts.append(scaled_dot_product_attention(first, first_keys, first_values, is_causal=True, scale=scale))
    if prefix < length:
        rest = None if mask is None else mask[:, :, prefix:]
        parts.append(scaled_dot_product_attention(query[:, :, prefix:], key, value, attn_mask=rest, scale=scale))
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


class HalfAttention(torch.autograd.Function):
    """Attention whose gradient is computed from matrix products, for number formats where the kernel's is slow."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, prefix: int, scale: float
    ) -> Tensor:
        """Compute attention.

        Args:
            ctx: autograd's context.
            query: of shape [b, h, t, d].
            key: of shape [b, g, t, d].
            value: of the same shape.
            mask: booleans of shape [b, 1, t, t]; it shows only keys up to the query's own.
            prefix: number of first queries that see all keys before them.
            scale: factor of the scores.

        Returns:
            The mixed values, of shape [b, h, t, d].
        """
        ctx.save_for_backward(query, key, value, mask)
        ctx.prefix, ctx.scale = prefix, scale
        return _split(query, key, value, mask, prefix, scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        """Return the gradients of queries, keys and values."""
        query, key, value, mask = ctx.saved_tensors
        batch, heads, length, size = query.shape
        groups = key.shape[1]
        shared = heads // groups

        def by_group(tensor: Tensor) -> Tensor:
            """Place the heads of a group next to each other, so that a block of queries is one matrix for its keys."""
            apart = tensor.reshape(batch, groups, shared, length, size).transpose(2, 3)
            return apart.reshape(batch * groups, length * shared, size)

        scaled, wanted = by_group(query * ctx.scale), by_group(gradient)
        keys, values = (tensor.reshape(batch * groups, length, size) for tensor in (key, value))
        of_query, of_keys, of_values = torch.empty_like(scaled), torch.zeros_like(keys), torch.zeros_like(values)
        # The matrices of all blocks reuse the same memory: fresh pages cost more than the computation in them.
        room = query.new_empty(3, batch * heads * min(BLOCK, length) * length)
        for start in range(0, length, BLOCK):
            end = min(start + BLOCK, length)
            part, shape = slice(start * shared, end * shared), (batch * groups, (end - start) * shared, end)
            scores, weights, of_scores = room[:, : shape[0] * shape[1] * shape[2]].view(3, *shape)
            torch.bmm(scaled[:, part], keys[:, :end].transpose(1, 2), out=scores)
            # Queries after the prefix may belong to another pair, and then see nothing of it.
            seen = start if end <= ctx.prefix else 0
            in_doubt = scores.view(batch, groups, end - start, shared, end)[..., seen:]
            in_doubt.masked_fill_(_hidden(mask, start, end, seen), -torch.inf)
            torch.ops.aten._softmax.out(scores, -1, False, out=weights)
            of_values[:, :end].baddbmm_(weights.transpose(1, 2), wanted[:, part])
            torch.bmm(wanted[:, part], values[:, :end].transpose(1, 2), out=scores)
            torch.ops.aten._softmax_backward_data.out(scores, weights, -1, query.dtype, grad_input=of_scores)
            torch.bmm(of_scores, keys[:, :end], out=of_query[:, part])
            of_keys[:, :end].baddbmm_(of_scores.transpose(1, 2), scaled[:, part])
        apart = of_query.mul_(ctx.scale).view(batch, groups, length, shared, size).transpose(2, 3)
        return apart.reshape(query.shape), of_keys.view(key.shape), of_values.view(key.shape), None, None, None


def _hidden(mask: Tensor | None, start: int, end: int, seen: int) -> Tensor:
    """Return which of the keys from ``seen`` to ``end`` the queries from ``start`` to ``end`` do not see.

    Returns:
        Booleans of shape [b or 1, 1, end - start, 1, end - seen].
    """
    if mask is not None:
        return ~mask[:, :, start:end, None, seen:end]
    return (torch.arange(seen, end) > torch.arange(start, end)[:, None])[None, None, :, None]
