"""The fused layer against PEFT's: the same outputs and gradients, and PEFT's own way where it does not apply."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from mealign.training import fused_lora
from mealign.training.fused_lora import LoraLinear, fuse_lora


class Net(torch.nn.Module):
    """Two layers with a bias in one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.config = {"model_type": "net"}
        self.first = torch.nn.Linear(6, 10)
        self.second = torch.nn.Linear(10, 4, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = self.second(torch.tanh(self.first(x)))
        return hidden


def adapted(**settings: Any) -> PeftModel:
    torch.manual_seed(0)
    config = LoraConfig(r=2, lora_alpha=6, target_modules=["first", "second"], init_lora_weights=False, **settings)
    return get_peft_model(Net(), config)


def measured(model: PeftModel, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The output, and the gradients of all that has one."""
    x = x.clone().requires_grad_()
    model.zero_grad()
    torch.manual_seed(1)
    out = model(x)
    (out * torch.arange(out.numel()).view_as(out)).sum().backward()
    assert x.grad is not None
    return out.detach(), {n: w.grad.clone() for n, w in model.named_parameters() if w.grad is not None} | {"x": x.grad}


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the fused operation was used."""
    used: list[int] = []
    apply = LoraLinear.apply

    class Counted:
        @staticmethod
        def apply(*given: Any) -> Any:
            used.append(1)
            return apply(*given)

    monkeypatch.setattr(fused_lora, "LoraLinear", Counted)
    return used


def test_outputs_and_gradients_are_pefts(count: list[int]) -> None:
    model, x = adapted(), torch.randn(3, 5, 6)
    expected, gradients = measured(model, x)
    fuse_lora(model)
    found, ours = measured(model, x)
    assert len(count) == 2
    assert len(gradients) == 5
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(ours, gradients)


def test_under_autocast_it_is_as_near_the_truth_as_peft(count: list[int]) -> None:
    """The base in bf16, the adapter in fp32, as training in bf16 has them."""
    model, x = adapted(), torch.randn(40, 6).to(torch.bfloat16)
    half(model)
    exact = measured(adapted_in_double(model), x.double())

    def in_half(model: PeftModel) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        with torch.autocast("cpu", torch.bfloat16):
            return measured(model, x)

    theirs = in_half(model)
    fuse_lora(model)
    ours = in_half(model)
    assert len(count) == 2
    assert ours[0].dtype is torch.bfloat16
    for found, gradients in (theirs, ours):
        for name, gradient in {**gradients, "out": found}.items():
            expected = {**exact[1], "out": exact[0]}[name]
            assert (gradient.double() - expected).norm() < 0.03 * expected.norm(), name
    assert {name: gradient.dtype for name, gradient in ours[1].items()} == {
        name: gradient.dtype for name, gradient in theirs[1].items()
    }


def adapted_in_double(model: PeftModel) -> PeftModel:
    """The same weights in double precision."""
    twin = adapted().double()
    twin.load_state_dict({name: weight.double() for name, weight in model.state_dict().items()})
    return twin


@pytest.mark.parametrize("bias", [True, False])
def test_its_gradient_is_that_of_its_output(bias: bool) -> None:
    torch.manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64)

    x, down, up = (draw(*shape).requires_grad_() for shape in ((2, 3, 4), (2, 4), (5, 2)))
    weight, offset = draw(5, 4), draw(5) if bias else None
    assert torch.autograd.gradcheck(
        lambda *given: LoraLinear.apply(given[0], weight, offset, *given[1:], 1.5), (x, down, up)
    )


def test_a_frozen_adapter_passes_the_gradient_on(count: list[int]) -> None:
    model, x = adapted(), torch.randn(3, 6)
    model.requires_grad_(False)
    expected, gradients = measured(model, x)
    fuse_lora(model)
    found, ours = measured(model, x)
    assert len(count) == 2
    assert list(gradients) == ["x"]
    torch.testing.assert_close((found, ours), (expected, gradients))


def disabled(model: PeftModel) -> None:
    model.base_model.disable_adapter_layers()


def two(model: PeftModel) -> None:
    model.add_adapter("other", LoraConfig(r=3, target_modules=["first"], init_lora_weights=False))
    model.base_model.set_adapter(["default", "other"])


def half(model: PeftModel) -> None:
    model.get_base_model().second.base_layer.to(torch.bfloat16)
    model.get_base_model().first.base_layer.to(torch.bfloat16)


@pytest.mark.parametrize(
    ("change", "settings", "dtype"),
    [
        (None, {"lora_dropout": 0.5}, torch.float32),
        (None, {"use_dora": True}, torch.float32),
        (None, {"lora_bias": True}, torch.float32),
        (disabled, {}, torch.float32),
        (two, {}, torch.float32),
        (half, {}, torch.bfloat16),
    ],
)
def test_what_is_not_plain_goes_pefts_way(
    change: Callable[[PeftModel], None] | None, settings: dict[str, Any], dtype: torch.dtype, count: list[int]
) -> None:
    model, x = adapted(**settings), torch.randn(3, 6).to(dtype)
    if change:
        change(model)
    expected = measured(model, x)
    fuse_lora(model)
    found = measured(model, x)
    assert not count
    torch.testing.assert_close(found, expected)


def test_without_training_dropout_does_not_hinder(count: list[int]) -> None:
    model, x = adapted(lora_dropout=0.5).eval(), torch.randn(3, 6)
    expected = measured(model, x)
    fuse_lora(model)
    torch.testing.assert_close(measured(model, x), expected)
    assert len(count) == 2
