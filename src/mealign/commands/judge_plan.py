"""What asking a judge would cost, before anything is asked: ``stage=judge judge.plan=true``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from mealign import terminal
from mealign.config import Settings
from mealign.errors import ConfigError
from mealign.experiment.runner import context_of, place_of
from mealign.pipeline.judges import judge_inputs, judge_of
from mealign.pipeline.registry import stages
from mealign.pipeline.stage import Command

if TYPE_CHECKING:
    from mealign.language.decisions import Estimate


def judge_plan(settings: Settings, root: Path) -> None:
    """Print what ``stage=judge`` would cost: calls, tokens, dollars, minutes, for the certificate and for the pairs.

    Nothing is asked and nothing is written. For a tournament in rounds it is the cost of the longest possible one.

    Args:
        settings: checked settings.
        root: folder to which relative paths of the settings refer.

    Raises:
        ConfigError: what the judge reads has not been made yet.
    """
    from mealign.judging.examination import comparisons_of
    from mealign.judging.protocol import comparisons_between
    from mealign.judging.tournament import expected_pairs

    place = place_of(settings, root=root)
    for path in stages()["judge"].inputs(settings):
        if not (place.folder / path).exists():
            raise ConfigError(
                f"judge.plan=true: stage=judge reads {place.folder / path}, which does not exist; "
                "run the stages before it first"
            )
    context = context_of(settings, place, outputs=place.folder)
    tasks, pool, known = judge_inputs(context)
    who = judge_of(context)
    pairs = expected_pairs(tasks, pool, settings=settings.judge, seed=settings.seed)
    parts = {
        f"certificate ({len(known)} known pairs)": who.estimate(comparisons_of(known)),
        f"candidates ({len(pairs)} pairs)": who.estimate(comparisons_between(tasks, pool, pairs)),
    }
    terminal.show(plan_table(parts, judge=settings.judge.name))


def plan_table(parts: Mapping[str, Estimate], *, judge: str) -> Table:
    """Return a table with one line per part and their sum, which is unknown if a part is."""
    table = Table(title=f"what judge={judge} would take; nothing was asked", title_justify="left")
    table.add_column("for")
    for column in ("calls", "known already", "prompt tokens", "completion tokens", "US dollars", "minutes"):
        table.add_column(column, justify="right")
    for name, part in parts.items():
        table.add_row(name, *_cells(part))
    table.add_section()
    table.add_row("together", *_cells(_sum(list(parts.values()))))
    return table


def _cells(part: Estimate) -> tuple[str, ...]:
    counts = (part.requests, part.known, part.prompt_tokens, part.completion_tokens)
    dollars = "unknown" if part.cost_usd is None else f"{part.cost_usd:.4f}"
    minutes = "unknown" if part.minutes is None else f"{part.minutes:.1f}"
    return (*(f"{count:,}" for count in counts), dollars, minutes)


def _sum(parts: Sequence[Estimate]) -> Estimate:
    from mealign.language.decisions import Estimate

    dollars = [part.cost_usd for part in parts]
    minutes = [part.minutes for part in parts]
    return Estimate(
        requests=sum(part.requests for part in parts),
        known=sum(part.known for part in parts),
        prompt_tokens=sum(part.prompt_tokens for part in parts),
        completion_tokens=sum(part.completion_tokens for part in parts),
        cost_usd=None if None in dollars else sum(value for value in dollars if value is not None),
        minutes=None if None in minutes else sum(value for value in minutes if value is not None),
    )


def problems(settings: Settings) -> Iterator[str]:
    """Report a plan that is requested together with other stages."""
    if settings.stage not in ("judge", COMMAND.name):
        yield (
            f"judge.plan=true with stage={settings.stage}: it shows what the judge would take and runs nothing; "
            "set stage=judge, or judge.plan=false"
        )


COMMAND = Command(name="judge_plan", run=judge_plan, asked=lambda settings: settings.judge.plan, problems=problems)
