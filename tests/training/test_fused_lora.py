"""The fused layers against PEFT's: the same outputs and gradients, and PEFT's own way where they do not apply.

What is compared is computed in double precision, where ``assert_close`` allows a share of 1e-7: that is a thousand
million times what one product is off by, and these nets add up some dozens.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig

from mealign.training import fused_lora
from mealign.training.fused_lora import LoraLinears, fuse_lora
from tests.rounding import STAGES, assert_all_near, assert_near, rounding

pytestmark = pytest.mark.numerical


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


class Attending(torch.nn.Module):
    """Layers that read the same input, with a bias in some of them, and what they say in one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.config = {"model_type": "attending"}
        self.q_proj = torch.nn.Linear(6, 8)
        self.k_proj = torch.nn.Linear(6, 4, bias=False)
        self.v_proj = torch.nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.tanh(self.q_proj(x)), self.k_proj(x) * self.v_proj(x)], dim=-1)


class Crossing(Attending):
    """The same, where keys and values are of another input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        other = torch.sin(x)
        return torch.cat([torch.tanh(self.q_proj(x)), self.k_proj(other) * self.v_proj(other)], dim=-1)


def adapted(net: type[torch.nn.Module] = Net, **settings: Any) -> PeftModel:
    torch.manual_seed(0)
    given = {"target_modules": ["first", "second"], "r": 2, "lora_alpha": 6, "init_lora_weights": False, **settings}
    return get_peft_model(net(), LoraConfig(**given))


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
    apply = LoraLinears.apply

    class Counted:
        @staticmethod
        def apply(*given: Any) -> Any:
            used.append(1)
            return apply(*given)

    monkeypatch.setattr(fused_lora, "LoraLinears", Counted)
    return used


def test_outputs_and_gradients_are_pefts(count: list[int]) -> None:
    model, x = adapted().double(), draw(3, 5, 6)
    expected, gradients = measured(model, x)
    fuse_lora(model)
    found, ours = measured(model, x)
    assert len(count) == 2
    assert len(gradients) == 5
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(ours, gradients)


def test_under_autocast_it_is_as_near_the_truth_as_bf16_allows(count: list[int]) -> None:
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
    # What is rounded to bf16 on the way to a gradient: five times in either layer there (the two factors, the narrow
    # side, the output without its update and with it), four times back, and the tanh both ways.
    bound = rounding(1, stages=2 * (5 + 4) + 2, dtype=torch.bfloat16)
    assert_near(ours[0], exact[0], bound)
    assert_all_near(ours[1], exact[1], bound)
    assert {name: gradient.dtype for name, gradient in ours[1].items()} == {
        name: gradient.dtype for name, gradient in theirs[1].items()
    }


def adapted_in_double(model: PeftModel) -> PeftModel:
    """The same weights in double precision."""
    twin = adapted().double()
    twin.load_state_dict({name: weight.double() for name, weight in model.state_dict().items()})
    return twin


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


PROJECTIONS = ["q_proj", "k_proj", "v_proj"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"rank_pattern": {"k_proj": 3}, "alpha_pattern": {"v_proj": 1}},
        # One that has no update of its own leaves the others together.
        {"target_modules": ["q_proj", "v_proj"]},
        {"target_modules": ["q_proj", "v_proj"], "modules_to_save": ["k_proj"]},
    ],
)
def test_layers_that_read_the_same_are_one_operation(settings: dict[str, Any], count: list[int]) -> None:
    model, x = adapted(Attending, **{"target_modules": PROJECTIONS, **settings}).double(), draw(2, 3, 6)
    expected, gradients = measured(model, x)
    fuse_lora(model)
    for _ in range(2):
        count.clear()
        found, ours = measured(model, x)
        assert len(count) == 1
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(ours, gradients)


@pytest.mark.parametrize(("net", "merged"), [(Attending, "v_proj"), (Crossing, None)])
def test_one_that_is_not_plain_or_reads_another_input_leaves_the_others_alone(
    net: type[torch.nn.Module], merged: str | None, count: list[int]
) -> None:
    model, x = adapted(net, target_modules=PROJECTIONS).double(), draw(2, 3, 6)
    if merged:
        model.get_base_model().get_submodule(merged).merge()
    expected, gradients = measured(model, x)
    fuse_lora(model)
    found, ours = measured(model, x)
    assert len(count) == 2
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(ours, gradients)


def test_what_was_computed_for_one_pass_serves_no_other(count: list[int]) -> None:
    """A pass may end half-way, for want of memory, and its weights may have changed by the next."""
    model, x = adapted(Attending, target_modules=PROJECTIONS).double(), draw(2, 3, 6)
    layers = model.get_base_model()
    fuse_lora(model)
    layers.q_proj(x)
    layers.k_proj.lora_B["default"].weight.data.mul_(2)
    found = model(x)
    assert len(count) == 2
    with torch.no_grad():
        torch.testing.assert_close(found, torch.cat([model(part) for part in x.split(1)]))


@pytest.mark.parametrize("reentrant", [True, False])
def test_activations_may_be_computed_again(reentrant: bool, count: list[int]) -> None:
    """As they are on an accelerator."""

    def gradients(*, fused: bool) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
        base = AutoModelForCausalLM.from_config(LlamaConfig(vocab_size=50, **shape))
        config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
        model: Any = get_peft_model(base, config).train()
        if fused:
            fuse_lora(model)
            model.gradient_checkpointing_enable({"use_reentrant": reentrant})
            model.enable_input_require_grads()
        ids = torch.arange(24).view(2, 12)
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        return {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}

    expected = gradients(fused=False)
    assert not count
    found = gradients(fused=True)
    # Of a layer's seven, q, k and v are one operation, and gate and up; each twice.
    assert len(count) == 2 * 2 * 4
    assert found.keys() == expected.keys()
    # Two layers of the kind that the tiny model has, whose longest sums are over the 48 of the MLP.
    assert_all_near(found, expected, 2 * rounding(48, stages=2 * STAGES))


@pytest.mark.parametrize("bias", [True, False])
def test_its_gradient_is_that_of_its_output(bias: bool) -> None:
    torch.manual_seed(0)
    trained = tuple(draw(*shape).requires_grad_() for shape in ((2, 3, 4), (2, 4), (5, 2), (1, 4), (3, 1)))
    frozen = [(draw(size, 4), draw(size) if bias else None, scaling) for size, scaling in ((5, 1.5), (3, -0.5))]
    assert torch.autograd.gradcheck(lambda x, *factors: LoraLinears.apply(x, frozen, *factors), trained)


def test_a_frozen_adapter_passes_the_gradient_on(count: list[int]) -> None:
    model, x = adapted().double(), draw(3, 6)
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
        (None, {"lora_dropout": 0.5}, torch.float64),
        (None, {"use_dora": True}, torch.float64),
        (None, {"lora_bias": True}, torch.float64),
        (disabled, {}, torch.float64),
        (two, {}, torch.float64),
        (half, {}, torch.bfloat16),
    ],
)
def test_what_is_not_plain_goes_pefts_way(
    change: Callable[[PeftModel], None] | None, settings: dict[str, Any], dtype: torch.dtype, count: list[int]
) -> None:
    model, x = adapted(**settings).double(), torch.randn(3, 6).to(dtype)
    if change:
        change(model)
    expected = measured(model, x)
    fuse_lora(model)
    found = measured(model, x)
    assert not count
    torch.testing.assert_close(found, expected)


def test_without_training_dropout_does_not_hinder(count: list[int]) -> None:
    model, x = adapted(lora_dropout=0.5).double().eval(), draw(3, 6)
    expected = measured(model, x)
    fuse_lora(model)
    torch.testing.assert_close(measured(model, x), expected)
    assert len(count) == 2
