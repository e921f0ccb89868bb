"""Weights are fetched once, checked, and appear whole or not at all; the package index is the real one."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from mealign.errors import ConfigError, MealignError
from mealign.jsonl import digest_path, read_json, write_json
from mealign.language.embed import Embedder
from mealign.language.local import LocalModel
from mealign.language.settings import PackagedFile, WeightsSource
from mealign.language.weights import (
    WeightsCache,
    default_cache,
    fetch_model,
    fetch_packaged,
    folder_digest,
    weights_digest,
)
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


class Canary:
    def __init__(self, song: Path) -> None:
        self._song = song

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._song,)


@pytest.mark.parametrize(
    "planted", ["pickled weights", "code of the model", "code of the tokenizer", "half the weights"]
)
def test_a_folder_runs_no_code_and_what_is_wrong_with_it_is_one_error(
    tiny_model: Path, tmp_path: Path, planted: str
) -> None:
    folder, song = tmp_path / "model", tmp_path / "song"
    shutil.copytree(tiny_model, folder)
    weights = folder / "model.safetensors"
    (folder / "code.py").write_text(f"open({str(song)!r}, 'w')\nclass Model: pass\n")
    if planted == "pickled weights":
        weights.unlink()
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Canary(song)))
    elif planted == "half the weights":
        weights.write_bytes(weights.read_bytes()[:10_000])
    else:
        file = folder / ("config.json" if planted == "code of the model" else "tokenizer_config.json")
        auto = {"AutoConfig": "code.Model", "AutoModelForCausalLM": "code.Model", "AutoTokenizer": ["code.Model", None]}
        kind = {"model_type": "mine"} if planted == "code of the model" else {"tokenizer_class": "Mine"}
        write_json(file, {**read_json(file), **kind, "auto_map": auto})
    with pytest.raises(MealignError, match=f"{folder}: no whole model or adapter can be loaded from there"):
        LocalModel(folder)
    assert not song.exists()


def test_an_embedder_runs_no_code_of_its_folder(embedder_path: Path, tmp_path: Path) -> None:
    folder, song = tmp_path / "model", tmp_path / "song"
    shutil.copytree(embedder_path, folder)
    (folder / "code.py").write_text(f"open({str(song)!r}, 'w')\nclass Mine: pass\n")
    modules = read_json(folder / "modules.json")
    write_json(folder / "modules.json", [*modules, {"idx": 9, "name": "9", "path": "", "type": "code.Mine"}])
    with pytest.raises(MealignError, match="can be loaded from there"):
        Embedder(folder)
    assert not song.exists()


def test_a_pinned_folder_that_was_exchanged_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    digest = folder_digest(folder)
    assert digest == digest_path(folder), "the hub's folders are pinned by the one, local ones by the other"
    hub = ModelConfig(source=WeightsSource.hub, hub_id=str(folder), sha256=digest)
    assert fetch_model(hub, cache=WeightsCache(tmp_path / "cache")) == folder
    (folder / "config.json").write_text("{}")
    with pytest.raises(MealignError, match="do not use it: either the model was changed or the setting is wrong"):
        fetch_model(hub, cache=WeightsCache(tmp_path / "cache"))
