"""What a stage declares: what it reads, writes, depends on, does and reports; and what a command declares.

A stage is one file in :mod:`mealign.stages` that defines ``STAGE``; a command, one in :mod:`mealign.commands` that
defines ``COMMAND``. Whether a stage has to run is decided in :mod:`mealign.experiment`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mealign.config import Settings
from mealign.jsonl import digest_path
from mealign.summaries import Summary

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mealign.language.settings import Destination
    from mealign.language.weights import WeightsCache
    from mealign.pipeline.tracker import Tracker

ADAPTERS, HISTORY = "adapters/", "history/"
"""Folders of trained adapters and training curves inside a user's folder."""


@dataclass(frozen=True)
class StageContext:
    """What a stage may use.

    Attributes:
        settings: the settings that it declares; reading others is an error.
        inputs: the user's folder, which holds what earlier stages wrote.
        outputs: where it writes; the folders of its paths exist.
        root: folder to which relative paths of the settings refer.
        store: folder of what is kept beyond a run: earlier answers, checkpoints.
        weights: fetched models, and what may be fetched.
        ledger: file that records what leaves this machine.
        start: the adapter that ``training.init_from`` names.
        adapters: folders of the adapters that are trained with these settings, by name.
        reported: paths of every other stage's summary and training curve, if it has one; for a stage that
            ``reads_summaries``.
        on_step: called with the stage, the step and its numbers while it trains.
    """

    settings: Settings
    inputs: Path
    outputs: Path
    root: Path
    store: Path
    weights: WeightsCache
    ledger: Path
    start: Path | None = None
    adapters: Mapping[str, Path] = field(default_factory=dict)
    reported: Mapping[str, tuple[Path, Path | None]] = field(default_factory=dict)
    on_step: Callable[[str, int, Mapping[str, float]], None] = lambda stage, step, metrics: None


@dataclass(frozen=True)
class Stage:
    """One stage. Paths are relative to the user's folder and may hold ``{judge}``.

    Attributes:
        name: as in ``stage=<name>``.
        run: does the work; a function of its inputs and settings.
        reads: paths that it reads.
        writes: paths that it writes, except its summary. Those under ``adapters/`` are logged to MLflow as adapters,
            one under ``history/`` as training curves.
        settings: dotted keys of the settings that decide its result, whole sections or single values.
        reads_if: further paths that it reads with given settings.
        settings_if: further keys that decide the result with given settings.
        reads_summaries: whether it reads what all other stages report.
        files: what else decides the result, by name: files and folders outside the user's folder, or digests of them.
        active: whether the stage is active with given settings.
        starts: whether it works with the adapter of ``training.init_from``.
        tracked: whether a run that does this work is an MLflow run.
        problems: what cannot work, one line per problem.
        sends: where it sends what the user wrote, or what was made of it.
        track: logs to the MLflow run what is specific to the stage, given its context and what it reported.
        show: makes what a run shows on the terminal when it ends.
    """

    name: str
    run: Callable[[StageContext], Summary]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    reads_if: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    settings_if: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    reads_summaries: bool = False
    files: Callable[[Settings, Path], Mapping[str, Path | str]] = lambda settings, root: {}
    active: Callable[[Settings], bool] = lambda _: True
    starts: Callable[[Settings], bool] = lambda _: False
    tracked: bool = False
    problems: Callable[[Settings], Iterator[str]] = lambda _: iter(())
    sends: Callable[[Settings], Iterator[Destination]] = lambda _: iter(())
    track: Callable[[Tracker, StageContext, Mapping[str, object]], None] | None = None
    show: Callable[[StageContext], RenderableType] | None = None

    def keys(self, settings: Settings) -> tuple[str, ...]:
        """Return the keys of the settings that decide the result with these settings."""
        return (*self.settings, *self.settings_if(settings))

    def inputs(self, settings: Settings) -> tuple[str, ...]:
        """Return the paths that the stage reads with these settings, except other stages' summaries."""
        return tuple(path.format(judge=settings.judge.name) for path in (*self.reads, *self.reads_if(settings)))

    def outputs(self, settings: Settings) -> tuple[str, ...]:
        """Paths that the stage writes, with its summary last."""
        return tuple(path.format(judge=settings.judge.name) for path in (*self.writes, self.summary))

    def outside(self, settings: Settings, root: Path) -> dict[str, str]:
        """Return the digests of what is outside the user's folder and decides the result, by name."""
        found = self.files(settings, root)
        return {name: digest_path(what) if isinstance(what, Path) else what for name, what in found.items()}

    @property
    def by_judge(self) -> bool:
        """Whether every judge has its own result."""
        return any("{judge}" in path for path in self.writes)

    @property
    def summary(self) -> str:
        """Path of the counts and numbers that the stage reports."""
        return f"summaries/{self.name}{'-{judge}' if self.by_judge else ''}.json"

    def summary_of(self, settings: Settings) -> str:
        """Return the path of the summary that these settings lead to."""
        return self.outputs(settings)[-1]

    @property
    def history(self) -> str | None:
        """Path of the training curve, if the stage trains."""
        return next((path for path in self.writes if path.startswith(HISTORY)), None)

    def adapters(self, settings: Settings) -> dict[str, str]:
        """Paths of the adapters that the stage trains, by name."""
        return {path.removeprefix(ADAPTERS): path for path in self.outputs(settings) if path.startswith(ADAPTERS)}


@dataclass(frozen=True)
class Command:
    """What can be requested instead of stages: it shows or exports results, and computes no tracked ones.

    Attributes:
        name: as in ``stage=<name>``.
        run: does the work, given the settings and the folder to which their relative paths refer.
        section: the section of the settings that only this command reads.
        asked: whether given settings request it although ``stage`` does not.
        problems: what cannot work when it is requested, one line per problem.
    """

    name: str
    run: Callable[[Settings, Path], None]
    section: str | None = None
    asked: Callable[[Settings], bool] | None = None
    problems: Callable[[Settings], Iterator[str]] = lambda _: iter(())

    def is_asked(self, settings: Settings) -> bool:
        """Whether these settings request the command."""
        return self.name in asked_stages(settings) or bool(self.asked and self.asked(settings))


def asked_stages(settings: Settings) -> list[str]:
    """Return the names in ``settings.stage``, which is one or a list of them."""
    return list(settings.stage) if isinstance(settings.stage, list | tuple) else [settings.stage]


def visible(settings: Settings, keys: tuple[str, ...]) -> Settings:
    """Return the settings restricted to those under ``keys``, so that no result rests on another."""
    return cast(Settings, _Visible(settings, frozenset(keys), ""))


class _Visible:
    """A section of the settings of which only some keys can be read."""

    def __init__(self, section: object, keys: frozenset[str], prefix: str) -> None:
        self._section, self._keys, self._prefix = section, keys, prefix

    def __getattr__(self, name: str) -> object:
        value = getattr(self._section, name)
        key = f"{self._prefix}{name}"
        if key in self._keys:
            return value
        if any(each.startswith(f"{key}.") for each in self._keys):
            return _Visible(value, self._keys, f"{key}.")
        raise AttributeError(f"{key}: the stage does not declare this setting; add it to `settings` in its file")
