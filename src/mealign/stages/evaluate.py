"""Every arm's answers to the gold questions and the held-out tasks, scored, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from mealign.config import Settings, plain
from mealign.jsonl import digest_path, read_json, read_records, write_json, write_records
from mealign.pipeline.models import language_model
from mealign.pipeline.recalling import EMBEDDER, MEMORY_INDEX, memory_index
from mealign.pipeline.stage import Stage, StageContext
from mealign.records import Answer, Arm, Question, Task
from mealign.summaries import Summary

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mealign.memory.search import FactIndex
    from mealign.pipeline.tracker import Tracker

QuestionSet = Literal["gold", "held_out"]


@dataclass(frozen=True, kw_only=True)
class EvaluateSummary(Summary):
    """How much was asked."""

    answers: int
    questions: dict[str, int]


def run(context: StageContext) -> EvaluateSummary:
    """Ask every arm every question."""
    from mealign.evaluation.arms import answer_questions, build_prompts, held_out_questions, sample_questions
    from mealign.evaluation.summary import summarise

    settings = context.settings
    options = settings.evaluation
    held_out = held_out_questions(read_records(context.inputs / "tasks.jsonl", Task))
    sets: dict[QuestionSet, list[Question]] = {
        "gold": sample_questions(
            read_records(context.inputs / "questions.jsonl", Question), options.max_questions, seed=settings.seed
        ),
        "held_out": sample_questions(held_out, options.max_held_out, seed=settings.seed),
    }
    index = memory_index(context)
    answers = []
    for adapter, (without_memory, with_memory) in _arms(settings).items():
        model = language_model(context, context.inputs / adapter if adapter else None)
        arms: tuple[tuple[Arm, FactIndex | None], ...] = ((without_memory, None), (with_memory, index))
        for question_set, questions in sets.items():
            for arm, memory in arms:
                prompts = build_prompts(
                    questions, person=settings.user.person, index=memory, top_k=settings.context.top_k
                )
                answers += answer_questions(
                    questions, prompts, question_set=question_set, arm=arm, model=model, settings=options
                )
    summary = summarise(answers, settings=options, seed=settings.seed)
    write_records(context.outputs / "evaluation.jsonl", answers)
    write_json(context.outputs / "metrics.json", summary)
    return EvaluateSummary(
        answers=len(answers),
        questions={name: len(asked) for name, asked in sets.items()},
        objective=summary["objective"],
    )


def _arms(settings: Settings) -> dict[str | None, tuple[Arm, Arm]]:
    """Return the adapters of a mix (None: the base model) and their arms without and with memory."""
    arms: dict[str | None, tuple[Arm, Arm]] = {None: ("base", "base+memory")}
    if settings.mix.sft:
        arms["adapters/sft"] = ("sft", "sft+memory")
    if settings.mix.dpo:
        arms["adapters/dpo"] = ("dpo", "dpo+memory")
    return arms


def track(tracker: Tracker, context: StageContext, summary: Mapping[str, object]) -> None:
    """Enter every score, the answers where texts may be logged, and the adapter into the line of champions."""
    from mealign.evaluation.summary import beats, flatten_metrics, objective_scores
    from mealign.pipeline.tracker import Contender

    settings, folder = context.settings, context.inputs
    tracker.log_metrics(flatten_metrics(read_json(folder / "metrics.json")))
    tracker.log_bytes("evaluation.jsonl", (folder / "evaluation.jsonl").read_bytes(), personal=True)
    arm, scores = objective_scores(read_records(folder / "evaluation.jsonl", Answer))
    stage, _, _ = str(arm).partition("+")
    if stage not in ("sft", "dpo"):
        return
    adapter = folder / "adapters" / stage
    contender = Contender(
        name=f"mealign-{settings.user.name}-{settings.model.name}",
        adapter=adapter,
        digest=digest_path(adapter),
        model=plain(settings.model),
        person=settings.user.person,
        scores=scores,
    )
    tracker.log_contender(contender, beats=partial(beats, settings=settings.evaluation, seed=settings.seed))


def show(context: StageContext) -> RenderableType:
    """Return the table of evidence."""
    from mealign.reporting.terminal import arms_table

    return arms_table(read_json(context.inputs / "metrics.json"))


STAGE = Stage(
    name="evaluate",
    run=run,
    reads=(*MEMORY_INDEX, "tasks.jsonl", "questions.jsonl"),
    reads_if=lambda settings: tuple(adapter for adapter in _arms(settings) if adapter),
    writes=("evaluation.jsonl", "metrics.json"),
    settings=("user.person", *EMBEDDER, "context", "model", "mix", "evaluation", "seed"),
    tracked=True,
    track=track,
    show=show,
)
