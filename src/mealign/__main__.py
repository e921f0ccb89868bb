"""The Hydra entrypoint: compose, validate, run what is asked for, return what a sweep optimises."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from mealign import door, plugins, processes, usage
from mealign.addresses import host_of, is_loopback, stays_here
from mealign.compose import CONF, explain, to_settings
from mealign.config import Settings
from mealign.errors import ConfigError, MealignError
from mealign.experiment import private
from mealign.pipeline.registry import asked_command, check, destinations


def main() -> None:
    """Run the command line; exit 0 when the work is done, 1 when it failed, 2 when the settings cannot work."""
    # Hydra would print its own digest of a traceback and exit 1 whatever went wrong; this makes it raise instead.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    door.close()
    private.write_privately()
    try:
        if not processes.leads():
            processes.follow()
            return
        plugins.roots()
        if usage.is_asked(sys.argv[1:]):
            print(usage.usage())
            return
        _hydra_main()
    except (HydraException, OmegaConfBaseException, MealignError) as error:
        _fail(error)
    except KeyboardInterrupt:
        if processes.leads():
            _say("stopped; the same command goes on from the last finished stage")
        sys.exit(130)
    processes.dismiss()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def _hydra_main(cfg: DictConfig) -> float | None:
    job = HydraConfig.get()
    # A launcher's workers begin here.
    private.write_privately()
    try:
        settings = to_settings(cfg)
        check(settings, list(job.overrides.task))
        door.close()  # a launcher may have started this process
        door.permit(_hosts(settings))
        private.close_folders(settings, Path.cwd())
        if command := asked_command(settings):
            command.run(settings, Path.cwd())
            return None
        from mealign.experiment import runner

        workspace = Path(job.runtime.output_dir) if job.mode == RunMode.MULTIRUN else None
        return runner.run(settings, root=Path.cwd(), workspace=workspace)
    except MealignError as error:
        # Exit here, for Hydra would print a line of its own before the message. In a sweep, the other jobs go on.
        if job.mode == RunMode.MULTIRUN:
            raise
        return _fail(error)


def _hosts(settings: Settings) -> Iterator[str]:
    """Yield the hosts to which a run with checked settings may send."""
    for destination in destinations(settings):
        if is_loopback(destination.url) or stays_here(destination.url):
            continue
        host = host_of(destination.url)
        # Where a remote MLflow keeps artifacts is its own business.
        yield host if host and destination.key != "tracking.uri" else door.ANYWHERE


def _fail(error: Exception) -> NoReturn:
    setting = not isinstance(error, MealignError) or isinstance(error, ConfigError)
    _say(("config error: " if setting else "error: ") + explain(error))
    sys.exit(2 if setting else 1)


def _say(text: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(text, markup=False)


if __name__ == "__main__":
    main()
