import json
import math
import shutil
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from huggingface_hub.utils import _telemetry
from peft import PeftModel, get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, PrinterCallback
from trl.trainer.utils import add_fused_lm_head

from mealign.errors import MealignError
from mealign.jsonl import digest_path
from mealign.language.local import LocalModel
from mealign.language.settings import Precision
from mealign.records import Task
from mealign.training.adapters import WEIGHTS_FILE, save_adapter
from mealign.training.fitting import sequence_length
from mealign.training.isolation import quiet_training
from mealign.training.results import TrainingResult
from mealign.training.sft import build_trainer, to_row
from tests.defaults import LoraConfig, SftConfig
from tests.rounding import GRADIENTS, LOGITS, STAGES, assert_all_near, assert_near, drift, rounding
from tests.training.conftest import REFERENCES, Train, make_task, save

pytestmark = pytest.mark.numerical

Trained = tuple[Path, TrainingResult]


@pytest.fixture(scope="module")
def trained(sft: Train, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """An adapter after two epochs over all tasks."""
    output = tmp_path_factory.mktemp("trained") / "sft"
    return output, sft(output)


@pytest.fixture
def build(tiny_model: Path, tokenizer: Any, lora: LoraConfig, tmp_path: Path) -> Any:
    def trainer(tasks: list[Task], **settings: Any) -> Any:
        rows = [to_row(task, tokenizer) for task in tasks]
        with quiet_training():
            return build_trainer(
                rows,
                tokenizer,
                model=tiny_model,
                lora=lora,
                settings=SftConfig(**settings),
                seed=1,
                precision=Precision.fp32,
                folder=tmp_path / "trainer",
            )

    return trainer


def test_the_loss_is_on_the_answer_and_its_end_behind_the_prompt_as_it_is_asked(build: Any, tokenizer: Any) -> None:
    task = make_task(2, "a red bike")
    trainer = build([task], batch_size=1)
    (batch,) = trainer.get_train_dataloader()
    asked = tokenizer.apply_chat_template([m.model_dump() for m in task.prompt], add_generation_prompt=True)[
        "input_ids"
    ]
    tokens, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
    assert tokens[: len(asked)] == asked
    assert set(labels[: len(asked)]) == {-100}
    assert tokenizer.decode(labels[len(asked) :]) == "a red bike<|im_end|>\n"


def test_padding_bears_no_loss_though_it_is_the_end_of_the_turn(build: Any, tokenizer: Any) -> None:
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    trainer = build([make_task(0, "Ghent"), make_task(0, "a house with a garden in Ghent")], batch_size=2)
    (batch,) = trainer.get_train_dataloader()
    ends = (batch["labels"] == tokenizer.eos_token_id).sum(dim=1).tolist()
    assert ends == [1, 1]
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()


def test_scoring_the_answers_alone_gives_trls_loss_and_gradients(build: Any) -> None:
    tasks = [make_task(number, reference) for number, reference in enumerate(REFERENCES)]
    trainer = build(tasks, batch_size=4)
    (batch,) = trainer.get_train_dataloader()
    measured = []
    for head in ("ours", "trl"):
        if head == "trl":
            model = trainer.model.get_base_model()
            model.forward = type(model).forward.__get__(model)
            add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
        trainer.model.zero_grad()
        loss = trainer.compute_loss(trainer.model, dict(batch))
        loss.backward()
        gradients = {name: w.grad.clone() for name, w in trainer.model.named_parameters() if w.grad is not None}
        logged = {key: values[-1] for key, values in trainer._metrics["train"].items()}
        measured.append((loss, gradients, logged["mean_token_accuracy"], logged["entropy"]))
    (loss, gradients, *metrics), (expected_loss, expected_gradients, *expected_metrics) = measured
    assert_near(loss, expected_loss, LOGITS)
    assert_all_near(gradients, expected_gradients, GRADIENTS)
    assert metrics == pytest.approx(expected_metrics, abs=LOGITS * float(expected_loss))
    assert any(bool(gradient.any()) for gradient in gradients.values())


def test_a_task_is_learned_and_so_is_where_its_answer_ends(
    sft: Train, tiny_model: Path, tokenizer: Any, tmp_path: Path
) -> None:
    task = make_task(0, "a red bike")
    result = sft(tmp_path / "sft", [task], model=tiny_model, epochs=60, batch_size=1)
    losses = [point["loss"] for point in result.history]
    # Every token is likelier than all others together by more than bf16, where this machine chooses it, takes away.
    nats = 2 * rounding(1, stages=STAGES, dtype=torch.bfloat16) * losses[0]
    assert losses[-1] * len(tokenizer("a red bike<|im_end|>\n")["input_ids"]) < math.exp(-nats)
    assert result.metrics["sft/token_accuracy"] == 1.0
    # Greedy decoding goes on to 12 tokens unless the end of the turn is said.
    assert LocalModel(tiny_model, adapter=tmp_path / "sft").chat([task.prompt], max_new_tokens=12) == [[task.reference]]


def test_the_history_has_a_point_a_step(trained: Trained) -> None:
    _, result = trained
    assert [point["step"] for point in result.history] == [1, 2]
    keys = {"step", "loss", "learning_rate", "grad_norm", "tokens", "mean_token_accuracy"}
    assert all(set(point) == keys for point in result.history)
    assert result.history[0]["learning_rate"] == 1e-2
    assert 2 * result.history[0]["tokens"] == result.history[1]["tokens"]
    assert (result.examples, result.skipped_too_long) == (len(REFERENCES), 0)


def test_the_folder_holds_the_lora_weights_alone_and_no_path(trained: Trained, tiny_model: Path) -> None:
    output, _ = trained
    assert sorted(path.name for path in output.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    config = json.loads((output / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == tiny_model.name
    assert config["target_modules"] == sorted(LoraConfig().targets)
    assert str(tiny_model.parent) not in (output / "adapter_config.json").read_text()
    with safe_open(output / "adapter_model.safetensors", framework="pt") as weights:
        # Two layers, seven targets, A and B.
        assert len(weights.keys()) == 28
        assert all(key.endswith(("lora_A.weight", "lora_B.weight")) for key in weights.keys())  # noqa: SIM118
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_a_saved_adapter_gives_the_policys_logits(
    build: Any, tasks: list[Task], tiny_model: Path, tmp_path: Path
) -> None:
    trainer = build(tasks, epochs=1, batch_size=4, learning_rate=1e-2, warmup_ratio=0.0)
    trainer.remove_callback(PrinterCallback)
    with quiet_training():
        trainer.train()
    save_adapter(trainer.model, tmp_path / "sft", base="tiny", scratch=tmp_path / "trainer")
    written, held = load_file(tmp_path / "sft" / WEIGHTS_FILE), get_peft_model_state_dict(trainer.model)
    assert written.keys() == held.keys()
    assert all(torch.equal(weight, held[name]) for name, weight in written.items()), "a file rounds nothing"
    tokens = torch.tensor([[1, 5, 9, 300]])
    base = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    with torch.inference_mode():
        untrained = base(tokens).logits
        saved = PeftModel.from_pretrained(base, tmp_path / "sft").eval()(tokens).logits
        policy = trainer.model.eval()(tokens).logits
    assert_near(saved, policy, LOGITS)
    assert (saved - untrained).norm() > 10 * LOGITS * policy.norm()


def test_the_same_seed_gives_the_same_history_and_bytes(trained: Trained, sft: Train, tmp_path: Path) -> None:
    output, result = trained
    torch.manual_seed(99)  # The caller's random state plays no part.
    again = sft(tmp_path / "again")
    assert again == result
    assert digest_path(tmp_path / "again") == digest_path(output)
    other = sft(tmp_path / "other", seed=2)
    assert other.history != result.history


def test_training_shows_nothing_on_standard_output_and_sends_nothing(
    sft: Train, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_TELEMETRY", False)
    monkeypatch.setattr(_telemetry, "_TELEMETRY_THREAD", None)
    told: list[tuple[int, dict[str, float]]] = []
    result = sft(tmp_path / "sft", epochs=1, on_log=lambda step, point: told.append((step, point)))
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "Warning" not in shown.err
    assert _telemetry._TELEMETRY_THREAD is None
    assert [{"step": step, **point} for step, point in told] == list(result.history)


def test_what_is_too_long_is_left_out_and_counted(
    sft: Train, tasks: list[Task], tokenizer: Any, tmp_path: Path
) -> None:
    lengths = sorted(sequence_length(tokenizer, task.prompt, task.reference) for task in tasks)
    result = sft(tmp_path / "sft", max_length=lengths[1], epochs=1)
    assert (result.examples, result.skipped_too_long) == (2, 2)


@pytest.mark.parametrize("max_length", [5, 128])
def test_nothing_to_train_on_names_the_keys(sft: Train, tasks: list[Task], tmp_path: Path, max_length: int) -> None:
    used = tasks if max_length == 5 else []
    with pytest.raises(MealignError, match=rf"none of {len(used)} training tasks .*model\.max_length.*task\.max_tasks"):
        sft(tmp_path / "sft", used, max_length=max_length)


def test_a_held_out_task_is_refused(sft: Train, tasks: list[Task], tmp_path: Path) -> None:
    with pytest.raises(MealignError, match=r"1 of 5 tasks are held out .*task_9"):
        sft(tmp_path / "sft", [*tasks, make_task(9, "Ghent", split="eval")])


def test_a_loss_that_is_no_number_stops_the_run(sft: Train, tiny_model: Path, tokenizer: Any, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    model.model.layers[1].mlp.up_proj.weight.data[0, 0] = float("nan")
    spoiled = save(model, tokenizer, tmp_path / "spoiled")
    with pytest.raises(MealignError, match="sft: loss is nan at step 1"):
        sft(tmp_path / "out/sft", model=spoiled)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interrupted_run_leaves_the_older_adapter_whole(trained: Trained, sft: Train, tmp_path: Path) -> None:
    output = tmp_path / "out/sft"
    shutil.copytree(trained[0], output)

    def interrupt(step: int, point: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sft(output, on_log=interrupt)
    assert digest_path(output) == digest_path(trained[0])
    assert [path.name for path in output.parent.iterdir()] == ["sft"]


def test_a_finished_run_replaces_the_older_adapter(trained: Trained, sft: Train, tmp_path: Path) -> None:
    output = tmp_path / "out/sft"
    output.mkdir(parents=True)
    (output / "left over").touch()
    sft(output)
    assert digest_path(output) == digest_path(trained[0])
    assert [path.name for path in output.parent.iterdir()] == ["sft"]


@pytest.mark.slow
def test_a_compiled_model_learns_the_same(trained: Trained, sft: Train, tmp_path: Path) -> None:
    _, plain = trained
    compiled = sft(tmp_path / "sft", compile=True)
    bounds = drift(plain.history, size=plain.history[0]["loss"])
    for expected, found, bound in zip(plain.history, compiled.history, bounds, strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], abs=bound)
