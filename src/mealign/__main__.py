"""The Hydra entrypoint: compose, validate, run the stages, return what a sweep optimises."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from mealign import config, processes
from mealign.compose import CONF, explain, to_settings, write_params
from mealign.config import check
from mealign.errors import ConfigError, MealignError


def main() -> None:
    """Run the command line; exit 0 when the work is done, 1 when it failed, 2 when the settings cannot work."""
    # Hydra would print its own digest of a traceback and exit 1 whatever went wrong; this makes it raise instead.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        if not processes.leads():
            processes.follow()
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
    try:
        settings = to_settings(cfg)
        if settings.stage == "compose":
            write_params(settings, Path("params.yaml"))
            return None
        check(settings)
        if (view := config.selected_stages(settings)[0]) in config.VIEWS:
            from mealign import views

            shown = {"memory_show": views.memory_show, "export": views.export}
            shown[view](settings, root=Path.cwd())
            return None
        if settings.judge.plan:
            from mealign import views

            views.judge_plan(settings, root=Path.cwd())
            return None
        from mealign import runner

        if job.mode == RunMode.MULTIRUN:
            return runner.run(settings, root=Path.cwd(), workspace=Path(job.runtime.output_dir))
        return runner.run(settings, root=Path.cwd())
    except MealignError as error:
        # Outside a sweep, end here: Hydra would put a line of its own before the message. In one, the other jobs go on.
        if job.mode == RunMode.MULTIRUN:
            raise
        return _fail(error)


def _fail(error: Exception) -> NoReturn:
    setting = not isinstance(error, MealignError) or isinstance(error, ConfigError)
    _say(("config error: " if setting else "error: ") + explain(error))
    sys.exit(2 if setting else 1)


def _say(text: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(text, markup=False)


if __name__ == "__main__":
    main()
