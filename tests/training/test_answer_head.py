"""The head over answers against one softmax and TRL's head, and TRL's own where it does not apply."""

from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.utils import add_fused_lm_head

from mealign.language.settings import Precision
from mealign.training import answer_head
from mealign.training.answer_head import IGNORED, AnswerLogProbs, add_answer_head
from mealign.training.base_models import load_base
from tests.rounding import LOGITS, assert_near, rounding

pytestmark = pytest.mark.numerical

OUTPUTS = ("log_probs", "entropy", "mean_logits", "is_top1")


def truth(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, pull: torch.Tensor) -> Any:
    """In double precision: the logits, the four outputs, and the gradient of the log-probabilities times ``pull``.

    Logits of bf16 are rounded to it: how far that takes their exponentials is the number format's, not the head's.
    """
    wide = hidden.detach().double().requires_grad_()
    logits = wide @ weight.double().T
    logits = logits + (logits.to(hidden.dtype).double() - logits).detach() if hidden.dtype is torch.bfloat16 else logits
    every = logits.log_softmax(-1)
    log_probs = every.gather(-1, targets[:, None])[:, 0]
    (gradient,) = torch.autograd.grad((log_probs * pull.double()).sum(), wide)
    entropy = -(every.exp() * every).sum(-1)
    top = logits.argmax(-1) == targets
    return logits.detach(), log_probs.detach(), entropy.detach(), logits.mean(-1).detach(), top, gradient


@pytest.mark.parametrize("rows", [1, 7, 40])
@pytest.mark.parametrize("spread", [0.1, 10.0])
def test_values_and_gradients_are_those_of_one_softmax(
    rows: int, spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_head, "ROWS", rows)
    torch.manual_seed(rows)
    hidden = (spread * torch.randn(40, 16)).requires_grad_()
    weight, targets, pull = torch.randn(200, 16), torch.randint(0, 200, (40,)), torch.randn(40)
    # Some are the likeliest.
    targets[::4] = (hidden @ weight.T).argmax(-1)[::4]
    logits, log_probs, entropy, means, top, gradient = truth(hidden, weight, targets, pull)
    found = AnswerLogProbs.apply(hidden, weight, targets, False)
    (found[0] * pull).sum().backward()
    # A product of 16 terms, a sum over 200 tokens, and what is made of both.
    bound = rounding(200, stages=3)
    largest = logits.abs().amax(-1)
    for name, one, other in zip(OUTPUTS, found[:3], (log_probs, entropy, means), strict=False):
        assert_near(one.detach(), other, bound, name, of=largest)
    assert torch.equal(found[3], top)
    assert 10 <= top.sum() < 40
    assert hidden.grad is not None
    # By what a logit is off, its exponential is off as a share.
    assert_near(hidden.grad, gradient, bound * max(1.0, float(largest.max())), "gradient")


def test_in_half_precision_gradients_are_as_near_the_truth_as_bf16_allows() -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(64, 32).to(torch.bfloat16).requires_grad_(), torch.randn(500, 32).to(torch.bfloat16)
    targets, pull = torch.randint(0, 500, (64,)), torch.randn(64)
    gradient = truth(hidden, weight, targets, pull)[-1]
    (AnswerLogProbs.apply(hidden, weight, targets, False)[0] * pull).sum().backward()
    assert hidden.grad is not None
    # Rounded are exponentials, what they add up to, and the gradient; and a logit that lies between two numbers of bf16
    # may become the other one.
    assert_near(hidden.grad, gradient, rounding(1, stages=4, dtype=torch.bfloat16))


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
    assert_near(found["loss"], expected["loss"], LOGITS, "loss")
    for name in ("log_probs", "entropy", "mean_logits"):
        # All of them are made of logits, of which the log-probabilities tell the size.
        assert_near(found[name], expected[name], LOGITS, name, of=expected["log_probs"])
    for name in ("is_top1", "label_mask"):
        assert torch.equal(found[name], expected[name])
    # What is not asked of the head goes past it, as it does with TRL's.
    plain = model(input_ids=ids, labels=labels).loss
    assert_near(plain, -found["log_probs"].sum() / found["label_mask"].sum(), LOGITS)


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
