"""Every variant of LoRA through SFT and DPO: what is saved is what was trained, on the base model as it is."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PrinterCallback

from mealign.errors import MealignError
from mealign.language.settings import Precision
from mealign.records import Preference, Task
from mealign.training import dpo
from mealign.training.adapters import load_adapter, save_adapter
from mealign.training.isolation import quiet_training
from mealign.training.settings import LoraVariant
from mealign.training.sft import build_trainer, to_row
from tests.defaults import DpoConfig, LoraConfig, SftConfig
from tests.rounding import LOGITS, assert_near
from tests.training.conftest import MAX_LENGTH, Train

pytestmark = pytest.mark.numerical

TOKENS = torch.tensor([[1, 5, 9, 300]])
VARIANTS = [LoraVariant.rslora, LoraVariant.dora, LoraVariant.pissa]


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> LoraConfig:
    return LoraConfig(variant=request.param, rank=4)


@pytest.fixture(scope="module")
def adapter(variant: LoraConfig, sft: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("variant") / "sft"
    sft(output, lora=variant)
    return output


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(TOKENS).logits
        return found


def base(tiny_model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_model)


def test_before_the_first_step_the_policy_is_the_base_model(
    variant: LoraConfig, tasks: list[Task], tokenizer: Any, tiny_model: Path, tmp_path: Path
) -> None:
    trainer = trainer_of(variant, tasks, tokenizer, tiny_model, tmp_path)
    assert_near(logits(trainer.model), logits(base(tiny_model)), LOGITS)


def test_a_saved_adapter_gives_the_policys_logits(
    variant: LoraConfig, tasks: list[Task], tokenizer: Any, tiny_model: Path, tmp_path: Path
) -> None:
    trainer = trainer_of(variant, tasks, tokenizer, tiny_model, tmp_path)
    trainer.remove_callback(PrinterCallback)
    with quiet_training():
        trainer.train()
    save_adapter(trainer.model, tmp_path / "sft", base="tiny", scratch=tmp_path / "trainer")
    saved = logits(PeftModel.from_pretrained(base(tiny_model), tmp_path / "sft"))
    assert_near(saved, logits(trainer.model), LOGITS)
    assert has_learned(saved, tiny_model)


def has_learned(said: torch.Tensor, tiny_model: Path) -> bool:
    """Tell whether what is said differs from what the base model says by much more than rounding explains."""
    before = logits(base(tiny_model))
    return bool((said - before).norm() > 10 * LOGITS * before.norm())


def trainer_of(variant: LoraConfig, tasks: list[Task], tokenizer: Any, model: Path, folder: Path) -> Any:
    with quiet_training():
        return build_trainer(
            [to_row(task, tokenizer) for task in tasks],
            tokenizer,
            model=model,
            lora=variant,
            settings=SftConfig(epochs=2, learning_rate=1e-2, batch_size=4, warmup_ratio=0.0),
            seed=1,
            precision=Precision.fp32,
            folder=folder / "trainer",
        )


@pytest.mark.parametrize("start", ["the SFT adapter", "the base model"])
def test_dpo_starts_where_its_reference_stands(
    start: str, variant: LoraConfig, adapter: Path, pairs: list[Preference], tiny_model: Path, tmp_path: Path
) -> None:
    result = dpo.train_dpo(
        pairs,
        model=tiny_model,
        sft_adapter=adapter if start == "the SFT adapter" else None,
        output=tmp_path / "dpo",
        lora=variant,
        settings=DpoConfig(epochs=2, learning_rate=1e-2, batch_size=4, warmup_ratio=0.0, sft_weight=0.0),
        max_length=MAX_LENGTH,
        seed=1,
        precision=Precision.fp32,
    )
    first, last = result.history[0], result.history[-1]
    # A reward is beta times a difference of log-probabilities; the loss of a margin near 0 is log 2 less half of it.
    off = DpoConfig().beta * LOGITS * (abs(first["logps/chosen"]) + abs(first["logps/rejected"]))
    assert first["loss"] == pytest.approx(math.log(2), abs=off)
    assert last["loss"] < math.log(2) - off
    assert has_learned(logits(PeftModel.from_pretrained(base(tiny_model), tmp_path / "dpo")), tiny_model)


def test_an_adapter_of_another_variant_is_refused(variant: LoraConfig, adapter: Path, tiny_model: Path) -> None:
    with pytest.raises(MealignError, match=r"lora\.(variant|rank|alpha_ratio)"):
        load_adapter(base(tiny_model), adapter, lora=LoraConfig(rank=4))


def test_what_pissa_took_out_stands_in_the_saved_adapter(sft: Train, tmp_path: Path) -> None:
    sft(tmp_path / "sft", lora=LoraConfig(variant=LoraVariant.pissa, rank=4))
    saved = json.loads((tmp_path / "sft" / "adapter_config.json").read_text())
    assert (saved["r"], saved["lora_alpha"], saved["init_lora_weights"]) == (8, 16, True)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_history(variant: LoraConfig, sft: Train, tmp_path: Path) -> None:
    runs = [sft(tmp_path / name, lora=variant) for name in ("one", "two")]
    assert runs[0] == runs[1]


def test_without_bitsandbytes_four_bits_are_refused(
    sft: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MealignError, match=r"lora\.variant=qlora needs bitsandbytes; pip install 'mealign\[gpu\]'"):
        sft(tmp_path / "sft", lora=LoraConfig(variant=LoraVariant.qlora))


def test_on_four_bits_only_the_adapter_learns(
    tasks: list[Task], pairs: list[Preference], sft: Train, tokenizer: Any, tiny_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes")
    qlora = LoraConfig(variant=LoraVariant.qlora, rank=4)
    trainer = trainer_of(qlora, tasks, tokenizer, tiny_model, tmp_path)
    kinds = {type(module).__name__ for module in trainer.model.modules()}
    assert "Linear4bit" in kinds
    assert all("lora" in name for name, weight in trainer.model.named_parameters() if weight.requires_grad)
    result = sft(tmp_path / "sft", lora=qlora, epochs=6)
    losses = [point["loss"] for point in result.history]
    assert losses[-1] < losses[0]
    # The adapter is one of the base model as it is, for DPO and for answers.
    assert has_learned(logits(PeftModel.from_pretrained(base(tiny_model), tmp_path / "sft")), tiny_model)
    done = dpo.train_dpo(
        pairs,
        model=tiny_model,
        sft_adapter=tmp_path / "sft",
        output=tmp_path / "dpo",
        lora=qlora,
        settings=DpoConfig(epochs=3, learning_rate=5e-3, batch_size=4),
        max_length=MAX_LENGTH,
        seed=1,
        precision=Precision.fp32,
    )
    assert done.history[0]["rewards/margins"] == pytest.approx(0, abs=1e-3)
    assert done.history[-1]["rewards/margins"] > 0
