"""``dvc.yaml``, generated from the stages: what DVC runs, moves and versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mealign.commands.compose import KEYS, PARAMS
from mealign.config import Settings
from mealign.jsonl import write_text
from mealign.pipeline.registry import inputs, pipeline
from mealign.pipeline.stage import Command, Stage
from mealign.settings import path_at

HEADER = """\
# Written by `python -m mealign stage=dvc` from the stages in src/mealign/stages; `dvc repro` runs what has changed.
# For other notes, change `who` (a file of conf/user) and `source`; for other judges, `dvc` in conf/config.yaml.
"""
KEPT = {"persist": True}
"""With this, a killed stage keeps its previous outputs."""


def write(settings: Settings, root: Path) -> None:
    """Write ``dvc.yaml`` into the project's folder."""
    write_text(root / "dvc.yaml", render(settings))


def render(settings: Settings) -> str:
    """Return the text of ``dvc.yaml``."""
    import yaml

    variables = {
        "who": settings.user.name,
        "source": _source(settings),
        "judges": list(settings.dvc.judges),
        "pair_judges": list(settings.dvc.pair_judges),
        "main_judge": settings.judge.name,
    }
    order = pipeline(settings)
    stages = {"compose": _compose(settings)} | {stage.name: _stage(stage, settings, order) for stage in order}
    # DVC takes no text with `${` as a variable.
    usable = [{name: value} for name, value in variables.items() if "${" not in value]
    body = {"vars": usable, "stages": stages}
    return HEADER + yaml.safe_dump(body, sort_keys=False, width=120, allow_unicode=True)


def _compose(settings: Settings) -> dict[str, Any]:
    return {
        "cmd": "python -m mealign stage=compose user=${who} judge=${main_judge}",
        # A key includes the versions of libraries, which are not in any file.
        "always_changed": True,
        "outs": [{PARAMS: {"cache": False}}, {_path(KEYS, settings): {"cache": False}}],
    }


def _stage(stage: Stage, settings: Settings, order: list[Stage]) -> dict[str, Any]:
    judge = "${item.judge}" if stage.by_judge else "${main_judge}"
    settings = replace(settings, judge=replace(settings.judge, name=judge))
    reads, writes = inputs(stage, settings, order), stage.outputs(settings)
    found: dict[str, Any] = {}
    if stage.by_judge:
        # A stage that reads verdicts makes pairs.
        found["matrix"] = {"judge": "${pair_judges}" if any(judge in path for path in reads) else "${judges}"}
    found["cmd"] = f"python -m mealign --config-dir . -cn params judge={judge} stage={stage.name}"
    source = _source(settings)
    found["deps"] = [_path(path, settings) for path in reads] or [_text(source) if "${" in source else "${source}"]
    found["params"] = [{_path(KEYS, settings): [f"{stage.name}.{judge}" if stage.by_judge else stage.name]}]
    data = [path for path in writes if path != stage.history and not _is_metric(path)]
    found["outs"] = [{_path(path, settings): dict(KEPT)} for path in data]
    if stage.history:
        found["plots"] = [{_path(stage.history, settings): {**KEPT, "x": "step", "y": "loss"}}]
    found["metrics"] = [{_path(path, settings): dict(KEPT)} for path in writes if _is_metric(path)]
    return found


def _path(path: str, settings: Settings) -> str:
    return f"{_text(str(path_at(Path(), settings.paths.data)))}/${{who}}/{path}"


def _source(settings: Settings) -> str:
    return str(path_at(Path(), settings.user.path))


def _text(path: str) -> str:
    """Return a path that DVC leaves as it is, whatever it could fill in."""
    return path.replace("${", r"\${")


def _is_metric(path: str) -> bool:
    return path.startswith("summaries/") or path.endswith(("metrics.json", "certificate.json"))


COMMAND = Command(name="dvc", run=write, section="dvc")
