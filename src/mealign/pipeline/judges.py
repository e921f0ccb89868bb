"""The judge that the settings choose, and its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mealign.jsonl import read_record, read_records
from mealign.pipeline.models import language_model
from mealign.pipeline.recalling import memory_index

if TYPE_CHECKING:
    from mealign.judging.certification_pairs import CertificationPair
    from mealign.judging.judge import Judge
    from mealign.judging.settings import JudgeConfig
    from mealign.language.decisions import DecisionModel
    from mealign.pipeline.stage import StageContext
    from mealign.records import Candidate, Task


def judge_inputs(context: StageContext) -> tuple[list[Task], list[Candidate], list[CertificationPair]]:
    """Return the tasks, their candidates, and the certification pairs."""
    from mealign.judging.certification_pairs import certification_pairs
    from mealign.records import Candidate, Fact, Label, Task

    settings = context.settings
    all_tasks = read_records(context.inputs / "tasks.jsonl", Task)
    pairs = certification_pairs(
        all_tasks,
        read_records(context.inputs / "memory/facts.jsonl", Fact),
        read_records(context.inputs / "labels.jsonl", Label),
        per_kind=settings.judge.known_pairs,
        seed=settings.seed,
    )
    return all_tasks, read_records(context.inputs / "candidates.jsonl", Candidate), pairs


def judge_of(context: StageContext) -> Judge:
    """Build the judge that the settings choose; what it needs is loaded on demand."""
    from mealign.judging.build import build_judge
    from mealign.memory.profile import Profile
    from mealign.records import Fact

    settings = context.settings
    return build_judge(
        settings.judge,
        facts=read_records(context.inputs / "memory/facts.jsonl", Fact),
        index=lambda: memory_index(context),
        bio=read_record(context.inputs / "memory/profile.json", Profile).text,
        person=settings.user.person,
        model=lambda asked: _deciding_model(context, asked),
    )


def _deciding_model(context: StageContext, asked: JudgeConfig) -> DecisionModel:
    """Return the model that answers a judge's questions."""
    from mealign.language.build import build_decision_model
    from mealign.language.settings import LOCAL

    if asked.backend == LOCAL:
        return language_model(context)
    judge = context.settings.judge
    return build_decision_model(
        asked.backend,
        asked.server,
        cache=context.store / "decisions",
        ledger=context.ledger,
        prices=context.settings.prices,
        max_usd=asked.max_usd,
        max_calls=asked.max_calls,
        judge=asked.name,
        key=f"judge.members.{asked.name}" if asked.name in judge.members else "judge",
    )
