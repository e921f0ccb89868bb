"""Every arm's answers to the gold questions and the held-out tasks, scored, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from mealign.config import Settings
from mealign.evaluation.settings import ArmConfig, EvaluationConfig
from mealign.jsonl import digest_path, read_json, read_records, write_json, write_records
from mealign.pipeline import registry
from mealign.pipeline.models import language_model
from mealign.pipeline.recalling import EMBEDDER, MEMORY_INDEX, memory_index
from mealign.pipeline.results import results_table
from mealign.pipeline.stage import Stage, StageContext
from mealign.settings import plain
from mealign.summaries import Summary

if TYPE_CHECKING:
    from mealign.pipeline.tracker import Tracker
    from mealign.records import Question

QuestionSet = Literal["gold", "held_out"]


@dataclass(frozen=True, kw_only=True)
class EvaluateSummary(Summary):
    """How many questions were asked, and on how many answers each metric failed."""

    answers: int
    questions: dict[str, int]
    failed: dict[str, int] = field(default_factory=dict)


def run(context: StageContext) -> EvaluateSummary:
    """Ask every arm every question."""
    from mealign.evaluation.arms import (
        answer_questions,
        build_prompts,
        held_out_questions,
        in_context,
        sample_questions,
    )
    from mealign.evaluation.summary import summarise
    from mealign.records import Question, Task

    settings = context.settings
    options = in_context(settings.evaluation, settings.context.name)
    held_out = held_out_questions(read_records(context.inputs / "tasks.jsonl", Task))
    sets: dict[QuestionSet, list[Question]] = {
        "gold": sample_questions(
            read_records(context.inputs / "questions.jsonl", Question), options.max_questions, seed=settings.seed
        ),
        "held_out": sample_questions(held_out, options.max_held_out, seed=settings.seed),
    }
    index = memory_index(context)
    arms = asked_arms(options, context.adapters)
    answers = []
    for adapter in dict.fromkeys(arm.adapter for arm in arms):
        model = language_model(context, context.adapters[adapter] if adapter else None)
        for question_set, questions in sets.items():
            for arm in (arm for arm in arms if arm.adapter == adapter):
                prompts = build_prompts(
                    questions, index, context=arm.context, person=settings.user.person, settings=settings.context
                )
                answers += answer_questions(
                    questions, prompts, question_set=question_set, arm=arm.name, model=model, settings=options
                )
    summary = summarise(answers, settings=options, seed=settings.seed)
    write_records(context.outputs / "evaluation.jsonl", answers)
    write_json(context.outputs / "metrics.json", summary)
    return EvaluateSummary(
        answers=len(answers),
        questions={name: len(asked) for name, asked in sets.items()},
        failed=dict(Counter(name for answer in answers for name in answer.failed)),
        objective=summary["objective"],
    )


def asked_arms(settings: EvaluationConfig, adapters: Collection[str]) -> list[ArmConfig]:
    """Return the arms that are asked if these adapters are trained."""
    return [arm for arm in settings.arms if arm.adapter is None or arm.adapter in adapters]


def read_adapters(settings: Settings) -> tuple[str, ...]:
    """Return the paths of the adapters of the arms that are asked."""
    trained = registry.adapters(settings)
    named = dict.fromkeys(arm.adapter for arm in asked_arms(settings.evaluation, trained))
    return tuple(trained[name] for name in named if name)


def problems(settings: Settings) -> Iterator[str]:
    """Report arms that no mix could ask, and a mix that asks none."""
    known = sorted({name for stage in registry.stages().values() for name in stage.adapters(settings)})
    for position, arm in enumerate(settings.evaluation.arms):
        if arm.adapter is not None and arm.adapter not in known:
            yield (
                f"evaluation.arms.{position}.adapter={arm.adapter}: no stage trains it; use one of "
                f"{', '.join(known)}, or null for the base model"
            )
    if not asked_arms(settings.evaluation, registry.adapters(settings)):
        yield (
            f"evaluation.arms with mix={settings.mix.name}: this mix trains no adapter of any arm; "
            "add an arm with adapter: null, or choose another mix"
        )


def track(tracker: Tracker, context: StageContext, summary: Mapping[str, object]) -> None:
    """Log every score, the answers if texts may be logged, and the adapter as contender for champion."""
    from mealign.evaluation.summary import beats, flatten_metrics, objective_scores
    from mealign.pipeline.tracker import Contender
    from mealign.records import Answer

    settings, folder = context.settings, context.inputs
    tracker.log_metrics(flatten_metrics(read_json(folder / "metrics.json")))
    tracker.log_bytes("evaluation.jsonl", (folder / "evaluation.jsonl").read_bytes(), personal=True)
    answers = read_records(folder / "evaluation.jsonl", Answer)
    arm, scores = objective_scores(answers, settings=settings.evaluation)
    if arm is None or arm.adapter is None:
        return
    adapter = context.adapters[arm.adapter]
    contender = Contender(
        name=f"mealign-{settings.user.name}-{settings.model.name}",
        adapter=adapter,
        digest=digest_path(adapter),
        model=plain(settings.model),
        person=settings.user.person,
        scores=scores,
    )
    tracker.log_contender(contender, beats=partial(beats, settings=settings.evaluation, seed=settings.seed))


STAGE = Stage(
    name="evaluate",
    run=run,
    reads=(*MEMORY_INDEX, "tasks.jsonl", "questions.jsonl"),
    reads_if=read_adapters,
    writes=("evaluation.jsonl", "metrics.json"),
    settings=("user.person", *EMBEDDER, "context", "model", "evaluation", "seed"),
    tracked=True,
    problems=problems,
    track=track,
    show=results_table,
)
