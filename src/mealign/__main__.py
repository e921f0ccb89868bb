"""The Hydra entrypoint: compose, validate, run what is asked for, return what a sweep optimises."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mealign import door, plugins, processes, usage
from mealign.addresses import host_of, is_loopback, stays_here
from mealign.compose import CONF, to_settings
from mealign.config import Settings
from mealign.console import abandon, guard, say
from mealign.errors import ConfigError
from mealign.experiment import private
from mealign.failures import fail, told
from mealign.overrides import decoded, for_hydra
from mealign.pipeline.registry import asked_command, check, destinations

SWEEPS = frozenset({"-m", "--multirun", "hydra.mode=MULTIRUN"})
"""Arguments that ask for a sweep."""


def main() -> None:
    """Run the command line; exit 0 when the work is done, 1 when it failed, 2 when the settings cannot work."""
    # Hydra would print its own digest of a traceback and exit 1 whatever went wrong; this makes it raise instead.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    guard()
    door.close()
    private.write_privately()
    try:
        try:
            _main()
        finally:
            _flush()
    except KeyboardInterrupt:
        if processes.leads():
            say("stopped; the same command goes on from the last finished stage")
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read the output has stopped.
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets one message
        fail(error)


def _main() -> None:
    if not processes.leads():
        processes.follow()
        return
    plugins.roots()
    arguments = sys.argv[1:]
    if usage.is_asked(arguments):
        say(usage.usage(), to=sys.stdout)
        return
    sys.argv[1:] = for_hydra(map(decoded, arguments), sweeps=not SWEEPS.isdisjoint(arguments))
    try:
        _hydra_main()
    except (RecursionError, UnicodeError, OSError) as error:
        # Work that fails has been told by now: this comes of composing. OmegaConf's error for a list has no number.
        if isinstance(error, HydraException) or (isinstance(error, OSError) and error.errno is not None):
            raise
        why = "holds no settings" if isinstance(error, OSError) else "refers to itself, or is not UTF-8"
        raise ConfigError(f"a file of the configuration {why}; correct it") from error
    processes.dismiss()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def _hydra_main(cfg: DictConfig) -> float | None:
    job = HydraConfig.get()
    # A launcher's workers begin here.
    private.write_privately()
    try:
        settings = to_settings(cfg)
        # Unresolved: an override is a line of text, in which an interpolation stands as it was written.
        check(settings, OmegaConf.to_container(job.overrides.task, resolve=False))  # type: ignore[arg-type]
        door.close()  # a launcher may have started this process
        door.permit(_hosts(settings))
        private.close_folders(settings, Path.cwd())
        if command := asked_command(settings):
            command.run(settings, Path.cwd())
            return None
        from mealign.experiment import runner

        workspace = Path(job.runtime.output_dir) if job.mode == RunMode.MULTIRUN else None
        return runner.run(settings, root=Path.cwd(), workspace=workspace)
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets one message
        # Exit here, for Hydra would print a line of its own before the message. In a sweep, the other jobs go on.
        if job.mode == RunMode.MULTIRUN:
            raise told(error) from None
        return fail(error)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        abandon(sys.stdout)
        raise


def _hosts(settings: Settings) -> Iterator[str]:
    """Yield the hosts to which a run with checked settings may send."""
    for destination in destinations(settings):
        if is_loopback(destination.url) or stays_here(destination.url):
            continue
        host = host_of(destination.url)
        # Where a remote MLflow keeps artifacts is its own business.
        yield host if host and destination.key != "tracking.uri" else door.ANYWHERE


if __name__ == "__main__":
    main()
