"""Callbacks of a sweep: every job's settings are checked before the first one starts; all share one parent run."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from mealign.compose import to_settings
from mealign.config import Settings
from mealign.console import say
from mealign.experiment.settings import PARENT_VARIABLE, TrackingConfig, permitted_ledger
from mealign.failures import fail, told
from mealign.pipeline.registry import check
from mealign.settings import declared

if TYPE_CHECKING:
    from mealign.experiment.comparison import Sweep
    from mealign.experiment.settings import Status


class CheckSweep(Callback):
    """Compose and check every combination of a grid, so that a bad value ends the sweep before any job starts."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Exit with code 2 and one message when a combination cannot work."""
        if not config.hydra.sweeper._target_.endswith("BasicSweeper"):
            return
        overrides = _overrides(config)
        for combination in BasicSweeper.split_arguments(overrides, max_batch_size=None)[0]:
            try:
                check(to_settings(compose(config.hydra.job.config_name, overrides=combination)), combination)
            except Exception as error:  # noqa: BLE001 - whatever it is, the user gets one message
                # Hydra turns a callback's exception into a warning; exiting is the only way to stop the sweep here.
                fail(error)


class SweepParent(Callback):
    """Open one run for the whole sweep, the parent of its jobs' runs, and write their results to it.

    Tracking never stops a sweep: its errors are reported on standard error.
    """

    def __init__(self) -> None:
        self._sweep: Sweep | None = None
        self._process = os.getpid()

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Open the run and pass its id on to the jobs."""
        settings = OmegaConf.to_object(config.tracking)
        if not isinstance(settings, TrackingConfig) or not settings.enabled:
            return
        from mealign.experiment.comparison import open_sweep

        overrides = _overrides(config)
        lines = {override.key_or_group: str(override.input_line) for override in overrides}
        varied = sorted(override.key_or_group for override in overrides if override.is_sweep_override())
        swept = {key: lines[key].partition("=")[2] for key in varied}
        fixed = [line for key, line in lines.items() if key not in swept]
        try:
            self._sweep = open_sweep(
                settings,
                swept=swept,
                fixed=fixed,
                root=Path.cwd(),
                ledger=permitted_ledger(config.egress, config.paths.egress, root=Path.cwd()),
                withheld=() if settings.log_texts else _personal(swept),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the sweep goes on
            say(f"warning: this sweep's jobs will have no parent run: {told(error)}")
            return
        os.environ[PARENT_VARIABLE] = self._sweep.run_id
        # Hydra does not call on_multirun_end if a job has failed.
        atexit.register(self._close, "FAILED")

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Close the run as finished, with the comparison of the jobs."""
        self._close("FINISHED")

    def _close(self, status: Status) -> None:
        if self._sweep is None or os.getpid() != self._process:
            return
        sweep, self._sweep = self._sweep, None
        atexit.unregister(self._close)
        os.environ.pop(PARENT_VARIABLE, None)
        try:
            sweep.close(status)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sweep is done
            say(f"warning: the sweep's run {sweep.run_id} is not complete: {told(error)}")


def _personal(swept: Mapping[str, str]) -> list[str]:
    """Return the swept keys whose values tell of the user."""
    limits = {key: found for key, _, found in declared(Settings)}
    return [
        key
        for key, values in swept.items()
        if (found := limits.get(key)) and any(found.is_personal(value) for value in values.split(","))
    ]


def _overrides(config: DictConfig) -> list[Override]:
    # Unresolved: an override is a line of text, in which an interpolation stands as it was written.
    lines = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    return OverridesParser.create().parse_overrides(lines)  # type: ignore[arg-type]
