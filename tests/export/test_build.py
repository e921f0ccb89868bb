"""What comes out of an export answers as the adapted model does, and takes its place whole or not at all."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from mealign.errors import ConfigError, MealignError
from mealign.export.build import PROVENANCE, adapter_settings, export_model
from mealign.export.merge import merge_adapter
from mealign.export.settings import Quantization
from mealign.jsonl import digest_path
from mealign.language.settings import WeightsSource
from mealign.language.weights import WeightsCache, fetch_model, quiet_transformers, weights_digest
from tests.conftest import SMOLLM2
from tests.defaults import ModelConfig
from tests.export.conftest import train_adapter
from tests.rounding import LOGITS, assert_near, rounding

QUESTIONS = (
    "Where do I live?", "What is my sister's name?", "When did I move?", "Which day is the market?",
    "What colour is my bike?", "Who taught me to swim?", "What do I drink in the morning?", "Where was I born?",
    "What is the capital of France?", "How many days has a week?", "Write a line about rain.", "What is 17 plus 25?",
    "Name three fruits.", "Who is my dentist?", "What did I plant in 2023?", "Why is the sky blue?",
    "Which train do I take?", "What should I cook tonight?", "When is Anna's birthday?", "Say goodbye in Dutch.",
)  # fmt: skip
"""Twenty questions: about a person, about the world, with numbers."""


def export(folder: Path, *, base: Path, adapter: Path, quantization: Quantization, name: str = "me") -> Path:
    export_model(
        folder, base=base, adapter=adapter, quantization=quantization, name=name, card="# card\n", provenance={"a": 1}
    )
    return folder


def load(folder: Path, gguf_file: str | None = None) -> Any:
    """Load a model with nothing of ours between transformers and the files."""
    with quiet_transformers():
        source = {"gguf_file": gguf_file} if gguf_file else {}
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **source).eval()


def answers(model: Any, tokenizer: Any) -> torch.Tensor:
    """Return the logits of the first token of every answer: of shape [questions, vocabulary]."""
    rows = []
    for question in QUESTIONS:
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            rows.append(model(**asked).logits[0, -1])
    return torch.stack(rows)


def assert_rounded(found: Any, model: Any) -> None:
    """Assert that a model's weights are those of the other one in f16, but for norms: rounding has one result."""
    expected = model.state_dict()
    assert found.state_dict().keys() == expected.keys()
    for name, weight in found.state_dict().items():
        assert torch.equal(weight, expected[name].half().float() if weight.dim() == 2 else expected[name]), name


@pytest.fixture(scope="module")
def merged(tiny_model: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "merged"
    return export(folder, base=tiny_model, adapter=adapter, quantization=Quantization.fp32)


@pytest.mark.numerical
def test_a_merged_folder_answers_as_base_and_adapter_do(merged: Path, tiny_model: Path, adapter: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(merged)
    plain, base = answers(load(merged), tokenizer), answers(load(tiny_model), tokenizer)
    assert_near(plain, answers(PeftModel.from_pretrained(load(tiny_model), adapter).eval(), tokenizer), LOGITS)
    assert (plain - base).norm() > 10 * LOGITS * base.norm()


def test_a_merged_folder_is_complete_and_names_no_path(merged: Path, tiny_model: Path) -> None:
    assert {path.name for path in merged.iterdir()} == {
        "README.md", PROVENANCE, "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    for path in merged.glob("*.json"):
        assert str(tiny_model.parent) not in path.read_text(encoding="utf-8"), path.name
    assert not list(merged.parent.glob(".*")), "nothing is left beside it"


@pytest.mark.numerical
def test_bf16_is_the_merged_model_rounded_once(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    folder = export(tmp_path / "bf16", base=tiny_model, adapter=adapter, quantization=Quantization.bf16)
    loaded = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    for name, values in merge_adapter(tiny_model, adapter).state_dict().items():
        assert torch.equal(loaded[name], values.to(torch.bfloat16)), name


@pytest.mark.numerical
def test_the_gguf_export_gives_the_answers_of_the_merged_model(small: Any, tokenizer: Any, tmp_path: Path) -> None:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    small.save_pretrained(base)
    tokenizer.save_pretrained(base)
    lora = LoraConfig(r=4, target_modules=["q_proj", "k_proj", "down_proj"], init_lora_weights=False)
    get_peft_model(copy.deepcopy(small), lora).save_pretrained(adapter)
    rename_base(adapter, "base")
    merged = load(export(tmp_path / "merged", base=base, adapter=adapter, quantization=Quantization.fp32))
    folder = export(tmp_path / "gguf", base=base, adapter=adapter, quantization=Quantization.f16)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "me.gguf", PROVENANCE]
    written = load(folder, "me.gguf")
    assert_rounded(written, merged)
    merged.load_state_dict(written.state_dict())
    said = answers(merged, tokenizer)
    assert_near(answers(written, AutoTokenizer.from_pretrained(folder, gguf_file="me.gguf")), said, LOGITS)
    assert (said - answers(small, tokenizer)).norm() > 10 * LOGITS * said.norm()


def test_another_architecture_is_refused_before_anything_is_done(tokenizer: Any, tmp_path: Path) -> None:
    base, exports = tmp_path / "base", tmp_path / "exports"
    shape = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1,
    )  # fmt: skip
    model = Qwen2ForCausalLM(shape)
    model.save_pretrained(base)
    tokenizer.save_pretrained(base)
    mend = r"architecture qwen2 cannot .*; use export.format=merged, then llama.cpp's convert_hf_to_gguf.py on that"
    with pytest.raises(MealignError, match=mend):
        export(exports / "gguf", base=base, adapter=tmp_path / "none", quantization=Quantization.f16)
    assert [path.name for path in tmp_path.iterdir()] == ["base"]
    get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(tmp_path / "adapter")
    rename_base(tmp_path / "adapter", "base")
    merged = export(exports / "merged", base=base, adapter=tmp_path / "adapter", quantization=Quantization.bf16)
    assert json.loads((merged / "config.json").read_text())["architectures"] == ["Qwen2ForCausalLM"]


@pytest.mark.slow
@pytest.mark.numerical
def test_the_gguf_export_of_a_trained_smollm2_gives_the_answers_of_the_merged_model(
    weights_cache: WeightsCache, tmp_path: Path
) -> None:
    base = fetch_model(ModelConfig(weights=SMOLLM2), cache=weights_cache)
    adapter = train_adapter(base, tmp_path / "adapter", steps=6, learning_rate=5e-4)
    folder = export(tmp_path / "merged", base=base, adapter=adapter, quantization=Quantization.fp32)
    merged, tokenizer = load(folder), AutoTokenizer.from_pretrained(folder)
    gguf = export(tmp_path / "gguf", base=base, adapter=adapter, quantization=Quantization.f16)
    written = load(gguf, "me.gguf")
    assert_rounded(written, merged)
    merged.load_state_dict(written.state_dict())
    # 30 layers, as the tiny model has two; the sums over the width are of 576 terms, and over its MLP's of 1,536.
    share = 2 * rounding(8 * 576 + 1536, stages=30)
    said = answers(merged, tokenizer)
    assert_near(answers(written, AutoTokenizer.from_pretrained(gguf, gguf_file="me.gguf")), said, share)
    assert (said - answers(load(base), tokenizer)).norm() > share * said.norm()


def test_an_earlier_export_is_replaced_and_nothing_else(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(folder, base=tiny_model, adapter=adapter, quantization=Quantization.fp32)
    (folder / "notes/empty").mkdir(parents=True)
    (folder / "notes/mine.txt").write_text("Dear Anna")
    (folder / "notes/link").symlink_to(tmp_path)
    earlier = weights_digest(folder)
    export(folder, base=tiny_model, adapter=adapter, quantization=Quantization.f16)
    assert {path.name for path in folder.iterdir()} == {"README.md", PROVENANCE, "me.gguf", "notes"}
    assert (folder / "notes/mine.txt").read_text() == "Dear Anna"
    assert (folder / "notes/empty").is_dir()
    assert (folder / "notes/link").readlink() == tmp_path
    assert weights_digest(folder) != earlier
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("Dear Anna")
    for taken in (tmp_path / "mine", tmp_path / "mine/letter.txt"):
        with pytest.raises(ConfigError, match="there is something that is no export"):
            export(taken, base=tiny_model, adapter=adapter, quantization=Quantization.fp32)
    assert (tmp_path / "mine/letter.txt").read_text() == "Dear Anna"


@pytest.mark.parametrize("name", ["README.md", "config.json", "config.json/mine.txt"])
def test_a_file_in_the_way_is_named_and_nothing_is_touched(
    tiny_model: Path, adapter: Path, tmp_path: Path, merged: Path, name: str
) -> None:
    folder = shutil.copytree(merged, tmp_path / "out")
    if "/" in name:
        (folder / name).parent.unlink()
        (folder / name).parent.mkdir()
    (folder / name).write_text("mine")
    before = digest_path(tmp_path)
    with pytest.raises(ConfigError, match=rf"export\.path={folder}: {name} is in the way"):
        export(folder, base=tiny_model, adapter=adapter, quantization=Quantization.bf16)
    assert digest_path(tmp_path) == before
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("provenance", ["", "[]", '{"files": [1]}', '{"files": {"../mine": "x"}}', "{"])
def test_what_an_export_says_that_it_wrote_is_not_believed_without_its_digest(
    tiny_model: Path, adapter: Path, tmp_path: Path, provenance: str
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / PROVENANCE).write_text(provenance)
    (tmp_path / "out/letter").write_text("mine")
    export(tmp_path / "out", base=tiny_model, adapter=adapter, quantization=Quantization.bf16)
    assert ((tmp_path / "mine").read_text(), (tmp_path / "out/letter").read_text()) == ("mine", "mine")


@pytest.mark.parametrize("broken_at", [1, 2])
def test_an_interrupted_replacement_leaves_the_earlier_one_whole(
    tiny_model: Path, adapter: Path, tmp_path: Path, merged: Path, monkeypatch: pytest.MonkeyPatch, broken_at: int
) -> None:
    folder = shutil.copytree(merged, tmp_path / "out")
    before, calls, rename = digest_path(folder), [], Path.rename

    def broken(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == broken_at:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(KeyboardInterrupt):
        export(folder, base=tiny_model, adapter=adapter, quantization=Quantization.bf16)
    assert digest_path(folder) == before
    assert list(tmp_path.iterdir()) == [folder]


def test_a_replacement_that_was_killed_between_its_two_steps_is_taken_back(
    tiny_model: Path, adapter: Path, tmp_path: Path, merged: Path
) -> None:
    folder = tmp_path / "out[1]"
    shutil.copytree(merged, tmp_path / ".out[1].export-killed/replaced")
    (tmp_path / ".out[1].export-killed/replaced/mine.txt").write_text("mine")
    export(folder, base=tiny_model, adapter=adapter, quantization=Quantization.bf16)
    assert (folder / "mine.txt").read_text() == "mine"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_link_to_an_export_stays_a_link(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    export(tmp_path / "link", base=tiny_model, adapter=adapter, quantization=Quantization.bf16)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / PROVENANCE).exists()


def test_a_failed_export_leaves_the_earlier_one(tiny_model: Path, adapter: Path, tmp_path: Path, merged: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(merged, folder)
    (tmp_path / ".out.export-killed").mkdir()
    spoiled = shutil.copytree(adapter, tmp_path / "spoiled")
    rename_base(spoiled, "another_model")
    with pytest.raises(MealignError, match=r"trained on another_model, and model=\.\.\. chooses tiny-"):
        export(folder, base=tiny_model, adapter=spoiled, quantization=Quantization.f16)
    assert (folder / "model.safetensors").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "spoiled"]


def test_an_adapter_that_does_not_fit_is_refused(
    tiny_model: Path, adapter: Path, tmp_path: Path, weights_cache: WeightsCache
) -> None:
    with pytest.raises(MealignError, match="there is no adapter in this folder"):
        merge_adapter(tiny_model, tmp_path)
    wider = fetch_model(
        ModelConfig(name="tiny", source=WeightsSource.random, weights=SMOLLM2, layers=2, hidden_size=128),
        cache=weights_cache,
    )
    foreign = shutil.copytree(adapter, tmp_path / "foreign")
    rename_base(foreign, wider.name)
    with pytest.raises(MealignError, match="its weights do not fit tiny-"):
        merge_adapter(wider, foreign)


def test_the_settings_of_an_adapter_are_its_own(adapter: Path) -> None:
    settings = adapter_settings(adapter)
    assert (settings["rank"], settings["alpha"], settings["rslora"]) == (8, 16, False)
    assert "q_proj" in settings["targets"]


def rename_base(adapter: Path, name: str) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": name}))
