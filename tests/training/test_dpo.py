import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, PrinterCallback

from mealign.errors import MealignError
from mealign.jsonl import digest_path
from mealign.language.settings import Precision
from mealign.records import Preference, Task
from mealign.training.adapters import save_adapter
from mealign.training.dpo import build_trainer, pair_length, to_row, train_dpo
from mealign.training.isolation import quiet_training
from mealign.training.results import TrainingResult
from mealign.training.settings import Attention
from tests.defaults import DpoConfig, LoraConfig
from tests.rounding import GRADIENTS, LOGITS, assert_near, drift
from tests.training.conftest import MAX_LENGTH, Train, answer_logp, make_pair, make_task, save

pytestmark = pytest.mark.numerical

LOG_2 = math.log(2)
SETTINGS = {
    "epochs": 3,
    "learning_rate": 5e-3,
    "batch_size": 4,
    "micro_batch_size": 2,
    "warmup_ratio": 0.0,
    "sft_weight": 0.0,
}


@pytest.fixture(scope="module")
def sft_adapter(sft: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("sft") / "sft"
    sft(output)
    return output


@pytest.fixture(scope="module")
def dpo(pairs: list[Preference], tiny_model: Path, lora: LoraConfig, sft_adapter: Path) -> Train:
    def run(output: Path, used: list[Preference] = pairs, **changes: Any) -> TrainingResult:
        known = {key: changes.pop(key) for key in list(changes) if key in vars(DpoConfig())}
        values: dict[str, Any] = {
            "model": tiny_model, "sft_adapter": sft_adapter, "lora": lora, "max_length": MAX_LENGTH, "seed": 1,
            "precision": Precision.fp32,
        }  # fmt: skip
        return train_dpo(used, output=output, settings=DpoConfig(**SETTINGS | known), **values | changes)

    return run


@dataclass
class Run:
    """A trainer that has run, and its adapters before."""

    trainer: Any
    start: dict[str, dict[str, torch.Tensor]]
    folder: Path


def adapters(model: Any) -> dict[str, dict[str, torch.Tensor]]:
    """Weights by adapter, under the names of a saved adapter."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    for name, weight in model.named_parameters():
        if ".lora_" in name:
            *before, adapter, last = name.split(".")
            found.setdefault(adapter, {})[".".join([*before, last])] = weight.detach().clone()
    return found


def train(folder: Path, rows: list[dict[str, Any]], **given: Any) -> Run:
    with quiet_training():
        trainer = build_trainer(
            rows,
            settings=DpoConfig(**SETTINGS),
            seed=1,
            precision=Precision.fp32,
            folder=folder / "trainer",
            known={},
            **given,
        )
        trainer.remove_callback(PrinterCallback)
        start = adapters(trainer.model)
        trainer.train()
    save_adapter(trainer.model, folder / "dpo", base="tiny", scratch=folder / "trainer")
    return Run(trainer, start, folder / "dpo")


@pytest.fixture(scope="module", params=["from the SFT adapter", "from the base model"])
def run(
    request: pytest.FixtureRequest,
    pairs: list[Preference],
    tokenizer: Any,
    tiny_model: Path,
    lora: LoraConfig,
    sft_adapter: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    start = sft_adapter if request.param == "from the SFT adapter" else None
    rows = [to_row(pair, pair_length(pair, tokenizer)) for pair in pairs]
    folder = tmp_path_factory.mktemp("dpo")
    return train(folder, rows, tokenizer=tokenizer, model=tiny_model, sft_adapter=start, lora=lora)


def reference(run: Run, tiny_model: Path, sft_adapter: Path) -> Any:
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    return (PeftModel.from_pretrained(base, sft_adapter) if "ref" in run.start else base).eval()


def rewards_off(point: dict[str, float]) -> float:
    """Return by how much rounding explains that a reward is off: it is beta times a difference of log-probabilities."""
    return DpoConfig().beta * LOGITS * (abs(point["logps/chosen"]) + abs(point["logps/rejected"]))


def test_at_the_first_step_the_policy_is_the_reference(run: Run) -> None:
    first = run.trainer.state.log_history[0]
    # The loss of a margin near 0 is log 2 less half the margin.
    assert first["loss"] == pytest.approx(LOG_2, abs=rewards_off(first))
    assert first["rewards/chosen"] == pytest.approx(0, abs=rewards_off(first))
    assert first["rewards/rejected"] == pytest.approx(0, abs=rewards_off(first))


def test_later_the_chosen_answers_are_preferred(run: Run) -> None:
    *_, last, _ = run.trainer.state.log_history
    assert last["loss"] < LOG_2 - rewards_off(last)
    assert last["rewards/margins"] > 2 * rewards_off(last)


def test_the_policy_moves_and_the_reference_does_not(run: Run, sft_adapter: Path) -> None:
    end = adapters(run.trainer.model)
    assert any(not torch.equal(weight, run.start["default"][name]) for name, weight in end["default"].items())
    if "ref" not in run.start:
        # The reference is the base model, which has no trainable weight.
        assert set(end) == {"default"}
        return
    saved = load_file(sft_adapter / "adapter_model.safetensors")
    for adapter in (run.start["default"], run.start["ref"], end["ref"]):
        assert adapter.keys() == saved.keys()
        assert all(torch.equal(weight, saved[name]) for name, weight in adapter.items())


def test_only_the_policys_adapter_is_trainable(run: Run) -> None:
    trainable = {name for name, weight in run.trainer.model.named_parameters() if weight.requires_grad}
    assert len(trainable) == 28
    assert all(".default." in name for name in trainable)


def test_the_references_log_probabilities_are_those_of_the_frozen_policy(
    run: Run, tiny_model: Path, sft_adapter: Path
) -> None:
    model = reference(run, tiny_model, sft_adapter)
    base = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    for row in run.trainer.train_dataset:
        for side in ("chosen", "rejected"):
            expected = answer_logp(model, row["prompt_ids"], row[f"{side}_ids"])
            assert row[f"ref_{side}_logps"] == pytest.approx(expected, rel=LOGITS)
    if "ref" in run.start:
        row = run.trainer.train_dataset[0]
        assert row["ref_chosen_logps"] != pytest.approx(
            answer_logp(base, row["prompt_ids"], row["chosen_ids"]), rel=10 * LOGITS
        )


def test_the_prompt_is_the_one_that_is_asked(run: Run, tokenizer: Any) -> None:
    for row in run.trainer.train_dataset:
        asked = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True)["input_ids"]
        assert row["prompt_ids"] == asked
        assert tokenizer.decode(row["chosen_ids"]) == row["chosen"][0]["content"] + "<|im_end|>\n"
        assert tokenizer.decode(row["rejected_ids"]) == "Not mentioned<|im_end|>\n"


def test_the_saved_adapter_is_the_whole_policy(run: Run, tiny_model: Path) -> None:
    assert sorted(path.name for path in run.folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    written, held = load_file(run.folder / "adapter_model.safetensors"), adapters(run.trainer.model)["default"]
    assert len(written) == 28
    assert written.keys() == held.keys()
    assert all(torch.equal(weight, held[name]) for name, weight in written.items()), "a file rounds nothing"
    tokens = torch.tensor([[1, 5, 9, 300]])
    saved = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), run.folder).eval()
    with torch.inference_mode():
        assert_near(saved(tokens).logits, run.trainer.model.eval()(tokens).logits, LOGITS)


def test_the_same_seed_gives_the_same_history_and_bytes(dpo: Train, tmp_path: Path) -> None:
    first, second = dpo(tmp_path / "first"), dpo(tmp_path / "second")
    assert first == second
    assert digest_path(tmp_path / "first") == digest_path(tmp_path / "second")
    assert (first.examples, first.skipped_too_long, len(first.history)) == (4, 0, 3)
    assert first.metrics["dpo/reward_accuracy"] == first.history[-1]["rewards/accuracies"]
    assert first.metrics["dpo/reward_margin"] == first.history[-1]["rewards/margins"]


def test_a_batch_is_the_same_in_one_piece_or_in_four(dpo: Train, tmp_path: Path) -> None:
    whole, pieces = (dpo(tmp_path / str(size), epochs=2, micro_batch_size=size).history for size in (4, 1))
    assert [point["tokens"] for point in pieces] == [point["tokens"] for point in whole]
    assert pieces[0]["grad_norm"] == pytest.approx(whole[0]["grad_norm"], rel=GRADIENTS)
    said = abs(whole[0]["logps/chosen"]) + abs(whole[0]["logps/rejected"])
    for point, other, bound in zip(pieces, whole, drift(whole, size=DpoConfig().beta * said), strict=True):
        assert point["loss"] == pytest.approx(other["loss"], abs=bound)


def test_the_imitation_term_is_the_chosen_answers_likelihood(
    dpo: Train, pairs: list[Preference], tokenizer: Any, tmp_path: Path
) -> None:
    result = dpo(tmp_path / "dpo", micro_batch_size=4, epochs=1, sft_weight=0.5)
    tokens = sum(len(tokenizer(f"{pair.chosen}<|im_end|>\n")["input_ids"]) for pair in pairs)
    first = result.history[0]
    nll = -len(pairs) * first["logps/chosen"] / tokens
    assert first["loss"] == pytest.approx(LOG_2 + 0.5 * nll, rel=LOGITS, abs=rewards_off(first))


def test_without_pairs_the_keys_to_look_at_are_named(dpo: Train, tmp_path: Path) -> None:
    with pytest.raises(MealignError, match=r"no preferences .*preferences\.min_margin.*mix=sft_only"):
        dpo(tmp_path / "dpo", [])


@pytest.mark.slow
def test_a_compiled_model_learns_the_same(dpo: Train, tmp_path: Path) -> None:
    plain, compiled = (dpo(tmp_path / str(compiled), compile=compiled).history for compiled in (False, True))
    said = abs(plain[0]["logps/chosen"]) + abs(plain[0]["logps/rejected"])
    for point, other, bound in zip(compiled, plain, drift(plain, size=DpoConfig().beta * said), strict=True):
        assert point["loss"] == pytest.approx(other["loss"], abs=bound)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an accelerator")
def test_flex_attention_needs_an_accelerator(dpo: Train, tmp_path: Path) -> None:
    with pytest.raises(MealignError, match=r"training\.dpo\.attention=flex_attention needs an accelerator.*sdpa"):
        dpo(tmp_path / "dpo", attention=Attention.flex_attention)


def test_pairs_that_are_too_long_are_left_out_and_counted(dpo: Train, pairs: list[Preference], tmp_path: Path) -> None:
    with pytest.raises(MealignError, match=r"each of 4 preferences is longer than model\.max_length=9"):
        dpo(tmp_path / "dpo", max_length=9)
    long = make_pair(9, rejected="far " * MAX_LENGTH)
    result = dpo(tmp_path / "dpo", [*pairs, long], max_pairs=2, epochs=1)
    assert (result.examples, result.skipped_too_long) == (2, 1)


@pytest.mark.parametrize(
    "change", [{"hidden_size": 32, "head_dim": 8}, {"num_hidden_layers": 1}, {"num_hidden_layers": 3}]
)
def test_an_adapter_of_another_base_model_is_refused(
    dpo: Train, tiny_model: Path, tokenizer: Any, tmp_path: Path, change: dict[str, int]
) -> None:
    config = AutoConfig.from_pretrained(tiny_model, **change)
    other = save(AutoModelForCausalLM.from_config(config), tokenizer, tmp_path / "other")
    with pytest.raises(MealignError, match="made for another base model"):
        dpo(tmp_path / "dpo", model=other)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (LoraConfig(rank=4), r"r=8, and lora\.rank asks for 4"),
        (LoraConfig(rank=8, alpha_ratio=1.0), r"lora_alpha=16, and lora\.alpha_ratio asks for 8"),
        (LoraConfig(rank=8, targets=("q_proj", "v_proj")), r"lora\.targets asks for \['q_proj', 'v_proj'\]"),
    ],
)
def test_an_adapter_of_another_configuration_is_refused(
    dpo: Train, tmp_path: Path, asked: LoraConfig, message: str
) -> None:
    with pytest.raises(MealignError, match=message):
        dpo(tmp_path / "dpo", lora=asked)


def test_a_folder_without_an_adapter_is_refused(dpo: Train, sft_adapter: Path, tmp_path: Path) -> None:
    shutil.copytree(sft_adapter, tmp_path / "half")
    (tmp_path / "half/adapter_model.safetensors").unlink()
    for folder in ("half", "absent"):
        with pytest.raises(MealignError, match=f"{folder}: there is no adapter in this folder"):
            dpo(tmp_path / "dpo", sft_adapter=tmp_path / folder)


def test_steps_of_sft_stand_between_those_of_dpo(
    dpo: Train, pairs: list[Preference], tasks: list[Task], tmp_path: Path
) -> None:
    held_out = make_task(9, "never", split="eval")
    six = [make_pair(number) for number in range(6)]
    result = dpo(
        tmp_path / "dpo", six, tasks=[*tasks, held_out], dpo_fraction=0.5, batch_size=2, epochs=2, offset=0.5,
        sft_adapter=None,
    )  # fmt: skip
    # Three steps of either kind an epoch, in turn.
    kinds = ["rewards/margins" in point for point in result.history]
    assert (len(kinds), sum(kinds)) == (12, 6)
    assert all(kinds[place] != kinds[place + 1] for place in (0, 2, 4, 6, 8, 10))
    assert result.history[-1]["tokens"] > result.history[0]["tokens"]
    # Both epochs train on the same examples; those of the first three steps are learned by the last three.
    for is_dpo in (True, False):
        losses = [point["loss"] for point, kind in zip(result.history, kinds, strict=True) if kind is is_dpo]
        assert sum(losses[3:]) < sum(losses[:3])
    assert result.metrics["dpo/reward_margin"] > 0
    assert result.examples == 12
