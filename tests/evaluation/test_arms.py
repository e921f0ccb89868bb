from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from mealign.evaluation.arms import (
    QuestionPrompt,
    answer_questions,
    build_prompts,
    held_out_questions,
    sample_questions,
)
from mealign.language.chat import Prompt
from mealign.memory.context import answer_prompt
from mealign.memory.search import FactIndex
from mealign.records import Evidence, Fact, Message, Question, Split, Task, TaskKind
from tests.defaults import ContextConfig, EvaluationConfig
from tests.memory.builders import index_of

PERSON = "Nadia Verhoeven"
WORDS = ("ghent", "bruges", "tea", "coffee")
SETTINGS = EvaluationConfig(max_new_tokens=7, batch_size=3)


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed a text as which of the four words it holds."""
    rows = np.array([[word in text.lower() for word in WORDS] for text in texts], dtype=np.float32) + 1e-3
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def fact(identifier: str, statement: str, day: date) -> Fact:
    return Fact(
        id=identifier, subject=PERSON, relation="be", object="x", statement=statement, valid_from=day,
        evidence=Evidence(document_id="doc", start=0, end=1), confidence=1.0,
    )  # fmt: skip


FACTS = [
    fact("fact_a", "Nadia lives in Ghent.", date(2024, 1, 1)),
    fact("fact_b", "Nadia drinks tea.", date(2024, 2, 1)),
    fact("fact_c", "Nadia left Ghent for Bruges.", date(2024, 6, 1)),
]


def ask(identifier: str, text: str, *, answer: str = "Ghent", as_of: date | None = None) -> Question:
    return Question(
        id=identifier, family="recall", kind="memory_qa_self", question=text, answer=answer, as_of=as_of, category=None
    )  # fmt: skip


class Scripted:
    """A chat model that replays answers and remembers what it was asked."""

    digest = "scripted"

    def __init__(self, replies: Sequence[str]) -> None:
        self.replies = replies
        self.asked: list[Prompt] = []
        self.options: dict[str, object] = {}

    def chat(
        self, prompts: Sequence[Prompt], *, n: int = 1, max_new_tokens: int, temperature: float = 0.0,
        top_p: float = 1.0, seed: int = 0, batch_size: int = 32, description: str | None = None,
    ) -> list[list[str]]:  # fmt: skip
        self.asked += prompts
        self.options = {"temperature": temperature, "max_new_tokens": max_new_tokens, "batch_size": batch_size}
        return [[reply] for reply in self.replies]


@pytest.fixture
def index() -> FactIndex:
    return index_of(FACTS, encode)


def prompts(
    questions: Sequence[Question], index: FactIndex, *, context: str = "retrieval", top_k: int = 1
) -> list[QuestionPrompt]:
    settings = ContextConfig(top_k=top_k)
    return build_prompts(questions, index, context=context, person=PERSON, settings=settings)


def test_answers_are_greedy_scored_and_keep_what_was_shown() -> None:
    questions = [ask("q1", "Where?"), ask("q2", "Where then?"), ask("q3", "Where now?")]
    shown = [
        QuestionPrompt(messages=(Message(role="user", content=question.question),), fact_ids=(f"fact_{question.id}",))
        for question in questions
    ]
    model = Scripted([" in Ghent\n", "Bruges", "Not mentioned"])
    answers = answer_questions(questions, shown, question_set="gold", arm="sft+memory", model=model, settings=SETTINGS)
    assert [answer.question_id for answer in answers] == ["q1", "q2", "q3"]
    assert [answer.answer for answer in answers] == ["in Ghent", "Bruges", "Not mentioned"]
    assert [answer.score for answer in answers] == [pytest.approx(2 / 3), 0.0, 0.0]
    assert [answer.abstained for answer in answers] == [False, False, True]
    assert {(answer.arm, answer.question_set) for answer in answers} == {("sft+memory", "gold")}
    assert answers[0].context_fact_ids == ("fact_q1",)
    assert model.asked == [prompt.messages for prompt in shown]
    assert model.options == {"temperature": 0.0, "max_new_tokens": 7, "batch_size": 3}


def test_every_question_needs_its_prompt() -> None:
    model = Scripted(["a"])
    with pytest.raises(ValueError, match="zip"):
        answer_questions([ask("q1", "?")], [], question_set="gold", arm="base", model=model, settings=SETTINGS)


def test_prompts_without_memory_are_the_bare_question(index: FactIndex) -> None:
    (prompt,) = prompts([ask("q1", "Where do I live?")], index, context="none")
    assert prompt.messages == answer_prompt("Where do I live?", person=PERSON, kind="memory_qa_self")
    assert prompt.fact_ids == ()


def test_prompts_with_memory_show_the_nearest_facts(index: FactIndex) -> None:
    questions = [ask("q1", "Do I drink tea?"), ask("q2", "When was Ghent left for Bruges?")]
    tea, move = prompts(questions, index)
    assert tea.fact_ids == ("fact_b",)
    assert tea.messages == answer_prompt("Do I drink tea?", person=PERSON, kind="memory_qa_self", facts=[FACTS[1]])
    assert move.fact_ids == ("fact_c",)


def test_a_dated_question_does_not_see_what_came_later(index: FactIndex) -> None:
    questions = [
        ask("q1", "Ghent or Bruges?"),
        ask("q2", "Ghent or Bruges?", as_of=date(2024, 3, 1)),
        ask("q3", "Ghent or Bruges?"),
    ]
    shown = [prompt.fact_ids for prompt in prompts(questions, index)]
    assert shown == [("fact_c",), ("fact_a",), ("fact_c",)]


def test_more_facts_than_there_are(index: FactIndex) -> None:
    (prompt,) = prompts([ask("q1", "Tea?")], index, top_k=50)
    assert len(prompt.fact_ids) == 3


def task(identifier: str, text: str, *, kind: TaskKind = "memory_qa_self", split: Split = "eval") -> Task:
    return Task(
        id=identifier, kind=kind, family="update", question=text, prompt=(Message(role="user", content=text),),
        reference="Ghent", fact_ids=("fact_a",), split=split,
    )  # fmt: skip


def test_held_out_questions_are_the_memory_tasks_of_the_evaluation_split() -> None:
    tasks = [
        task("task_4", "Where does Nadia live?", kind="memory_qa_third_party"),
        task("task_1", "Where do I live?"),
        task("task_2", "Where do I live?"),  # the same question with memory in its prompt
        task("task_3", "Where did I live?", split="train"),
        task("task_5", "I need a home.", kind="context_enhance"),
    ]
    questions = held_out_questions(tasks)
    assert [(question.id, question.family, question.answer) for question in questions] == [
        ("task_1", "update", "Ghent"),
        ("task_4", "update", "Ghent"),
    ]
    assert held_out_questions(tasks[::-1]) == questions


@pytest.mark.parametrize(("limit", "n"), [(None, 9), (20, 9), (9, 9), (4, 4), (0, 0)])
def test_a_sample_keeps_the_order(limit: int | None, n: int) -> None:
    questions = [ask(f"q{number}", "?") for number in range(9)]
    drawn = sample_questions(questions, limit, seed=1)
    assert len(drawn) == n
    assert drawn == sorted(drawn, key=lambda question: question.id)
    assert drawn == sample_questions(questions, limit, seed=1)


def test_the_seed_decides_the_sample() -> None:
    questions = [ask(f"q{number}", "?") for number in range(9)]
    assert sample_questions(questions, 4, seed=1) != sample_questions(questions, 4, seed=3)
