"""Between Hydra and the settings: typed conversion, the parameters for DVC, and errors a person can act on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import get_omega_conf_dumper
from omegaconf.errors import OmegaConfBaseException

from mealign.config import Settings
from mealign.errors import ConfigError, MealignError
from mealign.jsonl import write_text
from mealign.language.settings import ModelConfig
from mealign.overrides import for_hydra, literal
from mealign.plugins import roots
from mealign.settings import flat, keys, plain

OPEN = ("judge.members.", "extra.")
"""Below these, names are free: a panel's members have typed keys, and plug-ins have keys of their own."""

PACKAGED = Path(__file__).parent / "conf"
CONF = PACKAGED if PACKAGED.is_dir() else Path(__file__).resolve().parents[2] / "conf"
"""The folder of configuration files: the package's own where it is installed, the project's in a checkout."""

ConfigStore.instance().store(name="settings", node=Settings)
OmegaConf.register_new_resolver("plugin_conf", lambda: [f"file://{folder}" for folder in _plugin_conf()], replace=True)


def compose_settings(*overrides: str) -> Settings:
    """Compose the settings of ``conf/`` as the command line does, also in the middle of a run.

    Raises:
        ConfigError: as :func:`to_settings`.
    """
    started = GlobalHydra.instance().is_initialized()
    with nullcontext() if started else initialize_config_dir(str(CONF), version_base="1.3"):
        return to_settings(compose("config", overrides=for_hydra(overrides)))


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
    given = {key for key in flat(OmegaConf.to_container(cfg)) if not key.startswith(OPEN)}
    added = sorted(given - set(keys(Settings)))
    if added:
        raise ConfigError("\n".join(f"{key}: there is no such key; {_nearest(key)}" for key in added))
    settings = OmegaConf.to_object(cfg)
    if not isinstance(settings, Settings):
        raise ConfigError("the config is not mealign's: its defaults list must begin with `settings`")
    return settings


def to_model_config(values: Mapping[str, Any]) -> ModelConfig:
    """Turn the plain settings of a base model, as :func:`mealign.settings.plain` gave them, back into typed ones."""
    found: ModelConfig = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ModelConfig), values))  # type: ignore[assignment]
    return found


def write_params(settings: Settings, path: Path) -> None:
    """Write the composed settings for DVC, which tracks them key by key.

    The judge is left to its config group, so that only one judge's branch depends on that judge's file.
    """
    import yaml

    values = _literal(plain(settings))
    judge = values.pop("judge")["name"]
    header = "# Written by `python -m mealign stage=compose` from conf/; edit conf/, not this file.\n"
    defaults: list[Any] = ["settings", {"judge": judge}, "_self_", {"override hydra/job_logging": "none"}]
    defaults += [{"override hydra/hydra_logging": "none"}]
    hydra_node = {"output_subdir": None, "run": {"dir": "."}, "searchpath": "${plugin_conf:}"}
    content = {"defaults": defaults, "hydra": hydra_node, **values}
    write_text(path, header + yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False))


def group_choices() -> dict[str, list[str]]:
    """Return the options of every group of ``conf/``, those of plug-ins among them, in alphabetical order."""
    found: dict[str, set[str]] = {}
    for folder in (CONF, *_plugin_conf()):
        for path in folder.glob("*/*.yaml"):
            found.setdefault(path.parent.name, set()).add(path.stem)
    return {group: sorted(found[group]) for group in sorted(found)}


def explain(error: BaseException) -> str:
    """Explain in a line or two which key has which value, what is wrong with it and what to do."""
    if isinstance(error, MealignError):
        return str(error)
    if isinstance(error, OverrideParseException):
        key, equals, _ = error.override.partition("=")
        if not equals:
            return f"{key}: it sets nothing; write KEY=VALUE, or see `python -m mealign --help`"
        return f"{error.override}: its value cannot be read; write it in quotes that Hydra gets to see: '{key}=\"...\"'"
    text = "\n".join(str(link) for link in _causes(error))
    if option := re.search(r"Could not (?:find|load) '([\w./-]+)/([^'/]+)'", text):
        choices = group_choices().get(option[1]) or re.findall(r"^\t([\w.-]+)$", text, re.MULTILINE)
        mend = f"use one of {', '.join(choices)}" if choices else f"there is no folder conf/{option[1]}/ either"
        return f"{option[1]}={option[2]}: there is no such file in conf/{option[1]}/; {mend}"
    if unknown := re.search(r"Could not override '([^']+)'", text) or re.search(r"Key '([^']+)' (?:is )?not in", text):
        full = re.search(r"full_key: ([\w.]+)", text)
        key = unknown[1] if "." in unknown[1] or not full else full[1]
        return f"{key}: there is no such key; {_nearest(key)}"
    key_match = re.search(r"full_key: ([\w.]+)", text)
    if key_match and (given := re.search(r"Value '(.*?)' (?:of type|is not)|Invalid value '(.*?)'", text, re.DOTALL)):
        key, value = key_match[1], given[1] or given[2]
        # Without an example where nothing composes.
        with suppress(HydraException, OmegaConfBaseException, MealignError):
            return f"{key}={value}: {_expected(text)}; for example {key}={flat(compose_settings()).get(key)}"
        return f"{key}={value}: {_expected(text)}"
    if (listed := re.search(r"override \W*([\w.]+)=", text)) and "is not a ListConfig" in text:
        return f"{listed[1]}: it must be a list; write {listed[1]}=[...], with commas between several"
    causes = (link for link in _causes(error) if link.args and link.args[0])
    said = [" ".join(str(link).partition("\n")[0].split()).rstrip(".") for link in islice(causes, 2)]
    return ": ".join(dict.fromkeys(said)) + "; `python -m mealign --cfg job` shows what was composed"


class _Dumper(get_omega_conf_dumper()):  # type: ignore[misc]
    """OmegaConf's YAML, but what is no printable character is escaped: some line breaks are read as another one."""


def _represent(dumper: Any, text: str) -> Any:
    if text.isprintable():
        return dumper.str_representer(dumper, text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_Dumper.add_representer(str, _represent)


def _literal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _literal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_literal(inner) for inner in value]
    return literal(value) if isinstance(value, str) else value


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
    known = [*keys(Settings), *group_choices()]
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    return f"did you mean {close[0]}?" if close else "`python -m mealign --cfg job` shows every key"


def _plugin_conf() -> list[Path]:
    return [root / "conf" for root in roots() if (root / "conf").is_dir()]
