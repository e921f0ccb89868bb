"""Answers of the policy, the reference answer, and answers that are wrong by construction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mealign.config import Settings
from mealign.jsonl import read_records, write_records
from mealign.pipeline.models import SFT_ADAPTER, language_model, policy_before_dpo
from mealign.pipeline.stage import Stage, StageContext
from mealign.summaries import Funnel, Summary


@dataclass(frozen=True, kw_only=True)
class CandidatesSummary(Summary):
    """How many answers there are, by origin, and what was left out."""

    candidates: int
    counts: dict[str, Any]


def run(context: StageContext) -> CandidatesSummary:
    """Sample the policy and construct wrong answers."""
    from mealign.records import Fact, Task
    from mealign.synthesis.build import build_candidates

    settings = context.settings
    facts = {fact.id: fact for fact in read_records(context.inputs / "memory/facts.jsonl", Fact)}
    built = build_candidates(
        read_records(context.inputs / "tasks.jsonl", Task),
        facts=facts,
        model=language_model(context, policy_before_dpo(context)),
        settings=settings.candidates,
        seed=settings.seed,
    )
    write_records(context.outputs / "candidates.jsonl", built.candidates)
    return CandidatesSummary(
        funnel=Funnel(what="candidate answers", count=len(built.candidates), rest={"counts": built.counts}),
        candidates=len(built.candidates),
        counts=built.counts,
    )


def problems(settings: Settings) -> Iterator[str]:
    """Report when there would be nothing to compare."""
    if settings.mix.dpo and settings.candidates.n == 0 and settings.candidates.negatives == 0:
        yield (
            f"mix={settings.mix.name} with candidates.n=0 and candidates.negatives=0: there are no two answers to "
            "compare; set candidates.n=4, or choose mix=sft_only"
        )


STAGE = Stage(
    name="candidates",
    run=run,
    reads=("tasks.jsonl", "memory/facts.jsonl"),
    reads_if=lambda settings: (SFT_ADAPTER,) if settings.mix.sft else (),
    writes=("candidates.jsonl",),
    settings=("model", "mix.sft", "training.init_from", "candidates", "seed"),
    active=lambda settings: settings.mix.dpo,
    starts=lambda settings: not settings.mix.sft,
    problems=problems,
)
