"""What each arm is asked and what it answers.

An arm is a model (base, SFT, DPO) with or without the person's memory in the prompt. Prompts are built by
:func:`mealign.memory.context.answer_prompt`, which training uses too, so both see one format.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from mealign.evaluation.scoring import score
from mealign.evaluation.settings import EvaluationConfig
from mealign.language.chat import TextModel
from mealign.memory.context import answer_prompt
from mealign.memory.search import FactIndex
from mealign.memory.subject_mismatch import Recalled, recall
from mealign.records import MEMORY_KINDS, Answer, Arm, Message, Question, Task


@dataclass(frozen=True)
class QuestionPrompt:
    """The prompt of one question and the ids of the facts it shows."""

    messages: tuple[Message, ...]
    fact_ids: tuple[str, ...] = ()


def answer_questions(
    questions: Sequence[Question],
    prompts: Sequence[QuestionPrompt],
    *,
    question_set: Literal["gold", "held_out"],
    arm: Arm,
    model: TextModel,
    settings: EvaluationConfig,
) -> list[Answer]:
    """Let a model answer every question greedily, and score the answers.

    Args:
        questions: what is asked.
        prompts: one a question, in the same order.
        question_set: whose questions they are.
        arm: the name under which the answers are counted.
        model: the arm's model.
        settings: length of an answer and batch size.

    Raises:
        ValueError: questions and prompts differ in number.
    """
    replies = model.chat(
        [prompt.messages for prompt in prompts],
        max_new_tokens=settings.max_new_tokens,
        batch_size=settings.batch_size,
        description=f"answer {question_set}: {arm}",
    )
    return [
        _scored(question, prompt, reply.strip(), question_set=question_set, arm=arm)
        for question, prompt, (reply,) in zip(questions, prompts, replies, strict=True)
    ]


def build_prompts(
    questions: Sequence[Question], *, person: str, index: FactIndex | None, top_k: int
) -> list[QuestionPrompt]:
    """Build one prompt a question.

    Args:
        questions: what is asked.
        person: the user's full name.
        index: the memory, searched as of each question's date; ``None`` for an arm without memory.
        top_k: facts a prompt shows at most.
    """
    recalled = (
        _retrieve(questions, index, person=person, top_k=top_k) if index else [Recalled([], None)] * len(questions)
    )
    return [
        QuestionPrompt(
            messages=answer_prompt(question.question, person=person, kind=question.kind, facts=facts, instead=instead),
            fact_ids=tuple(fact.id for fact in facts),
        )
        for question, (facts, instead) in zip(questions, recalled, strict=True)
    ]


def held_out_questions(tasks: Iterable[Task]) -> list[Question]:
    """Turn the memory tasks of the evaluation split into questions, each question once, ordered by task id.

    They ask for facts that no training prompt rested on, in the words of the tasks that were trained.
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
    """Draw at most ``limit`` questions without replacement, in their given order; ``None`` takes all."""
    if limit is None or len(questions) <= limit:
        return list(questions)
    chosen = random.Random(seed).sample(range(len(questions)), limit)
    return [questions[position] for position in sorted(chosen)]


def _retrieve(questions: Sequence[Question], index: FactIndex, *, person: str, top_k: int) -> list[Recalled]:
    """Search once for every date that is asked about: the index takes one date a call."""
    found: dict[str, Recalled] = {}
    by_date: dict[date | None, list[Question]] = {}
    for question in questions:
        by_date.setdefault(question.as_of, []).append(question)
    for as_of, group in by_date.items():
        texts = [question.question for question in group]
        recalled = recall(texts, index, person=person, k=top_k, as_of=as_of)
        found |= {question.id: shown for question, shown in zip(group, recalled, strict=True)}
    return [found[question.id] for question in questions]


def _scored(
    question: Question, prompt: QuestionPrompt, reply: str, *, question_set: Literal["gold", "held_out"], arm: Arm
) -> Answer:
    result = score(question, reply)
    return Answer(
        question_id=question.id,
        question_set=question_set,
        arm=arm,
        family=question.family,
        category=question.category,
        answer=reply,
        score=result.value,
        abstained=result.abstained,
        context_fact_ids=prompt.fact_ids,
    )
