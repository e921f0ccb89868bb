"""How far rounding may take two computations of one value apart, on whatever processor they are made.

With u half the distance from 1 to the next number, a product or a sum is off by at most u of itself, and a sum of n
products, in whatever order and with or without fused multiplication, by at most n u of the sum of their sizes (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., sec. 3.1). What feeds such a sum passes its own error on.

The bounds here are of this kind, on norms of whole tensors. Errors have signs: of n of them about the root of n is left
(Higham and Mary 2019), for the tiny model a hundredth of its bounds. The rest is for what they leave out: terms that
cancel leave less than the sum of their sizes, and an exponential is off, as a share of itself, by what its exponent is
off (scores of the tiny model are of size 16, and 80 at most). A product in bf16 is off by more: 4e-3.
"""

import math
from collections.abc import Mapping, Sequence

import torch

TERMS = 128
"""The longest sums of the tiny model (tests/conftest.py): over the width of its MLP, and over a test's tokens. The sum
over its vocabulary is longer, but its terms have one sign, and it enters by its logarithm."""
STAGES = 21
"""Steps of it that feed each other: nine in each of the two layers (norm, queries and keys, scores, weights, mixed
values, output, norm, gate, down), then a norm, the head and that logarithm."""


def rounding(terms: int, *, stages: int = 1, dtype: torch.dtype = torch.float32) -> float:
    """Return by which share of its norm a value is off behind ``stages`` sums of ``terms`` products.

    Every stage passes on the error of those before it and adds its own. Products of bf16 are added up in fp32 and
    rounded once: ``terms`` is 1 there.
    """
    return stages * terms * torch.finfo(dtype).eps / 2


LOGITS = 2 * rounding(TERMS, stages=STAGES)
"""Between two computations of what the tiny model says, as a share of it, in fp32: 3e-4. The log-probability of an
answer counts as what is said, also where it is near 0: it is a difference of logits."""
GRADIENTS = 2 * rounding(TERMS, stages=2 * STAGES)
"""Between two gradients of one of its weights: the way there and back."""
RANK_8 = 2 * 8 * (4 * (64 + 64) + 3 * (64 + 128))
"""Weights of an adapter of rank 8 on the tiny model: in two layers four matrices of 64 x 64 and the MLP's three."""


def drift(history: Sequence[Mapping[str, float]], *, size: float) -> list[float]:
    """Return by how much rounding may take the losses of two runs of Adam apart, step by step.

    Adam moves every weight by about the learning rate, however small its gradient g is. If that is off by d, two runs
    move it apart by rate * d / g, and by twice the rate at most: in the loss up to 2 * rate * d for every weight, and
    for all of them 2 * rate * sqrt(weights) times the norm of d, which is a share :data:`GRADIENTS` of the gradient's.

    Args:
        history: one of the runs, of an adapter of rank 8.
        size: of what is said in nats, a share :data:`LOGITS` of which every loss is off.
    """
    apart, bounds = LOGITS * size, []
    for point in history:
        bounds.append(apart)
        apart += 2 * point["learning_rate"] * math.sqrt(RANK_8) * GRADIENTS * point["grad_norm"]
    return bounds


def assert_near(
    found: torch.Tensor, expected: torch.Tensor, share: float, name: str = "", *, of: torch.Tensor | None = None
) -> None:
    """Assert that two tensors of one shape differ in norm by at most a share of the norm of the second.

    ``of``: what the second is a small difference or mean of, if it is one; its norm counts then.
    """
    assert found.shape == expected.shape, name
    error = float((found.double() - expected.double()).norm())
    allowed = share * float((expected if of is None else of).double().norm())
    assert error <= allowed, f"{name} is off by {error:.3g}, and rounding explains {allowed:.3g}"


def assert_all_near(found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], share: float) -> None:
    """Assert the same of every tensor by name."""
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert_near(found[name], tensor, share, name)
