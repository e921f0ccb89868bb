from dataclasses import replace
from pathlib import Path

import pytest

from mealign.memory.context import answer_prompt
from mealign.memory.search import FactIndex
from mealign.memory.subject_mismatch import recall
from mealign.records import ABSTENTION, FAMILIES, Fact, Task
from mealign.tasks.build import TaskSet, build_tasks, fill
from mealign.tasks.prompts import PlannedTask, build_prompts
from tests.defaults import ContextConfig, TaskConfig
from tests.tasks.conftest import PERSON

SETTINGS = TaskConfig(max_tasks=120, eval_share=0.25)
CONTEXT = ContextConfig(top_k=3)


def build(facts: list[Fact], index: FactIndex, parser: Path, settings: TaskConfig = SETTINGS) -> TaskSet:
    return build_tasks(facts, index, person=PERSON, settings=settings, context=CONTEXT, seed=17, parser=parser)


@pytest.fixture(scope="module")
def built(facts: list[Fact], index: FactIndex, parser_path: Path) -> TaskSet:
    return build(facts, index, parser_path)


def test_nothing_held_out_is_trained_or_shown(built: TaskSet) -> None:
    held_out = {fact for task in built.tasks if task.split == "eval" for fact in task.fact_ids}
    trained = [task for task in built.tasks if task.split == "train"]
    assert held_out
    assert trained
    for task in trained:
        assert not held_out & {*task.fact_ids, *task.context_fact_ids}


def test_all_families_but_those_without_facts_are_there(built: TaskSet) -> None:
    assert {family for family, count in built.counts["family"].items() if count} >= set(FAMILIES) - {"update"}
    assert {task.kind for task in built.tasks} == {
        "memory_qa_self", "memory_qa_third_party", "context_enhance", "context_critic",
    }  # fmt: skip


def test_the_same_input_in_another_order_gives_the_same_tasks(
    facts: list[Fact], index: FactIndex, parser_path: Path, built: TaskSet
) -> None:
    again = build(facts[::-1], index, parser_path)
    assert again == built
    assert [task.id for task in built.tasks] == sorted(task.id for task in built.tasks)


@pytest.mark.parametrize("size", [10, 40])
def test_the_cap_holds(facts: list[Fact], index: FactIndex, parser_path: Path, size: int) -> None:
    tasks = build(facts, index, parser_path, replace(SETTINGS, max_tasks=size)).tasks
    assert len(tasks) <= size
    assert len({task.family for task in tasks}) >= 4


def test_the_shares_hold(built: TaskSet) -> None:
    memory = [task for task in built.tasks if task.kind.startswith("memory")]
    answerable = [task for task in memory if task.family != "unanswerable"]
    shown = [task for task in answerable if task.context_fact_ids]
    assert len(shown) == pytest.approx(len(answerable) / 2, abs=len(FAMILIES))
    twisted = [task for task in memory if task.family == "unanswerable"]
    assert len(twisted) / len(memory) == pytest.approx(SETTINGS.unanswerable_share, abs=0.08)
    assert {task.reference for task in twisted} == {ABSTENTION}
    assert all(task.context_fact_ids for task in twisted)


def test_without_memory_nothing_is_unanswerable(facts: list[Fact], index: FactIndex, parser_path: Path) -> None:
    bare = build(facts, index, parser_path, replace(SETTINGS, memory_share=0))
    memory = [task for task in bare.tasks if task.kind.startswith("memory")]
    assert memory
    assert not any(task.context_fact_ids or task.reference == ABSTENTION for task in memory)


def test_what_a_task_rests_on_is_shown(built: TaskSet) -> None:
    for task in built.tasks:
        assert not task.context_fact_ids or set(task.fact_ids) <= set(task.context_fact_ids)
        assert (task.reference == ABSTENTION) == (task.family == "unanswerable")


def test_prompts_are_those_of_inference(facts: list[Fact], index: FactIndex, built: TaskSet) -> None:
    by_id = {fact.id: fact for fact in facts}
    evaluated = [task for task in built.tasks if task.split == "eval"]
    recalled = recall([task.question for task in evaluated], index, person=PERSON, k=CONTEXT.top_k)
    for task, (_, instead) in zip(evaluated, recalled, strict=True):
        shown = [by_id[fact_id] for fact_id in task.context_fact_ids]
        assert task.prompt == answer_prompt(task.question, person=PERSON, kind=task.kind, facts=shown, instead=instead)


def test_the_prompt_says_when_the_memory_speaks_of_another(built: TaskSet) -> None:
    noted = [task for task in built.tasks if "In the memory this is not mentioned" in task.prompt[-1].content]
    assert any(task.family == "unanswerable" for task in noted)
    assert all(task.context_fact_ids for task in noted)


def test_context_tasks_speak_as_the_user(built: TaskSet) -> None:
    spoken = [task for task in built.tasks if task.kind in ("context_enhance", "context_critic")]
    for task in spoken:
        assert " I " in f" {task.reference} "
        assert "Nadia" not in task.reference
        assert task.context_fact_ids


def item(facts: list[Fact], statement: str, question: str, reference: str) -> PlannedTask:
    fact = next(fact for fact in facts if fact.statement == statement)
    return PlannedTask("memory_qa_third_party", "recall", question, reference, (fact.id,), "train", query=question)


def prompts_of(
    items: list[PlannedTask], facts: list[Fact], index: FactIndex, *, held_out: frozenset[str], name: str = "retrieval"
) -> list[Task]:
    by_id = {fact.id: fact for fact in facts}
    context = ContextConfig(name=name, top_k=2)
    return build_prompts(items, by_id, index, person=PERSON, context=context, held_out=held_out)


def test_a_fact_that_the_search_misses_is_put_in(facts: list[Fact], index: FactIndex) -> None:
    hard = [item(facts, "Nadia loves fado.", f"Which songs does she sing in {year}?", "fado") for year in (1900, 1950)]
    found = index.search([needed.question for needed in hard], k=2)
    for needed, hits, task in zip(hard, found, prompts_of(hard, facts, index, held_out=frozenset()), strict=True):
        assert not set(needed.fact_ids) & {fact.id for fact in hits}
        assert len(task.context_fact_ids) == 2
        assert set(task.fact_ids) <= set(task.context_fact_ids)
        assert "Nadia loves fado." in task.prompt[0].content


def test_a_question_without_query_has_no_memory(facts: list[Fact], index: FactIndex) -> None:
    bare = replace(item(facts, "Nadia loves fado.", "What does Nadia love?", "fado"), query="")
    (task,) = prompts_of([bare], facts, index, held_out=frozenset())
    assert task.context_fact_ids == ()
    assert "Memory:" not in task.prompt[0].content


def test_a_context_without_facts_is_a_prompt_without_memory(facts: list[Fact], index: FactIndex) -> None:
    needed = item(facts, "Nadia loves fado.", "What does Nadia love?", "fado")
    (bare,) = prompts_of([needed], facts, index, held_out=frozenset(), name="none")
    (unasked,) = prompts_of([replace(needed, query="")], facts, index, held_out=frozenset())
    assert bare == unasked


@pytest.mark.parametrize(
    ("available", "total", "quotas"),
    [
        ({"recall": 10, "temporal": 10}, 7, {"recall": 4, "temporal": 3}),
        ({"recall": 10, "temporal": 1}, 8, {"recall": 7, "temporal": 1}),
        ({"recall": 2, "temporal": 1}, 8, {"recall": 2, "temporal": 1}),
        ({}, 8, {}),
    ],
)
def test_families_share_what_there_is(available: dict[str, int], total: int, quotas: dict[str, int]) -> None:
    assert fill(available, total) == quotas  # type: ignore[arg-type]


def test_without_facts_there_are_no_tasks(parser_path: Path, index: FactIndex) -> None:
    assert build([], index, parser_path).tasks == ()
