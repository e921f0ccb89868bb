"""The prompts and answers of each arm.

An arm is an adapter, or the base model, with a choice of what its prompts show of the person's memory. Prompts are
built by :func:`mealign.memory.context.answer_prompt`, which training uses too, so both see the same format.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mealign.evaluation.metrics import Measure, further_metrics, measured
from mealign.evaluation.metrics.abstained import measure as abstained
from mealign.evaluation.metrics.score import measure as score
from mealign.evaluation.settings import MEMORY, EvaluationConfig
from mealign.language.chat import TextModel
from mealign.memory.context import answer_prompt
from mealign.memory.contexts import Asked, shown_by
from mealign.memory.search import FactIndex
from mealign.memory.settings import ContextConfig
from mealign.records import MEMORY_KINDS, Answer, Message, Question, Task


@dataclass(frozen=True)
class QuestionPrompt:
    """The prompt of one question and the ids of the facts it shows."""

    messages: tuple[Message, ...]
    fact_ids: tuple[str, ...] = ()


def in_context(settings: EvaluationConfig, context: str) -> EvaluationConfig:
    """Return settings in which this run's context replaces :data:`~mealign.evaluation.settings.MEMORY` in the arms."""
    arms = [replace(arm, context=context) if arm.context == MEMORY else arm for arm in settings.arms]
    return replace(settings, arms=arms)


def answer_questions(
    questions: Sequence[Question],
    prompts: Sequence[QuestionPrompt],
    *,
    question_set: Literal["gold", "held_out"],
    arm: str,
    model: TextModel,
    settings: EvaluationConfig,
) -> list[Answer]:
    """Let a model answer every question greedily, and measure the answers by every metric.

    Args:
        questions: what is asked.
        prompts: one per question, in the same order.
        question_set: the set to which the questions belong.
        arm: the name under which the answers are counted.
        model: the arm's model.
        settings: length of an answer and batch size.

    Raises:
        ConfigError: a metric is not defined correctly.
        ValueError: questions and prompts differ in number.
    """
    further = further_metrics()
    replies = model.chat(
        [prompt.messages for prompt in prompts],
        max_new_tokens=settings.max_new_tokens,
        batch_size=settings.batch_size,
        description=f"answer {question_set}: {arm}",
    )
    return [
        _scored(question, prompt, reply.strip(), question_set=question_set, arm=arm, further=further)
        for question, prompt, (reply,) in zip(questions, prompts, replies, strict=True)
    ]


def build_prompts(
    questions: Sequence[Question], index: FactIndex, *, context: str, person: str, settings: ContextConfig
) -> list[QuestionPrompt]:
    """Build one prompt per question.

    Args:
        questions: what is asked.
        index: the memory; a prompt shows nothing that begins after the date of its question.
        context: name of the context that chooses what is shown.
        person: the user's full name.
        settings: how many facts a prompt shows at most.
    """
    asked = [Asked(question.question, question.as_of) for question in questions]
    shown = shown_by(context, asked, index, person=person, settings=settings)
    return [
        QuestionPrompt(
            messages=answer_prompt(question.question, person=person, kind=question.kind, facts=facts, instead=instead),
            fact_ids=tuple(fact.id for fact in facts),
        )
        for question, (facts, instead) in zip(questions, shown, strict=True)
    ]


def held_out_questions(tasks: Iterable[Task]) -> list[Question]:
    """Turn the memory tasks of the evaluation split into questions, each question once, ordered by task id.

    They ask for facts on which no training prompt rested, in the same form as the training tasks.
    """
    memory_tasks = (
        task for task in sorted(tasks, key=lambda task: task.id) if task.split == "eval" and task.kind in MEMORY_KINDS
    )
    by_text: dict[str, Question] = {}
    for task in memory_tasks:
        question = Question(
            id=task.id, family=task.family, kind=task.kind, question=task.question, answer=task.reference
        )
        by_text.setdefault(task.question, question)
    return list(by_text.values())


def sample_questions(questions: Sequence[Question], limit: int | None, *, seed: int) -> list[Question]:
    """Draw at most ``limit`` questions without replacement, keeping their order; ``None`` takes all."""
    if limit is None or len(questions) <= limit:
        return list(questions)
    chosen = random.Random(seed).sample(range(len(questions)), limit)
    return [questions[position] for position in sorted(chosen)]


def _scored(
    question: Question,
    prompt: QuestionPrompt,
    reply: str,
    *,
    question_set: Literal["gold", "held_out"],
    arm: str,
    further: Mapping[str, Measure],
) -> Answer:
    metrics, failed = measured(further, question, reply)
    return Answer(
        question_id=question.id,
        question_set=question_set,
        arm=arm,
        family=question.family,
        category=question.category,
        answer=reply,
        score=score(question, reply),
        abstained=bool(abstained(question, reply)),
        metrics=metrics,
        failed=failed,
        context_fact_ids=prompt.fact_ids,
    )
