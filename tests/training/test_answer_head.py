"""The head over answers against TRL's: the same values and gradients, and TRL's own where it does not apply."""

from pathlib import Path
from typing import Any

import pytest
import torch
from trl.kernels.chunked_logprob import ChunkedLogProbFunction
from trl.trainer.utils import add_fused_lm_head

from mealign.language.settings import Precision
from mealign.training import answer_head
from mealign.training.answer_head import IGNORED, AnswerLogProbs, add_answer_head
from mealign.training.base_models import load_base

OUTPUTS = ("log_probs", "entropy", "mean_logits", "is_top1")


def theirs(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> Any:
    return ChunkedLogProbFunction.apply(hidden, weight, None, targets, 1.0, 64, None, 1.0, OUTPUTS)


@pytest.mark.parametrize("rows", [1, 7, 40])
@pytest.mark.parametrize("spread", [0.1, 10.0])
def test_values_and_gradients_are_trls(rows: int, spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_head, "ROWS", rows)
    torch.manual_seed(rows)
    hidden = (spread * torch.randn(40, 16)).requires_grad_()
    weight, targets = torch.randn(200, 16), torch.randint(0, 200, (40,))
    # Some are the likeliest.
    targets[::4] = (hidden @ weight.T).argmax(-1)[::4]
    pull = torch.randn(40)
    found, expected = [], []
    for function, into in ((theirs, expected), (lambda *given: AnswerLogProbs.apply(*given, False), found)):
        hidden.grad = None
        log_probs, entropy, *others = function(hidden, weight, targets)
        (log_probs * pull).sum().backward()
        assert hidden.grad is not None
        means, top = (others[1], others[2]) if function is theirs else others
        into += [log_probs.detach(), entropy.detach(), means, top.float(), hidden.grad]
    assert 10 <= found[3].sum() < 40
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_in_half_precision_it_is_as_near_the_truth_as_trl() -> None:
    torch.manual_seed(0)
    exact = torch.randn(64, 32)
    weight, targets, pull = torch.randn(500, 32), torch.randint(0, 500, (64,)), torch.randn(64)

    def gradient(function: Any, dtype: torch.dtype) -> torch.Tensor:
        hidden = exact.to(torch.bfloat16).to(dtype).requires_grad_()
        (function(hidden, weight.to(torch.bfloat16).to(dtype), targets)[0] * pull).sum().backward()
        assert hidden.grad is not None
        return hidden.grad.float()

    truth = gradient(theirs, torch.float32)
    ours = gradient(lambda *given: AnswerLogProbs.apply(*given, False), torch.bfloat16)
    error, trls = ((found - truth).norm() for found in (ours, gradient(theirs, torch.bfloat16)))
    assert error < 1.5 * trls


def test_without_a_gradient_only_what_is_asked_for_is_computed() -> None:
    log_probs, *others = AnswerLogProbs.apply(torch.randn(3, 8), torch.randn(20, 8), torch.tensor([1, 2, 3]), True)
    assert log_probs.shape == (3,)
    assert others == [None, None, None]


def outputs(model: Any, ids: torch.Tensor, labels: torch.Tensor) -> Any:
    return model(input_ids=ids, labels=labels, fused_lm_head=True, num_items_in_batch=7)


def test_a_model_answers_as_with_trls_head(tiny_model: Path) -> None:
    torch.manual_seed(0)
    model = load_base(tiny_model, precision=Precision.fp32).requires_grad_(False)
    ids = torch.randint(0, 1000, (2, 9))
    labels = ids.clone()
    labels[0, :5] = labels[1, 3:] = IGNORED
    add_fused_lm_head(model, outputs=OUTPUTS)
    expected = outputs(model, ids, labels)
    add_answer_head(model)
    found = outputs(model, ids, labels)
    for name in (*OUTPUTS, "loss", "label_mask"):
        torch.testing.assert_close(found[name].float(), expected[name].float(), rtol=1e-4, atol=1e-4)
    # What is not asked of the head goes past it, as it does with TRL's.
    torch.testing.assert_close(
        model(input_ids=ids, labels=labels).loss, -found["log_probs"].sum() / found["label_mask"].sum()
    )


def test_a_head_that_is_trained_gets_its_gradient(tiny_model: Path) -> None:
    model = load_base(tiny_model, precision=Precision.fp32)
    add_fused_lm_head(model)
    add_answer_head(model)
    ids = torch.randint(0, 1000, (1, 5))
    outputs(model, ids, ids).loss.backward()
    assert model.get_output_embeddings().weight.grad.abs().max() > 0


@pytest.mark.parametrize("name", ["final_logit_softcapping", "logit_scale"])
def test_logits_that_are_changed_behind_the_head_are_trls(tiny_model: Path, name: str) -> None:
    model = load_base(tiny_model, precision=Precision.fp32).requires_grad_(False)
    ids = torch.randint(0, 1000, (1, 5))
    plain = outputs(_with_heads(model), ids, ids).loss
    setattr(model.config, name, 0.01)
    model.forward = type(model).forward.__get__(model)
    assert not torch.allclose(outputs(_with_heads(model), ids, ids).loss, plain, atol=1e-3)


def _with_heads(model: Any) -> Any:
    add_fused_lm_head(model)
    add_answer_head(model)
    return model
