"""Linear layers and their LoRA updates (arXiv 2106.09685) as one operation, with the gradients of PEFT's layers.

PEFT adds the update to a layer's output: it writes a product of the output's size, scales it, and adds it, and autograd
does the same backwards. Here the update's product accumulates directly into the output, and its gradient into the
input's, so that no other tensor of that size is written. The rank is small, so those passes over memory cost more than
the update's arithmetic, and on an accelerator launching them takes longer still. Layers that read the same input, such
as those of attention's queries, keys and values, are computed together: the input is read once for the narrow sides of
their updates, and its gradient is accumulated in one place.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor

TOGETHER = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Names of sibling layers to which models give the same input."""


def fuse_lora(model: Any) -> None:
    """Make every LoRA layer of a model use :class:`LoraLinears` where that is exact.

    A layer keeps PEFT's computation with dropout, a variant other than plain LoRA, a bias of the adapter, no adapter,
    several active ones, a merged one, or mixed dtypes; under autocast the adapter's dtype may differ.
    """
    for parent in model.modules():
        layers = {name: layer for name, layer in parent.named_children() if type(layer) is Linear}
        for names in TOGETHER:
            together = [layers.pop(name) for name in names if name in layers]
            if together:
                _fuse(together)
        for layer in layers.values():
            _fuse([layer])


def _fuse(layers: Sequence[Linear]) -> None:
    readers = _Readers(layers)
    for layer in layers:
        layer.forward = types.MethodType(readers.forward, layer)


class _Readers:
    """Layers that read the same input: the first one called with it computes the outputs of all."""

    def __init__(self, layers: Sequence[Linear]) -> None:
        self._layers = layers
        self._read: Tensor | None = None
        self._outputs: dict[Linear, Tensor] = {}

    def forward(self, layer: Linear, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return one layer's output for ``x``."""
        if x is not self._read or layer not in self._outputs:
            if args or kwargs or torch.compiler.is_compiling() or not _is_plain(layer, x):
                return Linear.forward(layer, x, *args, **kwargs)
            together = self._layers if all(_is_plain(other, x) for other in self._layers) else [layer]
            self._read, self._outputs = x, dict(zip(together, _apply(together, x), strict=True))
        output = self._outputs.pop(layer)
        if not self._outputs:
            self._read = None
        return output


def _is_plain(layer: Linear, x: Tensor) -> bool:
    names = layer.active_adapters
    if layer.disable_adapters or layer.merged or len(names) != 1 or names[0] not in layer.lora_A:
        return False
    name, base = names[0], layer.get_base_layer()
    return (
        type(base) is torch.nn.Linear
        and name not in layer.lora_variant
        and layer.lora_B[name].bias is None
        and not (layer.training and getattr(layer.lora_dropout[name], "p", 0.0))
        and x.dtype == base.weight.dtype == _computed_in(layer.lora_A[name].weight)
    )


def _computed_in(factor: Tensor) -> torch.dtype:
    """Return the dtype in which a product with ``factor`` is computed."""
    kind = factor.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else factor.dtype


def _apply(layers: Sequence[Linear], x: Tensor) -> tuple[Tensor, ...]:
    frozen, factors = [], []
    for layer in layers:
        name, base = layer.active_adapters[0], layer.get_base_layer()
        frozen.append((base.weight, base.bias, layer.scaling[name]))
        factors += [layer.lora_A[name].weight, layer.lora_B[name].weight]
    return LoraLinears.apply(x, frozen, *factors)  # type: ignore[no-any-return, no-untyped-call]


class LoraLinears(torch.autograd.Function):
    """x W' + b + scaling (x A') B' for every layer, with W and b frozen."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, frozen: Sequence[tuple[Tensor, Tensor | None, float]], *factors: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the outputs, each of shape [..., o] with the layer's own o.

        Args:
            ctx: autograd's context.
            x: of shape [..., i].
            frozen: for each layer: W, of shape [o, i]; b, of shape [o]; the scaling of its update.
            factors: two for each layer: A, of shape [r, i]; B, of shape [o, r].
        """
        rows = x.reshape(-1, x.shape[-1])
        downs, ups = factors[::2], factors[1::2]
        # Under autocast the factors are kept in fp32.
        down = torch.cat(downs).to(x.dtype)
        ups = tuple(up.to(x.dtype) for up in ups)
        narrow = rows @ down.T
        ctx.frozen, ctx.ranks, ctx.kept_in = frozen, [len(part) for part in downs], downs[0].dtype
        ctx.save_for_backward(rows, narrow, down, *ups)
        return tuple(
            torch.nn.functional.linear(rows, weight, bias).addmm_(part, up.T, alpha=scaling).view(*x.shape[:-1], -1)
            for (weight, bias, scaling), part, up in zip(
                frozen, torch.split(narrow, ctx.ranks, dim=1), ups, strict=True
            )
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the input and of every layer's factors."""
        rows, narrow, down, *ups = ctx.saved_tensors
        weights, _, scalings = zip(*ctx.frozen, strict=True)
        wide = [gradient.reshape(-1, gradient.shape[-1]) for gradient in gradients]
        inner = torch.empty_like(narrow)
        of_ups = []
        for gradient, up, scaling, part, of_part in zip(
            wide, ups, scalings, *(torch.split(each, ctx.ranks, dim=1) for each in (narrow, inner)), strict=True
        ):
            torch.mm(gradient, up, out=of_part).mul_(scaling)
            of_ups.append((gradient.T @ part).to(ctx.kept_in).mul_(scaling))
        of_downs = torch.split((inner.T @ rows).to(ctx.kept_in), ctx.ranks)
        of_input = None
        if ctx.needs_input_grad[0]:
            of_input = wide[0] @ weights[0]
            for gradient, weight in zip(wide[1:], weights[1:], strict=True):
                of_input.addmm_(gradient, weight)
            of_input = of_input.addmm_(inner, down).view(*gradients[0].shape[:-1], -1)
        return of_input, None, *chain.from_iterable(zip(of_downs, of_ups, strict=True))
