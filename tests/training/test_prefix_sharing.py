"""The packed trainer against TRL itself: the same losses, gradients and metrics."""

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import DPOConfig, DPOTrainer

from mealign.errors import MealignError
from mealign.language.settings import Precision
from mealign.training.adapters import peft_config
from mealign.training.base_models import load_base, load_tokenizer
from mealign.training.dpo import pair_loss
from mealign.training.isolation import quiet_training
from mealign.training.packing import PrefixSharedCollator
from mealign.training.prefix_sharing import PrefixSharedDPOTrainer
from tests.defaults import DpoConfig, LoraConfig
from tests.rounding import GRADIENTS, LOGITS, assert_all_near

pytestmark = pytest.mark.numerical

WORDS = "Ghent Farah moved lemon cake piano river Bart Antwerp library old new house green".split()  # noqa: SIM905


def make_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    draw = random.Random(seed)

    def turn(role: str, most: int) -> list[dict[str, str]]:
        return [{"role": role, "content": " ".join(draw.choice(WORDS) for _ in range(draw.randint(1, most)))}]

    return [
        {"prompt": turn("user", 40), "chosen": turn("assistant", 9), "rejected": turn("assistant", 9)}
        for _ in range(count)
    ]


BETA = 0.1
PLAIN = DpoConfig(beta=BETA, sft_weight=0.0)


def trl_losses(asked: Any) -> dict[str, Any]:
    """Ask TRL for the same loss, which it knows by the same name."""
    losses = {asked.loss: 1.0} | ({"sft": asked.sft_weight} if asked.sft_weight else {})
    return {
        "loss_type": list(losses), "loss_weights": list(losses.values()), "label_smoothing": asked.label_smoothing,
    }  # fmt: skip


def build(
    ours: bool,
    model: Path,
    folder: Path,
    *,
    rows: list[dict[str, Any]],
    asked: Any = PLAIN,
    known: Any = None,
    max_tokens: int | None = None,
    **arguments: Any,
) -> Any:
    """Build either trainer on the same fresh adapter."""
    tokenizer = load_tokenizer(model)
    torch.manual_seed(0)
    base = load_base(model, precision=Precision.fp32)
    settings = {
        "output_dir": str(folder), "per_device_train_batch_size": 3, "bf16": False, "gradient_checkpointing": False,
        "use_cpu": True, "max_length": None, "precompute_ref_log_probs": True, "report_to": [], "disable_tqdm": True,
        "save_strategy": "no", "logging_steps": 1, "learning_rate": 5e-3, "remove_unused_columns": False,
        "beta": asked.beta,
    }  # fmt: skip
    settings |= {"loss_type": []} if ours else trl_losses(asked)
    more: dict[str, Any] = {}
    if ours:
        collator = PrefixSharedCollator(tokenizer.pad_token_id, max_tokens=max_tokens)
        more = {"data_collator": collator, "known": {} if known is None else known, "reference": "tiny"}
        more |= {"loss": pair_loss(asked), "sft_weight": asked.sft_weight}
    with quiet_training():
        return (PrefixSharedDPOTrainer if ours else DPOTrainer)(
            model=base,
            args=DPOConfig(**settings | arguments),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=peft_config(base, LoraConfig(rank=4)),
            **more,
        )


def history(trainer: Any) -> list[dict[str, float]]:
    """Train and return every step's report without its times."""
    trainer.remove_callback(PrinterCallback)
    with quiet_training():
        trainer.train()
    return [
        {name: value for name, value in point.items() if "time" not in name}
        for point in trainer.state.log_history
        if "loss" in point
    ]


def logps_off(point: dict[str, float]) -> float:
    """Return by how much rounding explains that log-probabilities of answers are off, in nats."""
    return LOGITS * (abs(point["logps/chosen"]) + abs(point["logps/rejected"]))


@pytest.mark.parametrize(
    ("asked", "more", "slope"),
    [
        pytest.param({"loss": "ipo"}, {}, 1 / BETA, marks=pytest.mark.slow),
        ({"sft_weight": 0.5}, {}, BETA + 0.5),
        pytest.param({}, {}, BETA, marks=pytest.mark.slow),
        pytest.param({"loss": "hinge"}, {}, BETA, marks=pytest.mark.slow),
        pytest.param({"loss": "robust", "label_smoothing": 0.1}, {}, BETA / 0.8, marks=pytest.mark.slow),
        pytest.param({}, {"ld_alpha": 0.5}, BETA, marks=pytest.mark.slow),
    ],
)
def test_losses_gradients_and_metrics_are_those_of_trl(
    asked: dict[str, Any], more: dict[str, Any], slope: float, tiny_model: Path, tmp_path: Path
) -> None:
    """``slope``: of the loss, by a log-probability, at its steepest."""
    rows, settings = make_rows(6), replace(PLAIN, **asked)
    # Without momentum or a rate for every weight: by what a gradient is off, the next weights are, and no more.
    plain = {"optim": "sgd", "learning_rate": 0.3}
    theirs, ours = (
        history(build(which, tiny_model, tmp_path, rows=rows, asked=settings, max_steps=3, **plain, **more))
        for which in (False, True)
    )
    assert len(theirs) == len(ours) == 3
    for step, (expected, found) in enumerate(zip(theirs, ours, strict=True), start=1):
        # Every step adds what the gradient is off to what the next step says.
        off = step * logps_off(expected)
        bounds = {"loss": slope * off, "grad_norm": step * GRADIENTS * expected["grad_norm"], "entropy": off}
        bounds |= {f"{name}/{side}": off for name in ("logps", "logits") for side in ("chosen", "rejected")}
        bounds |= {f"rewards/{name}": BETA * off for name in ("chosen", "rejected", "margins")}
        assert found.keys() == expected.keys() > bounds.keys()
        # Which of two rewards is the greater one is a matter of rounding where they are near each other.
        for name in expected.keys() - {"rewards/accuracies"}:
            assert found[name] == pytest.approx(expected[name], rel=0, abs=bounds.get(name, 0)), name
    assert abs(theirs[-1]["rewards/margins"]) > 10 * BETA * logps_off(theirs[-1])


@pytest.fixture(scope="module")
def both(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Either trainer with the same adapter, which is not the reference, and its first batch."""
    found = []
    for ours in (False, True):
        trainer = build(ours, tiny_model, tmp_path_factory.mktemp("both"), rows=make_rows(3))
        generator = torch.Generator().manual_seed(1)
        for name, weight in trainer.model.named_parameters():
            if "lora_B" in name:
                weight.data = torch.randn(weight.shape, generator=generator) / 10
        found.append((trainer, next(iter(trainer.get_train_dataloader()))))
    return found[0], found[1]


@pytest.mark.parametrize(
    "asked", [{}, {"loss": "ipo"}, {"loss": "hinge"}, {"loss": "robust", "label_smoothing": 0.2}, {"sft_weight": 0.5}]
)
def test_each_loss_is_that_of_trl_on_the_same_pairs(asked: dict[str, Any], both: tuple[Any, Any]) -> None:
    (theirs, their_batch), (ours, our_batch) = both
    settings = replace(PLAIN, **asked)
    losses = trl_losses(settings)
    theirs.loss_types, theirs.loss_weights = losses["loss_type"], losses["loss_weights"]
    theirs.label_smoothing = settings.label_smoothing
    ours._loss, ours._sft_weight = pair_loss(settings), settings.sft_weight
    expected, found = (
        trainer.compute_loss(trainer.model, batch).item()
        for trainer, batch in ((theirs, their_batch), (ours, our_batch))
    )
    assert abs(ours._metrics["train"]["rewards/margins"][-1]) > 0.1
    # Rounding in a sum of some 20 log-probabilities of up to 10 nats, times at most 10 (IPO's slope at beta 0.1).
    assert found == pytest.approx(expected, abs=10 * 20 * 10 * 2**-24)


def test_a_supervised_batch_has_the_loss_and_the_gradients_of_trls_sft_term(tiny_model: Path, tmp_path: Path) -> None:
    rows = make_rows(3)
    supervised = [{**row, "rejected": row["chosen"], "supervised": True} for row in rows]
    theirs = build(False, tiny_model, tmp_path, rows=rows, loss_type=["sft"])
    ours = build(True, tiny_model, tmp_path, rows=supervised)
    found = []
    for trainer in (theirs, ours):
        batch = next(iter(trainer.get_train_dataloader()))
        loss = trainer.compute_loss(trainer.model, batch)
        loss.backward()
        gradients = {name: weight.grad for name, weight in trainer.model.named_parameters() if weight.grad is not None}
        accuracy = trainer._metrics["train"]["mean_token_accuracy"]
        found.append((loss.item(), accuracy, gradients))
    (expected, right, gradients), (got, ours_right, own) = found
    assert got == pytest.approx(expected, rel=LOGITS)
    assert ours_right == pytest.approx(right)
    assert_all_near(own, gradients, GRADIENTS)
    assert ours._total_train_tokens * 2 > theirs._total_train_tokens > ours._total_train_tokens
    assert not ours._known, "no reference is computed for what has no preference"


def test_gradients_of_every_weight_are_those_of_trl(tiny_model: Path, tmp_path: Path) -> None:
    gradients = []
    for ours in (False, True):
        trainer = build(ours, tiny_model, tmp_path, rows=make_rows(4), per_device_train_batch_size=4)
        trainer.compute_loss(trainer.model, next(iter(trainer.get_train_dataloader()))).backward()
        gradients.append({name: w.grad for name, w in trainer.model.named_parameters() if w.grad is not None})
    theirs, ours_ = gradients
    # Of a fresh adapter, whose B is 0, only B has a gradient.
    assert any(bool(gradient.any()) for gradient in theirs.values())
    assert_all_near(ours_, theirs, GRADIENTS)


def test_the_reference_is_computed_once_for_all_runs(tiny_model: Path, tmp_path: Path) -> None:
    known: dict[str, tuple[float, float]] = {}
    rows = make_rows(5)
    first = build(True, tiny_model, tmp_path, rows=rows[:3], known=known)
    assert len(known) == 3
    kept = dict(known)
    known |= {key: (chosen - 1.0, rejected) for key, (chosen, rejected) in kept.items()}
    second = build(True, tiny_model, tmp_path, rows=rows, known=known)
    assert len(known) == 5
    assert second.train_dataset["ref_chosen_logps"][:3] == [
        value - 1.0 for value in first.train_dataset["ref_chosen_logps"]
    ]
    plain = build(False, tiny_model, tmp_path, rows=rows)
    for column in ("ref_chosen_logps", "ref_rejected_logps"):
        fresh = build(True, tiny_model, tmp_path, rows=rows)
        assert fresh.train_dataset[column] == pytest.approx(list(plain.train_dataset[column]), rel=LOGITS)


def test_a_gap_is_subtracted_from_the_rewards_and_reported_without(tiny_model: Path, tmp_path: Path) -> None:
    """ODPO, eq. 8, by hand from what TRL reports of the same pair: a gap of 2 * log(exp(-0.75)) = -1.5."""
    rows = make_rows(1)
    plain = build(False, tiny_model, tmp_path, rows=rows, max_steps=2)
    unclear = [row | {"margin": math.exp(-0.75)} for row in rows]
    gapped = build(True, tiny_model, tmp_path, rows=unclear, asked=replace(PLAIN, offset=2.0), max_steps=2)
    expected, found = history(plain), history(gapped)
    off = logps_off(expected[0])
    # At the first step all rewards are 0.
    assert found[0]["loss"] == pytest.approx(math.log1p(math.exp(-1.5)), abs=BETA * off)
    assert found[0]["rewards/margins"] == pytest.approx(0, abs=BETA * off)
    assert found[0]["logps/chosen"] == pytest.approx(expected[0]["logps/chosen"], rel=LOGITS)
    # The pull of a gap that is reached already is weaker: sigmoid(-1.5) instead of sigmoid(0).
    pull = expected[0]["grad_norm"] / 0.5
    assert found[0]["grad_norm"] == pytest.approx(pull / (1 + math.exp(1.5)), rel=GRADIENTS, abs=BETA * off * pull)
    assert found[1]["rewards/margins"] == pytest.approx(
        found[1]["rewards/chosen"] - found[1]["rewards/rejected"], abs=BETA * off
    )
    assert found[1]["rewards/margins"] > BETA * off
    assert found[1]["rewards/accuracies"] == 1.0


def test_what_packing_does_not_do_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    for wrong in ({"max_length": 64}, {"precompute_ref_log_probs": False}, {"loss_type": ["ipo"]}):
        with pytest.raises(MealignError, match="precompute_ref_log_probs=True and max_length=None"):
            build(True, tiny_model, tmp_path, rows=make_rows(2), **wrong)
