"""Weights are fetched once, checked, and appear whole or not at all; the package index is the real one."""

from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from mealign.errors import ConfigError, MealignError
from mealign.language.settings import PackagedFile, WeightsSource
from mealign.language.weights import WeightsCache, default_cache, fetch_model, fetch_packaged, weights_digest
from tests.conftest import SMOLLM2
from tests.defaults import ModelConfig
from tests.rounding import assert_all_near, rounding

SMALL = PackagedFile(
    package="iniconfig",
    version="2.1.0",
    sha256="9deba5723312380e77435581c6bf4935c94cbfab9b1ed33ef8d238ea168eb760",
    path="iniconfig/__init__.py",
)
"""A package of six kilobytes."""


def test_a_package_is_unpacked_once(tmp_path: Path) -> None:
    path = fetch_packaged(SMALL, cache=WeightsCache(tmp_path))
    assert path.read_text(encoding="utf-8").startswith('"""')
    made = path.stat().st_mtime_ns
    assert fetch_packaged(SMALL, cache=WeightsCache(tmp_path)) == path
    assert path.stat().st_mtime_ns == made
    (entry,) = tmp_path.iterdir()
    assert {file.name for file in entry.iterdir()} == {"content"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "the package index has none with the SHA-256 0000"),
        ({"path": "nowhere/weights.gguf"}, "holds nothing under nowhere/weights.gguf"),
        ({"version": "0.0.999"}, "iniconfig==0.0.999 could not be downloaded"),
    ],
)
def test_what_cannot_be_trusted_leaves_nothing(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(MealignError, match=message):
        fetch_packaged(replace(SMALL, **changes), cache=WeightsCache(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_tiny_model_loads_in_the_ordinary_way(tiny_model: Path) -> None:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny_model), AutoTokenizer.from_pretrained(tiny_model)
    assert model.config.num_hidden_layers == 2
    assert tokenizer.chat_template
    # A zero embedding could never be generated, and the end of the turn is also the padding.
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    assert model.get_input_embeddings().weight[tokenizer.eos_token_id].any()


@pytest.mark.numerical
def test_random_weights_are_the_same_every_time(tiny_model: Path, tiny_config: ModelConfig, tmp_path: Path) -> None:
    packaged = tiny_model.parent / f"{SMOLLM2.package}-{SMOLLM2.version}-{SMOLLM2.sha256[:12]}"
    (tmp_path / packaged.name).symlink_to(packaged)
    again = fetch_model(tiny_config, cache=WeightsCache(tmp_path))
    assert again.name == tiny_model.name
    found, expected = (load_file(folder / "model.safetensors") for folder in (again, tiny_model))
    # A normal number is sqrt(-2 log u) cos(2 pi v), and those in the cache may have been drawn by another processor.
    assert_all_near(found, expected, rounding(2, stages=4))


def test_another_shape_is_another_folder(
    tiny_model: Path, tiny_config: ModelConfig, weights_cache: WeightsCache
) -> None:
    wider = fetch_model(replace(tiny_config, hidden_size=128), cache=weights_cache)
    assert wider != tiny_model
    assert weights_digest(wider) != weights_digest(tiny_model)


def test_a_digest_names_the_adapter_too(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter.safetensors").write_bytes(b"weights")
    with_adapter = weights_digest(tiny_model, tmp_path)
    assert with_adapter != weights_digest(tiny_model)
    (tmp_path / "adapter.safetensors").write_bytes(b"other weights")
    assert weights_digest(tiny_model, tmp_path) != with_adapter


def test_a_local_folder_is_a_model_of_the_hub(tiny_model: Path, tmp_path: Path) -> None:
    hub = ModelConfig(name="mine", source=WeightsSource.hub, hub_id=str(tiny_model))
    assert fetch_model(hub, cache=WeightsCache(tmp_path)) == tiny_model


@pytest.mark.parametrize(("hub_id", "message"), [(None, "it has no value"), ("EMPTY", "no config.json")])
def test_a_hub_model_that_is_none_is_refused_by_its_key(tmp_path: Path, hub_id: str | None, message: str) -> None:
    hub = ModelConfig(name="mine", source=WeightsSource.hub, hub_id=str(tmp_path) if hub_id else None)
    with pytest.raises(ConfigError, match=rf"model\.hub_id.*{message}"):
        fetch_model(hub, cache=WeightsCache(tmp_path))


def test_the_environment_names_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEALIGN_CACHE", str(tmp_path / "here"))
    assert default_cache().folder == tmp_path / "here"
    monkeypatch.delenv("MEALIGN_CACHE")
    assert default_cache().folder.name == "mealign"
