"""Which stages and commands there are, in which order stages run, and what a combination of settings asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter

from mealign import plugins
from mealign.config import Settings
from mealign.errors import ConfigError
from mealign.pipeline.stage import Command, Stage, asked_stages
from mealign.settings import problems

STAGES, COMMANDS = "mealign.stages", "mealign.commands"
ALL = "all"


@cache
def stages() -> dict[str, Stage]:
    """Return every stage by name, including those of plug-ins."""
    return {stage.name: stage for stage in plugins.members(STAGES, "STAGE").values()}


@cache
def commands() -> dict[str, Command]:
    """Return every command by name, including those of plug-ins."""
    return {command.name: command for command in plugins.members(COMMANDS, "COMMAND").values()}


def pipeline(settings: Settings) -> list[Stage]:
    """Return the stages that these settings have, each after those whose outputs it reads.

    Stages that do not depend on each other come in the order of their names.
    """
    active = [stage for stage in stages().values() if stage.active(settings)]
    maker: dict[str, str] = {}
    for stage in active:
        for path in stage.outputs(settings):
            if path in maker:
                raise ConfigError(
                    f"stages {maker[path]} and {stage.name} both write {path}; let one write another path"
                )
            maker[path] = stage.name
    sorter: TopologicalSorter[str] = TopologicalSorter(
        {stage.name: {maker[path] for path in inputs(stage, settings, active) if path in maker} for stage in active}
    )
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise ConfigError(f"stages read what the other writes, in a circle: {circle}; let one read less") from error
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return [stages()[name] for name in order]


def adapters(settings: Settings) -> dict[str, str]:
    """Paths of the adapters that these settings train, by name."""
    active = (stage for stage in stages().values() if stage.active(settings))
    return {name: path for stage in active for name, path in stage.adapters(settings).items()}


def inputs(stage: Stage, settings: Settings, active: Sequence[Stage] | None = None) -> tuple[str, ...]:
    """Paths that a stage reads under these settings, including other stages' summaries and curves."""
    if not stage.reads_summaries:
        return stage.inputs(settings)
    others = pipeline(settings) if active is None else active
    reported = [path for other in others if not other.reads_summaries for path in reports(other, settings)]
    return (*stage.inputs(settings), *reported)


def reports(stage: Stage, settings: Settings) -> list[str]:
    """Paths of what a stage reports: its summary and, where it trains, its curve."""
    return [stage.outputs(settings)[-1], *([stage.history] if stage.history else [])]


def asked_command(settings: Settings) -> Command | None:
    """Return the command that these settings ask for instead of stages, if they do.

    Raises:
        ConfigError: a name is unknown, or a command is asked for beside anything else.
    """
    asked = asked_stages(settings)
    if not asked or any(name not in (*stages(), *commands(), ALL) for name in asked):
        known = [stage.name for stage in pipeline(settings)]
        raise ConfigError(
            f"stage={settings.stage}: no such stage; use all, or one or more of {', '.join(known)}, "
            f"or one of {', '.join(commands())} alone"
        )
    command = next((each for each in commands().values() if each.is_asked(settings)), None)
    if command and len(asked) > 1:
        raise ConfigError(
            f"stage=[{','.join(asked)}]: {command.name} only reads what the stages wrote; "
            f"run the stages first, then stage={command.name} alone"
        )
    return command


def selected_stages(settings: Settings) -> list[Stage]:
    """Return the stages of ``settings.stage`` in the order in which they run.

    Raises:
        ConfigError: a stage is asked for that these settings do not have.
    """
    asked, order = asked_stages(settings), pipeline(settings)
    active = {stage.name for stage in order}
    if left_out := [name for name in asked if name not in (*active, ALL)]:
        raise ConfigError(f"stage={left_out[0]}: mix={settings.mix.name} has no such stage; choose another mix")
    return [stage for stage in order if ALL in asked or stage.name in asked]


def check(settings: Settings, overrides: Sequence[str] = ()) -> None:
    """Check every limit and every combination before anything starts.

    Args:
        settings: what was composed.
        overrides: what the command line said, ``key=value`` each, so that a setting nobody will read is refused.

    Raises:
        ConfigError: one line a problem, each with the key, its value, why it cannot work and what to do.
    """
    found = [*problems(settings), *(line for stage in stages().values() for line in stage.problems(settings))]
    if found:
        raise ConfigError("\n".join(found))
    command = asked_command(settings)
    if command is None:
        selected_stages(settings)
    found = [*_unread(settings, overrides, command), *(command.problems(settings) if command else ())]
    if found:
        raise ConfigError("\n".join(found))


def _unread(settings: Settings, overrides: Sequence[str], asked: Command | None) -> Iterator[str]:
    """Say which overrides belong to a command that is not the one asked for."""
    for command in commands().values():
        if command.section is None or command is asked:
            continue
        for override in overrides:
            if override.lstrip("+~").startswith(f"{command.section}."):
                yield f"{override}: stage={settings.stage} does not read it; set stage={command.name}"
