"""The packed trainer against TRL itself: the same losses, gradients and metrics."""

import math
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention.flex_attention import create_mask
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from mealign.config import LoraConfig, Precision
from mealign.errors import MealignError
from mealign.training import common
from mealign.training.prefix_sharing import (
    IGNORED,
    PrefixSharedCollator,
    PrefixSharedDPOTrainer,
    pack,
    visible,
    visible_blocks,
)
from tests.rounding import GRADIENTS, LOGITS, assert_all_near

pytestmark = pytest.mark.numerical

TOKENS = st.lists(st.integers(4, 50), min_size=1, max_size=9)
PAIRS = st.lists(
    st.fixed_dictionaries({"prompt_ids": TOKENS, "chosen_ids": TOKENS, "rejected_ids": TOKENS}), min_size=1, max_size=5
)
BETA = 0.1
WORDS = "Ghent Farah moved lemon cake piano river Bart Antwerp library old new house green".split()  # noqa: SIM905


def make_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    draw = random.Random(seed)

    def turn(role: str, most: int) -> list[dict[str, str]]:
        return [{"role": role, "content": " ".join(draw.choice(WORDS) for _ in range(draw.randint(1, most)))}]

    return [
        {"prompt": turn("user", 40), "chosen": turn("assistant", 9), "rejected": turn("assistant", 9)}
        for _ in range(count)
    ]


def build(
    ours: bool,
    model: Path,
    folder: Path,
    *,
    rows: list[dict[str, Any]],
    known: Any = None,
    max_tokens: int | None = None,
    **arguments: Any,
) -> Any:
    """Build either trainer on the same fresh adapter."""
    tokenizer = common.load_tokenizer(model)
    torch.manual_seed(0)
    base = common.load_base(model, precision=Precision.fp32)
    settings = {
        "output_dir": str(folder), "per_device_train_batch_size": 3, "bf16": False, "gradient_checkpointing": False,
        "use_cpu": True, "max_length": None, "precompute_ref_log_probs": True, "report_to": [], "disable_tqdm": True,
        "save_strategy": "no", "logging_steps": 1, "learning_rate": 5e-3, "remove_unused_columns": False,
    }  # fmt: skip
    more: dict[str, Any] = {}
    if ours:
        collator = PrefixSharedCollator(tokenizer.pad_token_id, max_tokens=max_tokens)
        more = {"data_collator": collator, "known": {} if known is None else known, "reference": "tiny"}
    with common.quiet_training():
        return (PrefixSharedDPOTrainer if ours else DPOTrainer)(
            model=base,
            args=DPOConfig(**settings | arguments),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=common.peft_config(base, LoraConfig(rank=4)),
            **more,
        )


def history(trainer: Any) -> list[dict[str, float]]:
    """Train and return every step's report without its times."""
    trainer.remove_callback(common.PrinterCallback)
    with common.quiet_training():
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
    ("losses", "more", "slope"),
    [
        pytest.param(["ipo"], {}, 1 / BETA, marks=pytest.mark.slow),
        (["sigmoid", "sft"], {"loss_weights": [1.0, 0.5]}, BETA + 0.5),
        pytest.param(["sigmoid"], {}, BETA, marks=pytest.mark.slow),
        pytest.param(["hinge"], {}, BETA, marks=pytest.mark.slow),
        pytest.param(["robust"], {"label_smoothing": 0.1}, BETA / 0.8, marks=pytest.mark.slow),
        pytest.param(["sigmoid"], {"ld_alpha": 0.5}, BETA, marks=pytest.mark.slow),
    ],
)
def test_losses_gradients_and_metrics_are_those_of_trl(
    losses: list[str], more: dict[str, Any], slope: float, tiny_model: Path, tmp_path: Path
) -> None:
    """``slope``: of the loss, by a log-probability, at its steepest."""
    rows = make_rows(6)
    # Without momentum or a rate for every weight: by what a gradient is off, the next weights are, and no more.
    plain = {"optim": "sgd", "learning_rate": 0.3, "beta": BETA}
    theirs, ours = (
        history(build(which, tiny_model, tmp_path, rows=rows, loss_type=losses, max_steps=3, **plain, **more))
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


@given(PAIRS, st.one_of(st.none(), st.integers(8, 60)))
@settings(max_examples=50, deadline=None)
def test_a_packed_batch_holds_every_token_of_an_answer_behind_its_prompt(
    pairs: list[dict[str, list[int]]], budget: int | None
) -> None:
    batch = PrefixSharedCollator(0, max_tokens=budget)([dict(pair) for pair in pairs])
    plain = DataCollatorForPreference(0)([dict(pair) for pair in pairs])
    assert all(torch.equal(batch[name], plain[name]) for name in plain)
    scored = plain["completion_mask"][:, 1:].bool()
    order = batch["packed_order"]
    assert torch.equal(batch["packed_labels"].reshape(-1)[order], plain["input_ids"][:, 1:][scored])
    assert (batch["packed_labels"] != IGNORED).sum() == len(order)
    seen = visible(batch["packed_groups"], batch["packed_branches"])[:, 0]
    width = batch["packed_ids"].shape[1]
    sequences = [(pair["prompt_ids"], pair[side]) for side in ("chosen_ids", "rejected_ids") for pair in pairs]
    places = iter(order.tolist())
    for prompt, answer in sequences:
        for length in range(len(answer)):
            row, column = divmod(next(places), width)
            visible_to = seen[row, column]
            # Whatever predicts a token sees the prompt and the answer so far, at their positions, and no more.
            assert batch["packed_ids"][row][visible_to].tolist() == prompt + answer[:length]
            assert batch["packed_positions"][row][visible_to].tolist() == list(range(len(prompt) + length))
    first = slice(batch["packed_causal"])
    assert torch.equal(seen[:, first, first], torch.ones_like(seen[:, first, first]).tril())
    assert batch["packed_causal"] >= min(len(pair["prompt_ids"]) + len(pair["chosen_ids"]) for pair in pairs)
    blocks = visible_blocks(batch["packed_groups"], batch["packed_branches"])
    by_token = create_mask(blocks.mask_mod, len(seen), None, width, width, device="cpu")
    assert torch.equal(by_token[:, 0], seen)


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(5, 40))
def test_packing_loses_nothing_and_keeps_the_budget(lengths: list[int], budget: int) -> None:
    rows = pack(lengths, budget)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    for row in rows:
        assert len(row) == 1 or sum(lengths[index] for index in row) <= budget


def test_a_gap_is_subtracted_from_the_rewards_and_reported_without(tiny_model: Path, tmp_path: Path) -> None:
    """ODPO, eq. 8, by hand from what TRL reports of the same pair."""
    rows = make_rows(1)
    plain = build(False, tiny_model, tmp_path, rows=rows, max_steps=2)
    # After a step the chosen answer is ahead of the other, and still behind by the gap.
    gapped = build(True, tiny_model, tmp_path, rows=[row | {"gap": 1e3} for row in rows], max_steps=2)
    reached = build(True, tiny_model, tmp_path, rows=[row | {"gap": -1.5} for row in rows], max_steps=1)
    expected, found, (weaker,) = history(plain), history(gapped), history(reached)
    off = logps_off(expected[0])
    # At the first step all rewards are 0, and by its gap a reward falls short.
    assert weaker["loss"] == pytest.approx(math.log1p(math.exp(-1.5)), abs=BETA * off)
    assert found[0]["loss"] == pytest.approx(1e3, rel=LOGITS)
    for point in (weaker, found[0]):
        assert point["rewards/margins"] == pytest.approx(0, abs=BETA * off)
        assert point["logps/chosen"] == pytest.approx(expected[0]["logps/chosen"], rel=LOGITS)
    # The pull of a gap that is reached already is weaker: sigmoid(-1.5) instead of sigmoid(0) and sigmoid(1000).
    pull = expected[0]["grad_norm"] / 0.5
    assert weaker["grad_norm"] == pytest.approx(pull / (1 + math.exp(1.5)), rel=GRADIENTS, abs=BETA * off * pull)
    assert found[0]["grad_norm"] == pytest.approx(pull, rel=GRADIENTS, abs=BETA * off * pull)
    assert found[1]["rewards/margins"] == pytest.approx(
        found[1]["rewards/chosen"] - found[1]["rewards/rejected"], abs=BETA * off
    )
    assert found[1]["rewards/margins"] > BETA * off
    assert found[1]["rewards/accuracies"] == 1.0


def test_what_packing_does_not_do_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    for wrong in ({"max_length": 64}, {"precompute_ref_log_probs": False}):
        with pytest.raises(MealignError, match="precompute_ref_log_probs=True and max_length=None"):
            build(True, tiny_model, tmp_path, rows=make_rows(2), **wrong)


def test_an_empty_prompt_is_named() -> None:
    with pytest.raises(MealignError, match="empty prompt"):
        PrefixSharedCollator(0)([{"prompt_ids": [], "chosen_ids": [1], "rejected_ids": [2]}])
