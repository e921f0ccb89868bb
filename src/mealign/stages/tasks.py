"""Prompts with references, split by fact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mealign.config import Settings
from mealign.jsonl import read_records, write_records
from mealign.memory.settings import NO_MEMORY
from mealign.pipeline.models import parser
from mealign.pipeline.recalling import EMBEDDER, MEMORY_INDEX, memory_index
from mealign.pipeline.stage import Stage, StageContext
from mealign.summaries import Funnel, Summary


@dataclass(frozen=True, kw_only=True)
class TasksSummary(Summary):
    """How many tasks were made, by kind, family, split and prompt, and what was skipped."""

    tasks: int
    counts: dict[str, dict[str, int]]


def run(context: StageContext) -> TasksSummary:
    """Make the tasks of a person."""
    from mealign.records import Document, Fact
    from mealign.tasks.build import build_tasks

    settings = context.settings
    documents = read_records(context.inputs / "documents.jsonl", Document)
    built = build_tasks(
        read_records(context.inputs / "memory/facts.jsonl", Fact),
        memory_index(context),
        person=settings.user.person,
        settings=settings.task,
        context=settings.context,
        seed=settings.seed,
        parser=parser(context),
        speakers={document.author for document in documents if document.kind in ("message", "turn")},
    )
    write_records(context.outputs / "tasks.jsonl", built.tasks)
    return TasksSummary(
        funnel=Funnel(what="tasks", count=len(built.tasks), rest={"counts": built.counts}),
        tasks=len(built.tasks),
        counts=built.counts,
    )


def problems(settings: Settings) -> Iterator[str]:
    """Report prompts that should show memory although the context shows none."""
    share = settings.task.memory_share
    if settings.context.name == NO_MEMORY and share > 0:
        yield (
            f"task.memory_share={share} with context.name={NO_MEMORY}: no prompt would show memory; "
            "set task.memory_share=0, or choose context=retrieval"
        )


STAGE = Stage(
    name="tasks",
    run=run,
    reads=MEMORY_INDEX,
    writes=("tasks.jsonl",),
    settings=("user.person", "memory.parser", *EMBEDDER, "context", "task", "seed"),
    problems=problems,
)
