"""Pairs of chosen and rejected answers, with their provenance, and their data card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mealign.config import Settings
from mealign.jsonl import read_json, read_records, write_records, write_text
from mealign.pipeline.stage import Stage, StageContext
from mealign.summaries import Funnel, Summary

if TYPE_CHECKING:
    from mealign.pipeline.tracker import Tracker


@dataclass(frozen=True, kw_only=True)
class PreferencesSummary(Summary):
    """How many pairs there are, and why other comparisons gave none."""

    train: int
    eval: int
    counts: dict[str, Any]


def run(context: StageContext) -> PreferencesSummary:
    """Make pairs from the verdicts of a certified judge."""
    from mealign.preferences.card import render_card
    from mealign.preferences.certification_gate import require_certified, shortfall
    from mealign.preferences.pairs import build_preferences
    from mealign.records import Candidate, Fact, Standing, Task, Verdict

    settings = context.settings
    name = settings.judge.name
    folder, judged = context.outputs / "preferences" / name, context.inputs / "judge" / name
    certificate = read_json(judged / "certificate.json")
    require_certified(certificate, judge=name, settings=settings.preferences)
    built = build_preferences(
        read_records(context.inputs / "tasks.jsonl", Task),
        read_records(context.inputs / "candidates.jsonl", Candidate),
        read_records(judged / "verdicts.jsonl", Verdict),
        read_records(context.inputs / "memory/facts.jsonl", Fact),
        read_records(judged / "ranking.jsonl", Standing),
        settings=settings.preferences,
        seed=settings.seed,
    )
    write_records(folder / "train.jsonl", built.train)
    write_records(folder / "eval.jsonl", built.eval)
    missing = shortfall(certificate, settings.preferences)
    write_text(folder / "card.md", render_card(built, judge=name, certificate=certificate, missing=missing))
    return PreferencesSummary(
        funnel=Funnel(what="preference pairs", count=len(built.train) + len(built.eval), rest={"counts": built.counts}),
        train=len(built.train),
        eval=len(built.eval),
        counts=built.counts,
    )


def problems(settings: Settings) -> Iterator[str]:
    """Report when DPO would have nothing to learn from."""
    if settings.mix.dpo and settings.preferences.max_pairs == 0:
        yield (
            f"mix={settings.mix.name} with preferences.max_pairs=0: DPO has no preferences to learn from; "
            "set preferences.max_pairs=400, or choose mix=sft_only"
        )


def track(tracker: Tracker, context: StageContext, summary: Mapping[str, object]) -> None:
    """Log the pairs, if texts may be logged."""
    folder = f"preferences/{context.settings.judge.name}"
    for name in ("train.jsonl", "eval.jsonl"):
        tracker.log_bytes(f"{folder}/{name}", (context.inputs / folder / name).read_bytes(), personal=True)


STAGE = Stage(
    name="preferences",
    run=run,
    reads=(
        "tasks.jsonl",
        "candidates.jsonl",
        "memory/facts.jsonl",
        "judge/{judge}/verdicts.jsonl",
        "judge/{judge}/ranking.jsonl",
        "judge/{judge}/certificate.json",
    ),
    writes=("preferences/{judge}/train.jsonl", "preferences/{judge}/eval.jsonl", "preferences/{judge}/card.md"),
    settings=("judge.name", "preferences", "seed"),
    active=lambda settings: settings.mix.dpo,
    problems=problems,
    track=track,
)
