"""Between Hydra and the settings: typed conversion, the parameters for DVC, and errors a person can act on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from mealign.config import ModelConfig, Settings, flatten, plain
from mealign.errors import ConfigError, MealignError
from mealign.jsonl import write_text

MEMBERS = "judge.members."
"""Below it the names are the user's; the keys of each member are typed."""

CONF = Path(__file__).resolve().parents[2] / "conf"

ConfigStore.instance().store(name="settings", node=Settings)


def compose_settings(*overrides: str) -> Settings:
    """Compose the settings of ``conf/`` as the command line does, for scripts and tests.

    Raises:
        ConfigError: as :func:`to_settings`.
    """
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return to_settings(compose("config", overrides=list(overrides)))


def to_settings(cfg: DictConfig) -> Settings:
    """Turn a composed config into typed settings.

    Raises:
        ConfigError: a required key has no value, or a key was added that no setting reads; the message names it.
    """
    if missing := sorted(OmegaConf.missing_keys(cfg)):
        raise ConfigError(
            "\n".join(f"{key}: it has no value; set it on the command line: {key}=..." for key in missing)
        )
    # Hydra's `+key=value` adds keys even to a closed config.
    given = (key for key in _keys(OmegaConf.to_container(cfg)) if not key.startswith(MEMBERS))
    added = sorted(set(given) - set(_keys(plain(Settings()))))
    if added:
        raise ConfigError("\n".join(f"{key}: there is no such key; {_nearest(key)}" for key in added))
    settings = OmegaConf.to_object(cfg)
    if not isinstance(settings, Settings):
        raise ConfigError("the config is not mealign's: its defaults list must begin with `settings`")
    return settings


def to_model_config(values: Mapping[str, Any]) -> ModelConfig:
    """Turn the plain settings of a base model, as :func:`mealign.config.plain` gave them, back into typed ones."""
    found: ModelConfig = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ModelConfig), values))  # type: ignore[assignment]
    return found


def _keys(node: Any, prefix: str = "") -> Iterator[str]:
    for key, value in node.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{key}.")


def write_params(settings: Settings, path: Path) -> None:
    """Write the composed settings for DVC, which tracks them key by key.

    The judge is left to its group, so that one judge's file is one judge's dependency.
    """
    values = plain(settings)
    judge = values.pop("judge")["name"]
    for asked_of_one_run in ("stage", "mealign", "export"):
        values.pop(asked_of_one_run)
    header = "# Written by `python -m mealign stage=compose` from conf/; edit conf/, not this file.\n"
    defaults: list[Any] = ["settings", {"judge": judge}, "_self_", {"override hydra/job_logging": "none"}]
    defaults += [{"override hydra/hydra_logging": "none"}]
    hydra_node = {"output_subdir": None, "run": {"dir": "."}}
    body = OmegaConf.to_yaml(OmegaConf.create({"defaults": defaults, "hydra": hydra_node, **values}))
    write_text(path, header + body)


def explain(error: BaseException) -> str:
    """Say in a line or two which key has which value, what is wrong with it and what to do."""
    if isinstance(error, MealignError):
        return str(error)
    text = "\n".join(str(link) for link in _causes(error))
    if option := re.search(r"Could not (?:find|load) '([\w./-]+)/([^'/]+)'", text):
        choices = ", ".join(sorted(path.stem for path in (CONF / option[1]).glob("*.yaml")))
        return f"{option[1]}={option[2]}: there is no such file in conf/{option[1]}/; use one of {choices}"
    if unknown := re.search(r"Could not override '([^']+)'", text) or re.search(r"Key '([^']+)' (?:is )?not in", text):
        full = re.search(r"full_key: ([\w.]+)", text)
        key = unknown[1] if "." in unknown[1] or not full else full[1]
        return f"{key}: there is no such key; {_nearest(key)}"
    key_match = re.search(r"full_key: ([\w.]+)", text)
    if key_match and (given := re.search(r"Value '(.*?)' (?:of type|is not)|Invalid value '(.*?)'", text, re.DOTALL)):
        key, value = key_match[1], given[1] or given[2]
        return f"{key}={value}: {_expected(text)}; for example {key}={flatten(Settings()).get(key)}"
    return " ".join(text.splitlines()[0].split()) + "; `python -m mealign --cfg job` shows what was composed"


def _expected(text: str) -> str:
    if choices := re.search(r"expected one of \[(.*?)\]", text):
        return f"it must be one of {choices[1]}"
    if kind := re.search(r"(?:could not be converted to|is not a valid) (\w+)", text):
        return f"it must be of type {kind[1].lower()}"
    return "it has the wrong type"


def _causes(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _nearest(key: str) -> str:
    known = list(flatten(Settings())) + sorted(path.name for path in CONF.iterdir() if path.is_dir())
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    return f"did you mean {close[0]}?" if close else "`python -m mealign --cfg job` shows every key"
