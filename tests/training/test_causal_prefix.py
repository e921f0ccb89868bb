"""The split attention against one softmax in double precision, and inside a model against PyTorch's attention."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.language.settings import Precision
from mealign.training.base_models import load_base
from mealign.training.causal_prefix import BLOCK, NAME, HalfAttention, attend, mask_without_padding, use_causal_prefix
from tests.rounding import LOGITS, assert_near, rounding

pytestmark = pytest.mark.numerical

HEADS, GROUPS, SIZE = 4, 2, 8
LAYER = SimpleNamespace(num_key_value_groups=HEADS // GROUPS, is_causal=True)


def draw(length: int, dtype: torch.dtype, seed: int = 0) -> list[torch.Tensor]:
    """Queries, keys and values of two rows."""
    torch.manual_seed(seed)
    shapes = [(2, heads, length, SIZE) for heads in (HEADS, GROUPS, GROUPS)]
    return [torch.randn(shape, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]


def draw_mask(length: int, prefix: int, seed: int) -> torch.Tensor:
    """What is causal up to ``prefix``, and behind it hides half of what came before."""
    torch.manual_seed(seed)
    shown = torch.rand(2, 1, length, length) < 0.5
    shown[:, :, :prefix] = True
    return (shown | torch.eye(length, dtype=torch.bool)).tril()


def truth(given: list[torch.Tensor], mask: torch.Tensor) -> list[torch.Tensor]:
    """The mixed values and the gradients of all three, in double precision."""
    query, key, value = (tensor.detach().double().requires_grad_() for tensor in given)
    wide = [tensor.repeat_interleave(HEADS // GROUPS, dim=1) for tensor in (key, value)]
    scores = (query @ wide[0].transpose(2, 3) * SIZE**-0.5).masked_fill(~mask, -torch.inf)
    mixed = (scores.softmax(-1) @ wide[1]).transpose(1, 2)
    return [mixed.detach(), *torch.autograd.grad(mixed, (query, key, value), direction(mixed))]


def assert_true(
    found: list[torch.Tensor], given: list[torch.Tensor], mask: torch.Tensor, *, step: float, stages: int
) -> None:
    """Compare with the truth, where every stage of the way there and back is off by a share of ``step``.

    By what a score is off, weights are off as a share of themselves, so that this stage counts as often as the largest
    score. The gradient of a score is weight * (what it would gain - what all gain), which is 0 where one weight is 1:
    errors are shares of what is subtracted.
    """
    query, key, value = (
        tensor.detach().double().repeat_interleave(HEADS // tensor.shape[1], dim=1) for tensor in given
    )
    scores = (query @ key.transpose(2, 3) * SIZE**-0.5).masked_fill(~mask, -torch.inf)
    share = step * (stages + float(scores[scores.isfinite()].abs().max()))
    expected = truth(given, mask)
    gains = scores.softmax(-1) * (direction(expected[0]).transpose(1, 2) @ value.transpose(2, 3)).abs()
    of_query = gains @ key.abs() * SIZE**-0.5
    of_keys = (gains.transpose(2, 3) @ query.abs() * SIZE**-0.5).unflatten(1, (GROUPS, -1)).sum(2)
    for name, one, other, of in zip(
        ("mixed", "query", "key", "value"), found, expected, (None, of_query, of_keys, None), strict=True
    ):
        assert_near(one, other, share, name, of=of)


def direction(mixed: torch.Tensor) -> torch.Tensor:
    """The gradient of the mixed values: numbers that bf16 holds exactly."""
    return (torch.arange(mixed.numel()).view(mixed.shape) % 7 - 3).to(mixed.dtype)


def measured(given: list[torch.Tensor], mask: torch.Tensor | None, **more: Any) -> list[torch.Tensor]:
    mixed, _ = attend(LAYER, *given, mask, **more)
    return [mixed.detach(), *torch.autograd.grad(mixed, given, direction(mixed))]


@given(st.integers(1, 2 * BLOCK + 40), st.floats(0, 1), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_values_and_gradients_are_those_of_one_softmax(length: int, share: float, seed: int) -> None:
    prefix = round(share * length)
    given, mask = draw(length, torch.float32, seed), draw_mask(length, prefix, seed)
    # Weights, what is mixed, and back gains, gradients of scores and sums over the queries of a group's heads.
    step = rounding(length * HEADS // GROUPS)
    assert_true(measured(given, mask, causal_prefix=prefix), given, mask, step=step, stages=5)


@given(st.integers(1, 2 * BLOCK + 40), st.floats(0, 1), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_in_half_precision_gradients_are_as_near_the_truth_as_bf16_allows(length: int, share: float, seed: int) -> None:
    prefix = round(share * length)
    given, mask = draw(length, torch.bfloat16, seed), draw_mask(length, prefix, seed)
    # The same, and sums are rounded once a block of queries, of which there are three.
    step = rounding(1, dtype=torch.bfloat16)
    assert_true(measured(given, mask, causal_prefix=prefix), given, mask, step=step, stages=5 + 2)


@pytest.mark.parametrize("mask", [None, draw_mask(BLOCK + 3, 20, 1)])
def test_the_gradient_formed_of_products_is_that_of_the_values(mask: torch.Tensor | None) -> None:
    given = draw(BLOCK + 3, torch.float64)
    mixed = HalfAttention.apply(*given, mask, BLOCK + 3 if mask is None else 20, SIZE**-0.5).transpose(1, 2)
    causal = torch.ones(BLOCK + 3, BLOCK + 3, dtype=torch.bool).tril()
    found = [mixed.detach(), *torch.autograd.grad(mixed, given, direction(mixed))]
    torch.testing.assert_close(found, truth(given, causal if mask is None else mask))


def test_what_is_hidden_behind_the_prefix_has_no_gradient() -> None:
    """A second pair in a row sees nothing of the first, however the row is split."""
    given = draw(2 * BLOCK, torch.bfloat16)
    mask = torch.block_diag(*[torch.ones(BLOCK, BLOCK)] * 2).bool().tril().expand(2, 1, -1, -1)
    mixed, _ = attend(LAYER, *given, mask, causal_prefix=BLOCK)
    mixed[:, BLOCK:].sum().backward()
    for tensor in given:
        assert tensor.grad is not None
        assert not tensor.grad[:, :, :BLOCK].any()
    assert given[2].grad is not None
    assert given[2].grad[:, :, BLOCK:].any()


def test_what_it_does_not_do_goes_pytorchs_way() -> None:
    given = draw(12, torch.float64)
    mask = draw_mask(12, 5, 0)
    additive = torch.zeros(mask.shape, dtype=torch.float64).masked_fill(~mask, -torch.inf)
    torch.testing.assert_close(measured(given, additive), measured(given, mask, causal_prefix=5))
    query, key, value = given
    last, _ = attend(LAYER, query[:, :, -1:], key, value, mask[:, :, -1:])
    torch.testing.assert_close(last, attend(LAYER, *given, mask)[0][:, -1:])
    torch.manual_seed(0)
    assert not torch.allclose(attend(LAYER, *given, mask, dropout=0.5)[0], attend(LAYER, *given, mask)[0])
    everything = torch.ones(2, 1, 12, 12, dtype=torch.bool)
    layer = SimpleNamespace(num_key_value_groups=HEADS // GROUPS, is_causal=False)
    for whole in (attend(layer, *given, None)[0], attend(LAYER, *given, None, is_causal=False)[0]):
        torch.testing.assert_close(whole, attend(LAYER, *given, everything)[0])
    with pytest.raises(ValueError, match="softcap"):
        attend(LAYER, *given, mask, softcap=1.0)
    bias = torch.randn(2, HEADS, 12, 12, dtype=torch.float64)
    assert not torch.allclose(attend(LAYER, *given, mask, position_bias=bias)[0], attend(LAYER, *given, mask)[0])


def test_padding_on_the_right_needs_no_mask() -> None:
    shape = {"batch_size": 2, "q_length": 4, "kv_length": 4}
    right, left = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]]).bool(), torch.tensor([[0, 1, 1, 1], [1, 1, 1, 1]]).bool()
    assert mask_without_padding(**shape, attention_mask=right) is None
    found = mask_without_padding(**shape, attention_mask=left)
    assert found is not None
    assert not found[0, 0, :, 0].any()


@pytest.mark.parametrize("padding", ["right", "left"])
def test_a_model_says_the_same_of_every_token(padding: str, tiny_model: Path) -> None:
    torch.manual_seed(0)
    ids, attention = torch.randint(4, 1000, (2, 9)), torch.ones(2, 9, dtype=torch.long)
    attention[0, slice(6, None) if padding == "right" else slice(0, 3)] = 0
    model = load_base(tiny_model, precision=Precision.fp32)
    expected = model(input_ids=ids, attention_mask=attention).logits
    use_causal_prefix(model)
    assert model.config._attn_implementation == NAME
    found = model(input_ids=ids, attention_mask=attention).logits
    assert_near(found[attention == 1], expected[attention == 1], LOGITS)


def test_a_model_with_another_attention_keeps_it(tiny_model: Path) -> None:
    model = load_base(tiny_model, precision=Precision.fp32)
    model.set_attn_implementation("eager")
    use_causal_prefix(model)
    assert model.config._attn_implementation == "eager"
