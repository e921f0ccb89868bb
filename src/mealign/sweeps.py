"""Callbacks of a sweep: every job's settings are checked before the first one starts."""

from __future__ import annotations

import sys
from typing import Any

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from mealign.compose import explain, to_settings
from mealign.config import check
from mealign.errors import MealignError


class CheckSweep(Callback):
    """Compose and check every combination of a grid, so that a bad value ends the sweep before any job has begun."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Exit with code 2 and one message when a combination cannot work."""
        if not config.hydra.sweeper._target_.endswith("BasicSweeper"):
            return
        overrides = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
        for combination in BasicSweeper.split_arguments(overrides, max_batch_size=None)[0]:
            try:
                check(to_settings(compose(config.hydra.job.config_name, overrides=combination)))
            except (HydraException, OmegaConfBaseException, MealignError) as error:
                # Hydra turns a callback's exception into a warning; leaving is the one way to stop the sweep here.
                print(f"config error: {explain(error)}", file=sys.stderr)
                sys.exit(2)
