"""A linear layer and its LoRA update (arXiv 2106.09685) as one operation, with the gradients of PEFT's layer.

PEFT adds the update to the layer's output: it writes a product of the output's size, scales it, and adds it, and
autograd goes the same way back. Here the update is accumulated into the output by its own product, and its gradient
into the input's, so that nothing of that size is written beside. The rank is small, so those passes over memory cost a
processor more than the update's arithmetic.
"""

from __future__ import annotations

import types
from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor


def fuse_lora(model: Any) -> None:
    """Let every LoRA layer of a model on a CPU go through :class:`LoraLinear` where that is exact.

    A layer keeps PEFT's way with dropout, another variant than plain LoRA, a bias of its own, several adapters at once,
    none, one that is merged, or numbers of different types; under autocast the adapter's may be of another one.
    """
    for layer in model.modules():
        if type(layer) is Linear:
            layer.forward = types.MethodType(_forward, layer)


def _forward(self: Any, x: Tensor, *args: Any, **kwargs: Any) -> Any:
    names = self.active_adapters
    if args or kwargs or self.disable_adapters or self.merged or len(names) != 1 or names[0] not in self.lora_A:
        return Linear.forward(self, x, *args, **kwargs)
    name, base = names[0], self.get_base_layer()
    down, up = self.lora_A[name].weight, self.lora_B[name]
    plain = (
        type(base) is torch.nn.Linear
        and name not in self.lora_variant
        and up.bias is None
        and not (self.training and getattr(self.lora_dropout[name], "p", 0.0))
        and x.dtype == base.weight.dtype == _computed_in(down)
        and x.device.type == "cpu"
    )
    if not plain:
        return Linear.forward(self, x)
    return LoraLinear.apply(x, base.weight, base.bias, down, up.weight, self.scaling[name])  # type: ignore[no-untyped-call]


def _computed_in(factor: Tensor) -> torch.dtype:
    """Return the type of numbers that a product with ``factor`` is in."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else factor.dtype


class LoraLinear(torch.autograd.Function):
    """x W' + b + scaling (x A') B' with W and b frozen."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor, scaling: float
    ) -> Tensor:
        """Return the output of shape [..., o].

        Args:
            ctx: autograd's.
            x: of shape [..., i].
            weight: W, of shape [o, i].
            bias: b, of shape [o].
            down: A, of shape [r, i].
            up: B, of shape [o, r].
            scaling: what the update is multiplied by.
        """
        rows = x.reshape(-1, x.shape[-1])
        # Under autocast the factors are kept in fp32.
        ctx.kept_in = down.dtype
        down, up = down.to(x.dtype), up.to(x.dtype)
        narrow = rows @ down.T
        out = torch.nn.functional.linear(rows, weight, bias).addmm_(narrow, up.T, alpha=scaling)
        ctx.save_for_backward(rows, narrow, weight, down, up)
        ctx.scaling = scaling
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None, Tensor | None, Tensor | None, None]:
        """Return the gradients of the input and of both factors."""
        rows, narrow, weight, down, up = ctx.saved_tensors
        wide = gradient.reshape(-1, gradient.shape[-1])
        inner = (wide @ up).mul_(ctx.scaling)
        of_input = None
        if ctx.needs_input_grad[0]:
            of_input = (wide @ weight).addmm_(inner, down).view(*gradient.shape[:-1], -1)
        of_down = (inner.T @ rows).to(ctx.kept_in) if ctx.needs_input_grad[3] else None
        of_up = (wide.T @ narrow).to(ctx.kept_in).mul_(ctx.scaling) if ctx.needs_input_grad[4] else None
        return of_input, None, None, of_down, of_up, None
