"""Which stages and commands exist, in which order stages run, and what a combination of settings requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter

from mealign import plugins
from mealign.addresses import stays_here
from mealign.config import Settings
from mealign.errors import ConfigError
from mealign.language.settings import Destination, leaves, unpinned
from mealign.pipeline.stage import Command, Stage, asked_stages
from mealign.settings import name_problem, problems

STAGES, COMMANDS = "mealign.stages", "mealign.commands"
ALL = "all"
KEPT = ("adapters", "checkpoints", "decisions", "llm", "memos")
"""The store's other folders, beside those of the stages."""


@cache
def stages() -> dict[str, Stage]:
    """Return every stage by name, including those of plug-ins.

    Raises:
        ConfigError: a stage's name could not be that of a folder, or is one that the store has for something else.
    """
    found = plugins.members(STAGES, "STAGE")
    for module, stage in found.items():
        if problem := name_problem(f"{plugins.file_of(STAGES, module)}: name", stage.name):
            raise ConfigError(problem)
        if stage.name in (ALL, *KEPT):
            raise ConfigError(
                f"{plugins.file_of(STAGES, module)}: name={stage.name!r}: it is taken; give it another one"
            )
    return {stage.name: stage for stage in found.values()}


@cache
def commands() -> dict[str, Command]:
    """Return every command by name, including those of plug-ins."""
    return {command.name: command for command in plugins.members(COMMANDS, "COMMAND").values()}


def pipeline(settings: Settings) -> list[Stage]:
    """Return the stages that are active with these settings, each after those whose outputs it reads.

    Stages that do not depend on each other are in alphabetical order.
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
    """Return the paths of the adapters that are trained with these settings, by name."""
    active = (stage for stage in stages().values() if stage.active(settings))
    return {name: path for stage in active for name, path in stage.adapters(settings).items()}


def inputs(stage: Stage, settings: Settings, active: Sequence[Stage] | None = None) -> tuple[str, ...]:
    """Return the paths that a stage reads with these settings, including other stages' summaries and curves."""
    if not stage.reads_summaries:
        return stage.inputs(settings)
    others = pipeline(settings) if active is None else active
    reported = [path for other in others if not other.reads_summaries for path in reports(other, settings)]
    return (*stage.inputs(settings), *reported)


def reports(stage: Stage, settings: Settings) -> list[str]:
    """Return the paths of what a stage reports: its summary and, if it trains, its curve."""
    return [stage.summary_of(settings), *([stage.history] if stage.history else [])]


def asked_command(settings: Settings) -> Command | None:
    """Return the command that these settings request instead of stages, if they do.

    Raises:
        ConfigError: a name is unknown, or a command is requested together with anything else.
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
        ConfigError: a requested stage is not active with these settings.
    """
    asked, order = asked_stages(settings), pipeline(settings)
    active = {stage.name for stage in order}
    if left_out := [name for name in asked if name not in (*active, ALL)]:
        raise ConfigError(f"stage={left_out[0]}: mix={settings.mix.name} has no such stage; choose another mix")
    return [stage for stage in order if ALL in asked or stage.name in asked]


def check(settings: Settings, overrides: Sequence[str] = ()) -> None:
    """Check every limit and every combination before anything starts.

    Args:
        settings: the composed settings.
        overrides: of the command line, ``key=value`` each, so that a setting that would not be read is refused.

    Raises:
        ConfigError: one line per problem, each with the key, its value, why it cannot work and what to do.
    """
    found = [*problems(settings), *(line for stage in stages().values() for line in stage.problems(settings))]
    found += [*_left_open(settings)]
    if found:
        raise ConfigError("\n".join(found))
    command = asked_command(settings)
    if command is None:
        selected_stages(settings)
    found = [*_unread(settings, overrides, command), *(command.problems(settings) if command else ())]
    if found:
        raise ConfigError("\n".join(found))


def destinations(settings: Settings) -> Iterator[Destination]:
    """Yield every address that the settings name and to which something of the user's would be sent."""
    for stage in stages().values():
        yield from stage.sends(settings)
    if settings.tracking.enabled or settings.training.init_from:
        yield Destination("tracking.uri", settings.tracking.uri, "adapters, figures and your user's name")


def _left_open(settings: Settings) -> Iterator[str]:
    """Report what would leave this machine, or be fetched, without permission."""
    for destination in destinations(settings):
        yield from leaves(destination, settings.egress, stays=stays_here(destination.url))
    model, memory, allowed = settings.model, settings.memory, settings.download
    yield from unpinned(allowed, key="model.hub_id", name=model.hub_id, sha256=model.sha256)
    yield from unpinned(
        allowed, key="memory.embedder_hub_id", name=memory.embedder_hub_id, sha256=memory.embedder_sha256
    )


def _unread(settings: Settings, overrides: Sequence[str], asked: Command | None) -> Iterator[str]:
    """Report the overrides that belong to a command other than the requested one."""
    for command in commands().values():
        if command.section is None or command is asked:
            continue
        for override in overrides:
            if override.lstrip("+~").startswith(f"{command.section}."):
                yield f"{override}: stage={settings.stage} does not read it; set stage={command.name}"
